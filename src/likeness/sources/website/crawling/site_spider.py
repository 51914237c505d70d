"""Goes through one site: its sitemaps, then from page to page, and each photo as it is met."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.http import Response

from likeness.errors import SourceUnreadable
from likeness.sources.file_kinds import file_kind
from likeness.sources.website.content_kinds import looks_like_photo
from likeness.sources.website.crawling.photo_spider import GONE, INDEX_NEXT, PAGE_LAST, PhotoSpider
from likeness.sources.website.crawling.reasons import headers_of
from likeness.sources.website.crawling.state import CrawlState
from likeness.sources.website.found import FoundPhoto, PageNotes
from likeness.sources.website.page_text import is_html
from likeness.sources.website.pages import Page, read_page
from likeness.sources.website.references import host_of
from likeness.sources.website.signals import is_unfollowed, page_refusals
from likeness.sources.website.sitemaps import MAX_SITEMAP_BYTES, SitemapImage, read_sitemap

_MOST_SITEMAPS = 200
_USUAL_SITEMAP = "/sitemap.xml"


class SiteSpider(PhotoSpider):
    """Crawls the host of the first page."""

    name = "site"

    def __init__(self, state: CrawlState, **named: Any) -> None:
        super().__init__(state, **named)
        self._sitemaps: set[str] = set()

    async def start(self) -> AsyncIterator[Any]:
        """Begin with the sitemaps, and with the first page."""
        if not await self.may_begin():
            return
        named = await self.state.rules.sitemaps(self.own)
        for place in (*named, _USUAL_SITEMAP):
            for request in self._ask_sitemap(place, told=place in named):
                yield request
        for request in self._ask_page(self.state.start, depth=0):
            yield request

    def parse_sitemap(self, response: Response) -> Iterator[Request]:
        """Read a sitemap and go on with what it names."""
        if response.status != 200:
            if response.meta["told"]:
                self.missed(response.url, f"answered with status {response.status}")
            return
        try:
            found = read_sitemap(response.body, url=response.url)
        except SourceUnreadable as error:
            self.unreadable(response.url, error)
            return
        for address in found.sitemaps:
            yield from self._ask_sitemap(address, told=True)
        for page in found.pages:
            # Its images wait until the page was read: it may refuse them.
            yield from self._ask_page(page.url, depth=0, images=page.images)

    def parse_page(self, response: Response) -> Iterator[Request]:
        """Read a page: what it refuses, its photos, and where it leads."""
        refusals = page_refusals(headers_of(response), ())
        known = self.known_notes(response)
        if refusals:
            self.state.skip(self.place(response.url), refusals[0].reason)
        elif known is not None:
            self.state.budget.succeeded()
            yield from self._follow(known, response)
        elif response.status in GONE:
            self.state.budget.succeeded()
            self.state.skip(self.place(response.url), "gone")
        elif response.status != 200:
            self.missed(response.url, f"answered with status {response.status}")
        elif looks_like_photo(response.body):
            # A link led to the image itself.
            self.state.budget.succeeded()
            self.take(response, FoundPhoto(url=response.url, page_url=response.meta["from"]))
        elif not is_html(_content_type(response)):
            self.state.budget.succeeded()
            self.state.skip(self.place(response.url), "neither a page nor a photo")
        else:
            yield from self._read(response)

    def _read(self, response: Response) -> Iterator[Request]:
        try:
            page = read_page(response.body, url=response.url, content_type=_content_type(response))
        except SourceUnreadable as error:
            self.unreadable(response.url, error)
            return
        self.state.budget.succeeded()
        if page.left_out:
            self.state.budget.left_out()
        if page.refusals:
            self.state.skip(self.place(response.url), page.refusals[0].reason)
            return
        notes = self._notes(page, response)
        self.remember(response, notes)
        yield from self._follow(notes, response)

    def _notes(self, page: Page, response: Response) -> PageNotes:
        links = () if is_unfollowed(headers_of(response), ()) else page.links
        addresses = (self.address(link) for link in links)
        return PageNotes(
            links=tuple(dict.fromkeys(each for each in addresses if host_of(each) == self.own)),
            photos=tuple(
                FoundPhoto(
                    url=image.url,
                    page_url=response.url,
                    text=image.text,
                    taken_at=image.taken_at or page.published_at,
                    rights=image.rights or page.rights,
                    otherwise=image.shown_url if image.shown_url != image.url else "",
                )
                for image in page.images
            ),
        )

    def _follow(self, notes: PageNotes, response: Response) -> Iterator[Request]:
        for photo in notes.photos:
            yield from self.ask_photo(photo)
        for image in response.meta["images"]:
            yield from self.ask_photo(
                FoundPhoto(url=image.url, page_url=response.url, text=image.text)
            )
        depth = response.meta["depth_here"] + 1
        for link in notes.links:
            yield from self._ask_page(link, depth=depth, shown_on=response.url)

    def _ask_sitemap(self, place: str, *, told: bool) -> Iterator[Request]:
        url = self.address(place)
        if host_of(url) != self.own or url in self._sitemaps:
            return
        if len(self._sitemaps) >= _MOST_SITEMAPS:
            self.state.budget.left_out()
            return
        self._sitemaps.add(url)
        yield Request(
            url,
            callback=self.parse_sitemap,
            errback=self.brought_nothing,
            priority=INDEX_NEXT,
            dont_filter=True,
            meta={"told": told, "download_maxsize": MAX_SITEMAP_BYTES},
        )

    def _ask_page(
        self,
        link: str,
        *,
        depth: int,
        shown_on: str = "",
        images: tuple[SitemapImage, ...] = (),
    ) -> Iterator[Request]:
        url = self.address(link)
        if host_of(url) != self.own:
            return
        kind = file_kind(urlsplit(url).path.rpartition("/")[2])
        # Only kinds that are known by name, such as films and archives; page.php says nothing.
        if kind.reported and "(" in kind.reason:
            self.state.skip(self.place(url), kind.reason)
        elif self.state.budget.take_page(url, depth=depth):
            yield Request(
                url,
                callback=self.parse_page,
                errback=self.brought_nothing,
                priority=PAGE_LAST,
                dont_filter=True,
                meta={
                    "depth_here": depth,
                    "from": shown_on or url,
                    "images": images,
                    "download_maxsize": self.state.limits.page_bytes,
                },
            )


def _content_type(response: Response) -> str:
    return (response.headers.get("Content-Type") or b"").decode("latin-1")
