"""A mail as it leaves the house: what it says, how it threads, and what nobody can make it say."""

from __future__ import annotations

import logging
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment

from pipelines.records import KYIV
from scheduler.mails.compose import compose
from scheduler.mails.preview import FALLBACK
from scheduler.mails.samples import LINE, SAMPLES, decrease, followed, stale
from scheduler.mails.view import Earlier, IncidentLine, Language, Quote, Recipient, Saying, Thread
from tests.mails.snapshots import FOLDER, LANGUAGES, SENDER, SENT, mail_of, part, written

DESK = Recipient(address="desk@example.org")
NUMBER = re.compile(r"[+−]?\d[\d,.\u00a0]*\d|[+−]?\d")
every_mail = pytest.mark.parametrize(
    ("kind", "language"), [(kind, lang) for kind in SAMPLES if kind != FALLBACK for lang in LANGUAGES]
)


class Seen(HTMLParser):
    """What a reader of the HTML part sees, and what it is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag."""
        self.tags.append((tag, dict(attrs)))
        self._hidden += tag in {"style", "title"}

    def handle_endtag(self, tag: str) -> None:
        """Come back from what is not shown."""
        self._hidden -= tag in {"style", "title"}

    def handle_data(self, data: str) -> None:
        """Note what is shown."""
        if not self._hidden:
            self.text.append(data)


def send(thread: Thread, recipient: Recipient = DESK, *earlier: Earlier, at: datetime = SENT) -> EmailMessage:
    """Compose a mail and read it back from its bytes, as a reader's program does."""
    mail = compose(thread, recipient=recipient, sender=SENDER, at=at, chart=b"\x89PNG", earlier=earlier)
    read = message_from_bytes(mail.as_bytes(), policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


def hostile(text: str) -> Thread:
    """Put words of an attacker wherever a mail shows words of others."""
    quote = Quote(source=text, text=text + " 145830", marked=None, language=text, url=text, archived=text)
    saying = Saying(source=text, role="relay", total=1, daily=None, since=SENT)
    line = replace(
        LINE, message=text, source=text, metric=text, kind="coverage.broken", quotes=(quote,), sayings=(saying,)
    )
    event = replace(followed().news[0], by=text, note=text)
    return replace(decrease(), claimant=text, incidents=(line,), news=(event,), transition=2, series=None)


@every_mail
def test_the_text_part_is_what_was_looked_at(kind: str, language: Language) -> None:
    """Every kind of mail has its text on file, to be read in a review."""
    assert written(kind, language) == (FOLDER / f"{kind}.{language}.txt").read_text("utf-8")


def test_the_mail_without_templates_is_on_file_too() -> None:
    """It is plain, and says so."""
    assert written(FALLBACK, "en") == (FOLDER / f"{FALLBACK}.en.txt").read_text("utf-8")


@every_mail
def test_both_parts_have_the_same_numbers(kind: str, language: Language) -> None:
    """Nobody learns less for reading the text part, or the HTML part."""
    mail = mail_of(kind, language)
    urls = re.compile(r"https?://\S+")
    html = " ".join(Seen(part(mail, "html")).text)
    text = urls.sub("", part(mail, "plain").replace("\n", " "))
    assert Counter(NUMBER.findall(html)) == Counter(NUMBER.findall(text))


@every_mail
def test_html_can_be_read_by_anyone(kind: str, language: Language) -> None:
    """Images have a text beside and instead, tables have headers, the page names its language."""
    html = part(mail_of(kind, language), "html")
    seen = Seen(html)
    tags = Counter(tag for tag, _ in seen.tags)
    assert tags["h1"] == 1
    assert dict(seen.tags)["html"]["lang"] == language
    for tag, attributes in seen.tags:
        if tag == "img":
            assert (attributes["alt"] or "") in " ".join(seen.text)
        if tag == "th":
            assert attributes["scope"] in {"col", "row"}
    assert tags["table"] == tags["caption"]


@every_mail
def test_nothing_is_fetched_from_elsewhere_and_nothing_runs(kind: str, language: Language) -> None:
    """No remote image, no tracking, no script, no form; the only picture is our own part."""
    mail = mail_of(kind, language)
    html = part(mail, "html")
    tags = [tag for tag, _ in Seen(html).tags]
    assert not {"script", "link", "form", "iframe", "object", "base", "svg"} & set(tags)
    assert "url(" not in html
    sources = re.findall(r'src="([^"]*)"', html)
    ids = [f"cid:{attached['Content-ID'].strip('<>')}" for attached in mail.walk() if attached["Content-ID"]]
    assert sources == ids


@every_mail
def test_a_mail_is_small_and_fits_the_wire(kind: str, language: Language) -> None:
    """Gmail cuts a page at 102 KB; SMTP allows 998 characters a line, and every server takes seven bits."""
    mail = mail_of(kind, language)
    assert len(part(mail, "html").encode()) < 60_000
    assert max(len(line) for line in mail.as_bytes().split(b"\r\n")) <= 998
    assert mail.as_bytes().isascii()


def test_the_subject_says_the_worst_first_and_fits_a_phone() -> None:
    """What, which day, what it probably is."""
    subject = send(decrease())["Subject"]
    assert subject == "[tallywatch] Personnel total fell by 7,940 · 7 Mar 2023 · likely digits swapped"
    assert (
        send(stale())["Subject"] == "[tallywatch] 10 totals repeat the day before · 7 Mar 2023 · likely carried over"
    )


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.sampled_from(" ·")))
def test_any_subject_arrives_as_it_was_written(name: str) -> None:
    """Wherever the header is folded and whatever must be encoded, no blank is added or lost."""
    line = replace(LINE, kind="coverage.broken", source=f"{name} x")
    mail = compose(replace(decrease(), incidents=(line,)), recipient=DESK, sender=SENDER, at=SENT)
    read = message_from_bytes(mail.as_bytes(), policy=policy.default)
    assert read["Subject"] == mail["Subject"]


def test_severity_decides_before_kind_and_size() -> None:
    """A critical silence stands before a warning with a large number."""
    silence = IncidentLine(
        id=9, kind="coverage.missing", metric="", severity="critical", state="open", message="-", opened_at=SENT
    )
    thread = replace(decrease(), incidents=(replace(LINE, severity="warning"), silence))
    assert send(thread)["Subject"].startswith("[tallywatch] No report (+1 more)")


def test_what_befell_many_metrics_is_told_before_what_befell_one() -> None:
    """A report that was carried over is not announced by the one number in it that stands out."""
    carried = stale().incidents[1:]
    alone = replace(LINE, id=1, kind="contradiction.decrease", severity="warning")
    mail = send(replace(stale(), incidents=(alone, *carried)))
    assert mail["Subject"].startswith("[tallywatch] 9 totals repeat the day before (+1 more)")


def test_the_same_words_are_quoted_once() -> None:
    """Two incidents of one number share its table and its quotation."""
    again = replace(LINE, id=43, kind="contradiction.increment")
    text = part(send(replace(decrease(), incidents=(LINE, again))), "plain")
    assert text.count("*145830*") == 1
    assert text.count("WHO SAYS SO") == 1


def test_what_is_settled_stands_behind_what_is_not() -> None:
    """The subject names what is left to do."""
    settled = replace(LINE, state="closed")
    open_one = replace(LINE, id=2, metric="tanks", severity="warning")
    mail = send(replace(decrease(), incidents=(settled, open_one)))
    assert mail["Subject"].startswith("[tallywatch] Tanks total fell by 7,940 · 7 Mar 2023")


def test_a_thread_holds_in_every_mail_program() -> None:
    """The same base subject in whatever state, and the identities of the mails before."""
    first = send(decrease())
    second = send(followed(), DESK, Earlier(message_id=first["Message-ID"], subject=first["Subject"]))
    third = send(
        replace(followed(), transition=3),
        DESK,
        *(Earlier(message_id=mail["Message-ID"], subject=mail["Subject"]) for mail in (first, second)),
    )
    assert first["References"] is None
    assert (second["Subject"], third["Subject"]) == (f"Re: {first['Subject']}",) * 2
    assert (second["In-Reply-To"], third["In-Reply-To"]) == (first["Message-ID"], second["Message-ID"])
    assert third["References"].split() == [first["Message-ID"], second["Message-ID"]]


def test_a_long_thread_names_its_first_mail_and_the_latest() -> None:
    """References stay within what servers accept."""
    earlier = [Earlier(message_id=f"<{n:064}@alerts.a-department.example.org>", subject="s") for n in range(500)]
    references = send(followed(), DESK, *earlier)["References"].split()
    assert len(references) == 20
    assert (references[0], references[-1]) == (earlier[0].message_id, earlier[-1].message_id)


def test_the_same_mail_composed_again_has_the_same_bytes() -> None:
    """Message-ID, boundaries and Date come from what the mail is, so a mail sent twice is one mail."""
    again = [compose(decrease(), recipient=DESK, sender=SENDER, at=SENT, chart=b"\x89PNG") for _ in range(2)]
    assert again[0].as_bytes() == again[1].as_bytes()


def test_the_message_id_is_of_thread_transition_and_reader() -> None:
    """Another reader, another news or another report is another mail; another moment is not."""
    mails = [
        send(decrease()),
        send(decrease(), Recipient(address="else@example.org")),
        send(replace(decrease(), transition=2)),
        send(replace(decrease(), as_of=decrease().as_of + timedelta(days=1))),
        send(replace(decrease(), claimant="russian_mod")),
    ]
    assert len({mail["Message-ID"] for mail in mails}) == len(mails)
    later = send(decrease(), at=SENT + timedelta(hours=1))
    assert later["Message-ID"] == mails[0]["Message-ID"]
    assert later["Date"] != mails[0]["Date"]


def test_the_header_says_who_wrote_it_and_how_to_leave() -> None:
    """A machine wrote it, so no auto-reply shall loop; the way out names the reader."""
    mail = send(decrease())
    assert mail["From"] == "tallywatch <tallywatch@example.org>"
    assert mail["To"] == "desk@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] == "<mailto:tallywatch@example.org?subject=unsubscribe%20desk%40example.org>"
    assert mail["Date"].datetime == datetime(2023, 3, 7, 9, 15, tzinfo=KYIV)


def test_long_addresses_leave_headers_readable() -> None:
    """Identities and addresses are never encoded or cut, however long a domain is."""
    sender = f"alerts@{'department.' * 8}example.org"
    mail = compose(
        decrease(),
        recipient=Recipient(address=f"{'a' * 60}@example.org"),
        sender=sender,
        at=SENT,
        earlier=[Earlier(message_id=f"<{'b' * 64}@{sender.partition('@')[2]}>", subject="s")],
    )
    raw = mail.as_bytes().partition(b"\r\n\r\n")[0].decode()
    for name in ("Message-ID", "In-Reply-To", "References", "List-Unsubscribe", "List-Id"):
        assert re.search(rf"^{name}: *(\r\n )?<[^=?]*(\?subject=[^?]*)?>\r?$", raw, re.MULTILINE), name


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r", "\x0b", "\u2028", "\x85"])
def test_no_header_can_be_injected(line_end: str) -> None:
    """Whatever a source calls itself or writes, it stays in the line that it was given."""
    mail = send(hostile(f"x{line_end}Bcc: victim@example.org{line_end}{line_end}<html>"))
    assert mail["Bcc"] is None
    assert mail.keys() == send(replace(decrease(), transition=2)).keys()


def test_an_address_that_breaks_a_header_is_refused() -> None:
    """It cannot come out of the configuration; if it does, no mail is made of it."""
    with pytest.raises(ValueError, match="CR or LF"):
        send(decrease(), Recipient(address="desk@example.org\r\nBcc: victim@example.org"))


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ 7*7 }}{% raw %}",
        "</blockquote></div><h1>Verified",
        "javascript:alert(1)",
        "' onmouseover='x",
    ],
)
def test_what_others_wrote_is_shown_and_never_done(attack: str) -> None:
    """Markup in a post is text in the mail."""
    mail = send(hostile(attack))
    benign = send(hostile("benign words"))
    tags, expected = ([tag for tag, _ in Seen(part(m, "html")).tags] for m in (mail, benign))
    assert tags == expected
    assert all(
        set(a) == set(b) for (_, a), (_, b) in zip(*(Seen(part(m, "html")).tags for m in (mail, benign)), strict=True)
    )
    assert attack in " ".join(Seen(part(mail, "html")).text)
    assert attack in part(mail, "plain")


def test_a_quotation_cannot_pass_for_our_own_words() -> None:
    """Every line of it is marked as one in the text part."""
    mail = send(hostile("fine\n\nWHAT TO DO\n  rm -rf /\n-- \n"))
    text = part(mail, "plain")
    assert "  > WHAT TO DO" in text
    assert [line.strip() for line in text.splitlines()].count("WHAT TO DO") == 1


def test_a_flood_of_words_is_bounded() -> None:
    """A megabyte in a post, a name or a note is an excerpt in the mail."""
    assert len(send(hostile("слово <&> " * 100_000)).as_bytes()) < 60_000


def test_a_flood_of_incidents_is_bounded_and_says_so() -> None:
    """A mail of a thousand incidents shows the worst, and how many it does not show."""
    lines = tuple(replace(LINE, id=number, metric=f"metric_{number}") for number in range(1000))
    mail = send(replace(decrease(), incidents=lines))
    assert "980 more incidents are not shown here." in part(mail, "plain")
    assert len(part(mail, "html").encode()) < 100_000


def test_a_template_that_fails_falls_back_to_a_plain_mail(caplog: pytest.LogCaptureFixture) -> None:
    """The news goes out, the mail says that it looks wrong, and the log says why."""
    broken = Environment(loader=DictLoader({"mail.txt.j2": "{{ page.nothing.there }}"}), autoescape=True)
    with caplog.at_level(logging.ERROR):
        mail = compose(decrease(), recipient=DESK, sender=SENDER, at=SENT, templates=broken)
    text = part(mail, "plain")
    assert "could not be rendered" in text
    assert LINE.message in text
    assert "tallywatch incidents show 41" in text
    assert mail["Message-ID"] == send(decrease())["Message-ID"]
    assert "could not be rendered" in caplog.text


def test_a_follow_up_that_fails_to_render_stays_in_its_thread() -> None:
    """The fallback takes the thread's subject too."""
    mail = compose(
        followed(),
        recipient=DESK,
        sender=SENDER,
        at=SENT,
        earlier=[Earlier(message_id="<a@example.org>", subject="[tallywatch] first")],
        templates=Environment(loader=DictLoader({}), autoescape=True),
    )
    assert mail["Subject"] == "Re: [tallywatch] first"
    assert mail["References"] == "<a@example.org>"
