"""Exports of Google Photos: whole synthetic archives, of several languages and ages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from export_archives import SHAPES, Shape, tree_of
from exports_google_photos import LAYOUTS, PEOPLE, Layout, Photo, export_of, exports, page_of
from exports_google_photos import Export as Made
from exports_memory import MemoryTree
from hypothesis import given, settings

from likeness.sources.base import SkippedEntry, item_of
from likeness.sources.exports.formats import Posted
from likeness.sources.exports.google_photos import FORMAT, PHOTO_NOT_HERE
from likeness.sources.exports.google_sidecars import NO_SIDECAR
from likeness.sources.exports.source import ExportSource
from likeness.sources.exports.tree import ExportTree
from likeness.sources.links import address_problem, plain_text

_FLAGS = {
    "trashed": True,
    "archived": True,
    "inLockedFolder": True,
    "googlePhotosOrigin": {"fromPartnerSharing": {}},
    "googlePhotoOrigin": {"fromPartnerSharing": {}},
}
_YEAR = "Takeout/Google Photos/Photos from 2021"


def _pages(tree: ExportTree) -> dict[str, str]:
    return {
        each.member.name: each.link.page_url
        for each in FORMAT.posts(tree)
        if isinstance(each, Posted)
    }


def _reasons(tree: ExportTree) -> dict[str, str]:
    return {each.item: each.reason for each in FORMAT.posts(tree) if isinstance(each, SkippedEntry)}


def _beside(name: str, **fields: object) -> dict[str, bytes]:
    record = {"title": name, "photoTakenTime": {"timestamp": "1622500000"}, **fields}
    return {
        f"{_YEAR}/{name}": name.encode(),
        f"{_YEAR}/{name}.json": json.dumps(record).encode(),
    }


@settings(max_examples=300, deadline=None)
@given(made=exports)
def test_each_photo_is_taken_with_its_own_page_or_named_with_the_reason(made: Made) -> None:
    told = set()
    for each in FORMAT.posts(MemoryTree(files=made.files)):
        if isinstance(each, Posted):
            name = each.member.name
            assert each.link.page_url == made.pages[name]
            assert not _is_refused(made.photos[name])
            assert not address_problem(each.link.page_url)
            assert each.link.text == plain_text(each.link.text)
            name = item_of(name)
        else:
            name = each.item
            assert each.reason
            if each.reason == PHOTO_NOT_HERE:
                assert name.endswith(".json")
                continue
        assert name not in told
        told.add(name)
        assert not any(person in repr(each) for person in PEOPLE)
    assert told == {item_of(name) for name in made.pages}


def _is_refused(photo: Photo) -> bool:
    origin = photo.flags.get("googlePhotosOrigin", {})
    refused = [photo.flags.get(key) for key in ("trashed", "archived", "inLockedFolder")]
    return any(refused) or bool(isinstance(origin, dict) and origin)


@settings(max_examples=100, deadline=None)
@given(made=exports)
def test_the_account_counts_every_photo_that_is_taken_by_how_it_was_matched(made: Made) -> None:
    source = ExportSource(MemoryTree(files=made.files), FORMAT)
    taken = [entry for entry in source.entries() if not isinstance(entry, SkippedEntry)]
    assert sum(source.remarks().values()) == len(taken)
    assert set(source.remarks()) <= {"exact", "cut", "numbered", "edited", "live"}


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.root + layout.mark)
@pytest.mark.parametrize("shape", SHAPES)
def test_ordinary_exports_lose_no_photo(layout: Layout, shape: Shape, tmp_path: Path) -> None:
    photos = [
        Photo(title="IMG_20210601_101112.jpg", edited=True),
        Photo(title="IMG_0001.HEIC", live=True),
        Photo(title="IMG_0002.JPG"),
        Photo(title="IMG_0002.JPG"),
        Photo(title="PXL_20210601_090123740.PORTRAIT-01.COVER.jpg"),
        Photo(title="a & b: Zoë 🏖.jpg"),
        Photo(title="o" * 60 + ".png"),
    ]
    made = export_of(photos, layout, frozenset({0, 1}))
    tree = tree_of(tmp_path, made.files, shape)
    assert FORMAT.recognises(tree)
    assert _pages(tree) == made.pages
    assert _reasons(tree) == {}
    source = ExportSource(tree, FORMAT)
    list(source.entries())
    assert source.remarks() == {"exact": 7, "cut": 1, "numbered": 1, "edited": 2, "live": 2}
    tree.close()


@pytest.mark.parametrize(("key", "value"), _FLAGS.items())
def test_what_was_deleted_archived_locked_or_shared_by_others_ends(key: str, value: object) -> None:
    tree = MemoryTree(files=_beside("a.jpg", **{key: value}))
    (skipped,) = FORMAT.posts(tree)
    assert isinstance(skipped, SkippedEntry)
    assert skipped.ends
    assert "photo" in skipped.reason.lower()


@pytest.mark.parametrize("value", [False, None])
def test_a_mark_that_is_not_set_changes_nothing(value: object) -> None:
    tree = MemoryTree(files=_beside("a.jpg", trashed=value, archived=value))
    assert _pages(tree) == {f"{_YEAR}/a.jpg": "https://photos.google.com/"}


def test_an_origin_that_cannot_be_read_is_not_taken_for_ones_own() -> None:
    tree = MemoryTree(files=_beside("a.jpg", googlePhotosOrigin="shared"))
    assert not _pages(tree)


@pytest.mark.parametrize("folder", ["Trash", "Papierkorb", "Corbeille", "Archive", "アーカイブ"])
def test_folders_of_deleted_and_archived_photos_are_left_in_any_language(folder: str) -> None:
    files = {name.replace("Photos from 2021", folder): c for name, c in _beside("a.jpg").items()}
    (skipped,) = FORMAT.posts(MemoryTree(files=files))
    assert isinstance(skipped, SkippedEntry)
    assert skipped.ends


@pytest.mark.parametrize(
    ("url", "page", "confidence"),
    [
        (page_of(7), page_of(7), "exact"),
        ("", "https://photos.google.com/", "profile-only"),
        ("https://photos.google.com/", "https://photos.google.com/", "profile-only"),
        ("https://photos.google.com.evil.example/x", "https://photos.google.com/", "profile-only"),
        ("http://photos.google.com/photo/x", "https://photos.google.com/", "profile-only"),
        ("javascript:alert(1)", "https://photos.google.com/", "profile-only"),
        ("https://photos.google.com/photo/a b", "https://photos.google.com/", "profile-only"),
        (7, "https://photos.google.com/", "profile-only"),
    ],
)
def test_only_a_page_of_google_photos_is_a_link(url: object, page: str, confidence: str) -> None:
    (posted,) = FORMAT.posts(MemoryTree(files=_beside("a.jpg", url=url)))
    assert isinstance(posted, Posted)
    assert (posted.link.page_url, posted.link.confidence) == (page, confidence)
    assert posted.link.taken_at == datetime(2021, 5, 31, 22, 26, 40, tzinfo=UTC)


def test_names_of_people_are_nowhere_in_what_is_told() -> None:
    people = [{"name": name} for name in PEOPLE]
    tree = MemoryTree(files=_beside("a.jpg", people=people, description="at the \x00lake\n"))
    (posted,) = FORMAT.posts(tree)
    assert isinstance(posted, Posted)
    assert posted.link.text == "at the lake"
    told = repr([posted, list(ExportSource(tree, FORMAT).entries())])
    assert not any(name in told for name in PEOPLE)


def test_a_photo_without_sidecar_is_named() -> None:
    files = _beside("a.jpg") | {f"{_YEAR}/b.jpg": b"b"}
    tree = MemoryTree(files=files)
    assert _reasons(tree) == {f"{_YEAR}/b.jpg": NO_SIDECAR}


def test_a_sidecar_without_photo_is_named() -> None:
    files = _beside("a.jpg") | _beside("b.jpg")
    del files[f"{_YEAR}/b.jpg"]
    assert _reasons(MemoryTree(files=files)) == {f"{_YEAR}/b.jpg.json": PHOTO_NOT_HERE}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"title": ' + b"9" * 300_000]
)
def test_a_sidecar_that_cannot_be_read_gives_its_photo_to_nobody(content: bytes) -> None:
    files = _beside("a.jpg") | {f"{_YEAR}/b.jpg": b"b", f"{_YEAR}/b.jpg.json": content}
    tree = MemoryTree(files=files)
    assert _pages(tree).keys() == {f"{_YEAR}/a.jpg"}
    assert _reasons(tree)[f"{_YEAR}/b.jpg"] == NO_SIDECAR


def test_the_record_of_an_album_is_no_sidecar() -> None:
    album = json.dumps({"title": "a.jpg", "access": "shared", "date": {}}).encode()
    files = {f"{_YEAR}/a.jpg": b"a", f"{_YEAR}/a.jpg.json": album}
    assert _reasons(MemoryTree(files=files)) == {f"{_YEAR}/a.jpg": NO_SIDECAR}


@pytest.mark.parametrize("cut", ["", "Takeout/", "Takeout/Google Photos/", f"{_YEAR}/"])
def test_an_export_is_recognised_from_any_folder_of_it(cut: str) -> None:
    tree = MemoryTree(files={n.removeprefix(cut): c for n, c in _beside("a.jpg").items()})
    assert FORMAT.recognises(tree)
    assert list(_pages(tree)) == [f"{_YEAR}/a.jpg".removeprefix(cut)]


@pytest.mark.parametrize(
    "files",
    [
        {"a.jpg": b"a", "a.jpg.json": b"{}"},
        {"Google Photos/a.jpg": b"a"},
        {"a.jpg": b"a", "b.jpg.json": b'{"photoTakenTime": {}}'},
        {"Takeout/Drive/a.jpg": b"a"},
        {},
    ],
)
def test_other_files_are_no_export_of_google_photos(files: dict[str, bytes]) -> None:
    assert not FORMAT.recognises(MemoryTree(files=files))


def test_a_part_without_any_sidecar_is_recognised_and_nothing_of_it_taken() -> None:
    tree = MemoryTree(files={f"{_YEAR}/a.jpg": b"a"})
    assert FORMAT.recognises(tree)
    assert not _pages(tree)
    assert _reasons(tree)


def test_the_rest_of_a_takeout_is_not_of_google_photos() -> None:
    drive = {"Takeout/Drive/b.jpg": b"b", "Takeout/YouTube/videos/c.mp4": b"c"}
    tree = MemoryTree(files=_beside("a.jpg") | drive)
    told = list(ExportSource(tree, FORMAT).entries())
    skipped = {each.item: each.reason for each in told if isinstance(each, SkippedEntry)}
    assert skipped == dict.fromkeys(drive, "not of Google Photos")
    assert ExportSource(tree, FORMAT).address == "memory"
