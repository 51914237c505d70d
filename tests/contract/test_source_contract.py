"""What every source keeps to. Another source joins by a class in ``_KEPT``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from export_archives import Shape, tree_of
from exports_x import Shot, Tweet, x_archive
from s3_server import S3Server, prove, s3_server

from likeness.errors import PhotoUnreadable, SourceBlocked
from likeness.records.photo import EmbeddedMetadata
from likeness.sources.base import Entry, SkippedEntry, Source, SourceEntry
from likeness.sources.bucket.source import BucketSource
from likeness.sources.exports import x
from likeness.sources.exports.source import ExportSource
from likeness.sources.folder import FolderSource
from likeness.sources.upload import UploadSource

_PHOTOS = {
    "z.jpg": b"last",
    '2024/May, the "1st"/Zoë #1 100%.jpg': b"odd name",
    "2024/a.png": b"a",
    "2024.jpg": b"beside a folder",
    "b.jpg": b"bb",
}
_ADDRESSES = ("https://", "http://", "file:///", "upload:up_1/", "s3://", "gs://")
_HOSTILE = EmbeddedMetadata(
    web_statement="javascript:alert(1)",
    source="https://user:word@example.org/",
    description="\x00\u202ewords\ud800\n" + "long " * 1_000,
    taken_at=datetime(2024, 5, 1, tzinfo=UTC),
)


class _Folder:
    """Photos kept in a folder of their own, and the source that tells of them."""

    photos: Mapping[str, bytes] = _PHOTOS
    rising = True
    photos_say_where = True
    without_them = "gone"

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._tmp: Path = request.getfixturevalue("tmp_path")
        self._place = self._tmp / "source"
        for item, content in self.photos.items():
            path = self._place / item
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def source(self) -> Source:
        return FolderSource(self._place)

    def vanish(self) -> None:
        """Take all photos away."""
        os.rename(self._place, self._tmp / "elsewhere")

    def fingerprint(self) -> object:
        """Whatever must stay as it is."""
        return _fingerprint(self._tmp)


class _OneFile(_Folder):
    photos: Mapping[str, bytes] = {"a, #1 %41.jpg": b"one"}

    def source(self) -> Source:
        (self._place / "another.jpg").write_bytes(b"not told")
        (item,) = self.photos
        return FolderSource(self._place / item)


class _Upload(_Folder):
    def source(self) -> Source:
        return UploadSource(self._place, upload_id="up_1")


class _LocalBucket(_Folder):
    def source(self) -> Source:
        return BucketSource(self._place.as_uri(), prove=prove)


class _Bucket:
    photos: Mapping[str, bytes] = _PHOTOS
    rising = True
    photos_say_where = True
    without_them = "gone"
    scheme, below = "s3", ""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._server: S3Server = request.getfixturevalue("server")
        self._name = self._server.bucket(
            {self.below + key: content for key, content in self.photos.items()}
        )

    def source(self) -> Source:
        address = f"{self.scheme}://{self._name}/{self.below}"
        return BucketSource(address, prove=prove)

    def vanish(self) -> None:
        self._server.drop(self._name)

    def fingerprint(self) -> object:
        return self._server.fingerprint(self._name)


class _FolderOfABucket(_Bucket):
    scheme, below = "gs", "summer (1)/é%/"


class _Export:
    """An export's posts come in its own order, and its records say where a photo is."""

    rising = False
    photos_say_where = False
    without_them = "gone"
    shape: Shape = "folder"

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._tmp: Path = request.getfixturevalue("tmp_path")
        posts = (Tweet(text="two", shots=(Shot(), Shot(base="b.png"))), Tweet(text="one"))
        made = x_archive(posts, messages=0)
        self.photos = {name: made.files[name] for name in made.pages}
        self._tree = tree_of(self._tmp / "source", made.files, self.shape)
        request.addfinalizer(self._tree.close)

    def source(self) -> Source:
        return ExportSource(self._tree, x.FORMAT)

    def vanish(self) -> None:
        os.rename(self._tmp / "source", self._tmp / "elsewhere")

    def fingerprint(self) -> object:
        return _fingerprint(self._tmp)


class _ExportInParts(_Export):
    # An archive that was opened stays readable when its name goes; it can still be cut short.
    shape: Shape = "parts"
    without_them = "changing"

    def vanish(self) -> None:
        for archive in self._tmp.rglob("*.zip"):
            os.truncate(archive, 0)


Kept = _Folder | _Bucket | _Export
_KEPT: Mapping[str, type[Kept]] = {
    "folder": _Folder,
    "one file": _OneFile,
    "upload": _Upload,
    "local bucket": _LocalBucket,
    "bucket": _Bucket,
    "folder of a bucket": _FolderOfABucket,
    "export": _Export,
    "export in parts": _ExportInParts,
}


def _fingerprint(place: Path) -> dict[str, tuple[int, int, str]]:
    return {
        str(path): (
            path.stat().st_mode,
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in sorted(place.rglob("*"))
    }


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with pytest.MonkeyPatch.context() as patch, s3_server(patch) as running:
        yield running


@pytest.fixture(params=_KEPT.values(), ids=list(_KEPT))
def kept(request: pytest.FixtureRequest) -> Kept:
    made: Kept = request.param(request)
    return made


@pytest.fixture
def made(kept: Kept) -> tuple[Source, Mapping[str, bytes]]:
    return kept.source(), kept.photos


def _entries(source: Source) -> list[SourceEntry]:
    return [entry for entry in source.entries() if isinstance(entry, SourceEntry)]


def test_every_photo_is_told_once_by_strictly_rising_item_where_the_source_has_no_order_of_its_own(
    made: tuple[Source, Mapping[str, bytes]], kept: Kept
) -> None:
    source, photos = made
    items = [entry.item for entry in _entries(source)]
    assert (items if kept.rising else sorted(items)) == sorted(photos)


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
                assert address.startswith(_ADDRESSES)
                assert "user:word" not in address
            assert len(link.text) <= 2_000
            link.text.encode("utf-8")
            assert link.text.isprintable()
            assert link.taken_at is None or link.taken_at.utcoffset() == timedelta(0)


def test_what_a_photo_states_of_itself_is_its_link_unless_records_say_where_it_is(
    made: tuple[Source, Mapping[str, bytes]], kept: Kept
) -> None:
    source, _ = made
    embedded = EmbeddedMetadata(web_statement="https://example.org/photo/1")
    for entry in _entries(source):
        link = entry.link(embedded)
        if kept.photos_say_where:
            assert (link.page_url, link.link_from) == ("https://example.org/photo/1", "metadata")
        else:
            assert link == entry.link(None)


def test_entries_cannot_be_changed(made: tuple[Source, Mapping[str, bytes]]) -> None:
    source, _ = made
    entry, attribute = _entries(source)[0], "item"
    with pytest.raises(FrozenInstanceError):
        setattr(entry, attribute, "other")


def test_listing_reading_and_linking_change_nothing(
    made: tuple[Source, Mapping[str, bytes]], kept: Kept
) -> None:
    source, _ = made
    before = kept.fingerprint()
    for entry in _entries(source):
        entry.read(1_000)
        entry.link(None)
    assert kept.fingerprint() == before


def test_a_photo_that_went_after_listing_is_named_with_the_reason(
    made: tuple[Source, Mapping[str, bytes]], kept: Kept
) -> None:
    source, _ = made
    entries = _entries(source)
    kept.vanish()
    for entry in entries:
        with pytest.raises(PhotoUnreadable) as raised:
            entry.read(1_000)
        assert raised.value.reason == kept.without_them
        assert entry.item in raised.value.what


def test_an_abandoned_listing_does_no_harm(made: tuple[Source, Mapping[str, bytes]]) -> None:
    source, photos = made
    next(source.entries())
    assert len(_entries(source)) == len(photos)


def test_nothing_is_skipped_where_all_is_well(made: tuple[Source, Mapping[str, bytes]]) -> None:
    source, _ = made
    assert not [entry for entry in source.entries() if isinstance(entry, SkippedEntry)]


def test_a_source_that_was_stopped_lists_nothing_more(
    made: tuple[Source, Mapping[str, bytes]],
) -> None:
    source, _ = made
    entries = source.entries()
    next(entries)
    source.stop()
    more: list[Entry] = []
    with suppress(SourceBlocked):
        more.extend(entries)
    assert more == []
    with pytest.raises(SourceBlocked):
        next(source.entries())


def test_a_source_says_what_it_is_and_counts_if_it_can(
    made: tuple[Source, Mapping[str, bytes]],
) -> None:
    source, photos = made
    assert source.address in source.recognised()
    assert source.count() in (None, len(photos))
