"""Is everything well: the one object that `status` and the daemon's health answer with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pipelines.database import connection
from scheduler.clock import kyiv_day
from scheduler.coverage import newest_reports
from scheduler.service import Service


async def status(service: Service) -> dict[str, Any]:
    """Return the state of the whole: the shape of `status --json`."""
    now = service.clock()
    (backlog,) = await service.query("backlog")
    (incidents,) = await service.query("open_incident_count")
    (leader,) = await service.query("leader")
    oldest: datetime | None = backlog["oldest"]
    return {
        "leader": leader["leader"],
        "database": "ok",
        "mail_backlog": backlog["waiting"],
        "oldest_unsent_s": round((now - oldest).total_seconds()) if oldest else None,
        "incidents_open": incidents["open"],
        "unsubscribed": [row["address"] for row in await service.query("unsubscribed")],
        "sources": await sources(service),
    }


async def sources(service: Service) -> list[dict[str, Any]]:
    """Return what happened last at each source that is polled."""
    runs = {row["source"]: row for row in await service.query("last_runs")}
    async with connection(service.pool) as conn:
        days = await newest_reports(conn, service.sources, kyiv_day(service.clock()))
    plans = {row["source"]: row["next_run"] for row in await service.query("plans")}
    return [
        {
            "source": name,
            "verdict": runs.get(name, {}).get("verdict"),
            "cause": runs.get(name, {}).get("cause"),
            "last_success": runs.get(name, {}).get("last_success"),
            "next_run": plans.get(name),
            "latest_as_of": days.get(name),
        }
        for name in service.sources
    ]
