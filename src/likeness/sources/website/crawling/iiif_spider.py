"""Goes through a IIIF manifest, or through the manifests of a collection on the same host."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from scrapy import Request
from scrapy.http import Response

from likeness.errors import SourceUnreadable
from likeness.sources.website.crawling.photo_spider import PAGE_LAST, PhotoSpider
from likeness.sources.website.crawling.reasons import headers_of
from likeness.sources.website.found import FoundPhoto, PageNotes
from likeness.sources.website.iiif import Collection, Manifest, read_iiif
from likeness.sources.website.references import host_of
from likeness.sources.website.signals import page_refusals


class IiifSpider(PhotoSpider):
    """Reads the document of the first address, and what it leads to."""

    name = "iiif"

    async def start(self) -> AsyncIterator[Any]:
        """Begin with the first document."""
        if await self.may_begin():
            for request in self._ask_document(self.state.start, depth=0):
                yield request

    def parse_document(self, response: Response) -> Iterator[Request]:
        """Read a manifest or a collection."""
        refusals = page_refusals(headers_of(response), ())
        notes = self.known_notes(response)
        if refusals:
            self.state.skip(self.place(response.url), refusals[0].reason)
            return
        if notes is None:
            if response.status != 200:
                self.missed(response.url, f"answered with status {response.status}")
                return
            try:
                document = read_iiif(response.body, url=response.url)
            except SourceUnreadable as error:
                self.unreadable(response.url, error)
                return
            if document.left_out:
                self._told_left_out(response, document.left_out)
            notes = _notes(document)
            self.remember(response, notes)
        self.state.budget.succeeded()
        for photo in notes.photos:
            yield from self.ask_photo(photo)
        for link in notes.links:
            yield from self._ask_document(link, depth=response.meta["depth_here"] + 1)

    def _told_left_out(self, response: Response, count: int) -> None:
        self.state.budget.left_out()
        self.state.skip(
            f"{self.place(response.url)}#left-out",
            f"{count:,} of its parts are no images of this document, or have no usable address",
        )

    def _ask_document(self, link: str, *, depth: int) -> Iterator[Request]:
        url = self.address(link)
        if not url:
            return
        if host_of(url) != self.own:
            self.state.skip(self.place(url), "on another host")
        elif self.state.budget.take_page(url, depth=depth):
            yield Request(
                url,
                callback=self.parse_document,
                errback=self.brought_nothing,
                priority=PAGE_LAST,
                dont_filter=True,
                meta={"depth_here": depth, "download_maxsize": self.state.limits.page_bytes},
            )


def _notes(document: Manifest | Collection) -> PageNotes:
    if isinstance(document, Collection):
        return PageNotes(links=(*document.manifests, *document.collections))
    return PageNotes(
        photos=tuple(
            FoundPhoto(
                url=image.url,
                page_url=image.page_url,
                text=image.text,
                taken_at=image.taken_at,
                rights=image.rights,
            )
            for image in document.images
        )
    )
