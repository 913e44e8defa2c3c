from __future__ import annotations

import json
import re
import signal
import socket
import threading
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import monotonic
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg.conninfo import conninfo_to_dict

from scheduler.metrics import Metrics, lateness
from spiders.base import Window
from tests.daemon.conftest import Host, until
from tests.daemon.test_leader import proxied  # noqa: F401 - a fixture
from tests.surroundings import free_port

DOCS = Path(__file__).parents[2] / "docs" / "daemon.md"


@pytest.fixture
def port(host: Host) -> int:
    """Configure a free port for the pages."""
    number = free_port()
    host.configure(f"[web]\nport = {number}\n")
    return number


def get(port: int, path: str) -> tuple[int, str]:
    """Ask for a page; status 0 when nobody answers."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()
    except URLError:
        return 0, ""


def value(page: str, name: str, /, **labels: str) -> float:
    """Return one sample of a page of metrics."""
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    raise AssertionError(f"no {name} {labels}")


def test_the_pages_tell_the_truth(host: Host, port: int) -> None:
    """Healthy and ready while it leads; one that stands by is, too; metrics say what was polled."""
    host.leading()
    assert get(port, "/healthz") == (200, '{"state":"leading","problems":[]}')
    assert get(port, "/readyz") == (200, '{"state":"leading","problem":null}')
    status, page = get(port, "/metrics")
    assert status == 200
    assert value(page, "tallywatch_leader") == value(page, "tallywatch_database_up") == 1
    assert value(page, "tallywatch_reports_total", source="telegram_general_staff", kept="new") == 3
    assert value(page, "tallywatch_crawl_seconds_count", source="telegram_general_staff") >= 1
    assert value(page, "tallywatch_report_lateness_seconds", source="telegram_general_staff") == 0
    assert value(page, "tallywatch_loop_lag_seconds") < 1
    assert get(port, "/nothing")[0] == 404


def test_a_process_that_is_stopped_answers_nothing(host: Host, port: int) -> None:
    """A probe that waits in vain is the truth."""
    daemon = host.leading()
    daemon.signal(signal.SIGSTOP)
    with pytest.raises(TimeoutError), urlopen(f"http://127.0.0.1:{port}/healthz", timeout=0.5):
        pass
    daemon.signal(signal.SIGCONT)
    until(lambda: get(port, "/healthz")[0] == 200)


def test_a_port_that_is_taken_stops_the_start(host: Host, port: int) -> None:
    """With a sentence, not with pages that nobody reaches."""
    with socket.create_server(("127.0.0.1", port)):
        daemon = host.start()
        assert daemon.process.wait(30) == 2
    assert daemon.said(f"the pages cannot be served at 127.0.0.1:{port}")


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_a_source_that_is_polled_no_more_leaves_the_metrics(host: Host, port: int) -> None:
    """Else it would be late for ever, and nobody could end the alert."""
    daemon = host.leading()
    before = host.config.read_text("utf-8")
    host.configure(
        f'[sources.second]\nenabled = true\nspider = "telegram_general_staff"\nbase_url = "{host.channel.url}"\n'
    )
    daemon.signal(signal.SIGHUP)
    until(lambda: daemon.said("Crawled second"))
    until(lambda: 'tallywatch_jobs_total{ended="ok",name="poll of second"}' in get(port, "/metrics")[1])
    page = get(port, "/metrics")[1]
    assert value(page, "tallywatch_report_lateness_seconds", source="second") == 0
    assert value(page, "tallywatch_crawls_total", source="second") == 1
    host.config.write_text(before, "utf-8")
    daemon.signal(signal.SIGHUP)
    until(lambda: not re.search('"(poll of )?second"', get(port, "/metrics")[1]))
    page = get(port, "/metrics")[1]
    assert value(page, "tallywatch_report_lateness_seconds", source="telegram_general_staff") == 0
    assert value(page, "tallywatch_jobs_total", name="delivery", ended="ok") >= 1


def away_and_soon(port: int) -> bool:
    """Whether the metrics say that the database is away, well before Prometheus loses its patience."""
    began = monotonic()
    status, page = get(port, "/metrics")
    assert monotonic() - began < 6
    assert status == 200
    return value(page, "tallywatch_database_up") == 0


@pytest.mark.proof  # a real daemon or command, for ten seconds
def test_the_metrics_come_in_time_without_an_answer_of_the_database(
    host: Host,
    port: int,
    proxied: tuple[str, threading.Event],  # noqa: F811 - the fixture
) -> None:
    """A wire that is dead and tells nobody: what waits for the database is not waited for."""
    conninfo, cut = proxied
    parts = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    url = f"postgresql://{parts.get('user', '')}@127.0.0.1:{parts['port']}/{parts['dbname']}"
    daemon = host.leading(TALLYWATCH_DATABASE_URL=url)
    assert not away_and_soon(port)
    cut.set()
    assert away_and_soon(port)
    assert away_and_soon(port)
    until(lambda: daemon.said("No longer leading"))
    assert away_and_soon(port)
    assert not daemon.said("never retrieved")


def test_the_list_of_metrics_is_documented() -> None:
    """Names are public: what docs/daemon.md lists is what there is."""
    own = {family.name for family in Metrics().registry.collect() if family.name.startswith("tallywatch_")}
    listed = set(re.findall(r"^\| `(tallywatch_[a-z_]+)", DOCS.read_text("utf-8"), re.MULTILINE))
    assert {name.removesuffix("_total") for name in listed} == own


def test_lateness_counts_from_the_end_of_the_window_that_was_missed() -> None:
    """A report that is there is not late; one that is missing is, from the hour at which it should have been there."""
    window = Window(opens=time(6), closes=time(10), grace=timedelta(hours=2))
    now = datetime(2023, 3, 8, 9, 0, tzinfo=UTC)  # 11:00 in Kyiv
    assert lateness(window, date(2023, 3, 8), now) == timedelta()
    assert lateness(window, date(2023, 3, 7), now) == timedelta(hours=1)
    assert lateness(window, date(2023, 3, 6), now) == timedelta(hours=25)


def test_readiness_is_that_of_the_database(host: Host, port: int) -> None:
    """A ledger that is gone makes it unready, and the metrics say so; the process lives."""
    daemon = host.leading()
    name = conninfo_to_dict(host.conninfo)["dbname"]
    with psycopg.connect(host.conninfo, dbname="postgres", autocommit=True) as conn:
        conn.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        until(lambda: get(port, "/readyz")[0] == 503, 30)
        until(lambda: daemon.said("No longer leading"))
        assert away_and_soon(port)
        assert json.loads(get(port, "/healthz")[1])["state"] == "standing by"
        conn.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    until(lambda: get(port, "/readyz")[0] == 200, 30)
    until(lambda: json.loads(get(port, "/healthz")[1])["state"] == "leading", 30)
    assert daemon.process.poll() is None
