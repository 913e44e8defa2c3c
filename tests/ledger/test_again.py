"""Incidents that are judged again: by later arrivals, after a person has spoken, by another judge."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.database import connection
from pipelines.store import Place
from scheduler import marks, operations
from scheduler.checks import increment
from scheduler.checks.finding import Ruling
from scheduler.checks.judge import Judge
from scheduler.config import Config
from scheduler.incidents import Desk
from scheduler.judging import Court
from scheduler.service import Service, open_service
from tests.ledger.conftest import NOW, Serve
from tests.ledger.dump import dump
from tests.ledger.reports import FIGURES, NEWS, TELEGRAM, Post, keep
from tests.ledger.test_beside import keep_quietly
from tests.reactor import Run

DAY = date(2023, 3, 8)
SWAPPED = ("155530", "155350")
CELL = ("general_staff_ukraine", "personnel", DAY)
OTHER = Place(name="interfax_ukraine", role="relay", publisher="Interfax", claimant=None)
BEFORE = [Post(place=place, day=day) for day in FIGURES if day < DAY for place in (TELEGRAM, NEWS, OTHER)]


async def incidents(service: Service, **conditions: Any) -> list[dict[str, Any]]:
    """Return the work list, but for what is no more than news."""
    asked = {"id": None, "states": None, "claimant": None, "as_of": None} | conditions
    return [row for row in await service.query("incidents", **asked) if row["severity"] != "info"]


def test_two_episodes_that_turn_out_to_be_one_are_one(serve: Serve) -> None:
    """A source erred, mended it and erred again; then it turns out that another one had erred all the time."""
    at = datetime(2023, 3, 8, 8, 0, tzinfo=UTC)

    def said(place: Place, hours: int, *changes: tuple[str, str]) -> Post:
        return Post(place=place, day=DAY, changes=changes, fetched_at=at + timedelta(hours=hours), edited=hours < 3)

    async def work(service: Service) -> list[tuple[int, str]]:
        await keep(service, *BEFORE, Post(place=TELEGRAM, day=DAY, fetched_at=at))
        for post in (said(NEWS, 1, SWAPPED), said(NEWS, 3), said(NEWS, 5, SWAPPED, ("(+700)", "(+701)"))):
            await keep(service, post)
            await service.court.judge(tell=True)
        assert [row["state"] for row in await incidents(service)] == ["closed", "open"]
        await keep(service, said(OTHER, 2, SWAPPED))
        await service.court.judge(tell=True)
        assert await service.query("unjudged") == []
        return [(row["episode"], row["state"]) for row in await incidents(service)]

    assert serve(work) == [(1, "open"), (2, "withdrawn")]


@pytest.mark.parametrize("mistake", [("155530", "155503"), ("155530 (+700)", "155530 (+070)")])
def test_an_explanation_stays_about_the_number_it_explains(
    conninfo: str, tmp_path: Path, run: Run[None], mistake: tuple[str, str]
) -> None:
    """Another source errs in the same cell afterwards: the incident does not swing between both for ever."""
    now = [datetime(2023, 3, 8, 12, 0, tzinfo=UTC)]
    config = Config(
        home=tmp_path / "home",
        database_url=conninfo,  # type: ignore[arg-type]
        sources={"ukrinform": {"enabled": True}},  # type: ignore[dict-item]
        mail={"digest": "off"},  # type: ignore[arg-type]
    )

    async def work() -> None:
        async with open_service(config, lambda: now[0]) as service:
            await keep(service, *BEFORE, Post(place=TELEGRAM, day=DAY), Post(place=NEWS, day=DAY, changes=(SWAPPED,)))
            await service.judge()
            (incident,) = await incidents(service, states=["open"])
            async with connection(service.pool) as conn:
                desk = Desk(conn=conn, at=now[0], tell=True)
                await desk.act(incident["id"], "explained", by="me", verdict="typo")
            await service.judge()
            now[0] += timedelta(minutes=16)
            await keep(service, Post(place=OTHER, day=DAY, changes=(mistake,), edited=True, fetched_at=now[0]))
            for _ in range(12):
                await service.judge()
                (row,) = await incidents(service, id=incident["id"])
                assert (row["source"], row["observed"], row["verdict"]) == ("ukrinform", 155350, "typo")
                now[0] += timedelta(minutes=16)
            assert len((await dump(service, "mails"))["mails"]) <= 3

    run(work())


def test_every_explanation_of_a_cell_is_obeyed() -> None:
    """Two incidents of one cell, of two sources, whatever the order in which they come."""
    first, second = (
        (("contradiction.increment", *CELL), Ruling(verdict="typo", source="ukrinform", observed=1)),
        (("contradiction.decrease", *CELL), Ruling(verdict="typo", source="mod_gov_ua", observed=2)),
    )
    for verdicts in (dict([first, second]), dict([second, first])):
        judge = Judge(verdicts=verdicts)
        assert judge._ruling(CELL, "ukrinform", 3) == first[1]  # noqa: SLF001 - what it is asked for inside
        assert judge._ruling(CELL, "mod_gov_ua", 3) == second[1]  # noqa: SLF001 - likewise
        assert judge._ruling(CELL, "minfin", 3) is None  # noqa: SLF001 - likewise


def test_another_judge_mails_nobody_of_what_the_last_one_has_judged(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release that finds more in the past shows it in the work list; what comes after it is news as ever."""

    async def work(service: Service) -> tuple[int, int]:
        with monkeypatch.context() as former:
            former.setattr(increment, "check", lambda _: None)
            former.setattr(marks, "code", lambda _: b"former".ljust(32))
            await keep_quietly(service, *BEFORE, Post(place=TELEGRAM, day=DAY, changes=(SWAPPED,)))
            await service.court.judge(tell=True)
        assert await incidents(service) == []
        service.court.forget()  # as a new start does
        await service.court.judge(tell=True)
        await service.teller.tell()
        return len(await incidents(service)), len((await dump(service, "mails"))["mails"])

    assert serve(work) == (1, 0)


def test_a_judge_that_fails_is_told_of(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tells of it does not depend on it."""

    async def broken(*_: Any, **__: Any) -> None:
        raise psycopg.errors.UniqueViolation("incidents_open")

    async def work(service: Service) -> list[str]:
        monkeypatch.setattr(Court, "judge", broken)
        failing = {"kind": "operations.job_failing", "subject": "delivery", "message": "delivery has failed 3 times"}
        async with connection(service.pool) as conn:
            await operations.report(conn, **failing, severity="warning", at=NOW)
        with pytest.raises(psycopg.errors.UniqueViolation):
            await service.judge()
        return [row["subject"] for row in (await dump(service, "mails"))["mails"]]

    (subject,) = serve(work)
    assert "delivery" in subject
