"""What Prometheus reads at /metrics. The names are public: docs/daemon.md lists them, and a test compares."""

from __future__ import annotations

from collections.abc import Container
from datetime import date, datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from pipelines.exceptions import PipelineError
from scheduler import health
from scheduler.loop import within
from scheduler.schedule import moment
from scheduler.service import CrawlReport, Service, declaration
from spiders.base import Window

ANSWER_S = 3.0
"""Within which the database must answer, here and for /readyz: Prometheus by itself waits ten for a whole page."""

POLL = "poll of "
"""Before the name of a source: the name of the job that polls it."""

SECONDS = (0.1, 0.3, 1, 3, 10, 30, 100, 300)


class Metrics:
    """Counted by the jobs, or asked of the database when somebody reads them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        own: dict[str, Any] = {"registry": self.registry, "namespace": "tallywatch"}
        self.leader = Gauge("leader", "1 while this daemon leads, 0 while it stands by", **own)
        self.term = Gauge("leader_term", "Term of this daemon as leader, 0 while it stands by", **own)
        self.lag = Gauge("loop_lag_seconds", "How late the loop came to its last turn", **own)
        self.database = Gauge("database_up", "1 if the database answered this request", **own)
        self.reports = Counter("reports", "Documents kept", ["source", "kept"], **own)
        self.crawls = Counter("crawls", "Crawls by verdict", ["source", "verdict"], **own)
        self.crawl_seconds = Histogram("crawl_seconds", "Duration of a crawl", ["source"], buckets=SECONDS, **own)
        self.jobs = Counter("jobs", "Jobs by how they ended", ["name", "ended"], **own)
        self.job_seconds = Gauge("job_seconds", "Duration of a job's last turn", ["name"], **own)
        self.job_success = Gauge("job_last_success_timestamp_seconds", "When a job last succeeded", ["name"], **own)
        self.lateness = Gauge(
            "report_lateness_seconds", "Since the window of the first report that is missing closed", ["source"], **own
        )
        self.incidents = Gauge("incidents_open", "Incidents that wait for a person", **own)
        self.backlog = Gauge("mail_backlog", "Mails that wait to be sent", **own)
        self.oldest = Gauge("mail_oldest_unsent_seconds", "Age of the oldest of them, 0 without any", **own)

    def crawled(self, report: CrawlReport) -> None:
        """Count a crawl."""
        self.crawls.labels(report.source, report.verdict).inc()
        self.crawl_seconds.labels(report.source).observe(report.seconds)
        for kept in ("new", "changed"):
            self.reports.labels(report.source, kept).inc(getattr(report, kept))

    def job_ended(self, job: str, seconds: float, *, ok: bool) -> None:
        """Count a job."""
        self.jobs.labels(job, "ok" if ok else "failed").inc()
        self.job_seconds.labels(job).set(seconds)
        if ok:
            self.job_success.labels(job).set_to_current_time()

    async def page(self, service: Service) -> bytes:
        """Return the page, with what the database says now; without it the last values stay, and it says so."""
        self._forget(service.sources)
        state = await _answered(service)
        self.database.set(int(state is not None))
        if state is None:
            return generate_latest(self.registry)
        self.incidents.set(state["incidents_open"])
        self.backlog.set(state["mail_backlog"])
        self.oldest.set(state["oldest_unsent_s"] or 0)
        for row in state["sources"]:
            window = declaration(service.sources[row["source"]]).window
            if window is not None and row["latest_as_of"] is not None:
                late = lateness(window, row["latest_as_of"], service.clock())
                self.lateness.labels(row["source"]).set(late.total_seconds())
        return generate_latest(self.registry)

    def _forget(self, polled: Container[str]) -> None:
        """Drop what was measured of sources that are polled no more: it would stay as it was for ever."""
        for metric, labels, prefix in (
            (self.reports, ("source", "kept"), ""),
            (self.crawls, ("source", "verdict"), ""),
            (self.crawl_seconds, ("source",), ""),
            (self.lateness, ("source",), ""),
            (self.jobs, ("name", "ended"), POLL),
            (self.job_seconds, ("name",), POLL),
            (self.job_success, ("name",), POLL),
        ):
            told = {tuple(s.labels[label] for label in labels) for family in metric.collect() for s in family.samples}
            for values in told:
                if values[0].startswith(prefix) and values[0].removeprefix(prefix) not in polled:
                    metric.remove(*values)


async def _answered(service: Service) -> dict[str, Any] | None:
    """Return what the database says now, if it says so in time."""
    try:
        return await within(ANSWER_S, health.status(service))
    except (PipelineError, TimeoutError):
        return None


def lateness(window: Window, latest: date, now: datetime) -> timedelta:
    """Return for how long the first missing report has been missing, counted from the end of its window."""
    closed = moment(latest + timedelta(days=window.every), window.closes)
    return max(now - closed, timedelta())
