"""Sitemaps: indexes, pages, images, text, gzip, and what is made to do harm."""

from __future__ import annotations

import gzip
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.errors import SourceUnreadable
from likeness.sources.website.sitemaps import (
    MAX_SITEMAP_BYTES,
    MOST_IMAGES_OF_A_PAGE,
    Sitemap,
    SitemapImage,
    SitemapPage,
    read_sitemap,
)

_URL = "https://example.org/sitemap.xml"
_NAMES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
)


def _read(body: str | bytes) -> Sitemap:
    return read_sitemap(body.encode() if isinstance(body, str) else body, url=_URL)


def _pages(*locations: str) -> str:
    urls = "".join(f"<url><loc>{location}</loc></url>" for location in locations)
    return f'<?xml version="1.0" encoding="UTF-8"?><urlset {_NAMES}>{urls}</urlset>'


def test_pages_come_with_their_dates_and_images() -> None:
    read = _read(
        f"<urlset {_NAMES}><url><loc> https://example.org/a </loc>"
        "<lastmod>2024-05-01T12:00:00+02:00</lastmod><priority>1</priority>"
        "<image:image><image:loc>https://cdn.example/a.jpg</image:loc>"
        "<image:caption>The\nfair &amp; more</image:caption></image:image>"
        "<image:image><image:loc>/b.jpg</image:loc><image:title>B</image:title></image:image>"
        "<image:image><image:loc>javascript:x</image:loc></image:image></url>"
        "<url><loc>/b</loc><lastmod>yesterday</lastmod></url></urlset>"
    )
    images = (
        SitemapImage(url="https://cdn.example/a.jpg", text="The fair & more"),
        SitemapImage(url="https://example.org/b.jpg", text="B"),
    )
    first = SitemapPage(
        url="https://example.org/a", modified_at=datetime(2024, 5, 1, 10, tzinfo=UTC), images=images
    )
    assert read == Sitemap(pages=(first, SitemapPage(url="https://example.org/b")))


def test_an_index_names_further_sitemaps_of_the_same_host() -> None:
    read = _read(
        f"<sitemapindex {_NAMES}><sitemap><loc>https://example.org/1.xml</loc></sitemap>"
        "<sitemap><loc>https://example.org/1.xml</loc></sitemap>"
        "<sitemap><loc>https://evil.example/2.xml</loc></sitemap></sitemapindex>"
    )
    assert read == Sitemap(sitemaps=("https://example.org/1.xml",), left_out=1)


def test_pages_of_other_hosts_and_what_is_no_address_are_counted_as_left_out() -> None:
    read = _read(
        _pages(
            "https://example.org/a",
            "https://example.org/a",
            "https://www.example.org/b",
            "https://user@example.org/c",
            "file:///etc/passwd",
            "",
        )
    )
    assert [page.url for page in read.pages] == ["https://example.org/a"]
    assert read.left_out == 4


def test_a_list_of_addresses_is_a_sitemap_too() -> None:
    read = _read(b"\xef\xbb\xbfhttps://example.org/a\r\n\r\nhttps://example.org/b\n")
    assert [page.url for page in read.pages] == ["https://example.org/a", "https://example.org/b"]
    assert _read("") == Sitemap()


@pytest.mark.parametrize("body", [_pages("/a"), "https://example.org/a\n"])
def test_a_gzipped_sitemap_is_read_as_the_plain_one(body: str) -> None:
    assert _read(gzip.compress(body.encode())) == _read(body)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_xml_tells_its_encoding(encoding: str) -> None:
    body = f"<urlset {_NAMES}><url><loc>/ä</loc></url></urlset>".encode(encoding)
    assert [page.url for page in _read(body).pages] == ["https://example.org/%C3%A4"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<urlset><url><loc>/a</loc>", "not XML"),
        (b"<html><body>Not found</body></html>", "not XML"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><urlset>&a;</urlset>", "not XML"),
        (b"<!DOCTYPE x SYSTEM 'http://127.0.0.1/x'><urlset/>", "not XML"),
        (b"<urlset>" + b"<a>" * 10_000, "not XML"),
        (b"<?xml version='1.0' encoding='unheard-of'?><urlset/>", "not XML"),
        (b"Not found", "neither"),
        (b"\0\1\2", "neither"),
        (gzip.compress(b"<urlset/>")[:-6], "cut short"),
        (b"\x1f\x8b" + b"x" * 50, "damaged"),
        (b"x" * (MAX_SITEMAP_BYTES + 1), "longer"),
    ],
    ids=range(11),
)
def test_what_is_no_sitemap_is_told(body: bytes, why: str) -> None:
    with pytest.raises(SourceUnreadable, match=why):
        _read(body)


def test_a_bomb_is_unpacked_no_further_than_the_bound() -> None:
    packer = zlib.compressobj(9, wbits=31)
    spaces = b" " * 1_000_000
    bomb = packer.compress(b"<urlset>") + b"".join(packer.compress(spaces) for _ in range(60))
    bomb += packer.flush()
    assert len(bomb) < 100_000
    with pytest.raises(SourceUnreadable, match="longer"):
        _read(bomb)


def test_pages_and_images_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("likeness.sources.website.sitemaps.MOST_ADDRESSES", 10)
    read = _read(_pages(*(f"/{number}" for number in range(25))))
    assert (len(read.pages), read.left_out) == (10, 15)
    image = "<image:image><image:loc>/i{}.jpg</image:loc></image:image>"
    images = "".join(image.format(number) for number in range(MOST_IMAGES_OF_A_PAGE + 5))
    (page,) = _read(f"<urlset {_NAMES}><url><loc>/a</loc>{images}</url></urlset>").pages
    assert len(page.images) == MOST_IMAGES_OF_A_PAGE


@given(
    st.one_of(
        st.binary(max_size=100),
        st.binary(max_size=100).map(gzip.compress),
        st.lists(
            st.sampled_from(
                ["<urlset>", "<url>", "<loc>", "/a", "</loc>", "</url>", "</urlset>", "&"]
            )
        ).map(lambda parts: "".join(parts).encode()),
    )
)
def test_whatever_comes_is_read_or_told(body: bytes) -> None:
    try:
        read = _read(body)
    except SourceUnreadable:
        return
    assert all(page.url.startswith("https://example.org/") for page in read.pages)
