# Everything a developer or a first user types. Nothing here touches anything outside this folder, but for the
# network: the cache of uv, too, is kept in .tools.

export UV_CACHE_DIR := $(CURDIR)/.tools/cache
export UV_PYTHON_DOWNLOADS := never
export PIP_CACHE_DIR := $(CURDIR)/.tools/pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export MPLCONFIGDIR := $(CURDIR)/.tools/matplotlib

UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := $(UV) run --quiet --no-sync

.DEFAULT_GOAL := help
.PHONY: help install demo test check lint types contracts format bench proof run docs

help:  ## Show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 12

install: .venv/.installed

demo: install  ## Run the whole job on a local mirror with planted faults (under a minute)
	@echo "Running the demo; everything of it goes into .demo"
	@$(RUN) tallywatch demo

test: install  ## Run all tests
	@echo "Running the tests"
	@$(RUN) pytest

check: lint types contracts  ## Run lint, types and import contracts

lint: install  ## Run ruff
	@$(RUN) ruff check
	@$(RUN) ruff format --check

types: install  ## Run mypy --strict on the three packages
	@$(RUN) mypy

contracts: install  ## Check that imports point down
	@$(RUN) lint-imports

format: install  ## Format the code and fix what can be fixed
	@$(RUN) ruff check --fix
	@$(RUN) ruff format

bench: install  ## Measure speed: medians, and ratios to a baseline in the same run
	@for script in tests/benchmarks/bench_*.py; do echo "== $$script"; PYTHONPATH=. $(RUN) python "$$script" || exit 1; done

proof: install  ## Run the long proofs: kills, crashes, five simulated years, a browser, a host with systemd (an hour)
	@echo "Running the long proofs; what could not be run here is named at the end"
	@$(RUN) pytest -m proof -n $$(getconf _NPROCESSORS_ONLN) --timeout 3600 -rs --durations 15 --no-loadscope-reorder

run: install  ## Run the daemon with ./tallywatch.toml, or with the defaults
	@$(RUN) tallywatch daemon

docs: install  ## Write the pages that are made from the code
	@$(RUN) python docs/write_sources.py

.venv/.installed: pyproject.toml uv.lock $(if $(findstring .tools,$(UV)),.tools/bin/uv)
	@echo "Installing the locked environment into .venv"
	@"$(UV)" sync --locked --quiet --compile-bytecode
	@touch $@

.tools/bin/uv:
	@echo "Installing uv into .tools"
	@python3 -m venv .tools
	@.tools/bin/python -m pip install --quiet uv
