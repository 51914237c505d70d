"""The way back from a photo to one place where it was found, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

LinkConfidence = Literal["exact", "joined", "profile-only"]
"""How sure a link back is: stated by the holder, joined on other fields, or only the profile."""

LinkFrom = Literal["links.csv", "metadata", "download", "export", "website", "iiif", "file"]
"""Where a link back was read: a list beside the photo, XMP or IPTC in it, the address that a
browser left in extended attributes, the platform's own records in an export, the page that shows
it, a IIIF manifest, or nothing better than the file itself (also where it lies in a bucket)."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """From when to when something is seen in a video, in milliseconds from its beginning.

    Attributes
    ----------
    start_ms, end_ms : int
        ``0 <= start_ms <= end_ms``.
    """

    start_ms: int
    end_ms: int


@dataclass(frozen=True, kw_only=True)
class PageLink:
    """The way back from a photo to where it came from.

    Attributes
    ----------
    page_url : str
        Address of the page (``https://…``), or of the file itself (``file:///…``, ``s3://…``).
    media_url : str
        Address of the image, or of the file itself.
    taken_at : datetime or None
        When the photo was taken, aware; None where nothing says.
    text : str
        Caption or other words that stand with the photo; may be empty.
    confidence : LinkConfidence
    link_from : LinkFrom
    span : Span or None
        When it is seen, for a frame of a video; None for a photo.
    rights : str
        What the page or manifest says of rights in it, or an empty text.
    """

    page_url: str
    media_url: str
    taken_at: datetime | None
    text: str
    confidence: LinkConfidence
    link_from: LinkFrom
    span: Span | None = None
    rights: str = ""
