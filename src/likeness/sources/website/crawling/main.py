"""Starts the crawling process: its limits first, then its gates, then the crawl."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import sys
from collections.abc import Mapping
from typing import Any

from scrapy.utils.reactor import install_reactor

from likeness.sources.website.crawl_protocol import READY
from likeness.sources.website.crawling.channel import PARENT_GONE, Channel
from likeness.sources.website.crawling.guard import Guard
from likeness.sources.website.lease import Lease
from likeness.sources.website.network import Network

LEASE_ENDED = 4
"""What the process exits with when its parent did not extend the lease."""

_REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"
_MEMORY = 1_500_000_000
_OPEN_FILES = 64
_LOOK_SECONDS = 0.1
_STALL_SECONDS = 60.0
_START_SECONDS = 60.0


def run(network: Network, *, lease_descriptor: int) -> int:
    """Crawl what the parent asks for on standard input, and tell it on standard output.

    Parameters
    ----------
    network : Network
        What may be connected to.
    lease_descriptor : int
        Open for reading; see `lease.Lease`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, _START_SECONDS)
    logging.disable(logging.CRITICAL)
    _take_limits()
    install_reactor(_REACTOR)
    from twisted.internet import reactor as installed
    from twisted.internet import stdio, task

    reactor: Any = installed

    guard, lease, channel = Guard(network), Lease(lease_descriptor), Channel()
    stdio.StandardIO(channel)  # type: ignore[no-untyped-call]
    guard.install(reactor)
    exit_codes: list[int] = []
    watch = task.LoopingCall(_watch, lease)

    async def crawl() -> None:
        channel.ready(READY)
        setup = await channel.setup()
        watch.start(_LOOK_SECONDS)
        await _crawl(network, guard, lease, channel, setup)
        exit_codes.append(0)

    def begin() -> None:
        asyncio.get_event_loop().create_task(crawl()).add_done_callback(_end)

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
    return exit_codes[0] if exit_codes else 1


async def _crawl(
    network: Network, guard: Guard, lease: Lease, channel: Channel, setup: Mapping[str, Any]
) -> None:
    # Scrapy looks for the reactor as it is imported.
    from scrapy.crawler import Crawler

    from likeness.sources.website.crawling.iiif_spider import IiifSpider
    from likeness.sources.website.crawling.rules import SiteRules
    from likeness.sources.website.crawling.scrapy_settings import settings_of
    from likeness.sources.website.crawling.site_spider import SiteSpider
    from likeness.sources.website.crawling.state import CrawlState

    state = CrawlState(network, guard, lease, channel, setup)
    spider = IiifSpider if state.mode == "iiif" else SiteSpider
    crawler = Crawler(spider, settings_of(state))
    state.rules = SiteRules(crawler, state)
    while not lease.holds():
        await asyncio.sleep(_LOOK_SECONDS)
    await crawler.crawl_async(state=state)
    channel.done(whole=state.budget.whole)


def _end(task: asyncio.Task[None]) -> None:
    """The parent closes the pipes when it has read the last message; that ends the process."""
    if task.cancelled() or task.exception() is not None:
        os._exit(1)


def _watch(lease: Lease) -> None:
    # A reactor that does not come back to this within the time is held up by what it reads.
    signal.setitimer(signal.ITIMER_REAL, _STALL_SECONDS)
    lease.holds()
    if lease.ended:
        os._exit(PARENT_GONE)
    if lease.ran_out():
        os._exit(LEASE_ENDED)


def _take_limits() -> None:
    """Bound memory; no files written, few opened, no core dumps."""
    # macOS refuses a limit on address space.
    if sys.platform != "darwin":
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
