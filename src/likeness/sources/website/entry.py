"""A photo that a crawl brought, or found unchanged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from likeness.errors import PhotoUnreadable
from likeness.records.photo import EmbeddedMetadata
from likeness.records.sighting import LinkFrom, PageLink
from likeness.sources.base import SourceEntry
from likeness.sources.links import moment_of, plain_text
from likeness.sources.website.found import FoundPhoto


@dataclass(frozen=True, kw_only=True)
class CrawledEntry(SourceEntry):
    """A photo of a website or of a IIIF manifest.

    Attributes
    ----------
    found : FoundPhoto
    content : bytes or None
        Its bytes; None where the site says that they are as they were, and they did not come.
    link_from : LinkFrom
    was_read : callable
        Told whether the bytes were there, each time that they are asked for, from any thread.
    """

    found: FoundPhoto = field(repr=False)
    content: bytes | None = field(repr=False)
    link_from: LinkFrom
    was_read: Callable[[bool], None] = field(repr=False, compare=False)

    def read(self, max_bytes: int) -> bytes:
        self.was_read(self.content is not None)
        if self.content is None:
            raise PhotoUnreadable(
                f"The photo {self.item} is as it was, so the site did not send it again.",
                "Add the site again; it is asked for whole then.",
                reason="could not be read",
            )
        if len(self.content) > max_bytes:
            raise PhotoUnreadable(
                f"The photo {self.item} cannot be read: too large.",
                "Raise the limit on the size of a photo, or ask the site for a smaller copy.",
                reason="too large",
            )
        return self.content

    def link(self, embedded: EmbeddedMetadata | None) -> PageLink:
        # What a photo says of where it is from does not count here: the page is known.
        taken_at = None
        if embedded is not None and embedded.taken_at is not None:
            taken_at = moment_of(embedded.taken_at.isoformat())
        return PageLink(
            page_url=self.found.page_url,
            media_url=self.found.url,
            taken_at=taken_at or self.found.taken_at,
            text=self.found.text or plain_text(embedded.description if embedded else ""),
            confidence="exact",
            link_from=self.link_from,
            rights=self.found.rights,
        )
