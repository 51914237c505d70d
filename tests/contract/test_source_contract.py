"""What every source keeps to. Another source joins by a factory in ``_FACTORIES``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from likeness.errors import PhotoUnreadable
from likeness.records.photo import EmbeddedMetadata
from likeness.sources.base import SkippedEntry, Source, SourceEntry
from likeness.sources.folder import FolderSource

Factory = Callable[[Path, Mapping[str, bytes]], Source]
"""Makes a source of photos by item, in an empty folder of its own."""

_PHOTOS = {
    "z.jpg": b"last",
    '2024/May, the "1st"/Zoë #1 100%.jpg': b"odd name",
    "2024/a.png": b"a",
    "2024.jpg": b"beside a folder",
    "b.jpg": b"bb",
}
_ONE = {"a, #1 %41.jpg": b"one"}
_HOSTILE = EmbeddedMetadata(
    web_statement="javascript:alert(1)",
    source="https://user:word@example.org/",
    description="\x00\u202ewords\ud800\n" + "long " * 1_000,
    taken_at=datetime(2024, 5, 1, tzinfo=UTC),
)


def _folder(place: Path, photos: Mapping[str, bytes]) -> Source:
    for item, content in photos.items():
        path = place / item
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return FolderSource(place)


def _one_file(place: Path, photos: Mapping[str, bytes]) -> Source:
    _folder(place, {**photos, "another.jpg": b"not told"})
    (item,) = photos
    return FolderSource(place / item)


_FACTORIES: tuple[tuple[str, Factory, Mapping[str, bytes]], ...] = (
    ("folder", _folder, _PHOTOS),
    ("one file", _one_file, _ONE),
)


@pytest.fixture(params=_FACTORIES, ids=[name for name, _, _ in _FACTORIES])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Source, Mapping[str, bytes]]:
    _, factory, photos = request.param
    place = tmp_path / "source"
    place.mkdir()
    return factory(place, photos), photos


def _entries(source: Source) -> list[SourceEntry]:
    return [entry for entry in source.entries() if isinstance(entry, SourceEntry)]


def _fingerprint(place: Path) -> dict[str, tuple[int, int, str]]:
    return {
        str(path): (
            path.stat().st_mode,
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in sorted(place.rglob("*"))
    }


def test_every_photo_is_told_once_by_strictly_rising_item(
    made: tuple[Source, Mapping[str, bytes]],
) -> None:
    source, photos = made
    assert [entry.item for entry in _entries(source)] == sorted(photos)


def test_listing_again_tells_the_same(made: tuple[Source, Mapping[str, bytes]]) -> None:
    source, _ = made
    assert list(source.entries()) == list(source.entries())


def test_a_photo_reads_as_it_is(made: tuple[Source, Mapping[str, bytes]]) -> None:
    source, photos = made
    for entry in _entries(source):
        assert entry.read(len(photos[entry.item])) == photos[entry.item]
        assert entry.read(100) == entry.read(100)
        assert entry.size == len(photos[entry.item])


def test_a_photo_over_the_limit_is_refused(made: tuple[Source, Mapping[str, bytes]]) -> None:
    source, photos = made
    for entry in _entries(source):
        with pytest.raises(PhotoUnreadable) as raised:
            entry.read(len(photos[entry.item]) - 1)
        assert raised.value.reason == "too large"
        assert raised.value.fix


def test_kind_address_and_items_can_be_stored_and_shown(
    made: tuple[Source, Mapping[str, bytes]],
) -> None:
    source, _ = made
    words = [source.kind, source.address, *(entry.item for entry in _entries(source))]
    for word in words:
        assert word
        word.encode("utf-8")
        assert not any(ord(letter) < 0x20 for letter in word)
    assert isinstance(source.whole, bool)


def test_marks_are_hex_and_times_are_whole_nanoseconds(
    made: tuple[Source, Mapping[str, bytes]],
) -> None:
    source, _ = made
    for entry in _entries(source):
        assert len(entry.link_mark) >= 32
        bytes.fromhex(entry.link_mark)
        assert isinstance(entry.modified_ns, int)


def test_every_photo_links_back_whatever_it_says_of_itself(
    made: tuple[Source, Mapping[str, bytes]],
) -> None:
    source, _ = made
    for entry in _entries(source):
        for embedded in (None, EmbeddedMetadata(), _HOSTILE):
            link = entry.link(embedded)
            for address in (link.page_url, link.media_url):
                assert address.startswith(("https://", "http://", "file:///"))
                assert "user:word" not in address
            assert len(link.text) <= 2_000
            link.text.encode("utf-8")
            assert link.text.isprintable()
            assert link.taken_at is None or link.taken_at.utcoffset() == timedelta(0)


def test_what_a_photo_states_of_itself_is_its_link(
    made: tuple[Source, Mapping[str, bytes]],
) -> None:
    source, _ = made
    embedded = EmbeddedMetadata(web_statement="https://example.org/photo/1")
    for entry in _entries(source):
        link = entry.link(embedded)
        assert (link.page_url, link.link_from) == ("https://example.org/photo/1", "metadata")


def test_entries_cannot_be_changed(made: tuple[Source, Mapping[str, bytes]]) -> None:
    source, _ = made
    entry, attribute = _entries(source)[0], "item"
    with pytest.raises(FrozenInstanceError):
        setattr(entry, attribute, "other")


def test_listing_reading_and_linking_change_nothing(
    made: tuple[Source, Mapping[str, bytes]], tmp_path: Path
) -> None:
    source, _ = made
    before = _fingerprint(tmp_path)
    for entry in _entries(source):
        entry.read(1_000)
        entry.link(None)
    assert _fingerprint(tmp_path) == before


def test_a_photo_that_went_after_listing_is_named_with_the_reason(
    made: tuple[Source, Mapping[str, bytes]], tmp_path: Path
) -> None:
    source, _ = made
    entries = _entries(source)
    os.rename(tmp_path / "source", tmp_path / "elsewhere")
    for entry in entries:
        with pytest.raises(PhotoUnreadable) as raised:
            entry.read(1_000)
        assert raised.value.reason == "gone"
        assert entry.item in raised.value.what


def test_an_abandoned_listing_does_no_harm(made: tuple[Source, Mapping[str, bytes]]) -> None:
    source, photos = made
    next(source.entries())
    assert len(_entries(source)) == len(photos)


def test_nothing_is_skipped_where_all_is_well(made: tuple[Source, Mapping[str, bytes]]) -> None:
    source, _ = made
    assert not [entry for entry in source.entries() if isinstance(entry, SkippedEntry)]
