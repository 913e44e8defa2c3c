"""Scrapy settings. Each stands beside the default that it replaces, with the reason."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import TYPE_CHECKING

from scrapy.settings import default_settings

if TYPE_CHECKING:
    from collections.abc import Mapping


def user_agent(contact: str | None) -> str:
    """Say who asks and how to complain; the contact is the operator's own."""
    return f"tallywatch/{version('tallywatch')} (+{contact or 'contact not given'})"


def _without(components: Mapping[str, int], *names: str) -> dict[str, int]:
    return {path: order for path, order in components.items() if path.rpartition(".")[2] not in names}


BOT_NAME = "tallywatch"  # "scrapybot"
SPIDER_MODULES = ["spiders.sources"]  # []

# --- Polite by construction ---------------------------------------------------------------------------
USER_AGENT = user_agent(os.environ.get("TALLYWATCH_CRAWL__CONTACT"))  # "Scrapy/VERSION (+https://scrapy.org)"
ROBOTSTXT_OBEY = True  # False
ROBOTSTXT_USER_AGENT = "tallywatch"  # None: would be matched with the whole sentence above
DOWNLOAD_DELAY = 1.0  # 0; seconds between two requests to a host
AUTOTHROTTLE_ENABLED = True  # False: a host that answers slowly is asked more slowly
AUTOTHROTTLE_START_DELAY = 1.0  # 5.0: a poll has two or three requests, not thousands
CONCURRENT_REQUESTS_PER_DOMAIN = 1  # 8
CONCURRENT_REQUESTS = 4  # 16: what is queued is still fetched when a crawl is told to stop
TALLYWATCH_REQUESTS_PER_MINUTE = 240  # ours; of one process, all sources together: see spiders.budget
COOKIES_ENABLED = False  # True: nothing that we fetch needs to know us
REFERER_ENABLED = True  # unchanged: without it the redirect middleware warns at each start

# --- Bounded ------------------------------------------------------------------------------------------
DOWNLOAD_TIMEOUT = 30  # 180; seconds. A deadline of a crawl waits this long at most for what is in flight
DOWNLOAD_MAXSIZE = 8 * 1024 * 1024  # 1 GiB; bytes, and again after decompression. The largest real page has 2 MB
DOWNLOAD_WARNSIZE = 0  # 32 MiB: the limit above is lower
REDIRECT_MAX_TIMES = 5  # 20
METAREFRESH_ENABLED = False  # True: such a page is a layout change, not an address
RETRY_TIMES = 1  # 2: the next poll is a retry as well
RETRY_HTTP_CODES = [500, 502, 503, 504, 522, 524, 408]  # without 429: "too many" is not answered with one more
RETRY_GIVE_UP_LOG_LEVEL = "INFO"  # ERROR: it becomes a Trouble, which is told once

# --- Never silent -------------------------------------------------------------------------------------
# default: RFPDupeFilter, which drops a redirect loop or a page asked for twice without a word
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"
DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,  # 50; drops without a word: see OwnHosts
    "spiders.middlewares.OwnHosts": 50,
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,  # 100
    "spiders.middlewares.Robots": 100,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,  # 590
    "spiders.middlewares.Decompression": 590,
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": None,  # 600
    "spiders.middlewares.Redirects": 600,
    "spiders.budget.Budget": 755,  # after whatever may refuse a request without asking anybody
    "spiders.middlewares.PublicAddresses": 760,  # after HttpProxyMiddleware (750), which knows of a proxy
}
SPIDER_MIDDLEWARES = {
    "spiders.middlewares.Troubles": 1100,  # nearest to the spider: it sees exceptions before anybody drops them
}

# --- Of one process with a daemon ---------------------------------------------------------------------
TWISTED_REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"  # unchanged; the daemon relies on it
TELNETCONSOLE_ENABLED = False  # True: an open door
REMOTE_CONTROL_ENABLED = False  # True: runs any code that is posted to it
# without what is switched off: it would be imported all the same (also where EXTENSIONS says None), with aiohttp,
# requests and an SSH library
EXTENSIONS_BASE = _without(default_settings.EXTENSIONS_BASE, "TelnetConsole", "RemoteControl")
DOWNLOADER_MIDDLEWARES_BASE = _without(default_settings.DOWNLOADER_MIDDLEWARES_BASE, "CookiesMiddleware")
DOWNLOAD_HANDLERS = {"ftp": None, "s3": None}  # nothing that we fetch is there
MEMUSAGE_ENABLED = False  # True: would stop the daemon, not the crawl
LOGSTATS_INTERVAL = 0  # 60.0: a crawl is over before that
WARN_ON_GENERATOR_RETURN_VALUE = False  # True: reads and parses the spider's source again at each crawl
STATS_DUMP = False  # True: thirty lines for each poll; the outcome of a crawl is stored
LOG_LEVEL = "INFO"  # DEBUG
LOG_FORMATTER = "spiders.logs.Brief"  # scrapy.logformatter.LogFormatter prints whole items, pages included

# --- `scrapy crawl NAME -o FILE` ----------------------------------------------------------------------
FEED_EXPORT_ENCODING = "utf-8"  # None: \uXXXX for each Cyrillic letter
FEED_EXPORTERS = {  # {}; the built-in ones refuse bytes
    "json": "spiders.exporters.Json",
    "jsonlines": "spiders.exporters.JsonLines",
    "jsonl": "spiders.exporters.JsonLines",
    "jl": "spiders.exporters.JsonLines",
    "csv": "spiders.exporters.Csv",
    "xml": "spiders.exporters.Xml",
}
