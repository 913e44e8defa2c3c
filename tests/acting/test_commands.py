"""Acts from the command line: who, several at once, one clear sentence when it cannot be done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from pipelines.database import connection
from scheduler.acting import unsubscribing
from scheduler.commands.incidents import who
from scheduler.config import Config
from scheduler.exceptions import WrongUse
from scheduler.incidents import Desk
from tests.acting.conftest import READER, Tell, Told


def test_what_cannot_be_done_is_one_sentence(tell: Tell) -> None:
    """No such incident, one that is over, one that was explained: each says so, and nothing changes."""

    async def work(told: Told) -> Any:
        said = []
        number = (await told.incident())["id"]

        async def attempt(incident: int, what: Any, **values: Any) -> None:
            try:
                async with connection(told.service.pool) as conn:
                    await Desk(conn=conn, at=told.time.now, tell=True).act(incident, what, by="olena", **values)
            except WrongUse as error:
                said.append(str(error))

        await attempt(999, "acknowledged")
        await attempt(number, "explained", verdict="ours")
        await attempt(number, "acknowledged")
        await attempt(number, "explained", verdict="typo")  # a second look may judge otherwise
        await attempt(number, "snoozed", snoozed_until=told.time.now + timedelta(hours=1))
        await attempt(number, "closed")
        await attempt(number, "closed")
        return number, said, (await told.incident())["history"]

    number, said, history = tell(work)
    assert said == [
        "there is no incident 999",
        f"incident {number} is explained already, as ours",
        f"incident {number} is explained already, as typo",
        f"incident {number} is closed already",
    ]
    assert [(step["what"], step["how"]) for step in history if step["by"] == "olena"] == [
        ("explained", "command"),
        ("explained", "command"),
        ("closed", "command"),
    ]


async def both(told: Told, incidents: tuple[int, ...]) -> None:
    """Acknowledge incidents as the command does, in one transaction."""
    async with connection(told.service.pool) as conn:
        desk = Desk(conn=conn, at=told.time.now, tell=True)
        for incident in incidents:
            await desk.act(incident, "acknowledged", by="olena")


def test_several_at_once_are_one_act(tell: Tell) -> None:
    """When one cannot be done, none is."""

    async def work(told: Told) -> Any:
        number = (await told.incident())["id"]
        with pytest.raises(WrongUse, match="no incident 999"):
            await both(told, (number, 999))
        return await told.incident()

    assert tell(work)["state"] == "open"


def test_leaving_is_undone(tell: Tell) -> None:
    """Whoever was taken off the list is mailed again, and the operators' incident ends."""

    async def work(told: Told) -> Any:
        async with connection(told.service.pool) as conn:
            left = [await unsubscribing.unsubscribe(conn, READER, how="link", at=told.time.now) for _ in range(2)]
            back = [await unsubscribing.subscribe(conn, READER.upper(), at=told.time.now) for _ in range(2)]
        raised = await told.rows("SELECT state FROM incidents WHERE kind = 'operations.unsubscribed'")
        return left, back, raised, await told.service.query("unsubscribed")

    left, back, raised, gone = tell(work)
    assert (left, back, gone) == ([True, False], [True, False], [])
    assert raised == [{"state": "closed"}]


def test_who_acts_has_a_host() -> None:
    """Else the user's name alone would stand beside addresses; who is given is kept as given."""
    assert "@" in who(None)
    assert who(" olena ") == "olena"


@pytest.mark.parametrize("url", ["imap://u:p@mail.example.org", "pop://u@h", "imaps://host", "imaps://@host", "x"])
def test_a_mailbox_in_clear_is_refused(url: str) -> None:
    """A password would go over the network; what is wrong is said without it."""
    with pytest.raises(ValidationError, match="must be imaps"):
        Config(imap_url=url)  # type: ignore[arg-type]
    assert Config(imap_url="imaps://u:p%40x@mail.example.org/Alerts").imap_url is not None  # type: ignore[arg-type]
