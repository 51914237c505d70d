"""A photo as a crawl found it on a page, and the marks by which it is told from what it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Protocol

from likeness.sources.links import LONGEST_TEXT, moment_of

LONGEST_ADDRESS = 2048
_DIGEST = 16


@dataclass(frozen=True, kw_only=True)
class FoundPhoto:
    """An image of a page, with what its link back says.

    Attributes
    ----------
    url : str
        Its address.
    page_url : str
        The page that shows it.
    text : str
        Its caption or alternative text.
    taken_at : datetime or None
        In UTC, as the page says.
    rights : str
        As the page says.
    otherwise : str
        The address to ask for where ``url`` turns out to be no image; may be empty.
    """

    url: str
    page_url: str
    text: str = ""
    taken_at: datetime | None = None
    rights: str = ""
    otherwise: str = ""

    def told(self) -> dict[str, str]:
        """Write it as fields of a message."""
        return {
            "url": self.url,
            "page": self.page_url,
            "text": self.text,
            "taken_at": self.taken_at.isoformat() if self.taken_at else "",
            "rights": self.rights,
        }

    def link_part(self) -> str:
        """Return 32 hex digits over what the link back says (BLAKE2b)."""
        told = json.dumps(["website/1", *self.told().values()])
        return blake2b(told.encode(), digest_size=_DIGEST).hexdigest()


def mark_of(photo: FoundPhoto, content: bytes) -> str:
    """Return 64 hex digits, over a photo's link and over its bytes.

    Its bytes are part of it because sites do not always say when an image changed.
    """
    return photo.link_part() + blake2b(content, digest_size=_DIGEST).hexdigest()


class ImageOfPage(Protocol):
    """What `pages.PageImage` is."""

    @property
    def url(self) -> str: ...
    @property
    def shown_url(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def taken_at(self) -> datetime | None: ...
    @property
    def rights(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class PageNotes:
    """What is kept of a page, so that one which did not change need not come again.

    Attributes
    ----------
    links : tuple of str
        Pages that it leads to.
    photos : tuple of FoundPhoto
    """

    links: tuple[str, ...] = ()
    photos: tuple[FoundPhoto, ...] = ()

    def as_json(self) -> str:
        """Write it down."""
        photos = [[*photo.told().values(), photo.otherwise] for photo in self.photos]
        return json.dumps({"links": list(self.links), "photos": photos})


def read_notes(text: str) -> PageNotes:
    """Read what `PageNotes.as_json` wrote.

    Raises
    ------
    ValueError
        If it is something else.
    """
    try:
        notes = json.loads(text)
        return PageNotes(
            links=tuple(str(link) for link in notes["links"]),
            photos=tuple(_photo(fields) for fields in notes["photos"]),
        )
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("not the notes of a page") from error


def _photo(fields: Any) -> FoundPhoto:
    url, page_url, text, taken_at, rights, otherwise = (str(field) for field in fields)
    return FoundPhoto(
        url=url,
        page_url=page_url,
        text=text,
        taken_at=moment_of(taken_at),
        rights=rights,
        otherwise=otherwise,
    )


def photo_told(details: Mapping[str, Any]) -> FoundPhoto:
    """Read what `FoundPhoto.told` wrote, as it comes from a process that is not trusted.

    Raises
    ------
    ValueError
        If a field is missing, too long or of another kind.
    """
    fields = [details.get(name) for name in ("url", "page", "text", "taken_at", "rights")]
    most = (LONGEST_ADDRESS, LONGEST_ADDRESS, LONGEST_TEXT, 64, LONGEST_TEXT)
    if not all(
        isinstance(field, str) and len(field) <= longest
        for field, longest in zip(fields, most, strict=True)
    ):
        raise ValueError("not a photo")
    taken_at = moment_of(str(fields[3]))
    if fields[3] and taken_at is None:
        raise ValueError("not a date")
    return _photo([*fields, ""])
