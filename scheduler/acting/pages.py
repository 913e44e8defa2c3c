"""The pages behind the links in mails: look first, then press the button.

A GET never changes anything, because mail scanners follow links. A POST carries the token in its form: there are no
cookies, so nobody can make a browser act who does not hold the token, and whoever holds it may act anyway.

An act is only recorded here. The leader's next round, within a minute, judges by it and tells of it: any daemon may
serve the pages, and only the one that leads may judge.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from pipelines.database import Connection, connection, many, maybe
from scheduler.acting import guard
from scheduler.acting.acts import ANSWERS, EXPLAINING, NOTE, Outcome, answer
from scheduler.acting.links import UNSUBSCRIBE, LinkRefused, Permit
from scheduler.acting.unsubscribing import unsubscribe
from scheduler.gathering import incident_line
from scheduler.mails.catalog import Catalog, catalog
from scheduler.mails.headline import headline
from scheduler.mails.page import QuoteBlock, quote_block
from scheduler.mails.quoting import one_line
from scheduler.mails.render import environment
from scheduler.service import Service

SHOWN = 20
"""Incidents that a page names."""

STATUS = {"forged": 403, "expired": 410, "gone": 410}


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """The one button of a page."""

    action: str
    token: str
    does: str
    button: str
    confirm: str
    note: str = ""  # the label of the field for a note; "" without one


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A page, written out."""

    language: str
    heading: str
    told: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    quote: QuoteBlock | None = None
    form: Form | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A link that was read: what it permits, whose mail it came with, and what that tells of."""

    token: str
    permit: Permit
    reader: str
    incidents: tuple[int, ...]
    words: Catalog


class Refused(Exception):  # noqa: N818 - it reads as what it is: `raise Refused`
    """Raised by `Pages.hold` for a link that permits nothing; answered with a page that says why."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def routes(service: Service) -> list[Route]:
    """Return the pages of acts, for the web app of the daemon."""
    pages = Pages(service)
    return [
        Route("/act", pages.act, methods=["POST"]),
        Route("/act/{token}", pages.ask, methods=["GET"]),
        Route("/unsubscribe/{token}", pages.ask, methods=["GET"]),
        Route("/unsubscribe/{token}", pages.leave, methods=["POST"]),
    ]


class Pages:
    """Answers what readers ask by their links."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.gate = guard.Gate()
        self.templates = environment()
        self.style = (files("scheduler") / "templates" / "act.css").read_text("utf-8")
        self.headers = guard.headers(self.style)

    async def ask(self, request: Request) -> Response:
        """Show what a link is about and what its button will do."""
        self._let_in(request)
        try:
            async with connection(self.service.pool) as conn:
                held = await self.hold(conn, request.path_params["token"], {UNSUBSCRIBE, *ANSWERS})
                leaving = held.permit.act == UNSUBSCRIBE
                return self._page(self._leaving(held) if leaving else await self._question(conn, held))
        except Refused as refusal:
            return self._refusal(request, refusal.why)

    async def act(self, request: Request) -> Response:
        """Do what a link permits, once."""
        self._let_in(request)
        fields = await guard.form(request)
        try:
            async with connection(self.service.pool) as conn:
                held = await self.hold(conn, fields.get("token", ""), ANSWERS)
                outcome = await self._answer(conn, held, one_line(fields.get("note", ""), NOTE))
                shown = await self._result(conn, held, outcome)
        except Refused as refusal:
            return self._refusal(request, refusal.why)
        return self._page(shown)

    async def leave(self, request: Request) -> Response:
        """End the mails to the reader of a link: what a mail program sends when its button is pressed (RFC 8058)."""
        self._let_in(request)
        await guard.one_click(request)
        try:
            async with connection(self.service.pool) as conn:
                held = await self.hold(conn, request.path_params["token"], {UNSUBSCRIBE})
                await unsubscribe(conn, held.reader, how="link", at=self.service.clock())
        except Refused as refusal:
            return self._refusal(request, refusal.why)
        told = (one_line(held.reader, NOTE), held.words.text("page/close"))
        return self._page(Shown(language=held.words.language, heading=held.words.text("page/left"), told=told))

    async def hold(self, conn: Connection, token: str, acts: Collection[str]) -> Held:
        """Read a link that must be for one of some acts. Raises Refused."""
        try:
            permit = self.service.links.read(token, self.service.clock())
        except LinkRefused as refusal:
            raise Refused(refusal.why) from refusal
        if permit.act not in acts:
            raise Refused("forged")
        mail = await maybe(conn, "answered_mail", message_ids=[permit.mail])
        if mail is None:
            raise Refused("gone")
        told = tuple(mail["incidents"])
        return Held(
            token=token,
            permit=permit,
            reader=mail["recipient"],
            incidents=told if permit.incident is None else (permit.incident,),
            words=catalog(self._language(mail["recipient"])),
        )

    async def _answer(self, conn: Connection, held: Held, note: str) -> Outcome:
        return await answer(
            conn,
            key=held.permit.key,
            act=held.permit.act,
            incidents=held.incidents,
            by=held.reader,
            how="link",
            note=note,
            at=self.service.clock(),
        )

    async def _question(self, conn: Connection, held: Held) -> Shown:
        act, words = held.permit.act, held.words
        used = await maybe(conn, "answer_of", key=held.permit.key)
        rows = await many(conn, "incidents_of_answer", ids=list(held.incidents))
        standing = [row for row in rows if row["state"] in {"open", "acknowledged", "snoozed", "explained"}]
        heading = words.text(f"answer/{act}")
        if used is not None:
            told = (words.text("page/used", at=words.moment(used["at"])), *_states(rows, words))
            return Shown(language=words.language, heading=heading, told=told)
        if not standing:
            told = (words.text("page/over"), *_states(rows, words))
            return Shown(language=words.language, heading=heading, told=told)
        lines = [await incident_line(conn, row, self.service.config.web.public_url) for row in standing[:SHOWN]]
        quotes = [quote_block(quote, words) for line in lines for quote in line.quotes]
        day = words.text("label/report", day=words.long_day(standing[0]["as_of"]))
        more = len(standing) - len(lines)
        return Shown(
            language=words.language,
            heading=heading,
            told=(f"{words.claimant(standing[0]['claimant'])} · {day}",),
            subjects=(
                *(f"{words.text('label/incident', id=line.id)}: {headline(line, words)}" for line in lines),
                *([words.plural("label/not_shown", more)] if more else []),
            ),
            quote=next(iter(quotes), None),
            form=Form(
                action="../act",  # whatever path the pages are served below
                token=held.token,
                does=words.text(f"does/{act}"),
                button=heading,
                confirm=words.text("page/confirm"),
                note=words.text("page/note") if act in (*EXPLAINING, "close") else "",
            ),
        )

    async def _result(self, conn: Connection, held: Held, outcome: Outcome) -> Shown:
        words = held.words
        rows = await many(conn, "incidents_of_answer", ids=list(held.incidents))
        done = [row for row in rows if row["id"] in outcome.done]
        left = [row for row in rows if row["id"] not in outcome.done]
        if outcome.before is not None:
            told = [words.text("page/used", at=words.moment(outcome.before)), *_states(rows, words)]
        else:
            told = [words.text("page/done") if done else words.text("page/over"), *_states(done, words)]
            told += _states(left, words, "page/skipped")
        heading = words.text(f"answer/{held.permit.act}")
        return Shown(language=words.language, heading=heading, told=(*told, words.text("page/close")))

    def _leaving(self, held: Held) -> Shown:
        words = held.words
        return Shown(
            language=words.language,
            heading=words.text("page/unsubscribe"),
            told=(one_line(held.reader, NOTE),),
            form=Form(
                action="",
                token="",
                does=words.text("does/unsubscribe"),
                button=words.text("page/unsubscribe"),
                confirm=words.text("page/confirm"),
            ),
        )

    def _refusal(self, request: Request, why: str) -> Response:
        """Say why a link permits nothing, to nobody in particular: whose it was is not to be told."""
        language = "uk" if request.headers.get("accept-language", "").lower().startswith("uk") else "en"
        shown = Shown(language=language, heading="tallywatch", told=(catalog(language).text(f"page/{why}"),))
        return self._page(shown, status=STATUS[why])

    def _page(self, shown: Shown, status: int = 200) -> Response:
        html = self.templates.get_template("act.html.j2").render(shown=shown, style=Markup(self.style))  # noqa: S704 - our own file
        return HTMLResponse(html, status, self.headers)

    def _let_in(self, request: Request) -> None:
        client = request.client.host if request.client else ""
        self.gate.check(client, self.service.clock().timestamp())

    def _language(self, address: str) -> str:
        known = {reader.address: reader.language for reader in self.service.config.mail.readers}
        return known.get(address, "en")


def _states(rows: Sequence[Mapping[str, Any]], words: Catalog, entry: str = "page/now") -> list[str]:
    return [words.text(entry, id=row["id"], state=words.text(f"state/{row['state']}")) for row in rows[:SHOWN]]
