"""What the parts of one crawl share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from scrapy.crawler import Crawler

from likeness.sources.website.budget import Budget
from likeness.sources.website.crawling.channel import Channel
from likeness.sources.website.crawling.guard import Guard
from likeness.sources.website.lease import Lease
from likeness.sources.website.limits import CrawlLimits, most_told
from likeness.sources.website.network import Network

if TYPE_CHECKING:
    from likeness.sources.website.crawling.rules import SiteRules


class CrawlState:
    """One crawl: what it is of, and what it may.

    Attributes
    ----------
    network : Network
    guard : Guard
    lease : Lease
    channel : Channel
    mode : str
        ``"site"`` or ``"iiif"``.
    start : str
        Address of the first page or manifest.
    hosts : frozenset of str
        Hosts with a live proof; the only ones that are asked.
    agent : str
    limits : CrawlLimits
    budget : Budget
    rules : SiteRules
        Set once the crawler is there.
    """

    rules: SiteRules

    def __init__(
        self,
        network: Network,
        guard: Guard,
        lease: Lease,
        channel: Channel,
        setup: Mapping[str, Any],
    ) -> None:
        self.network = network
        self.guard = guard
        self.lease = lease
        self.channel = channel
        self.mode = str(setup["mode"])
        self.start = str(setup["start"])
        self.hosts = frozenset(str(host) for host in setup["hosts"])
        self.agent = str(setup["agent"])
        self.limits = CrawlLimits(**setup["limits"])
        self.budget = Budget(self.limits)
        self._told: set[str] = set()

    def skip(self, item: str, reason: str, *, hides: bool = False, ends: bool = False) -> None:
        """Tell once of something that is not taken."""
        if item in self._told:
            return
        most = most_told(self.limits)
        if len(self._told) >= most:
            # Whoever fills a site with what cannot be taken does not fill this process with it.
            self.budget.left_out()
            return
        if len(self._told) == most - 1:
            item, reason, hides, ends = "/", "more was skipped than is told of", True, False
        self._told.add(item)
        self.channel.skipped(item, reason, hides=hides, ends=ends)

    def photo(self, item: str, details: Mapping[str, Any], body: bytes) -> None:
        """Tell once of a photo."""
        if item not in self._told:
            self._told.add(item)
            self.channel.photo(details, body)


def state_of(crawler: Crawler) -> CrawlState:
    """Return what the parts of a crawl share."""
    return cast("CrawlState", cast(Any, crawler.spider).state)
