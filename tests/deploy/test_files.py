"""The files of deploy/: each is held against the schema or the tool of its reader."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from pydantic import BaseModel

from scheduler.config import SECRETS, Config, load
from scheduler.metrics import Metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine"
)


def in_place(unit: Path, folder: Path) -> Path:
    """Copy a unit whose program is one that exists here: only its own text is on trial."""
    program = re.escape("/opt/tallywatch/bin/tallywatch")
    copy = folder / unit.name
    copy.write_text(re.sub(program, sys.executable, unit.read_text("utf-8")), "utf-8")
    return copy


@needs_systemd
@pytest.mark.parametrize("unit", [*UNITS, *sorted((DEPLOY / "systemd").glob("*.timer"))], ids=lambda path: path.name)
def test_systemd_understands_the_units(unit: Path, tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say of them."""
    for other in (DEPLOY / "systemd").glob("tallywatch*"):
        in_place(other, tmp_path)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "tallywatch" in line] == []


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_are_sandboxed(unit: Path) -> None:
    """The exposure that systemd computes is well under 3 of 10."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=25", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-200:]
    assert "exposure level" in done.stdout


def test_the_nightly_backup_drops_old_nights_only(tmp_path: Path) -> None:
    """What somebody made by hand, as before an upgrade, is theirs to delete."""
    unit = (DEPLOY / "systemd" / "tallywatch-backup.service").read_text("utf-8")
    (drop,) = re.findall("^ExecStartPost=(.*)$", unit, re.MULTILINE)
    long_ago = time.time() - timedelta(days=20).total_seconds()
    for name in ("2026-07-01.dump", "before-2026-07-01-101500.dump", "notes.txt"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (long_ago, long_ago))
    (tmp_path / "2026-07-21.dump").touch()
    subprocess.run(shlex.split(drop.replace("/var/backups/tallywatch", str(tmp_path))), check=True)
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == ["2026-07-21.dump", "before-2026-07-01-101500.dump", "notes.txt"]


def test_compose_file_fits_its_schema() -> None:
    """It is valid by the schema of the Compose specification."""
    done = subprocess.run(
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "docker" / "compose.yaml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_secrets_of_the_compose_file_are_files() -> None:
    """No password stands in the file or in a variable."""
    compose = yaml.safe_load((DEPLOY / "docker" / "compose.yaml").read_text("utf-8"))
    for service in compose["services"].values():
        for name in service["environment"]:
            assert name.endswith("_FILE") or not re.search("PASSWORD|SECRET|_URL|DSN", name), name


def test_kubernetes_manifests_fit_their_schema() -> None:
    """Each is valid, strictly, by the schema of the newest Kubernetes that the validator knows."""
    manifests = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "tallywatch.yaml").read_text("utf-8")))
    assert [manifest["kind"] for manifest in manifests] == [
        "ConfigMap",
        "Deployment",
        "Service",
        "PodDisruptionBudget",
    ]
    for manifest in manifests:
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
    assert manifests[1]["spec"]["replicas"] == 2


@pytest.mark.parametrize("script", sorted(DEPLOY.rglob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_shell(script: Path) -> None:
    """They parse, and are executable."""
    subprocess.run(["sh", "-n", str(script)], check=True)
    assert script.stat().st_mode & 0o111


def test_image_is_made_by_the_script_that_hosts_use() -> None:
    """The Dockerfile has no steps of its own for installing, runs as nobody special, and says how it is."""
    lines = (DEPLOY / "docker" / "Dockerfile").read_text("utf-8").splitlines()
    assert "RUN deploy/install.sh /opt/tallywatch" in lines
    assert "USER 10001:10001" in lines
    assert any(line.startswith("HEALTHCHECK") for line in lines)


def names(text: str) -> set[str]:
    """Return the metrics that a query speaks of."""
    return set(re.findall(r"\btallywatch_[a-z_]+", text))


def exposed() -> set[str]:
    """Return the names of all samples that the daemon can expose."""
    found = set()
    for metric in Metrics().registry.collect():
        parts = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(metric.type, ("",))
        found |= {metric.name + part for part in parts}
    return found


def test_alerts_ask_for_metrics_that_exist_and_stand_in_the_runbook() -> None:
    """A rule on a metric of another name would never fire; an alert without a page helps nobody."""
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text("utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    runbook = (DEPLOY.parent / "docs" / "runbook.md").read_text("utf-8")
    assert len(rules) > 5
    for rule in rules:
        assert names(rule["expr"])
        assert names(rule["expr"]) <= exposed(), rule["alert"]
        assert rule["annotations"]["summary"]
        assert f"`{rule['alert']}`" in runbook, rule["alert"]


def test_dashboard_asks_for_metrics_that_exist() -> None:
    """Each panel shows something that the daemon exposes."""
    dashboard = json.loads((DEPLOY / "grafana" / "tallywatch.json").read_text("utf-8"))
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            assert names(target["expr"]) <= exposed(), panel["title"]


OUTSIDE = {"job", "instance", "le"}
"""Labels that Prometheus adds, and the one of a histogram's buckets."""


def labels() -> dict[str, set[str]]:
    """Return the labels of the samples of each metric."""
    found: dict[str, set[str]] = {}
    for metric in Metrics().registry._names_to_collectors.items():  # noqa: SLF001 - a metric without samples tells no labels
        found[metric[0]] = set(getattr(metric[1], "_labelnames", ()))
    return found


def spoken_of(expression: str) -> set[str]:
    """Return the labels that a query speaks of."""
    selected = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", expression)
    grouped = re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", expression)
    return {*selected, *(label.strip() for group in grouped for label in group.split(","))}


def test_no_label_is_one_that_prometheus_gives_itself() -> None:
    """It would come in as exported_job, and no rule would find it."""
    for name, own in labels().items():
        assert own.isdisjoint(OUTSIDE), name


def test_rules_and_panels_speak_of_labels_that_exist() -> None:
    """A label that no metric has selects nothing, and says nothing about it."""
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text("utf-8"))["groups"]
    asked = [(rule["expr"], rule["annotations"]["summary"]) for group in groups for rule in group["rules"]]
    dashboard = json.loads((DEPLOY / "grafana" / "tallywatch.json").read_text("utf-8"))
    asked += [
        (target["expr"], target.get("legendFormat", ""))
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]
    known = labels()
    for expression, words in asked:
        there = OUTSIDE.union(*(known[name] for name in names(expression)))
        written = set(re.findall(r"{{\s*(?:\$labels\.)?([a-z]\w*)\s*}}", words))
        assert spoken_of(expression) | written <= there, expression
        assert written.isdisjoint({"job"}), words


def variables(model: type[BaseModel], prefix: str) -> set[str]:
    """Return the variables of a section and its sections; a secret that has a name of its own goes by that."""
    found = set()
    for name, field in model.model_fields.items():
        key = prefix + (field.alias or name).upper()
        nested = field.annotation
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            found |= variables(nested, f"{key}__")
        elif name not in {"sentry_dsn", "sources"}:
            found.add(key)
    return found


def test_every_variable_stands_in_the_example() -> None:
    """What can be configured can be found; what cannot does not stand there."""
    text = (DEPLOY / "env.example").read_text("utf-8")
    named = set(re.findall(r"^#([A-Z_]+)=", text, re.MULTILINE))
    known = variables(Config, "TALLYWATCH_") | set(SECRETS) | {f"{name}_FILE" for name in SECRETS}
    known |= {"TALLYWATCH_CONFIG", "TALLYWATCH_NOW", "TALLYWATCH_SOURCES__UKRINFORM__ENABLED"}
    assert named == known


def test_the_example_configuration_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first user copies it."""
    for name in [name for name in os.environ if name.startswith(("TALLYWATCH_", "SENTRY_"))]:
        monkeypatch.delenv(name)
    assert load(DEPLOY / "tallywatch.example.toml").web.port
