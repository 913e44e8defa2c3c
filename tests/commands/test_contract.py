from __future__ import annotations

import itertools
import json
from datetime import date
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from pipelines.queries import QUERIES
from scheduler.cli import COMMANDS, app
from tests.commands.conftest import Tallywatch, publish
from tests.ledger.test_kills import post
from tests.spiders.site import Site


def lines(done: CompletedProcess[str]) -> list[dict[str, Any]]:
    """Return the JSON lines of a command that went well."""
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_crawl_then_ask(tallywatch: Tallywatch, channel: Site) -> None:
    """A crawl keeps, judges and mails; figures, incidents, mails and status answer in their public shapes."""
    publish(channel, *(post(day).replace("155530", "155350") for day in (date(2023, 3, 7), date(2023, 3, 8))))
    (crawled,) = lines(tallywatch("crawl", "--json"))
    assert {
        key: crawled[key] for key in ("source", "verdict", "cause", "new", "changed", "unchanged", "problems")
    } == {
        "source": "telegram_general_staff",
        "verdict": "new",
        "cause": None,
        "new": 2,
        "changed": 0,
        "unchanged": 0,
        "problems": [],
    }
    (figure,) = lines(tallywatch("figures", "--json", "--metric", "tanks", "--from", "2023-03-08"))
    assert figure == {
        "claimant": "general_staff_ukraine",
        "metric": "tanks",
        "as_of": "2023-03-08",
        "total": 3432,
        "daily": 9,
        "status": "reported",
        "supports": ["telegram_general_staff"],
        "dissents": [],
        "known_since": "2023-03-08T05:30:00+00:00",
    }
    (incident,) = [row for row in lines(tallywatch("incidents", "list", "--json")) if row["severity"] != "info"]
    assert (incident["state"], incident["metric"], incident["as_of"]) == ("open", "personnel", "2023-03-08")
    assert incident["history"][0]["what"] == "opened"
    (mail,) = lines(tallywatch("mail", "list", "--json"))
    assert (mail["state"], mail["to"], mail["incident_ids"]) == ("sent", "desk@example.org", [incident["id"]])
    (status,) = lines(tallywatch("status", "--json"))
    assert (status["database"], status["mail_backlog"], status["incidents_open"]) == ("ok", 0, 1)
    (source,) = status["sources"]
    assert (source["verdict"], source["latest_as_of"]) == ("new", "2023-03-08")
    judge = status["judge"]
    assert (judge["alarm_budget"], judge["warming_until"]) == (12, "2023-04-16")
    assert {one["metric"] for one in judge["metrics"]} >= {"personnel", "tanks"}
    assert "warming until 2023-04-16" in tallywatch("status").stdout


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_a_mail_goes_again_while_its_words_are_kept(tallywatch: Tallywatch, channel: Site, conninfo: str) -> None:
    """One that retention has emptied is refused in a sentence: nobody gets an empty mail from nobody."""
    publish(channel, *(post(day).replace("155530", "155350") for day in (date(2023, 3, 7), date(2023, 3, 8))))
    tallywatch("crawl")
    (mail,) = lines(tallywatch("mail", "list", "--json"))
    assert tallywatch("mail", "resend", str(mail["id"])).returncode == 0
    with psycopg.connect(conninfo) as conn:
        conn.execute(QUERIES["empty_mails"].sql, {"before": "2099-01-01", "batch": 1})
    said = {mail["id"]: "is too old: its words are not kept", 99: "there is no mail 99"}
    for what, (number, why) in itertools.product(("show", "resend"), said.items()):
        done = tallywatch("mail", what, str(number))
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert why in done.stderr
    assert [row["state"] for row in lines(tallywatch("mail", "list", "--json"))] == ["sent"]


def test_a_series_can_be_drawn(tallywatch: Tallywatch, tmp_path: Path) -> None:
    """`figures --chart` writes a PNG of one metric; without a metric, or without figures, it says so."""
    tallywatch("crawl")
    assert tallywatch("figures", "--metric", "tanks", "--chart", "tanks.png").returncode == 0
    assert (tmp_path / "tanks.png").read_bytes().startswith(b"\x89PNG")
    for arguments in (["--chart", "x.png"], ["--chart", "x.png", "--metric", "ground_robots"]):
        done = tallywatch("figures", *arguments)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr


def test_the_past_can_be_asked(tallywatch: Tallywatch) -> None:
    """Before a report was published nothing is known of it, whenever it was fetched."""
    lines(tallywatch("crawl", "--json"))
    cell = ("figures", "--json", "--metric", "tanks", "--from", "2023-03-08", "--known-at")
    assert lines(tallywatch(*cell, "2023-03-08T07:29")) == []
    assert len(lines(tallywatch(*cell, "2023-03-08T07:31"))) == 1


def test_a_source_that_fails_is_exit_1_and_a_recorded_cause(tallywatch: Tallywatch, channel: Site) -> None:
    """Something is wrong in the world: the crawl says what, and so does status."""
    channel.pages.clear()
    done = tallywatch("crawl", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["cause"] == "http_error"
    done = tallywatch("status", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["sources"][0]["verdict"] == "broken"


def test_wrong_use_is_one_sentence_and_exit_2(tallywatch: Tallywatch, config: Path) -> None:
    """Every mistake of ours or of the configuration is told in one line without a traceback."""
    wrong = [
        ("crawl", "nowhere"),
        ("crawl", "--since", "yesterday"),
        ("figures", "--metric", "zeppelins"),
        ("figures", "--known-at", "noon"),
        ("incidents", "show", "99"),
        ("incidents", "list", "--state", "lost"),
        ("incidents", "explain", "1", "magic"),
        ("status", "--config", "nowhere.toml"),
    ]
    for arguments in wrong:
        done = tallywatch(*arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert done.stderr.startswith("tallywatch: "), done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
    config.write_text("[judge]\nalarm_budget = -1\n", "utf-8")
    done = tallywatch("status")
    assert done.returncode == 2
    assert "judge.alarm_budget" in done.stderr


def test_every_command_has_help_with_an_example() -> None:
    """`--help` says what a command does and shows one use of it."""
    runner = CliRunner()
    groups = {
        "incidents": ("list", "show", "ack", "snooze", "explain", "close"),
        "mail": ("list", "show", "resend", "test"),
        "figures": ("show",),
        "silences": ("list", "add", "end"),
    }
    calls = [(command,) for command in COMMANDS]
    calls += [(group, command) for group, commands in groups.items() for command in commands]
    for call in calls:
        done = runner.invoke(app, [*call, "--help"])
        assert (done.exit_code, "Example: tallywatch" in done.stdout) == (0, True), call
