"""Which link a photo gets, and what is not taken for one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.records.photo import EmbeddedMetadata
from likeness.records.sighting import PageLink
from likeness.sources.extended_attributes import DownloadOrigin
from likeness.sources.links import (
    LONGEST_TEXT,
    ListedLink,
    address_problem,
    choose_link,
    moment_of,
    plain_text,
)

_FILE = "file:///photos/a.jpg"
_ROW = ListedLink(page_url="https://list.example/page", media_url="https://list.example/a.jpg")
_STATED = EmbeddedMetadata(web_statement="https://xmp.example/page")
_DOWNLOADED = DownloadOrigin(referrer="https://page.example/", origin="https://media.example/a.jpg")


def _chosen(
    *,
    listed: ListedLink | None = None,
    embedded: EmbeddedMetadata | None = None,
    downloaded: DownloadOrigin | None = None,
) -> PageLink:
    return choose_link(
        file_uri=_FILE,
        listed=listed,
        embedded=embedded,
        downloaded=downloaded or DownloadOrigin(),
    )


def test_the_link_list_comes_before_everything_else() -> None:
    link = _chosen(listed=_ROW, embedded=_STATED, downloaded=_DOWNLOADED)
    assert (link.page_url, link.media_url) == (_ROW.page_url, _ROW.media_url)
    assert (link.link_from, link.confidence) == ("links.csv", "exact")


def test_metadata_comes_before_the_download_address() -> None:
    link = _chosen(embedded=_STATED, downloaded=_DOWNLOADED)
    assert (link.page_url, link.media_url) == (_STATED.web_statement, _FILE)
    assert (link.link_from, link.confidence) == ("metadata", "exact")


def test_the_source_field_holds_where_the_web_statement_is_no_address() -> None:
    embedded = EmbeddedMetadata(web_statement="All rights reserved", source="http://src.example/1")
    assert _chosen(embedded=embedded).page_url == "http://src.example/1"


def test_a_source_field_that_names_an_agency_is_no_link() -> None:
    assert _chosen(embedded=EmbeddedMetadata(source="Example Press")).link_from == "file"


def test_a_download_links_to_the_page_and_to_the_image() -> None:
    link = _chosen(embedded=EmbeddedMetadata(), downloaded=_DOWNLOADED)
    assert (link.page_url, link.media_url) == (_DOWNLOADED.referrer, _DOWNLOADED.origin)
    assert (link.link_from, link.confidence) == ("download", "exact")


def test_a_download_without_a_page_links_to_the_image() -> None:
    link = _chosen(downloaded=DownloadOrigin(origin="https://media.example/a.jpg"))
    assert link.page_url == link.media_url == "https://media.example/a.jpg"


def test_a_download_from_a_page_that_is_no_address_links_to_the_image() -> None:
    downloaded = DownloadOrigin(referrer="blob:https://x.example/1", origin="https://m.example/a")
    assert _chosen(downloaded=downloaded).page_url == "https://m.example/a"


def test_without_anything_better_the_link_is_the_file() -> None:
    link = _chosen()
    assert (link.page_url, link.media_url, link.link_from) == (_FILE, _FILE, "file")
    assert (link.taken_at, link.text, link.confidence) == (None, "", "exact")


def test_a_row_without_an_image_address_gives_the_file_as_the_image() -> None:
    assert _chosen(listed=ListedLink(page_url="https://p.example/")).media_url == _FILE


def test_date_and_words_of_the_list_come_before_those_of_the_photo() -> None:
    earlier, later = datetime(2001, 1, 1, tzinfo=UTC), datetime(2002, 2, 2, tzinfo=UTC)
    embedded = EmbeddedMetadata(description="from the photo", taken_at=later)
    row = ListedLink(page_url="https://p.example/", taken_at=earlier, text="from the list")
    both = _chosen(listed=row, embedded=embedded)
    assert (both.taken_at, both.text) == (earlier, "from the list")
    bare = _chosen(listed=ListedLink(page_url="https://p.example/"), embedded=embedded)
    assert (bare.taken_at, bare.text) == (later, "from the photo")


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org",
        "HTTP://EXAMPLE.ORG/A?b=c#d",
        "https://example.org:8443/a",
        "https://bücher.example/straße/東京",
        "https://xn--bcher-kva.example/",
        "http://192.0.2.7/a",
        "http://[2001:db8::1]:80/a",
        "https://example.org/a@b:c",
        "https://example.org/" + "a" * 2028,
    ],
)
def test_an_absolute_web_address_is_taken_as_it_is(address: str) -> None:
    assert address_problem(address) == ""
    assert _chosen(embedded=EmbeddedMetadata(source=address)).page_url == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "example.org/page",
        "//example.org/page",
        "/page",
        "https:example.org",
        "https:///page",
        "https://",
        "https://./",
        "https://:80/",
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,hello",
        "file:///etc/passwd",
        "ftp://example.org/a",
        "blob:https://example.org/1",
        "https://user:password@example.org/",
        "https://user@example.org/",
        "https://@example.org/",
        "https://good.example\\@evil.example/",
        "https://example.org:0/",
        "https://example.org:65536/",
        "https://example.org:port/",
        "https://example.org:/",
        "https://exa mple.org/",
        "https://example.org/a b",
        "https://example.org/\x00",
        "https://example.org/\x85a",
        "https://example.org/\u202egpj",
        "https://example.org/\ud800",
        'https://example.org/"onload="x',
        "https://example.org/<script>",
        "https://[2001:db8::1/",
        "https://evil.c\u2100.example/",
        "https://example.org/" + "a" * 2029,
    ],
)
def test_anything_else_is_refused_in_words_and_passed_over(address: str) -> None:
    assert address_problem(address)
    embedded = EmbeddedMetadata(web_statement=address, source=address)
    downloaded = DownloadOrigin(referrer=address, origin=address)
    assert _chosen(embedded=embedded, downloaded=downloaded).link_from == "file"


def test_spaces_around_an_address_do_not_count() -> None:
    assert _chosen(embedded=EmbeddedMetadata(source=" https://e.example/\n")).page_url == (
        "https://e.example/"
    )


@given(text=st.text(max_size=200), prefix=st.sampled_from(["", "http://", "https://", "HTTPS://a"]))
def test_whatever_passes_has_a_web_scheme_and_no_user(text: str, prefix: str) -> None:
    address = prefix + text
    if address_problem(address):
        return
    rest = address.split("//", 1)[1]
    host = rest.split("/")[0].split("?")[0].split("#")[0]
    assert address.lower().startswith(("http://", "https://"))
    assert host and "@" not in host and "\\" not in address
    assert not any(letter.isspace() or ord(letter) < 0x20 for letter in address)


@given(text=st.text(alphabet=st.characters(), max_size=300))
def test_words_can_be_stored_and_hold_no_control_character(text: str) -> None:
    words = plain_text(text + "\ud800\x00\u202e")
    words.encode("utf-8")
    assert not any(ord(letter) < 0x20 or 0x7F <= ord(letter) < 0xA0 for letter in words)
    assert plain_text(words) == words


def test_line_breaks_in_words_become_spaces() -> None:
    assert plain_text(" first\r\nsecond\tthird\u2028fourth\x07 ") == "first second third fourth"


def test_words_end_at_2000_characters() -> None:
    assert plain_text("é" * 3_000_000) == "é" * LONGEST_TEXT


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-01", datetime(2024, 5, 1, tzinfo=UTC)),
        ("2024-05-01T10:30", datetime(2024, 5, 1, 10, 30, tzinfo=UTC)),
        ("2024-05-01 10:30:15Z", datetime(2024, 5, 1, 10, 30, 15, tzinfo=UTC)),
        ("2024-05-01T10:30+02:00", datetime(2024, 5, 1, 8, 30, tzinfo=UTC)),
    ],
)
def test_a_date_is_read_in_utc(text: str, moment: datetime) -> None:
    read = moment_of(text)
    assert read == moment
    assert read is not None
    assert read.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2024:05:01 10:30:00", "01/05/2024", "0001-01-01T00:00+14:00", "2" * 10_000],
)
def test_what_is_not_a_date_gives_none(text: str) -> None:
    assert moment_of(text) is None


def test_a_date_of_the_photo_is_turned_to_utc() -> None:
    taken_at = datetime(2024, 5, 1, 10, tzinfo=timezone(timedelta(hours=2)))
    link = _chosen(embedded=EmbeddedMetadata(taken_at=taken_at))
    assert link.taken_at == datetime(2024, 5, 1, 8, tzinfo=UTC)
    assert link.taken_at.utcoffset() == timedelta(0)
