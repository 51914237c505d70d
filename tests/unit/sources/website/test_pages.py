"""Web pages as they are in the wild: links, photos with their words, dates, rights, refusals."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from likeness.errors import SourceUnreadable
from likeness.sources.links import address_problem
from likeness.sources.website.page_images import MOST_IMAGES
from likeness.sources.website.page_text import MAX_PAGE_BYTES
from likeness.sources.website.pages import MOST_LINKS, Page, read_page
from likeness.sources.website.references import absolute, same_host

_URL = "https://example.org/news/fair.html"


def _read(body: str | bytes, *, content_type: str = "text/html", url: str = _URL) -> Page:
    content = body.encode() if isinstance(body, str) else body
    return read_page(content, url=url, content_type=content_type)


def _images(body: str) -> list[str]:
    return [image.url.removeprefix("https://example.org") for image in _read(body).images]


def test_links_are_absolute_each_once_in_order_without_fragments() -> None:
    page = _read(
        '<a href="b.html#x">1</a><a href="/c?d=1">2</a><map><area href="b.html"></map>'
        '<a href="HTTPS://Other.Example:443/e">3</a><a href="../up">4</a><a>5</a><a href="">6</a>'
        '<a href="two words.html">7</a><a href=" mailto:a@b.example ">8</a>'
        '<a href="javascript:alert(1)">9</a><a href="https://user:word@example.org/">10</a>'
        '<a href="https://[::1">11</a><a href="ja\nva\tscript:x">12</a>'
    )
    assert page.links == (
        "https://example.org/news/b.html",
        "https://example.org/c?d=1",
        "https://other.example/e",
        "https://example.org/up",
        "https://example.org/news/two%20words.html",
    )


def test_links_that_are_not_to_be_followed_are_left_out() -> None:
    page = _read('<a rel="external NoFollow" href=a>1</a><a rel=next href=b>2</a>')
    assert page.links == ("https://example.org/news/b",)
    assert not page.nofollow


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_page_that_is_not_to_be_followed_gives_no_links_nor_what_they_open(place: str) -> None:
    meta = '<meta name="robots" content="nofollow">'
    body = "<a href=a>1</a><a href=big.jpg><img src=small.jpg></a><a href=other.jpg>2</a>"
    page = _read(meta + body if place == "before" else body + meta)
    assert page.nofollow
    assert page.links == ()
    assert [image.url for image in page.images] == ["https://example.org/news/small.jpg"]
    assert page.refusals == ()


def test_a_header_against_following_links_holds_as_the_element_does() -> None:
    body = b"<a href=a>1</a><a href=big.jpg><img src=small.jpg></a>"
    page = read_page(body, url=_URL, content_type="text/html", follow=False)
    assert page.nofollow
    assert page.links == ()
    assert [image.url for image in page.images] == ["https://example.org/news/small.jpg"]


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("/sub/", "https://example.org/sub/a"),
        ("https://EXAMPLE.org/x/y", "https://example.org/x/a"),
        ("http://example.org/x/", "http://example.org/x/a"),
        ("https://evil.example/", "https://example.org/news/a"),
        ("javascript:x", "https://example.org/news/a"),
        ("//evil.example/", "https://example.org/news/a"),
        ("", "https://example.org/news/a"),
    ],
)
def test_a_base_holds_only_within_the_same_host(base: str, expected: str) -> None:
    assert _read(f'<a href=a>1</a><base href="{base}">').links == (expected,)


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<img src=a.jpg>", ["/news/a.jpg"]),
        ("<img src=a.jpg><img src=./a.jpg#x>", ["/news/a.jpg"]),
        ('<img src="data:image/png;base64,AAAA" data-src=a.jpg>', ["/news/a.jpg"]),
        ('<img src="data:image/png;base64,AAAA">', []),
        ('<img srcset="s.jpg 100w, l.jpg 2000w, m.jpg 900w" src=x.jpg>', ["/news/l.jpg"]),
        ('<img srcset="a.jpg, b.jpg 3x, c.jpg 2x" src=x.jpg>', ["/news/b.jpg"]),
        ('<img srcset="/w_1,h_2/a.jpg 10w,/w_9,h_9/b.jpg 20w">', ["/w_9,h_9/b.jpg"]),
        ('<img srcset="data:image/png;base64,AA 9w, b.jpg 1w">', ["/news/b.jpg"]),
        ('<img srcset=" , , " src=a.jpg>', ["/news/a.jpg"]),
        (
            "<picture><source type=image/avif srcset='x.avif 9000w'>"
            "<source type=image/webp srcset='b.webp 1600w'><img src=a.jpg></picture>",
            ["/news/b.webp"],
        ),
        ("<a href=big.jpg><img src=small.jpg></a>", ["/news/big.jpg"]),
        ("<a href=BIG.JPEG?x=1><span><img src=s.jpg width=60></span></a>", ["/news/BIG.JPEG?x=1"]),
        ("<a href=page.html><img src=s.jpg></a>", ["/news/s.jpg"]),
        ("<a href=/wiki/File:Ann.jpg><img src=s.jpg></a>", ["/news/s.jpg"]),
        ("<a rel=nofollow href=big.jpg><img src=s.jpg></a>", ["/news/s.jpg"]),
        ("<a href=photo.png>the photo</a>", ["/news/photo.png"]),
        ("<a href=doc.pdf>the text</a>", []),
        ("<meta property=og:image content=/og.jpg><img src=a.jpg>", ["/news/a.jpg", "/og.jpg"]),
        ("<noscript><img src=a.jpg></noscript>", ["/news/a.jpg"]),
        ("<img src='https://user@x.example/a.jpg'><img src='ftp://x.example/a.jpg'>", []),
        ("<!-- <img src=a.jpg> --><script>'<img src=b.jpg>'</script>", []),
    ],
)
def test_each_photo_is_told_once_in_its_largest_version(markup: str, expected: list[str]) -> None:
    assert _images(markup) == expected


def test_the_version_that_the_page_shows_is_kept_beside_the_linked_one() -> None:
    (image,) = _read("<a href=big.jpg><img src=small.jpg></a>").images
    assert image.shown_url == "https://example.org/news/small.jpg"


@pytest.mark.parametrize(
    ("attributes", "small"),
    [
        ("width=79", True),
        ("height='16px'", True),
        ("width=1 height=1", True),
        ("width=80 height=80", False),
        ("width=100%", False),
        ("width=auto", False),
        ("width=", False),
        ("width=-1", False),
        ("width=9999999999999999999", False),
        ("width=0x10", False),
    ],
)
def test_what_is_declared_small_is_left_out_and_counted(attributes: str, small: bool) -> None:
    page = _read(f"<img src=a.gif {attributes}>")
    assert (page.small_images, len(page.images)) == ((1, 0) if small else (0, 1))


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<img src=a.jpg alt=' The fair ' title=t>", "The fair"),
        ("<img src=a.jpg alt='' title='A title'>", "A title"),
        ("<img src=a.jpg>", ""),
        (
            "<figure><img src=a.jpg alt=alt><figcaption>The <b>big</b> fair</figcaption></figure>",
            "The big fair",
        ),
        ("<figure><div><img src=a.jpg alt=alt></div></figure>", "alt"),
        ("<a href=a.jpg>Open <i>it</i></a>", "Open it"),
        ("<img src=a.jpg><img src=a.jpg alt='second time'>", "second time"),
        ("<title>T</title><meta property='og:image' content=a.jpg>", "T"),
        (
            "<meta property='og:image' content=a.jpg>"
            "<meta property='og:image:alt' content='said of it'>",
            "said of it",
        ),
        ("<img src=a.jpg alt='x&#0;&#8238;y&lt;b&gt;'>", "x\ufffdy<b>"),
    ],
)
def test_words_are_the_caption_else_the_alternative_else_the_title(markup: str, text: str) -> None:
    (image,) = _read(markup).images
    assert image.text == text


def test_date_and_licence_of_a_figure_are_those_of_its_photo() -> None:
    first, second = _read(
        "<figure><img src=a.jpg><time datetime='2019-05-04T10:00:00+02:00'>then</time>"
        "<a rel=license href=https://creativecommons.org/licenses/by/4.0/>CC</a></figure>"
        "<img src=b.jpg>"
    ).images
    assert first.taken_at == datetime(2019, 5, 4, 8, tzinfo=UTC)
    assert first.rights == "https://creativecommons.org/licenses/by/4.0/"
    assert (second.taken_at, second.rights) == (None, "")


@pytest.mark.parametrize(
    "markup",
    [
        "<meta property='article:published_time' content='2024-02-03'>",
        "<meta name='DCTERMS.date' content=' 2024-02-03 '>",
        '<script type="application/ld+json">{"@graph": [{"x": {"datePublished": "2024-02-03"}}]}'
        "</script>",
        "<article><time datetime='3 Feb'></time><time datetime='2024-02-03'>3 Feb</time></article>",
    ],
)
def test_a_page_says_when_it_was_published(markup: str) -> None:
    assert _read(markup).published_at == datetime(2024, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    "script", ["", "{", "[" * 100_000, '{"datePublished": 3}', "9" * 10_000, "null"]
)
def test_structured_data_that_is_broken_is_passed_over(script: str) -> None:
    page = _read(f'<script type="application/ld+json">{script}</script><a href=a>1</a>')
    assert page.published_at is None
    assert page.links


def test_title_and_rights_are_told() -> None:
    page = _read(
        "<title> The\nfair </title><link rel=license href=/terms>"
        "<meta name=dcterms.rights content='© The club'>"
    )
    assert page.title == "The fair"
    assert page.rights == "https://example.org/terms · © The club"


@pytest.mark.parametrize(
    ("meta", "signals"),
    [
        ("<meta name=robots content=noai>", ["noai"]),
        ("<META NAME='Likeness' CONTENT='NOINDEX'>", ["noindex"]),
        ("<meta http-equiv=X-Robots-Tag content=noimageai>", ["noimageai"]),
        ("<meta name=tdm-reservation content=1>", ["tdm-reservation"]),
        ("<meta name=content-usage content='train-ai=n'>", ["content-usage"]),
        ("<meta name=googlebot content=noindex>", []),
        ("<meta name=robots>", []),
    ],
)
@pytest.mark.parametrize("place", ["head", "body", "end"])
def test_meta_elements_refuse_wherever_they_stand(
    meta: str, signals: list[str], place: str
) -> None:
    parts = {"head": "", "body": "", "end": "", place: meta}
    page = _read(
        f"<html><head>{parts['head']}</head><body><p>{parts['body']}<img src=a.jpg></body></html>"
        f"{parts['end']}"
    )
    assert [refusal.signal for refusal in page.refusals] == signals


def test_more_meta_elements_than_are_read_refuse() -> None:
    page = _read("<meta name=a content=b>" * 1001 + "<meta name=robots content=noai>")
    assert page.refusals


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<title>Zoë</title>".encode(), "text/html; charset=utf-8"),
        ("<title>Zoë</title>".encode("latin-1"), "text/html; charset=ISO-8859-1"),
        ("<meta charset=windows-1252><title>Zoë</title>".encode("cp1252"), "text/html"),
        ("<title>Zoë</title>".encode("utf-8-sig"), "text/html; charset=latin-1"),
        ("\ufeff<title>Zoë</title>".encode("utf-16-le"), "text/html"),
        ("<title>Zoë</title>".encode("utf-16-be"), "text/html; charset=utf-16-be"),
        ("<?xml version='1.0' encoding='latin-1'?><title>Zoë</title>".encode(), "text/html"),
        ("<meta charset=utf-16><title>Zoë</title>".encode(), "text/html"),
        ("<title>Zoë</title>".encode(), "Text/HTML ;charset=unheard-of"),
        ("<title>Zoë</title>".encode(), "application/xhtml+xml; charset=unicode_escape"),
        ("<title>Zoë</title>".encode(), "text/html; charset=zlib_codec"),
    ],
)
def test_encodings_are_told_as_browsers_tell_them(body: bytes, content_type: str) -> None:
    assert _read(body, content_type=content_type).title == "Zoë"


@pytest.mark.parametrize("content_type", ["", "image/jpeg", "text/plain", "application/json"])
def test_what_is_no_web_page_by_its_type_is_not_read(content_type: str) -> None:
    with pytest.raises(SourceUnreadable, match="not HTML"):
        _read("<a href=a>1</a>", content_type=content_type)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<div>" * 5_000, "too deeply"),
        (b"<b>" * 300 + b"<meta name=robots content=noai>", "too deeply"),
        (b"<p>" * 300_001, "elements"),
        (b" " * (MAX_PAGE_BYTES + 1), "longer"),
        (b"<img alt='" + b"x" * (MAX_PAGE_BYTES - 100) + b"'>", "too long"),
    ],
    ids=["deep", "refusal below", "many", "large", "long value"],
)
def test_a_page_beyond_the_bounds_is_not_read_in_part(body: bytes, why: str) -> None:
    if why == "too long":
        # Whether the parser takes so long a value is its own matter; then nothing is left out.
        body += b"<meta name=robots content=noai>"
        try:
            assert _read(body).refusals
        except SourceUnreadable as error:
            assert why in str(error)
        return
    with pytest.raises(SourceUnreadable, match=why):
        _read(body)


def test_entities_of_its_own_are_not_expanded() -> None:
    bomb = "<!DOCTYPE html [<!ENTITY a 'ha'>" + "".join(
        f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    page = _read(f"{bomb}]><title>&i;</title><!ENTITY x SYSTEM 'file:///etc/passwd'>")
    assert len(page.title) < 10


@pytest.mark.parametrize("body", [b"", b"  \n", b"\xff\xfe", b"\0", b"<!-- -->", b"<"])
def test_a_page_without_anything_is_an_empty_one(body: bytes) -> None:
    page = _read(body)
    assert (page.links, page.images, page.refusals) == ((), (), ())


def test_links_and_images_are_bounded_and_what_is_left_out_is_counted() -> None:
    page = _read("".join(f"<a href={n}>x</a><img src={n}.jpg>" for n in range(MOST_LINKS + 7)))
    assert len(page.links) == MOST_LINKS
    assert len(page.images) == MOST_IMAGES
    assert page.left_out == 7 + MOST_LINKS + 7 - MOST_IMAGES


def test_markup_made_to_take_long_takes_no_time() -> None:
    caption = "<figcaption>" + "<b>x</b>" * 20_000 + "</figcaption>"
    bodies = [
        f"<figure>{caption}" + "<img src=a.jpg>" * 20_000 + "</figure>",
        "<a href=a.jpg>" + "x" * 1_000_000 + "<img src=b.jpg>" * 20_000 + "</a>",
        f"<img srcset='{'a.jpg 1w, ' * 100_000}'>" * 5,
        f"<meta {'x' * 1_000_000}",
        "<meta " * 100_000,
        f"<img width={'9' * 1_000_000}>",
    ]
    started = time.perf_counter()
    for body in bodies:
        _read(body)
    assert time.perf_counter() - started < 30


def test_an_address_that_is_none_is_not_read_from() -> None:
    with pytest.raises(SourceUnreadable, match="address of a page"):
        _read("<a href=a>1</a>", url="file:///etc/passwd")


_references = st.one_of(
    st.text(max_size=40),
    st.from_regex(r"\A(https?:)?/{0,3}([a-z@:\[\]%.]{0,8})(:[0-9]{0,6})?[/\\?#a. %é]{0,10}\Z"),
    st.sampled_from(
        ["//", "http://", "https://@", "http:a", "https:/\\x.example", "///x", "\\\\x"]
    ),
)


@given(_references)
def test_every_address_made_is_one_and_stays_the_same_when_made_again(reference: str) -> None:
    address = absolute(_URL, reference)
    if address:
        assert address_problem(address) == ""
        assert urlsplit(address).scheme in {"http", "https"}
        assert "@" not in urlsplit(address).netloc
        assert "#" not in address
        assert absolute("https://elsewhere.example/", address) == address


_plain = st.from_regex(
    r"\Ahttps?://[a-z0-9][a-z0-9.-]{0,5}/[a-zA-Z0-9_.~!$&'()*+,;=:@%/-]{0,8}(\?[a-z/?%.=&-]{0,5})?\Z"
)


@given(_plain)
@example("https://0/;")
def test_a_fragment_makes_no_difference_to_a_plain_address(reference: str) -> None:
    assert absolute(_URL, reference) == absolute(_URL, f"{reference}#top")
    assert address_problem(absolute(_URL, reference)) == ""


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("HTTP://EXAMPLE.org:80", "http://example.org/"),
        ("https://example.org:8443/a/../b", "https://example.org:8443/b"),
        ("images\\a.jpg", "https://example.org/news/images/a.jpg"),
        ("/ä?q=ö", "https://example.org/%C3%A4?q=%C3%B6"),
        ("/%C3%A4%2f", "https://example.org/%C3%A4%2f"),
        ("?page=2", "https://example.org/news/fair.html?page=2"),
        ("https://user@example.org/", ""),
        ("/a\ud800", ""),
        ("x" * 3000, ""),
        ("https://[::1]/", "https://[::1]/"),
    ],
)
def test_one_address_is_written_in_one_way(reference: str, expected: str) -> None:
    assert absolute(_URL, reference) == expected


def test_hosts_are_compared_without_port_case_or_final_dot() -> None:
    assert same_host("https://Example.org.:444/a", "http://example.org/")
    assert not same_host("https://www.example.org/", "https://example.org/")
    assert not same_host("nothing", "nothing")


_MARKUP = """
<a href=' <img src=' srcset=' <base href=' <meta name=robots content= <figure> </figure>
<figcaption> <time datetime= <picture> <source srcset= </script> </html>
<script type=application/ld+json> <title>
noai https:// http://u@ //x.example/ javascript: data: .jpg ' " > / \\ & &#0;
<![CDATA[ <!-- --> <svg> <template> <table> <select> <frameset> <noscript>
"""
_pieces = st.one_of(
    st.sampled_from([*_MARKUP.split(), " "]),
    st.text(max_size=8),
)


@settings(max_examples=300)
@given(
    body=st.one_of(
        st.binary(max_size=300),
        st.lists(_pieces).map(lambda p: "".join(p).encode("utf-8", "replace")),
    ),
    content_type=st.sampled_from(
        [
            "text/html",
            "text/html;charset=utf-16",
            "text/html; charset=shift_jis",
            "text/html;charset=x",
        ]
    ),
)
def test_whatever_the_bytes_only_usable_addresses_come_out(body: bytes, content_type: str) -> None:
    try:
        page = _read(body, content_type=content_type)
    except SourceUnreadable:
        return
    addresses = [*page.links, *(each for i in page.images for each in (i.url, i.shown_url))]
    assert [address for address in addresses if address_problem(address)] == []
    assert all("\n" not in image.text for image in page.images)
