"""What each site says of being asked: robots.txt and tdmrep.json, read before anything else."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError, IgnoreRequest
from scrapy.extensions.throttle import AutoThrottle

from likeness.sources.website.crawling.state import CrawlState
from likeness.sources.website.limits import RULES_SECONDS
from likeness.sources.website.references import host_of
from likeness.sources.website.robots import MAX_ROBOTS_BYTES, RobotsRules
from likeness.sources.website.signals import Refusal, SignalRefused
from likeness.sources.website.tdm import MAX_TDM_BYTES, TdmRules

OF_RULES = "of_rules"
"""Marks the requests for these files, which no rule is asked about."""


@dataclass(frozen=True, kw_only=True)
class _Site:
    robots: RobotsRules
    tdm: TdmRules
    read_at: float


class SiteRules:
    """The rules of every host of a crawl, each read when first needed and daily after that."""

    def __init__(self, crawler: Crawler, state: CrawlState) -> None:
        self._crawler = crawler
        self._state = state
        self._sites: dict[str, _Site] = {}
        self._reading = asyncio.Lock()

    async def permit(self, url: str) -> None:
        """Find out whether an address may be asked for.

        Raises
        ------
        SignalRefused
            If a rule refuses it, or the rules could not be read.
        """
        site = await self._site(host_of(url))
        site.robots.permit(url)
        site.tdm.permit(url)

    async def sitemaps(self, host: str) -> tuple[str, ...]:
        """Return the addresses of sitemaps that robots.txt names, not checked."""
        return (await self._site(host)).robots.sitemaps

    async def refusal(self, host: str) -> Refusal | None:
        """Return what refuses all of a site, if anything does."""
        site = await self._site(host)
        return site.robots.refusal or site.tdm.refusal

    async def _site(self, host: str) -> _Site:
        async with self._reading:
            site = self._sites.get(host)
            if site is None or time.monotonic() - site.read_at >= RULES_SECONDS:
                site = self._sites[host] = await self._read(host)
            return site

    async def _read(self, host: str) -> _Site:
        status, body = await self._fetch(f"https://{host}/robots.txt", MAX_ROBOTS_BYTES)
        robots = RobotsRules.read(status, body)
        if robots.refusal is not None:
            return _Site(robots=robots, tdm=TdmRules(), read_at=time.monotonic())
        self._slow_down(robots.seconds_between or 0.0)
        place = f"https://{host}/.well-known/tdmrep.json"
        try:
            robots.permit(place)
        except SignalRefused:
            reason = "robots.txt refuses tdmrep.json, so that nobody can say what it reserves"
            refusal = Refusal(signal="tdm-reservation", where="site", reason=reason)
            tdm = TdmRules(refusal=refusal)
        else:
            tdm = TdmRules.read(*await self._fetch(place, MAX_TDM_BYTES))
        return _Site(robots=robots, tdm=tdm, read_at=time.monotonic())

    async def _fetch(self, url: str, most: int) -> tuple[int | None, bytes]:
        """Status and body after redirects on the host; no status where nothing sound came."""
        request = Request(
            url, dont_filter=True, meta={OF_RULES: True, "download_maxsize": most + 1}
        )
        try:
            answer = await self._crawler.engine.download_async(request)
        except DownloadCancelledError:
            return 200, bytes(most + 1)
        except (IgnoreRequest, Exception):
            return None, b""
        return answer.status, answer.body

    def _slow_down(self, seconds: float) -> None:
        """Keep at least so long between requests; the longest of all hosts holds for each."""
        throttle = self._crawler.get_extension(AutoThrottle)
        if throttle is None:
            return
        throttle.mindelay = max(throttle.mindelay, seconds)
        throttle.maxdelay = max(throttle.maxdelay, throttle.mindelay)
        downloader = self._crawler.engine.downloader
        downloader._delay = max(downloader._delay, throttle.mindelay)
        for slot in downloader.slots.values():
            slot.delay = max(slot.delay, throttle.mindelay)
