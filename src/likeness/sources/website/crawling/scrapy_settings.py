"""How Scrapy is set up: what it does by itself is taken out, and put back piece by piece."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from scrapy.settings import Settings

from likeness.sources.website.crawling.state import CrawlState
from likeness.sources.website.limits import CrawlLimits

_HOME = "likeness.sources.website.crawling"
_SCRAPY = "scrapy.downloadermiddlewares"

_PARTS: Final[Mapping[str, Any]] = {
    "ADDONS": {},
    "EXTENSIONS_BASE": {},
    "EXTENSIONS": {"scrapy.extensions.throttle.AutoThrottle": 0},
    "DOWNLOAD_HANDLERS_BASE": {},
    "DOWNLOAD_HANDLERS": {"https": f"{_HOME}.handler.GuardedHandler"},
    "DOWNLOADER_MIDDLEWARES_BASE": {},
    "DOWNLOADER_MIDDLEWARES": {
        f"{_HOME}.gate.Gate": 100,
        f"{_SCRAPY}.downloadtimeout.DownloadTimeoutMiddleware": 350,
        f"{_SCRAPY}.defaultheaders.DefaultHeadersMiddleware": 400,
        f"{_SCRAPY}.useragent.UserAgentMiddleware": 500,
        f"{_SCRAPY}.retry.RetryMiddleware": 550,
        f"{_HOME}.gate.OneEncoding": 590,
    },
    "SPIDER_MIDDLEWARES_BASE": {"scrapy.spidermiddlewares.start.StartSpiderMiddleware": 25},
    "SPIDER_MIDDLEWARES": {},
    "ITEM_PIPELINES_BASE": {},
    "ITEM_PIPELINES": {},
    "FEEDS": {},
}
"""Every list that Scrapy begins with, and what is left of it.

Gone are its remote control (a server that runs code), the telnet console, proxies from the
environment, cookies, referrers, caches and feeds on disk, and handlers of other schemes. Robots.txt
and redirects are the gate's.
"""

_OFF: Final[Mapping[str, Any]] = {
    "COOKIES_ENABLED": False,
    "DNSCACHE_ENABLED": False,
    "HTTPPROXY_ENABLED": False,
    "JOBDIR": None,
    "LOG_ENABLED": False,
    "METAREFRESH_ENABLED": False,
    "REDIRECT_ENABLED": False,
    "REFERER_ENABLED": False,
    "REMOTE_CONTROL_ENABLED": False,
    "ROBOTSTXT_OBEY": False,
    "STATS_DUMP": False,
    "TELNETCONSOLE_ENABLED": False,
    "TWISTED_REACTOR": None,  # the one that is installed
}
"""Said twice, lest a later Scrapy begins with another list."""


def settings_of(state: CrawlState) -> Settings:
    """Return the settings of one crawl."""
    stated = {
        **_PARTS,
        **_OFF,
        **_bounds(state.limits),
        "USER_AGENT": state.agent,
        "DEFAULT_REQUEST_HEADERS": {"Accept": "*/*"},
    }
    return Settings(stated, priority="project")


def _bounds(limits: CrawlLimits) -> dict[str, Any]:
    return {
        "CONCURRENT_REQUESTS": 2 * limits.at_once,
        "CONCURRENT_REQUESTS_PER_DOMAIN": limits.at_once,
        "DOWNLOAD_DELAY": limits.delay_seconds,
        "DOWNLOAD_DELAY_JITTER": 0.0,
        "AUTOTHROTTLE_ENABLED": True,
        "AUTOTHROTTLE_START_DELAY": limits.delay_seconds,
        "AUTOTHROTTLE_MAX_DELAY": limits.most_delay_seconds,
        "AUTOTHROTTLE_TARGET_CONCURRENCY": float(limits.at_once),
        "DOWNLOAD_TIMEOUT": limits.seconds,
        "DOWNLOAD_MAXSIZE": limits.page_bytes,
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_FAIL_ON_DATALOSS": True,
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "RETRY_TIMES": 1,
        "RETRY_HTTP_CODES": [500, 502, 504],
        "RETRY_EXCEPTIONS": [
            "scrapy.exceptions.DownloadConnectionRefusedError",
            "scrapy.exceptions.ResponseDataLossError",
            "twisted.internet.error.ConnectionLost",
        ],
        "SCHEDULER_MEMORY_QUEUE": "scrapy.squeues.FifoMemoryQueue",
        "SCRAPER_SLOT_MAX_ACTIVE_SIZE": 2 * limits.photo_bytes,
        "REACTOR_THREADPOOL_MAXSIZE": 4,
    }
