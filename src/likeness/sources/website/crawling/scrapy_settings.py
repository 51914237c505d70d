"""How Scrapy is set up: what it does by itself is taken out, and put back piece by piece."""

from __future__ import annotations

from typing import Any

from scrapy.settings import Settings

from likeness.sources.website.crawling.state import CrawlState

_HANDLER = "likeness.sources.website.crawling.handler.GuardedHandler"
_GATE = "likeness.sources.website.crawling.gate.Gate"
_ENCODING = "likeness.sources.website.crawling.gate.OneEncoding"
_OWN = "scrapy.downloadermiddlewares"


def settings_of(state: CrawlState) -> Settings:
    """Return the settings of one crawl.

    Left out with the lists that Scrapy begins with: its remote control (a server that runs code),
    the telnet console, proxies from the environment, cookies, referrers, caches and feeds on disk,
    and handlers of other schemes. Robots.txt and redirects are the gate's.
    """
    limits = state.limits
    settings: dict[str, Any] = {
        "ADDONS": {},
        "EXTENSIONS_BASE": {},
        "EXTENSIONS": {"scrapy.extensions.throttle.AutoThrottle": 0},
        "REMOTE_CONTROL_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "DOWNLOAD_HANDLERS_BASE": {},
        "DOWNLOAD_HANDLERS": {"https": _HANDLER},
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "DOWNLOADER_MIDDLEWARES_BASE": {},
        "DOWNLOADER_MIDDLEWARES": {
            _GATE: 100,
            f"{_OWN}.downloadtimeout.DownloadTimeoutMiddleware": 350,
            f"{_OWN}.defaultheaders.DefaultHeadersMiddleware": 400,
            f"{_OWN}.useragent.UserAgentMiddleware": 500,
            f"{_OWN}.retry.RetryMiddleware": 550,
            _ENCODING: 590,
        },
        "SPIDER_MIDDLEWARES_BASE": {"scrapy.spidermiddlewares.start.StartSpiderMiddleware": 25},
        "SPIDER_MIDDLEWARES": {},
        "ITEM_PIPELINES_BASE": {},
        "ITEM_PIPELINES": {},
        "FEEDS": {},
        "JOBDIR": None,
        "HTTPPROXY_ENABLED": False,
        "COOKIES_ENABLED": False,
        "REFERER_ENABLED": False,
        "METAREFRESH_ENABLED": False,
        "REDIRECT_ENABLED": False,
        "ROBOTSTXT_OBEY": False,
        "DNSCACHE_ENABLED": False,
        "LOG_ENABLED": False,
        "STATS_DUMP": False,
        "USER_AGENT": state.agent,
        "DEFAULT_REQUEST_HEADERS": {"Accept": "*/*"},
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
        "TWISTED_REACTOR": None,
    }
    return Settings(settings, priority="project")
