"""A local folder by a file:// address: in order, and without following what leads out of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from likeness.errors import PhotoUnreadable, SourceUnreadable
from likeness.sources.base import SkippedEntry, SourceEntry
from likeness.sources.bucket.source import BucketSource


def _photo(path: Path, content: bytes = b"photo") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _never(text: str) -> None:
    raise AssertionError("a local folder has no proof to read")


def _source(place: Path, library: Path | None = None) -> BucketSource:
    return BucketSource(place.as_uri(), prove=_never, library=library)


def _items(source: BucketSource) -> list[str]:
    return [entry.item for entry in source.entries() if isinstance(entry, SourceEntry)]


def _skipped(source: BucketSource) -> dict[str, str]:
    return {each.item: each.reason for each in source.entries() if isinstance(each, SkippedEntry)}


def test_photos_come_in_the_order_of_their_items_through_all_folders(tmp_path: Path) -> None:
    names = ["b.jpg", "a/z.jpg", "a.jpg", "a b/1.jpg", "a/b/c.png", "a/b.jpg", "B.JPG", "é/1.jpg"]
    for name in names:
        _photo(tmp_path / name, name.encode())
    source = _source(tmp_path)
    assert _items(source) == sorted(names)
    for entry in source.entries():
        assert isinstance(entry, SourceEntry)
        assert entry.read(100) == entry.item.encode()


def test_the_address_is_the_canonical_path(tmp_path: Path) -> None:
    _photo(tmp_path / "photos/a.jpg")
    (tmp_path / "named").symlink_to("photos")
    assert _source(tmp_path / "named").address == (tmp_path.resolve() / "photos").as_uri()


def test_links_and_pipes_are_told_and_never_opened(tmp_path: Path) -> None:
    _photo(tmp_path / "outside/secret.jpg")
    photos = tmp_path / "photos"
    _photo(photos / "a.jpg")
    (photos / "file.jpg").symlink_to(tmp_path / "outside/secret.jpg")
    (photos / "folder").symlink_to(tmp_path / "outside")
    os.mkfifo(photos / "pipe.jpg")
    source = _source(photos)
    assert _items(source) == ["a.jpg"]
    told = _skipped(source)
    assert told.pop("pipe.jpg") == "not a regular file"
    assert told == dict.fromkeys(["file.jpg", "folder"], "symbolic link")


def test_a_photo_put_behind_a_link_after_listing_is_not_read(tmp_path: Path) -> None:
    _photo(tmp_path / "outside/1.jpg", b"other")
    _photo(tmp_path / "photos/a/1.jpg", b"photo")
    _photo(tmp_path / "photos/2.jpg", b"photo")
    _photo(tmp_path / "photos/3.jpg", b"photo")
    two, three, one = _source(tmp_path / "photos").entries()
    (tmp_path / "photos/a").rename(tmp_path / "moved")
    (tmp_path / "photos/a").symlink_to(tmp_path / "outside")
    (tmp_path / "photos/2.jpg").unlink()
    (tmp_path / "photos/2.jpg").symlink_to(tmp_path / "outside/1.jpg")
    (tmp_path / "photos/3.jpg").unlink()
    os.mkfifo(tmp_path / "photos/3.jpg")
    for entry, reason in ((one, "changing"), (two, "symbolic link"), (three, "not a regular file")):
        assert isinstance(entry, SourceEntry)
        with pytest.raises(PhotoUnreadable) as raised:
            entry.read(100)
        assert raised.value.reason == reason


def test_a_name_that_is_not_text_hides_its_folder_and_that_is_told(tmp_path: Path) -> None:
    _photo(tmp_path / "a.jpg")
    _photo(tmp_path / "b/1.jpg")
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/b/\xe9.jpg")).write_bytes(b"1")
    except OSError:
        pytest.skip("the file system takes no names that are not text")
    source = _source(tmp_path)
    assert _items(source) == ["a.jpg"]
    (hidden,) = (each for each in source.entries() if isinstance(each, SkippedEntry))
    assert (hidden.item, hidden.hides) == ("b", True)
    with pytest.raises(SourceUnreadable):
        list(_source(tmp_path / "b").entries())


def test_hidden_folders_are_told_and_not_entered(tmp_path: Path) -> None:
    _photo(tmp_path / ".git/a.jpg")
    _photo(tmp_path / "a/@eaDir/a.jpg")
    assert set(_skipped(_source(tmp_path))) == {".git", "a/@eaDir"}


def test_a_folder_that_obstore_cannot_list_for_a_link_around_is_told(tmp_path: Path) -> None:
    _photo(tmp_path / "a.jpg")
    _photo(tmp_path / "b/1.jpg")
    (tmp_path / "b/around").symlink_to(tmp_path / "b")
    photo, hidden = _source(tmp_path).entries()
    assert photo.item == "a.jpg"
    assert hidden == SkippedEntry(item="b", reason="could not be read", hides=True)
    (tmp_path / "around").symlink_to(tmp_path)
    with pytest.raises(SourceUnreadable, match="by its path"):
        list(_source(tmp_path).entries())


def test_a_source_exchanged_while_it_is_listed_does_not_look_empty(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    for name in ("a/1.jpg", "b/2.jpg"):
        _photo(root / name)
    entries = _source(root).entries()
    next(entries)
    root.rename(tmp_path / "taken away")
    root.mkdir()
    assert list(entries) == [SkippedEntry(item="b", reason="could not be read", hides=True)]


def test_the_library_is_no_source_and_is_not_read_as_photos(tmp_path: Path) -> None:
    library = tmp_path / "library"
    _photo(library / "blobs/b.jpg")
    _photo(tmp_path / "a.jpg")
    source = _source(tmp_path, library)
    assert _items(source) == ["a.jpg"]
    assert _skipped(source) == {"library": "the library's own folder"}
    for place in (library, library / "blobs"):
        with pytest.raises(SourceUnreadable, match="library"):
            _source(place, library)


@pytest.mark.parametrize("name", ["missing", "a.jpg"])
def test_what_is_no_folder_is_refused_in_words(tmp_path: Path, name: str) -> None:
    _photo(tmp_path / "a.jpg")
    with pytest.raises(SourceUnreadable) as raised:
        _source(tmp_path / name)
    assert raised.value.fix


def test_folders_nested_without_end_are_told(tmp_path: Path) -> None:
    tmp_path.joinpath(*["d"] * 502).mkdir(parents=True)
    (skipped,) = _source(tmp_path).entries()
    assert isinstance(skipped, SkippedEntry)
    assert skipped.hides
