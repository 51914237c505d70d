"""What both kinds of crawl do with a photo, and with whatever brought nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from scrapy import Request, Spider
from scrapy.http import Response
from twisted.python.failure import Failure

from likeness.errors import SourceUnreadable
from likeness.sources.website.content_kinds import looks_like_photo
from likeness.sources.website.crawling.gate import (
    EXPECTED_MARK,
    FIRST_ASKED,
    remembered_by,
    validators,
)
from likeness.sources.website.crawling.reasons import denial_of, headers_of, reason_of
from likeness.sources.website.crawling.state import CrawlState
from likeness.sources.website.found import FoundPhoto, PageNotes, read_notes
from likeness.sources.website.hosts import https_address, place_of
from likeness.sources.website.memory import LONGEST_PAGE, Remembered
from likeness.sources.website.references import host_of
from likeness.sources.website.signals import image_refusals

PHOTO_FIRST, INDEX_NEXT, PAGE_LAST = 10, 5, 0
"""Priorities: a photo is asked for before the next page, so that few wait."""

GONE = frozenset({404, 410})
"""What a site says of an address that holds nothing: no reason to ask again."""

_LONGEST_REASON = 150


class PhotoSpider(Spider):
    """Asks for photos and tells of them; what finds them is for the kinds of crawl."""

    name = "photos"

    def __init__(self, state: CrawlState, **named: Any) -> None:
        super().__init__(**named)
        self.state = state
        self.own = host_of(state.start)

    async def may_begin(self) -> bool:
        """Read the rules of the site; tell it where they refuse everything."""
        refusal = await self.state.rules.refusal(self.own)
        if refusal is not None:
            self.state.skip("/", refusal.reason, hides=True)
            self.state.budget.left_out()
        return refusal is None

    def parse_photo(self, response: Response) -> Iterator[Request]:
        """Tell of a photo, unless its own answer refuses it or it is none."""
        found: FoundPhoto = response.meta["found"]
        item = self.place(found.url)
        refusals = image_refusals(headers_of(response))
        if refusals:
            self.state.skip(item, refusals[0].reason, ends=True)
        elif remembered_by(response) is not None:
            self.state.budget.succeeded()
            self.state.photo(item, {**found.told(), "unchanged": True}, b"")
        elif response.status in GONE:
            self.state.budget.succeeded()
            self.state.skip(item, "gone")
        elif response.status != 200:
            self.missed(found.url, f"answered with status {response.status}")
        elif looks_like_photo(response.body):
            self.state.budget.succeeded()
            self.take(response, found)
        else:
            self.state.budget.succeeded()
            self.state.skip(item, "not a photo by its content")
            if found.otherwise:
                yield from self.ask_photo(replace(found, url=found.otherwise, otherwise=""))

    def brought_nothing(self, failure: Failure) -> None:
        """Tell of a request that was not sent, or of one that went wrong."""
        request: Request = failure.request  # type: ignore[attr-defined]
        denied = denial_of(failure)
        asked = request.meta.get(FIRST_ASKED, request.url)
        if denied is not None and denied.refusal is not None:
            # Rules that could not be read say nothing of what is to be held.
            unread = denied.refusal.where == "site"
            said_of_photo = "found" in request.meta and not unread
            self.state.skip(self.place(asked), denied.reason, hides=unread, ends=said_of_photo)
            if unread:
                self.state.budget.left_out()
        elif denied is not None and denied.reason == self.state.budget.spent:
            self.state.skip("/", denied.reason, hides=True)
        elif denied is not None and denied.elsewhere:
            self.state.skip(self.place(asked), denied.reason)
        elif request.meta.get("told", True):
            self.missed(asked, reason_of(failure, self.state.guard))

    def ask_photo(self, found: FoundPhoto) -> Iterator[Request]:
        """Ask for a photo, once, if its host may be asked."""
        url = self.address(found.url)
        if not url:
            return
        if host_of(url) not in self.state.hosts:
            self.state.skip(self.place(url), "on another host")
        elif self.state.budget.take_photo(url):
            asked = replace(found, url=url)
            yield Request(
                url,
                callback=self.parse_photo,
                errback=self.brought_nothing,
                priority=PHOTO_FIRST,
                dont_filter=True,
                meta={
                    "found": asked,
                    EXPECTED_MARK: asked.link_part(),
                    "download_maxsize": self.state.limits.photo_bytes,
                },
            )

    def take(self, response: Response, found: FoundPhoto) -> None:
        """Tell of a photo that came."""
        etag, changed, _ = validators(response)
        details = {**found.told(), "unchanged": False, "etag": etag, "last_modified": changed}
        self.state.photo(self.place(found.url), details, response.body)

    def remember(self, response: Response, notes: PageNotes) -> None:
        """Let the parent remember what a page or document holds, if it can be asked for again."""
        etag, changed, changed_ns = validators(response)
        kept = notes.as_json()
        if (etag or changed) and len(kept) <= LONGEST_PAGE:
            self.state.channel.seen(
                Remembered(
                    url=response.url,
                    etag=etag,
                    last_modified=changed,
                    size=len(response.body),
                    modified_ns=changed_ns,
                    page=kept,
                )
            )

    def known_notes(self, response: Response) -> PageNotes | None:
        """Return what is remembered of a page that did not change."""
        known = remembered_by(response)
        try:
            return read_notes(known.page) if known is not None else None
        except ValueError:
            return None

    def missed(self, url: str, reason: str) -> None:
        """Tell of something that could not be had this time."""
        self.state.budget.failed()
        self.state.skip(self.place(url), reason, hides=True)

    def unreadable(self, url: str, error: SourceUnreadable) -> None:
        """Tell of a page, sitemap or document that cannot be read."""
        self.missed(url, error.what.rstrip(".").removeprefix("A ")[:_LONGEST_REASON])

    def place(self, url: str) -> str:
        """Return the item that an address is told as."""
        return place_of(url, own=self.own)

    def address(self, link: str) -> str:
        """Return an address as it is asked for; empty where it is not."""
        return https_address(self.state.start, link, longest=self.state.limits.address)
