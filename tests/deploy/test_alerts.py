"""The rules of deploy/prometheus, tried by Prometheus' own promtool on series that a daemon could have given."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yaml"
FROM = 'job="tallywatch",instance="a"'
"""What Prometheus adds to what it scrapes."""

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def promtool(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Find promtool, or take it out of Debian's package."""
    if (here := shutil.which("promtool")) is not None:
        return here
    folder = tmp_path_factory.mktemp("prometheus")
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        pytest.skip("the rules cannot be tried: there is no promtool on this machine, and no apt-get to get it")
    command = ["apt-get", "download", "--quiet", "prometheus"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the rules cannot be tried: apt-get does not get promtool: {done.stderr.strip()[-200:]}")
    (package,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "--extract", str(package), str(folder)], check=True)
    return str(folder / "usr/bin/promtool")


def series(metric: str, values: str, /, **labels: str) -> dict[str, str]:
    """Return a series as promtool takes it: a value each minute."""
    own = "".join(f',{label}="{value}"' for label, value in labels.items())
    return {"series": f"{metric}{{{FROM}{own}}}", "values": values}


def jobs(name: str, failed: str, ok: str) -> list[dict[str, str]]:
    """Return how the turns of a job ended."""
    return [series("tallywatch_jobs_total", values, name=name, ended=ended)
            for ended, values in (("failed", failed), ("ok", ok))]  # fmt: skip


HOURLY = "".join(f"{turn}+0x59 " for turn in range(1, 9))
SOURCE = {"source": "mod_gov_ua"}

CASES: dict[str, tuple[str, list[dict[str, str]], str, str | None]] = {
    "a job that fails each minute": (
        "TallywatchJobFailing",
        jobs("delivery", "1+1x400", "5+0x400"),
        "6h30m",
        "The job delivery fails each time.",
    ),
    "a job that has never succeeded": (
        "TallywatchJobFailing",
        jobs("delivery", "1+1x400", "0+0x400")[:1],
        "1h",
        "The job delivery fails each time.",
    ),
    "a poll that has backed off to an hour": (
        "TallywatchJobFailing",
        jobs("poll of mod_gov_ua", HOURLY, "9+0x480"),
        "7h",
        "The job poll of mod_gov_ua fails each time.",
    ),
    "a job that fails now and then": ("TallywatchJobFailing", jobs("delivery", "1+1x400", "1+1x400"), "6h30m", None),
    "a job that failed once": ("TallywatchJobFailing", jobs("delivery", "0x9 1+0x400", "5+0x410"), "6h30m", None),
    "a database that is away": (
        "TallywatchDatabaseAway",
        [series("tallywatch_database_up", "0x20")],
        "10m",
        "a cannot reach PostgreSQL.",
    ),
    "a source whose crawls all fail": (
        "TallywatchSourceBroken",
        [series("tallywatch_crawls_total", "1+1x500", verdict="broken", **SOURCE)],
        "7h30m",
        "Every crawl of mod_gov_ua has failed for six hours.",
    ),
    "a source that comes through now and then": (
        "TallywatchSourceBroken",
        [
            series("tallywatch_crawls_total", "1+1x500", verdict="broken", **SOURCE),
            series("tallywatch_crawls_total", "1+1x500", verdict="unchanged", **SOURCE),
        ],
        "7h30m",
        None,
    ),
    "two that lead": (
        "TallywatchTwoLead",
        [series("tallywatch_leader", "1x20"), {"series": 'tallywatch_leader{instance="b"}', "values": "1x20"}],
        "10m",
        "More than one daemon says that it leads. Are there two databases?",
    ),
    "a daemon that is gone": (
        "TallywatchNobodyLeads",
        [series("tallywatch_leader", "1 1 stale")],
        "20m",
        "No daemon leads, so nothing is polled, judged or mailed.",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_alert_speaks_when_it_should_and_only_then(case: str, promtool: str, tmp_path: Path) -> None:
    """Its expression, its patience and its sentence."""
    alert, given, at, summary = CASES[case]
    (rule,) = [
        rule
        for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"]
        for rule in group["rules"]
        if rule["alert"] == alert
    ]
    expected: list[dict[str, Any]] = []
    if summary is not None:
        expected.append({"exp_labels": labels_of(given, rule), "exp_annotations": {"summary": summary}})
    tried = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": given,
                "alert_rule_test": [{"eval_time": at, "alertname": alert, "exp_alerts": expected}],
            }
        ],
    }
    file = tmp_path / "tried.yaml"
    file.write_text(yaml.safe_dump(tried), "utf-8")
    done = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def labels_of(given: list[dict[str, str]], rule: dict[str, Any]) -> dict[str, str]:
    """Return the labels that an alert should carry: those of its series that the expression leaves, and its own."""
    left = (
        {}
        if "sum(" in rule["expr"]
        else dict(part.split("=") for part in given[0]["series"][:-1].split("{")[1].split(","))
    )
    if "by (source)" in rule["expr"]:
        left = {"source": left["source"]}
    return {name: value.strip('"') for name, value in left.items()} | rule["labels"]


def test_the_rules_are_rules(promtool: str) -> None:
    """`promtool check rules` has nothing to say."""
    done = subprocess.run([promtool, "check", "rules", str(RULES)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
