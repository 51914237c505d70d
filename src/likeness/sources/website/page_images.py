"""The photos that a web page shows, each once, in the largest version that the page names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from likeness.records.photo_formats import PHOTO_SUFFIXES
from likeness.sources.links import moment_of, plain_text
from likeness.sources.website.references import absolute

if TYPE_CHECKING:
    from likeness.sources.website.page_text import Element

MOST_IMAGES = 5000
SMALLEST_SIDE = 80
"""In pixels. What a page declares to be smaller is an icon or counts visits, not a photo."""

_MOST_CANDIDATES = 100
_READ_TYPES = re.compile(r"image/(?:jpe?g|pjpeg|png|webp|tiff|gif|bmp|hei[cf]|\*)", re.IGNORECASE)
_PIXELS = re.compile(r"\s*(\d{1,6})(?:\.\d{1,6})?\s*(?:px)?\s*", re.IGNORECASE | re.ASCII)
_DESCRIPTOR = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)([wx])", re.ASCII)
_SOURCES = ("src", "data-src", "data-lazy-src", "data-original")
_SOURCE_SETS = ("srcset", "data-srcset", "data-lazy-srcset")


@dataclass(frozen=True, kw_only=True)
class PageImage:
    """One image of a page.

    Attributes
    ----------
    url : str
        Its largest version: the file that its link opens, else the largest that the page offers.
    shown_url : str
        The version to ask for if ``url`` turns out to be no image; may be the same.
    text : str
        Its caption, else its alternative text, else its title; as `links.plain_text` returns it.
    taken_at : datetime or None
        In UTC, from a ``time`` element in its own figure; None where there is none.
    rights : str
        Address of the licence that its own figure links to, or empty.
    """

    url: str
    shown_url: str
    text: str = ""
    taken_at: datetime | None = None
    rights: str = ""


@dataclass(frozen=True, kw_only=True)
class _Figure:
    caption: str
    taken_at: datetime | None
    rights: str


@dataclass(kw_only=True)
class ImageCollector:
    """Gathers the images of one page in the order of the page.

    Attributes
    ----------
    base : str
        Absolute address that references are relative to.
    follow : bool
        False where the page's links are not to be followed: then the files that they open are not
        asked for either.
    small : int
        How many were left out for their declared size.
    beyond : int
        How many were left out because a page has at most `MOST_IMAGES`.
    """

    base: str
    follow: bool
    small: int = 0
    beyond: int = 0
    _found: dict[str, PageImage] = field(default_factory=dict)
    _figures: dict[Element, _Figure] = field(default_factory=dict)

    def images(self) -> tuple[PageImage, ...]:
        """What was gathered."""
        return tuple(self._found.values())

    def take_image(self, element: Element) -> None:
        """Take an ``img`` element."""
        shown = self._largest(element)
        linked = self._linked(element)
        if not (shown or linked):
            return
        if not linked and _declared_small(element):
            self.small += 1
            return
        figure = self._figure(element)
        alternative = element.get("alt") or ""
        words = figure.caption or plain_text(alternative) or plain_text(element.get("title") or "")
        self._add(
            PageImage(
                url=linked or shown,
                shown_url=shown or linked,
                text=words,
                taken_at=figure.taken_at,
                rights=figure.rights,
            )
        )

    def take_link(self, url: str, element: Element) -> None:
        """Take an ``a`` element whose checked address is that of an image file."""
        # Where it holds an img, that one is taken with its words when its turn comes.
        if self.follow and next(element.iter("img"), None) is None:
            figure = self._figure(element)
            text = figure.caption or plain_text("".join(_texts(element)))
            self._add(
                PageImage(
                    url=url,
                    shown_url=url,
                    text=text,
                    taken_at=figure.taken_at,
                    rights=figure.rights,
                )
            )

    def take_address(self, reference: str, text: str) -> None:
        """Take an image that the page names for previews (``og:image``)."""
        url = absolute(self.base, reference)
        if url:
            self._add(PageImage(url=url, shown_url=url, text=plain_text(text)))

    def _add(self, image: PageImage) -> None:
        known = self._found.get(image.url)
        if known is not None:
            self._found[image.url] = replace(
                known,
                text=known.text or image.text,
                taken_at=known.taken_at or image.taken_at,
                rights=known.rights or image.rights,
            )
        elif len(self._found) < MOST_IMAGES:
            self._found[image.url] = image
        else:
            self.beyond += 1

    def _largest(self, element: Element) -> str:
        candidates = [(1.0, "x", element.get(name) or "") for name in _SOURCES]
        candidates = [each for each in candidates if each[2]]
        for holder in (element, *_picture_sources(element)):
            for name in _SOURCE_SETS:
                candidates += _source_set(holder.get(name) or "")
        # Widths in pixels say more than densities; of equals the last named, which is not the
        # placeholder in src.
        ranked = sorted(candidates, key=lambda each: (each[1] == "w", each[0]), reverse=True)
        addresses = (_image_address(self.base, each[2]) for each in ranked)
        return next((address for address in addresses if address), "")

    def _linked(self, element: Element) -> str:
        if not self.follow:
            return ""
        anchor = next(element.iterancestors("a"), None)
        if anchor is None or is_unfollowed_link(anchor):
            return ""
        address = absolute(self.base, anchor.get("href") or "")
        return address if is_image_file(address) else ""

    def _figure(self, element: Element) -> _Figure:
        figure = next(element.iterancestors("figure"), None)
        if figure is None:
            return _Figure(caption="", taken_at=None, rights="")
        if figure not in self._figures:
            self._figures[figure] = self._read_figure(figure)
        return self._figures[figure]

    def _read_figure(self, figure: Element) -> _Figure:
        caption = next(figure.iter("figcaption"), None)
        moments = (moment_of((each.get("datetime") or "").strip()) for each in figure.iter("time"))
        licences = (
            absolute(self.base, each.get("href") or "")
            for each in figure.iter("a", "link")
            if "license" in (each.get("rel") or "").lower().split()
        )
        return _Figure(
            caption="" if caption is None else plain_text("".join(_texts(caption))),
            taken_at=next((moment for moment in moments if moment), None),
            rights=next((licence for licence in licences if licence), ""),
        )


def is_image_file(address: str) -> bool:
    """Whether an absolute address ends like a photo's file."""
    name = unquote(urlsplit(address).path.rpartition("/")[2]).lower()
    # "File:Portrait.jpg" is how wikis name the page about a file.
    return name[name.rfind(".") :] in PHOTO_SUFFIXES and ":" not in name if "." in name else False


def is_unfollowed_link(anchor: Element) -> bool:
    """Whether a link says of itself that it is not to be followed."""
    return "nofollow" in (anchor.get("rel") or "").lower().split()


def _texts(element: Element) -> Iterator[str]:
    """The words below an element, as many as are kept, without those of scripts."""
    left = 10_000
    for text in element.itertext():
        words = str(text)[:left]
        yield words
        left -= len(words)
        if left <= 0:
            return


def _declared_small(element: Element) -> bool:
    sides = (_PIXELS.fullmatch(element.get(name) or "") for name in ("width", "height"))
    return any(side is not None and int(side.group(1)) < SMALLEST_SIDE for side in sides)


def _picture_sources(element: Element) -> Iterator[Element]:
    # The parser may take the image for a part of the source before it.
    picture = next(element.iterancestors("picture"), None)
    if picture is not None:
        for source in islice(picture.iter("source"), _MOST_CANDIDATES):
            kind = (source.get("type") or "").strip()
            if not kind or _READ_TYPES.fullmatch(kind):
                yield source


def _source_set(value: str) -> list[tuple[float, str, str]]:
    """Read ``address descriptor, …`` as HTML has it: an address may hold commas within."""
    found: list[tuple[float, str, str]] = []
    rest = value[:100_000].lstrip(" \t\r\n\f,")
    while rest and len(found) < _MOST_CANDIDATES:
        address, _, rest = rest.partition(" ")
        address = address.strip()
        number, unit = 1.0, "x"
        if address.endswith(","):
            address = address.rstrip(",")
        else:
            described, _, rest = rest.partition(",")
            for word in described.split():
                descriptor = _DESCRIPTOR.fullmatch(word)
                if descriptor is not None:
                    number, unit = float(descriptor.group(1)), descriptor.group(2)
        found.append((number, unit, address))
        rest = rest.lstrip(" \t\r\n\f,")
    return found


def _image_address(base: str, reference: str) -> str:
    return "" if reference.lstrip()[:5].lower() == "data:" else absolute(base, reference)
