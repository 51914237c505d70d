"""Sitemaps (sitemaps.org, protocol 0.9) and their extension for images: where a crawl starts.

An index of sitemaps, a set of pages, or plain text with an address a line; each also gzipped. The
bounds are those of the protocol: 50 MiB unpacked and 50,000 addresses.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from likeness.errors import SourceUnreadable
from likeness.sources.links import moment_of, plain_text
from likeness.sources.website.references import absolute, same_host

MAX_SITEMAP_BYTES = 50 * 1024 * 1024
MOST_ADDRESSES = 50_000
MOST_IMAGES_OF_A_PAGE = 1000

_GZIP = b"\x1f\x8b"
_MARK = b"\xef\xbb\xbf"
_CHUNK = 65_536
_DEEPEST = 20
_LONGEST_TEXT = 10_000
_FIX = "Correct the site's sitemap; its pages are found by links meanwhile."


@dataclass(frozen=True, kw_only=True)
class SitemapImage:
    """An image that a sitemap names for a page: absolute address, of any host, and its words."""

    url: str
    text: str


@dataclass(frozen=True, kw_only=True)
class SitemapPage:
    """A page that a sitemap names.

    Attributes
    ----------
    url : str
        Absolute, of the host of the sitemap.
    modified_at : datetime or None
        In UTC.
    images : tuple of SitemapImage
    """

    url: str
    modified_at: datetime | None = None
    images: tuple[SitemapImage, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sitemap:
    """What one sitemap names.

    Attributes
    ----------
    pages : tuple of SitemapPage
        Each once, in its order.
    sitemaps : tuple of str
        Further sitemaps on the same host. They may lead in a circle.
    left_out : int
        How many addresses were left out: none that could be used, on another host, or too many.
    """

    pages: tuple[SitemapPage, ...] = ()
    sitemaps: tuple[str, ...] = ()
    left_out: int = 0


def read_sitemap(body: bytes, *, url: str) -> Sitemap:
    """Read a sitemap.

    Parameters
    ----------
    body : bytes
        As it came, gzipped or not.
    url : str
        Absolute address that it was read from.

    Raises
    ------
    SourceUnreadable
        If it is neither XML without entities of its own nor text, is damaged, or unpacks to more
        than 50 MiB.
    """
    collector = _Collector(url=url)
    start = next(_chunks(body), b"").removeprefix(_MARK).lstrip()
    # UTF-16, which XML may be in, begins with its mark.
    if start.startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
        _read_xml(_chunks(body), collector)
    else:
        _read_text(b"".join(_chunks(body)), collector)
    return collector.sitemap()


def _chunks(body: bytes) -> Iterator[bytes]:
    """The unpacked bytes, piece by piece."""
    if not body.startswith(_GZIP):
        if len(body) > MAX_SITEMAP_BYTES:
            raise _too_large()
        for start in range(0, len(body), _CHUNK):
            yield body[start : start + _CHUNK]
        return
    left = MAX_SITEMAP_BYTES
    unpacker = zlib.decompressobj(wbits=31)
    try:
        # Pieces go in as well as come out, for what is left of one is copied at each step. What
        # follows the packed part, a second one included, is not looked at.
        for start in range(0, len(body), _CHUNK):
            packed = body[start : start + _CHUNK]
            while packed and not unpacker.eof:
                piece = unpacker.decompress(packed, _CHUNK)
                packed = unpacker.unconsumed_tail
                left -= len(piece)
                if left < 0:
                    raise _too_large()
                if piece:
                    yield piece
    except zlib.error:
        raise SourceUnreadable("A sitemap is gzipped and damaged.", _FIX) from None
    if not unpacker.eof:
        raise SourceUnreadable("A sitemap is gzipped and cut short.", _FIX)


def _too_large() -> SourceUnreadable:
    return SourceUnreadable(f"A sitemap is longer than {MAX_SITEMAP_BYTES:,} bytes.", _FIX)


def _read_text(content: bytes, collector: _Collector) -> None:
    if b"\0" in content:
        raise SourceUnreadable("A sitemap is neither XML nor text.", _FIX)
    text = content.removeprefix(_MARK).decode("utf-8", "replace")
    lines = [line.strip() for line in text.split("\n")]
    for line in filter(None, lines):
        # Absolute, by the protocol: any words would do for a relative one.
        collector.add_page(line if line.startswith(("http://", "https://")) else "", "", ())
    if any(lines) and not collector.pages:
        raise SourceUnreadable("A sitemap is neither XML nor a list of addresses.", _FIX)


def _read_xml(chunks: Iterator[bytes], collector: _Collector) -> None:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, XMLParser

    target = _Target(collector=collector)
    parser = XMLParser(target=target, forbid_dtd=True)
    try:
        for chunk in chunks:
            parser.feed(chunk)
        parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise SourceUnreadable("A sitemap is not XML that can be read.", _FIX) from None


@dataclass(kw_only=True)
class _Collector:
    """Checks addresses and keeps as many as are taken."""

    url: str
    pages: dict[str, SitemapPage] = field(default_factory=dict)
    sitemaps: dict[str, None] = field(default_factory=dict)
    left_out: int = 0

    def add_page(self, loc: str, lastmod: str, images: tuple[tuple[str, str], ...]) -> None:
        address = self._usable(loc)
        if not address or (len(self.pages) >= MOST_ADDRESSES and address not in self.pages):
            self.left_out += 1
            return
        shown = {absolute(address, place): plain_text(words) for place, words in images}
        taken = tuple(SitemapImage(url=url, text=text) for url, text in shown.items() if url)
        self.pages.setdefault(
            address, SitemapPage(url=address, modified_at=moment_of(lastmod), images=taken)
        )

    def add_sitemap(self, loc: str) -> None:
        address = self._usable(loc)
        if not address or (len(self.sitemaps) >= MOST_ADDRESSES and address not in self.sitemaps):
            self.left_out += 1
        else:
            self.sitemaps[address] = None

    def sitemap(self) -> Sitemap:
        return Sitemap(
            pages=tuple(self.pages.values()),
            sitemaps=tuple(self.sitemaps),
            left_out=self.left_out,
        )

    def _usable(self, loc: str) -> str:
        address = absolute(self.url, loc)
        return address if address and same_host(address, self.url) else ""


@dataclass(kw_only=True)
class _Target:
    """Told by the parser of each element; builds no tree."""

    collector: _Collector
    path: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    length: int = 0
    said: dict[str, str] = field(default_factory=dict)
    image: dict[str, str] = field(default_factory=dict)
    images: list[tuple[str, str]] = field(default_factory=list)

    def start(self, tag: str, attributes: object) -> None:
        if len(self.path) >= _DEEPEST:
            raise ValueError("too deep")
        self.path.append(tag.rpartition("}")[2].lower())
        if len(self.path) == 1 and self.path[0] not in {"urlset", "sitemapindex"}:
            raise ValueError("no sitemap")
        self.text, self.length = [], 0

    def data(self, data: str) -> None:
        if self.length < _LONGEST_TEXT:
            self.text.append(data[: _LONGEST_TEXT - self.length])
            self.length += len(data)

    def end(self, tag: str) -> None:
        text = "".join(self.text).strip()
        self.text, self.length = [], 0
        match self.path:
            case ["urlset", "url", "image", ("loc" | "caption" | "title") as name]:
                self.image[name] = text
            case ["urlset", "url", "image"]:
                if len(self.images) < MOST_IMAGES_OF_A_PAGE:
                    words = self.image.get("caption") or self.image.get("title", "")
                    self.images.append((self.image.get("loc", ""), words))
                self.image = {}
            case ["urlset", "url", ("loc" | "lastmod") as name]:
                self.said[name] = text
            case ["urlset", "url"]:
                said = self.said
                self.collector.add_page(
                    said.get("loc", ""), said.get("lastmod", ""), tuple(self.images)
                )
                self.said, self.images = {}, []
            case ["sitemapindex", "sitemap", "loc"]:
                self.collector.add_sitemap(text)
        self.path.pop()

    def close(self) -> None:
        pass
