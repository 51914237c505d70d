"""What a web page holds for us: links to go on with, photos with their words, and its refusals."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from likeness.errors import SourceUnreadable
from likeness.sources.links import address_problem, moment_of, plain_text
from likeness.sources.website.page_images import (
    ImageCollector,
    PageImage,
    is_image_file,
    is_unfollowed_link,
)
from likeness.sources.website.page_text import read_elements
from likeness.sources.website.references import absolute, same_host
from likeness.sources.website.signals import Refusal, is_unfollowed, page_refusals

if TYPE_CHECKING:
    from likeness.sources.website.page_text import Element

MOST_LINKS = 10_000

_MOST_ANCHORS = 50_000
_MOST_META = 1000
_LONGEST_META = 20_000
_MOST_SCRIPTS = 20
_LONGEST_SCRIPT = 500_000
_MOST_VALUES = 20_000
_PREVIEWS = frozenset({"og:image", "og:image:url", "og:image:secure_url", "twitter:image"})
_PREVIEW_WORDS = ("og:image:alt", "twitter:image:alt")
_PUBLISHED = ("article:published_time", "datepublished", "dcterms.date", "dc.date", "date")
_RIGHTS = ("dcterms.license", "dcterms.rights", "dc.rights", "copyright")


@dataclass(frozen=True, kw_only=True)
class Page:
    """A web page.

    Attributes
    ----------
    links : tuple of str
        Absolute addresses of any host, each once, in the order of the page; at most 10,000. Empty
        where the page says that its links are not to be followed; without those that say so of
        themselves, and without those that end like a photo's file.
    images : tuple of PageImage
        Each once, in the order of the page; at most 5,000.
    meta : tuple of (name, content)
        Its meta elements, names in lower case.
    title : str
    published_at : datetime or None
        When the page says that it was published, in UTC.
    rights : str
        What it says of rights in all of it (a licence's address first), or empty.
    nofollow : bool
        Whether a meta element, or the caller, says that its links are not to be followed.
    refusals : tuple of Refusal
        By its meta elements; those by its headers are `signals.page_refusals`.
    small_images : int
        How many images were left out for a declared side below 80 pixels.
    left_out : int
        How many links and images were left out because there are too many.
    """

    links: tuple[str, ...] = ()
    images: tuple[PageImage, ...] = ()
    meta: tuple[tuple[str, str], ...] = ()
    title: str = ""
    published_at: datetime | None = None
    rights: str = ""
    nofollow: bool = False
    refusals: tuple[Refusal, ...] = ()
    small_images: int = 0
    left_out: int = 0


def read_page(body: bytes, *, url: str, content_type: str, follow: bool = True) -> Page:
    """Read a web page. Nothing is fetched, and no script of it runs.

    Parameters
    ----------
    body : bytes
        As it came, unpacked.
    url : str
        Absolute address that it was read from, after redirects.
    content_type : str
        Its ``Content-Type`` header.
    follow : bool
        False where a header says that its links are not to be followed (`signals.is_unfollowed`);
        the page then gives none, nor the files that they open.

    Raises
    ------
    SourceUnreadable
        If it is no web page by its type, or longer than 10 MB, too deep or of too many elements,
        or ``url`` is not an address.
    """
    if address_problem(url):
        raise SourceUnreadable(f"The address of a page {address_problem(url)}.")
    reader = _Reader(url=url, follow=follow)
    for top in read_elements(body, content_type):
        for element in top.iter():
            if isinstance(element.tag, str):
                reader.take(element)
    return reader.page()


@dataclass(kw_only=True)
class _Reader:
    """Goes through the elements of one page, first for its head matters, then for the rest."""

    url: str
    follow: bool
    meta: list[tuple[str, str]] = field(default_factory=list)
    links: dict[str, None] = field(default_factory=dict)
    licences: list[str] = field(default_factory=list)
    anchors: list[Element] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    dated_at: datetime | None = None
    base: str = ""
    title: str = ""
    too_many_meta: bool = False
    left_out: int = 0

    def take(self, element: Element) -> None:
        tag = str(element.tag)
        if tag == "meta":
            self._take_meta(element)
        elif tag in {"a", "area", "img"}:
            # A base or nofollow further down holds for them too.
            if len(self.anchors) < _MOST_ANCHORS:
                self.anchors.append(element)
            else:
                self.left_out += 1
        elif tag == "base" and not self.base:
            stated = absolute(self.url, element.get("href") or "")
            self.base = stated if stated and same_host(stated, self.url) else ""
        elif tag == "title" and not self.title:
            self.title = plain_text(element.text or "")
        elif tag == "link" and "license" in (element.get("rel") or "").lower().split():
            self.licences.append(element.get("href") or "")
        elif tag == "time" and self.dated_at is None:
            if next(element.iterancestors("article"), None) is not None:
                self.dated_at = moment_of((element.get("datetime") or "").strip())
        elif tag == "script" and "ld+json" in (element.get("type") or "").lower():
            self.scripts += [element.text or ""][: _MOST_SCRIPTS - len(self.scripts)]

    def _take_meta(self, element: Element) -> None:
        content = element.get("content")
        if content is None:
            return
        for attribute in ("name", "property", "http-equiv", "itemprop"):
            name = (element.get(attribute) or "").strip().lower()
            if name and len(self.meta) < _MOST_META:
                self.meta.append((name, content[:_LONGEST_META]))
            elif name:
                self.too_many_meta = True

    def page(self) -> Page:
        base = self.base or self.url
        nofollow = not self.follow or is_unfollowed((), self.meta)
        images = ImageCollector(base=base, follow=not nofollow)
        for element in self.anchors:
            if element.tag == "img":
                images.take_image(element)
            else:
                self._take_link(element, base, images, nofollow)
        said = dict(reversed(self.meta))
        self._take_previews(images, said)
        return Page(
            links=tuple(self.links),
            images=images.images(),
            meta=tuple(self.meta),
            title=self.title or plain_text(said.get("og:title", "")),
            published_at=self._published(said),
            rights=self._rights(said, base),
            nofollow=nofollow,
            refusals=self._refusals(),
            small_images=images.small,
            left_out=self.left_out + images.beyond,
        )

    def _take_link(
        self, anchor: Element, base: str, images: ImageCollector, nofollow: bool
    ) -> None:
        address = absolute(base, anchor.get("href") or "")
        if "license" in (anchor.get("rel") or "").lower().split():
            if next(anchor.iterancestors("figure"), None) is None:
                self.licences.append(anchor.get("href") or "")
            return
        if not address or nofollow or is_unfollowed_link(anchor):
            return
        if is_image_file(address):
            images.take_link(address, anchor)
        elif address in self.links or len(self.links) < MOST_LINKS:
            self.links[address] = None
        else:
            self.left_out += 1

    def _take_previews(self, images: ImageCollector, said: dict[str, str]) -> None:
        words = next((said[name] for name in _PREVIEW_WORDS if said.get(name)), "")
        for name, content in self.meta:
            if name in _PREVIEWS:
                images.take_address(content, words or said.get("og:title", "") or self.title)

    def _published(self, said: dict[str, str]) -> datetime | None:
        stated = (moment_of(said.get(name, "").strip()) for name in _PUBLISHED)
        found = next((moment for moment in stated if moment), None)
        if found is None:
            found = next((m for text in self.scripts for m in _published_in(text)), None)
        return found or self.dated_at

    def _rights(self, said: dict[str, str], base: str) -> str:
        licences = (absolute(base, licence) for licence in self.licences)
        parts = [next((licence for licence in licences if licence), "")]
        parts += [plain_text(said.get(name, "")) for name in _RIGHTS]
        return plain_text(" · ".join(dict.fromkeys(part for part in parts if part)))

    def _refusals(self) -> tuple[Refusal, ...]:
        if self.too_many_meta:
            reason = f"the page has more than {_MOST_META:,} meta elements"
            return (Refusal(signal="robots", where="page", reason=reason),)
        return page_refusals((), self.meta)


def _published_in(script: str) -> Iterator[datetime]:
    """The dates of publication in structured data (JSON-LD, schema.org), outermost first."""
    if len(script) > _LONGEST_SCRIPT:
        return
    try:
        waiting = deque([json.loads(script)])
    except (ValueError, RecursionError):
        return
    for _ in range(_MOST_VALUES):
        if not waiting:
            return
        value = waiting.popleft()
        if isinstance(value, dict):
            stated = value.get("datePublished")
            moment = moment_of(stated.strip()) if isinstance(stated, str) else None
            if moment:
                yield moment
            waiting += [each for each in value.values() if isinstance(each, dict | list)]
        elif isinstance(value, list):
            waiting += [each for each in value if isinstance(each, dict | list)]
