"""What a source declares, and the one way from its pages to documents."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import ip_address
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

from scrapy import Request, Spider
from scrapy.http import Response, TextResponse

from spiders.exceptions import EmptyPage, FrozenPage, LayoutChanged, SourceTrouble
from spiders.items import Absent, Document, Exchange, Role
from spiders.pages import diagnosis, media_type, sentence

if TYPE_CHECKING:
    from parsel import Selector
    from scrapy.crawler import Crawler

KYIV = ZoneInfo("Europe/Kyiv")
Clock = Callable[[], datetime]


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """When the report of a day is expected at a source, Kyiv time."""

    opens: time
    closes: time
    grace: timedelta  # after `closes`, before anybody is told
    every: int = 1  # days between two reports

    def lapsed(self, now: datetime) -> date:
        """Return the last day whose report should be there by now."""
        local = now.astimezone(KYIV)
        closed = datetime.combine(local.date(), self.closes, KYIV) + self.grace
        return local.date() - timedelta(days=self.every - (local >= closed))

    def is_open(self, now: datetime) -> bool:
        """Whether today's report may come from now on."""
        return now.astimezone(KYIV).time() >= self.opens


@dataclass(frozen=True, kw_only=True, slots=True)
class Validators:
    """What a server gave us to ask "has it changed?" with."""

    etag: str | None
    last_modified: str | None


def days_missing(days: Collection[date]) -> list[date]:
    """Return the days between the first and the last of some that are not among them; of ten thousand at most."""
    last, shown = max(days), set(days)
    every = (last - timedelta(days=back) for back in range(min((last - min(days)).days, 10_000)))
    return [day for day in every if day not in shown]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sought:
    """What the index of an archive is asked for."""

    url: str
    match: Literal["exact", "prefix", "domain"] = "exact"
    pattern: str | None = None  # regular expression for the whole URL


Reader = Callable[[Response], Iterator[Any]]
"""Takes a page apart."""


def utc_now() -> datetime:
    """Return the time of the machine: the clock of a crawl that nobody gave another one."""
    return datetime.now(UTC)


class SourceSpider(Spider):
    """One source.

    Attributes come in this order. A docstring has the same few terms in the same order (`Domain`, `Role`,
    `Caveats`, `Documentation`); a test and the generated page of sources read it.

    Arguments, as with any spider (`scrapy crawl NAME -a since=2023-02-01 -a until=2023-02-07`):

    - `since`, `until`: Kyiv days, both inclusive; without them the source's latest;
    - `base_url`: where to fetch from instead of `home`, for a local copy;
    - what `options` names.
    """

    # Who it is
    title: ClassVar[str]
    publisher: ClassVar[str]
    language: ClassVar[str]  # of its texts
    # Who speaks there
    role: ClassVar[Role]
    claimant: ClassVar[str | None] = None  # for a source that speaks for itself or copies one series
    # Where it is
    home: ClassVar[str]  # scheme and host
    hosts: ClassVar[tuple[str, ...]]  # it is never followed to others; their subdomains are its own
    start_paths: ClassVar[tuple[str, ...]]
    # When it is expected
    by_default: ClassVar[bool] = True  # False: polled only when the configuration enables it
    cadence: ClassVar[timedelta]  # between two polls
    window: ClassVar[Window | None] = None  # None: nobody is told when it is silent
    frozen_after: ClassVar[timedelta | None] = None  # its newest entry is never older than this
    reach: ClassVar[Literal["latest", "days", "all"]] = "all"  # how far back it can be asked
    days_back: ClassVar[int] = 3  # of a poll without `since`, for sources that list many days
    unit_months: ClassVar[int] = 1  # of a backfill that are asked for at once; 0: all that is asked for
    shown_for: ClassVar[timedelta] = timedelta(days=3)  # a copy in an archive made later shows a day no more
    # What it takes besides since and until
    options: ClassVar[tuple[str, ...]] = ()  # names of attributes

    def __init__(
        self,
        name: str | None = None,
        *,
        since: date | str | None = None,
        until: date | str | None = None,
        base_url: str | None = None,
        clock: Clock = utc_now,
        validators: Mapping[str, Validators] = MappingProxyType({}),
        **options: str,
    ) -> None:
        unknown = options.keys() - set(self.options)
        if unknown:
            raise ValueError(f"{self.name} has no option {', '.join(sorted(unknown))}")
        super().__init__(name, **options)
        self.clock = clock
        self.validators = validators
        self.since = _day(since)
        self.until = _day(until)
        self.redirected = base_url is not None
        self.base_url = (base_url or self.home).rstrip("/")

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Wait between requests for other people's servers only: a copy on this machine is the user's own."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        if spider.redirected and is_private(spider.base_url):
            crawler.settings.setdict({"AUTOTHROTTLE_ENABLED": False, "DOWNLOAD_DELAY": 0}, "spider")
        return spider

    async def start(self) -> AsyncIterator[Any]:
        """Ask for each of the `start_paths`. Raises EmptyPage where the past cannot be asked for."""
        if self.reach == "latest" and not self.is_poll:
            raise EmptyPage(f"{self.name} shows the latest only")
        for path in self.start_paths:
            yield self.get(path)

    def get(
        self, url: str, callback: Callable[..., Iterator[Any]] | None = None, *, whole: bool = False, **kwargs: Any
    ) -> Request:
        """Return a request, conditional where the last answer left us something to ask with.

        `whole` asks for the page in any case: a list that is unchanged says nothing of the pages it leads to.
        """
        target = self.here(url)
        headers = {}
        if (known := self.validators.get(target)) and not whole:
            headers = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
        return Request(
            target,
            callback=callback or self.parse,
            headers={name: value for name, value in headers.items() if value},
            cb_kwargs=kwargs,
        )

    def here(self, url: str) -> str:
        """Return where to fetch a URL of this source: at `base_url`, when that stands in for its home."""
        if url.startswith("/"):
            return self.base_url + url
        if self.redirected and not self.owns(url) and self._is_at_home(url):
            parts = urlsplit(url)
            return self.base_url + parts._replace(scheme="", netloc="", fragment="").geturl()
        return urljoin(self.base_url + "/", url)

    def there(self, url: str) -> str:
        """Return the publisher's own URL of a page, wherever it was fetched: the key of a document."""
        clean = urlsplit(url)._replace(fragment="").geturl()
        return self.home + clean.removeprefix(self.base_url) if clean.startswith(self.base_url) else clean

    def owns(self, url: str) -> bool:
        """Whether a URL is the source's own: it is not followed to any other."""
        if self.redirected:
            return urlsplit(url).netloc == urlsplit(self.base_url).netloc
        return self._is_at_home(url)

    def _is_at_home(self, url: str) -> bool:
        host = urlsplit(url).hostname or ""
        return any(host == own or host.endswith(f".{own}") for own in self.hosts)

    def wanted(self, published_at: datetime | None) -> bool:
        """Whether a document belongs to the days asked for. One without a time is never left out."""
        return published_at is None or self.wanted_day(published_at.astimezone(KYIV).date())

    def wanted_day(self, day: date) -> bool:
        """Whether a report day belongs to the days asked for."""
        return (self.since is None or day >= self.since) and (self.until is None or day <= self.until)

    @property
    def is_poll(self) -> bool:
        """Whether the latest is asked for, not a window of the past."""
        return self.since is None and self.until is None

    @property
    def address_given(self) -> bool:
        """Whether the configuration names where it is fetched from."""
        return self.redirected

    def sought(self) -> Iterator[Sought]:
        """Yield where copies of its pages are looked for in an archive: by default the pages that are polled."""
        for path in self.start_paths:
            yield Sought(url=self.home + path)

    def reader(self, url: str) -> Reader | None:
        """Return what reads a page that an archive has under a URL; None for one that says nothing to us."""
        return self.parse if self._is_at_home(url) and _path(url) in map(_path, self.start_paths) else None

    def exchange(self, response: Response) -> Exchange:
        """Return the response as evidence; one object for all documents cut out of it."""
        kept: Exchange | None = response.meta.get("exchange")
        if kept is None:
            kept = response.meta["exchange"] = Exchange(
                url=response.url,
                status=response.status,
                headers=tuple(_headers(response)),
                body=response.body,
                fetched_at=self.clock(),
            )
        return kept

    def document(
        self,
        response: Response,
        *,
        key: str,
        canonical: str,
        published_at: datetime | None,
        content: str | None = None,
        media: str | None = None,
        url: str | None = None,
        edited: bool = False,
    ) -> Document:
        """Build a document: all of the response, or with `content` the part of it that one post or row is."""
        encoding = response.encoding if content is None and isinstance(response, TextResponse) else "utf-8"
        return Document(
            source=self.name,
            key=key,
            url=url or response.url,
            content=response.body if content is None else content.encode(),
            content_type=f"{media or media_type(response) or 'text/html'}; charset={encoding}",
            canonical=canonical.encode(),
            published_at=published_at,
            edited=edited,
            captured_at=response.meta.get("captured_at"),
            exchange=self.exchange(response),
        )

    def absent(self, response: Response, keys: Iterable[str], looks: int = 1) -> Iterator[Absent]:
        """Yield what a page does not show between what it shows. Called last, when nothing is wrong with the page."""
        if missing := tuple(keys):
            yield Absent(source=self.name, keys=missing, looks=looks, exchange=self.exchange(response))

    def part(self, response: Response, css: str) -> Selector:
        """Return the part of a page that a declared selector names. Raises what `without` returns."""
        found = response.css(css)
        if not found:
            raise self.without(response, repr(css))
        return found[0]

    def without(self, response: Response, what: str) -> SourceTrouble:
        """Return why nothing of what is looked for is on a page: as the page itself says, else a changed layout."""
        return diagnosis(response) or LayoutChanged(f"the page is without {what}")

    def check_alive(self, newest: datetime | None) -> None:
        """Raise FrozenPage for a page that has stood still. Called last, when its documents are on their way."""
        if self.frozen_after is None or newest is None or not self.is_poll:
            return
        if self.clock() - newest > self.frozen_after:
            raise FrozenPage(sentence(f"the newest entry is of {newest.isoformat()}"))


def _day(value: date | str | None) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _path(url: str) -> str:
    return urlsplit(url).path.rstrip("/")


def is_private(url: str) -> bool:
    """Whether a URL names this machine or a private address by its number."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return not ip_address(host).is_global
    except ValueError:
        return False


def _headers(response: Response) -> Iterator[tuple[str, str]]:
    """Scrapy keeps the values of each name in order, but not the order and spelling of the names."""
    for name, values in response.headers.items():
        for value in values:
            yield name.decode("latin-1"), value.decode("latin-1")
