"""The smaller parts of a crawl: its budget, its limits, what came, and marks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from site_server import photo_bytes

from likeness.errors import UsageError
from likeness.sources.website.budget import Budget
from likeness.sources.website.content_kinds import looks_like_photo
from likeness.sources.website.dates import moment_ns
from likeness.sources.website.found import (
    FoundPhoto,
    PageNotes,
    mark_of,
    photo_told,
    read_notes,
)
from likeness.sources.website.limits import CrawlLimits

SITE = "https://photos.example.org"
_texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)
_photos = st.builds(
    FoundPhoto,
    url=st.just(f"{SITE}/a.jpg"),
    page_url=st.just(f"{SITE}/"),
    text=_texts,
    taken_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    rights=_texts,
    otherwise=st.sampled_from(["", f"{SITE}/b.jpg"]),
)


def test_each_page_and_photo_is_asked_for_once() -> None:
    budget = Budget(CrawlLimits())
    assert budget.take_page(f"{SITE}/a", depth=0)
    assert not budget.take_page(f"{SITE}/a", depth=1)
    assert budget.take_photo(f"{SITE}/a.jpg")
    assert not budget.take_photo(f"{SITE}/a.jpg")
    assert budget.whole


@pytest.mark.parametrize(
    "pages",
    [
        [f"/{number}" for number in range(6)],
        [f"/calendar?month={number}" for number in range(4)],
        ["/a/a/a/a"],
        ["/x/" + "/".join(map(str, range(30)))],
    ],
)
def test_traps_end_and_leave_the_crawl_incomplete(pages: list[str]) -> None:
    budget = Budget(CrawlLimits(pages=5, variants=3))
    taken = [budget.take_page(SITE + page, depth=0) for page in pages]
    assert not taken[-1]
    assert not budget.whole


def test_links_are_followed_so_far_and_no_further() -> None:
    budget = Budget(CrawlLimits(depth=2))
    assert budget.take_page(f"{SITE}/a", depth=2)
    assert not budget.take_page(f"{SITE}/b", depth=3)
    assert not budget.whole


def test_too_many_bytes_or_failures_in_a_row_end_it() -> None:
    by_bytes = Budget(CrawlLimits(bytes=10))
    by_bytes.got(10)
    assert not by_bytes.spent
    by_bytes.got(1)
    assert by_bytes.spent and not by_bytes.whole
    by_failures = Budget(CrawlLimits(failures=2))
    for _ in range(3):
        by_failures.failed()
        by_failures.succeeded()
    assert not by_failures.spent
    by_failures.failed()
    by_failures.failed()
    assert by_failures.spent


@pytest.mark.parametrize(
    "named",
    [
        {"delay_seconds": -1.0},
        {"at_once": 0},
        {"at_once": 3},
        {"seconds": 0},
        {"pages": 0},
        {"photos": -1},
        {"photo_bytes": 1 << 40},
        {"bytes": 0},
        {"delay_seconds": 100.0},
        {"delay_seconds": float("nan")},
        {"address": 4000},
    ],
)
def test_limits_that_are_none_are_refused(named: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        CrawlLimits(**named)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_photos_are_told_by_their_first_bytes(form: str) -> None:
    assert looks_like_photo(photo_bytes(form=form))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8\xff",
        b"<html><body>not found</body></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7 and more",
        b"PK\x03\x04 and more of it",
        b"\0\0\0\x20ftypisom and more of it",
        b"RIFF....AVI and more of it",
        b"MZ" + bytes(100),
    ],
)
def test_what_is_no_photo_is_told_whatever_it_is_called(content: bytes) -> None:
    assert not looks_like_photo(content)


@given(st.lists(_photos, max_size=4), st.lists(st.just(f"{SITE}/next"), max_size=3))
def test_the_notes_of_a_page_are_read_as_they_were_written(
    photos: list[FoundPhoto], links: list[str]
) -> None:
    notes = PageNotes(links=tuple(links), photos=tuple(photos))
    assert read_notes(notes.as_json()) == notes


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"links": 3, "photos": []}', '{"links": [], "photos": [[1]]}']
)
def test_what_are_no_notes_is_told(text: str) -> None:
    with pytest.raises(ValueError):
        read_notes(text)


@given(_photos)
def test_a_photo_comes_through_as_it_was_found(photo: FoundPhoto) -> None:
    told = photo_told(photo.told())
    assert told.link_part() == photo.link_part()
    assert mark_of(told, b"x") == mark_of(photo, b"x") != mark_of(photo, b"y")
    assert mark_of(photo, b"x").startswith(photo.link_part())


@pytest.mark.parametrize(
    "change", [{"text": 3}, {"text": "a" * 3000}, {"taken_at": "yesterday"}, {"url": None}]
)
def test_a_photo_with_a_field_that_is_off_is_refused(change: dict[str, Any]) -> None:
    photo = FoundPhoto(
        url=f"{SITE}/a.jpg", page_url=f"{SITE}/", taken_at=datetime(2024, 5, 4, tzinfo=UTC)
    )
    with pytest.raises(ValueError):
        photo_told({**photo.told(), **change})


def test_dates_of_http_are_read() -> None:
    assert moment_ns("Thu, 01 Jan 1970 00:00:01 GMT") == 1_000_000_000
    for nothing in (
        "",
        "yesterday",
        "Thu, 99 Jan 1970 00:00:01 GMT",
        "Sat, 01 Jan 1600 00:00:00 GMT",
    ):
        assert moment_ns(nothing) == 0
