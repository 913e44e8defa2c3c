"""`tallywatch mail`: the outbox."""

from __future__ import annotations

from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import database
from pipelines.database import connection, maybe
from scheduler.acting import unsubscribing
from scheduler.config import Config
from scheduler.exceptions import TallywatchError, WrongUse
from scheduler.loop import run
from scheduler.mails.preview import preview
from scheduler.mails.samples import SAMPLES
from scheduler.mails.view import CHANNEL, Recipient
from scheduler.output import ConfigOption, JsonOption, begin, emit, table, words
from scheduler.routing import Reader, readers
from scheduler.service import open_service, transport
from scheduler.transport import Envelope, Refusal

app = typer.Typer(
    add_completion=False, help="The outbox.", no_args_is_help=True, epilog="Example: tallywatch mail list"
)

Number = Annotated[int, typer.Argument(metavar="ID", help="The number of the mail.")]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The address of a reader.")]
STATES = ("queued", "sent", "failed", "held")


@app.command("list", epilog="Example: tallywatch mail list --state queued")
def list_(
    state: Annotated[str | None, typer.Option(help=f"One of {', '.join(STATES)}.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List mails, oldest first."""
    if state is not None and state not in STATES:
        raise WrongUse(f"there is no state {state!r}; there are {', '.join(STATES)}")
    settings, clock = begin(config)

    async def ask() -> list[dict[str, Any]]:
        async with open_service(settings, clock) as service:
            return await service.query("mails", id=None, state=state)

    rows = [{**row, "to": row.pop("recipient")} for row in run(ask)]
    if as_json:
        emit(rows)
    else:
        columns = ("id", "state", "created_at", "sent_at", "to", "subject", "held_for", "incident_ids")
        table("Mails", columns, ([row[column] for column in columns] for row in rows))


@app.command(epilog="Example: tallywatch mail show 3 --raw > mail.eml")
def show(
    mail: Number,
    raw: Annotated[bool, typer.Option("--raw", help="The whole mail as it is sent (RFC 5322).")] = False,
    config: ConfigOption = None,
) -> None:
    """Show one mail: its headers and its text."""
    settings, clock = begin(config)

    async def ask() -> list[dict[str, Any]]:
        async with open_service(settings, clock) as service:
            return await service.query("mail_content", id=mail)

    rows = run(ask)
    if not rows:
        raise WrongUse(_unknown(mail))
    content = bytes(rows[0]["content"])
    if not content:
        raise WrongUse(_emptied(mail))
    if raw:
        typer.get_binary_stream("stdout").write(content)
        return
    message = message_from_bytes(content, policy=policy.default)
    for name in ("From", "To", "Subject", "Date", "Message-ID"):
        print(f"{name}: {words(message[name])}")
    body = message.get_body(("plain",))
    print("\n" + (body.get_content() if body else "(no text)"))


@app.command(epilog="Example: tallywatch mail resend 3")
def resend(mail: Number, config: ConfigOption = None) -> None:
    """Send one mail again; with the same Message-ID, so that a reader who has it sees one."""
    settings, clock = begin(config)

    async def work() -> None:
        async with open_service(settings, clock) as service:
            async with connection(service.pool) as conn:
                await database.run(conn, "lock_tellers")  # who rewrites a held mail has taken news for it
                if await maybe(conn, "resend_mail", id=mail, at=clock()) is None:
                    known = await maybe(conn, "mail_content", id=mail)
                    raise WrongUse(_emptied(mail) if known else _unknown(mail))
            await service.deliver()

    run(work)


@app.command(epilog="Example: tallywatch mail unsubscribe desk@example.org")
def unsubscribe(address: Address, config: ConfigOption = None) -> None:
    """Stop mailing an address, as its reader can by a link; what waits for it is held."""
    settings, clock = begin(config)

    async def work() -> bool:
        async with open_service(settings, clock) as service, connection(service.pool) as conn:
            return await unsubscribing.unsubscribe(conn, _known(settings, address), how="command", at=clock())

    print(f"{words(address)} gets no more mails" if run(work) else f"{words(address)} got no mails before")


@app.command(epilog="Example: tallywatch mail subscribe desk@example.org")
def subscribe(address: Address, config: ConfigOption = None) -> None:
    """Mail an address of the configuration again after it has unsubscribed."""
    settings, clock = begin(config)

    async def work() -> bool:
        async with open_service(settings, clock) as service, connection(service.pool) as conn:
            return await unsubscribing.subscribe(conn, address, at=clock())

    print(f"{words(address)} is mailed again" if run(work) else f"{words(address)} had not unsubscribed")


def _unknown(mail: int) -> str:
    return f"there is no mail {mail}"


def _emptied(mail: int) -> str:
    return f"mail {mail} is too old: its words are not kept"


def _known(settings: Config, address: str) -> str:
    if address.casefold() not in {reader.address.casefold() for reader in settings.mail.readers}:
        raise WrongUse(f"{address!r} is no reader of the configuration")
    return address


@app.command("preview", epilog="Example: tallywatch mail preview decrease --language uk --into /tmp/mails")
def write_preview(
    kind: Annotated[str, typer.Argument(help="A kind of mail; `all` for every one.")] = "all",
    language: Annotated[str, typer.Option(help="en or uk.")] = "en",
    into: Annotated[Path, typer.Option(help="The folder for the files.")] = Path("mails"),
    config: ConfigOption = None,
) -> None:
    """Write sample mails as files (.eml, .txt, .html, .png), to be looked at before anybody gets one."""
    settings, clock = begin(config)
    if kind != "all" and kind not in SAMPLES:
        raise WrongUse(f"there is no sample {kind!r}; there are all, {', '.join(SAMPLES)}")
    match language:
        case "en" | "uk":
            reader = Recipient(address=settings.mail.readers[0].address, language=language)
        case _:
            raise WrongUse(f"there is no language {language!r}; there are en, uk")
    for sample in SAMPLES if kind == "all" else (kind,):
        try:
            written = preview(sample, reader, sender=settings.mail.sender, at=clock(), folder=into)
        except OSError as error:
            raise TallywatchError(f"{into} cannot be written: {error.strerror}") from error
        print(*written, sep="\n")


@app.command("test", epilog="Example: tallywatch mail test")
def send_test(config: ConfigOption = None) -> None:
    """Send a test to every reader, by mail or channel, by the real way, and say what was answered."""
    settings, clock = begin(config)
    way = transport(settings)

    async def send() -> list[str]:
        failed = []
        try:
            for reader in readers(settings.mail):
                try:
                    print(f"{reader.name}: {words(await way.send(trial(reader, settings, clock())))}")
                except Refusal as error:
                    failed.append(f"{reader.name}: {error}")
        finally:
            await way.close()
        return failed

    if failed := run(send):
        raise TallywatchError("; ".join(failed))


def trial(reader: Reader, settings: Config, at: datetime) -> Envelope:
    """Write a mail that says that nothing is wrong."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = settings.mail.sender
    message["To"] = f"{reader.name.removeprefix(CHANNEL)}:;" if reader.name.startswith(CHANNEL) else reader.name
    message["Subject"], message["Date"] = "[tallywatch] Test", at
    message["Message-ID"] = make_msgid(domain=settings.mail.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("This is a test of the way that tallywatch's mails go. Nothing is wrong.")
    return Envelope(
        sender=settings.mail.sender,
        recipient=reader.name,
        message_id=message["Message-ID"],
        content=message.as_bytes(),
    )
