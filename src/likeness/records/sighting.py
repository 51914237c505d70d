"""A sighting: one place where a photo was found, and how sure the link back to it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

LinkConfidence = Literal["exact", "joined", "profile-only"]
"""How sure a link back is: stated by the holder, joined on other fields, or only the profile."""

LinkFrom = Literal["links.csv", "metadata", "download", "file"]
"""Where a link back was read: a list beside the photo, XMP or IPTC in it, the address that a
browser left in extended attributes, or nothing better than the file itself."""


@dataclass(frozen=True, kw_only=True)
class PageLink:
    """The way back from a photo to where it came from.

    Attributes
    ----------
    page_url : str
        Address of the page (``https://…``), or of the file itself (``file:///…``).
    media_url : str
        Address of the image, or of the file itself.
    taken_at : datetime or None
        When the photo was taken, aware; None where nothing says.
    text : str
        Caption or other words that stand with the photo; may be empty.
    confidence : LinkConfidence
    link_from : LinkFrom
    """

    page_url: str
    media_url: str
    taken_at: datetime | None
    text: str
    confidence: LinkConfidence
    link_from: LinkFrom


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One place where a photo was found.

    Attributes
    ----------
    source_id : str
    item : str
        The place within the source, such as a path relative to its folder, with ``/`` between
        parts.
    link : PageLink
    """

    source_id: str
    item: str
    link: PageLink
