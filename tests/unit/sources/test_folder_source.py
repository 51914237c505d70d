"""The folder source on real folders: order, odd names, odd files, and what changes meanwhile."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import PhotoUnreadable, SourceUnreadable
from likeness.sources.base import SkippedEntry, SourceEntry, VideoEntry, name_of
from likeness.sources.folder import FolderSource

_LIMIT = 1_000_000
_file_names = (
    st.binary(min_size=1, max_size=40)
    .filter(lambda name: not set(name) & {0, 0x2F} and name[:1] != b".")
    .map(lambda name: name + b".jpg")
)


def _photo(path: Path, content: bytes = b"photo") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _entries(source: FolderSource) -> list[SourceEntry]:
    return [entry for entry in source.entries() if isinstance(entry, SourceEntry)]


def _skipped(source: FolderSource) -> dict[str, str]:
    return {each.item: each.reason for each in source.entries() if isinstance(each, SkippedEntry)}


def _items(source: FolderSource) -> list[str]:
    return [entry.item for entry in _entries(source)]


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that ordinary users can reach too, where the tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name).resolve()


@contextmanager
def _ordinary_user() -> Iterator[None]:
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_photos_come_in_the_order_of_their_items_through_all_folders(tmp_path: Path) -> None:
    names = ["b.jpg", "a/z.jpg", "a.jpg", "a b/1.jpg", "a/b/c.png", "a/b.jpg", "B.JPG", "é/1.jpg"]
    for name in names:
        _photo(tmp_path / name)
    assert _items(FolderSource(tmp_path)) == sorted(names)


@settings(max_examples=25, deadline=None)
@given(names=st.lists(_file_names, min_size=1, max_size=6, unique=True), folder=_file_names)
def test_names_of_any_bytes_are_listed_in_order_read_and_turned_back(
    names: list[bytes], folder: bytes
) -> None:
    with tempfile.TemporaryDirectory() as root:
        below = os.path.join(os.fsencode(root), folder)
        os.mkdir(below)
        for name in names:
            try:
                Path(os.fsdecode(os.path.join(below, name))).write_bytes(name)
            except OSError:
                pytest.skip("the file system takes no names that are not text")
        entries = _entries(FolderSource(root))
        items = [entry.item for entry in entries]
        assert items == sorted(items)
        assert {os.fsencode(name_of(item)) for item in items} == {folder + b"/" + n for n in names}
        for entry in entries:
            assert os.fsencode(name_of(entry.item)) == folder + b"/" + entry.read(_LIMIT)
            assert entry.link(None).media_url.isascii()


def test_the_address_is_the_canonical_path_however_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _photo(tmp_path / "photos/a.jpg")
    (tmp_path / "named").symlink_to(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    addresses = {
        FolderSource(name).address for name in ("photos", "./photos/", "named", "photos/../photos")
    }
    assert addresses == {str(tmp_path.resolve() / "photos")}


def test_a_photo_without_anything_better_links_to_itself(tmp_path: Path) -> None:
    path = _photo(tmp_path / "summer 2024/a#1%.jpg")
    (entry,) = _entries(FolderSource(tmp_path))
    link = entry.link(None)
    assert link.page_url == link.media_url == path.resolve().as_uri()
    assert link.media_url.endswith("/summer%202024/a%231%25.jpg")
    assert link.link_from == "file"


def test_the_nearest_link_list_that_names_a_photo_holds(tmp_path: Path) -> None:
    for name in ("a/b/1.jpg", "a/b/2.jpg", "a/3.jpg", "4.jpg"):
        _photo(tmp_path / name)
    top = "path,page_url\na/b/1.jpg,https://top.example/1\na/b/2.jpg,https://top.example/2\n"
    (tmp_path / "links.csv").write_text(top + "4.jpg,https://top.example/4\n")
    (tmp_path / "a/b/links.csv").write_text("path,page_url\n1.jpg,https://near.example/1\n")
    pages = {entry.item: entry.link(None).page_url for entry in _entries(FolderSource(tmp_path))}
    assert pages["a/b/1.jpg"] == "https://near.example/1"
    assert pages["a/b/2.jpg"] == "https://top.example/2"
    assert pages["4.jpg"] == "https://top.example/4"
    assert pages["a/3.jpg"].startswith("file://")


def test_a_link_list_above_the_source_is_not_read(tmp_path: Path) -> None:
    _photo(tmp_path / "a/1.jpg")
    (tmp_path / "links.csv").write_text("path,page_url\na/1.jpg,https://top.example/1\n")
    (entry,) = _entries(FolderSource(tmp_path / "a"))
    assert entry.link(None).link_from == "file"


def test_a_bad_row_is_told_by_its_line_and_its_photo_links_otherwise(tmp_path: Path) -> None:
    _photo(tmp_path / "a/1.jpg")
    (tmp_path / "a/links.csv").write_text("path,page_url\n1.jpg,javascript:alert(1)\n")
    (tmp_path / "links.csv").write_text("path,page_url\na/1.jpg,https://top.example/1\n")
    source = FolderSource(tmp_path)
    assert list(_skipped(source)) == ["a/links.csv:2"]
    assert _entries(source)[0].link(None).page_url == "https://top.example/1"


def test_a_link_list_that_cannot_be_used_is_told_and_photos_are_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("path,page_url\n1.jpg,https://e.org/1\n")
    for place, folder in enumerate(("folder", "fifo", "link", "header")):
        _photo(tmp_path / f"photos/{folder}/1.jpg", str(place).encode())
    (tmp_path / "photos/folder/links.csv").mkdir()
    os.mkfifo(tmp_path / "photos/fifo/links.csv")
    (tmp_path / "photos/link/links.csv").symlink_to(outside)
    (tmp_path / "photos/header/links.csv").write_text("nothing of use\n")
    source = FolderSource(tmp_path / "photos")
    entries = _entries(source)
    assert len(entries) == 4
    assert {entry.link(None).link_from for entry in entries} == {"file"}
    assert set(_skipped(source)) == {
        f"{folder}/links.csv" for folder in ("fifo", "folder", "header", "link")
    }


def test_composed_and_decomposed_names_of_two_photos_keep_their_own_links(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "Zoë.jpg") for form in ("NFC", "NFD")]
    for name in names:
        _photo(tmp_path / name)
    if len(os.listdir(tmp_path)) == 1:
        pytest.skip("the file system takes both names for one")
    rows = "".join(f"{name},https://e.org/{place}\n" for place, name in enumerate(names))
    (tmp_path / "links.csv").write_text("path,page_url\n" + rows, encoding="utf-8")
    pages = {entry.item: entry.link(None).page_url for entry in _entries(FolderSource(tmp_path))}
    assert [pages[name] for name in names] == ["https://e.org/0", "https://e.org/1"]


def test_the_mark_changes_with_the_row_and_with_nothing_else(tmp_path: Path) -> None:
    path = _photo(tmp_path / "a.jpg")
    _photo(tmp_path / "b.jpg")
    listed = tmp_path / "links.csv"

    def mark() -> str:
        return _entries(FolderSource(tmp_path))[0].link_mark

    marks = [mark()]
    for row in ("a.jpg,https://e.org/1,", "a.jpg,https://e.org/2,", "a.jpg,https://e.org/2,words"):
        listed.write_text("path,page_url,text\n" + row)
        marks.append(mark())
    assert len(set(marks)) == 4
    listed.write_text("path,page_url,text\nb.jpg,https://e.org/9,\na.jpg,https://e.org/2,words")
    path.write_bytes(b"another photo")
    os.utime(path, ns=(1, 1))
    assert mark() == marks[-1]


def test_the_mark_changes_with_the_download_address(tmp_path: Path) -> None:
    path = _photo(tmp_path / "a.jpg")
    before = _entries(FolderSource(tmp_path))[0].link_mark
    try:
        os.setxattr(path, "user.xdg.origin.url", b"https://example.org/a.jpg")
    except (AttributeError, OSError):
        pytest.skip("no extended attributes on this system or file system")
    (entry,) = _entries(FolderSource(tmp_path))
    assert entry.link_mark != before
    assert (entry.link(None).page_url, entry.link(None).link_from) == (
        "https://example.org/a.jpg",
        "download",
    )


def test_links_pipes_and_sockets_are_told_and_never_opened(tmp_path: Path) -> None:
    _photo(tmp_path / "outside/secret.jpg")
    photos = tmp_path / "photos"
    _photo(photos / "a.jpg")
    (photos / "file.jpg").symlink_to(tmp_path / "outside/secret.jpg")
    (photos / "folder").symlink_to(tmp_path / "outside")
    (photos / "around").symlink_to(photos)
    (photos / "broken.jpg").symlink_to("nowhere")
    os.mkfifo(photos / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(photos / "s.jpg"))
        source = FolderSource(photos)
        assert _items(source) == ["a.jpg"]
        assert _skipped(source) == {
            "around": "symbolic link",
            "broken.jpg": "symbolic link",
            "file.jpg": "symbolic link",
            "folder": "symbolic link",
            "pipe.jpg": "not a regular file",
            "s.jpg": "not a regular file",
        }


def test_other_media_are_told_and_sidecars_are_not(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.mov", "a.cr2", "a.xmp", "a.jpg.json", ".DS_Store", ".git/a.jpg"):
        _photo(tmp_path / name)
    source = FolderSource(tmp_path)
    assert _items(source) == ["a.jpg"]
    assert [e.item for e in source.entries() if isinstance(e, VideoEntry)] == ["a.mov"]
    assert set(_skipped(source)) == {".git", "a.cr2"}


def test_what_may_not_be_read_is_told_and_the_rest_is_listed(shared_folder: Path) -> None:
    _photo(shared_folder / "closed/1.jpg")
    _photo(shared_folder / "open/1.jpg")
    _photo(shared_folder / "locked.jpg").chmod(0)
    (shared_folder / "closed").chmod(0)
    try:
        with _ordinary_user():
            closed, locked, readable = FolderSource(shared_folder).entries()
            assert isinstance(locked, SourceEntry)
            with pytest.raises(PhotoUnreadable) as raised:
                locked.read(_LIMIT)
    finally:
        (shared_folder / "closed").chmod(0o755)
    assert closed == SkippedEntry(item="closed", reason="permission denied", hides=True)
    assert (locked.item, raised.value.reason) == ("locked.jpg", "permission denied")
    assert readable.item == "open/1.jpg"


def test_a_folder_whose_files_cannot_be_looked_at_is_told_as_not_seen(shared_folder: Path) -> None:
    _photo(shared_folder / "names only/1.jpg")
    (shared_folder / "names only").chmod(0o444)
    with _ordinary_user():
        found = list(FolderSource(shared_folder).entries())
    (shared_folder / "names only").chmod(0o755)
    unseen = SkippedEntry(item="names only/1.jpg", reason="permission denied", hides=True)
    assert unseen in found
    assert not [entry for entry in found if isinstance(entry, SourceEntry)]


def test_a_photo_put_behind_a_link_after_listing_is_not_read(tmp_path: Path) -> None:
    _photo(tmp_path / "outside/1.jpg", b"secret")
    _photo(tmp_path / "photos/a/1.jpg")
    _photo(tmp_path / "photos/2.jpg")
    two, one = _entries(FolderSource(tmp_path / "photos"))
    (tmp_path / "photos/a").rename(tmp_path / "moved")
    (tmp_path / "photos/a").symlink_to(tmp_path / "outside")
    (tmp_path / "photos/2.jpg").unlink()
    (tmp_path / "photos/2.jpg").symlink_to(tmp_path / "outside/1.jpg")
    for entry, reason in ((one, "gone"), (two, "symbolic link")):
        with pytest.raises(PhotoUnreadable) as raised:
            entry.read(_LIMIT)
        assert raised.value.reason == reason


def test_a_photo_that_became_a_pipe_is_not_opened(tmp_path: Path) -> None:
    path = _photo(tmp_path / "a.jpg")
    (entry,) = _entries(FolderSource(tmp_path))
    path.unlink()
    os.mkfifo(path)
    # Whoever opens a pipe for writing waits until somebody opens it for reading.
    writer = threading.Thread(target=lambda: os.close(os.open(path, os.O_WRONLY)))
    writer.start()
    time.sleep(0.2)
    try:
        with pytest.raises(PhotoUnreadable) as raised:
            entry.read(_LIMIT)
        writer.join(0.2)
        assert writer.is_alive()
    finally:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        writer.join()
    assert raised.value.reason == "not a regular file"


def test_folders_are_listed_only_when_their_turn_comes(tmp_path: Path) -> None:
    _photo(tmp_path / "a/1.jpg")
    (tmp_path / "z").mkdir()
    entries = FolderSource(tmp_path).entries()
    next(entries)
    _photo(tmp_path / "z/2.jpg")
    assert [entry.item for entry in entries] == ["z/2.jpg"]


def test_a_folder_removed_meanwhile_is_told_as_not_seen(tmp_path: Path) -> None:
    _photo(tmp_path / "a/1.jpg")
    (tmp_path / "z").mkdir()
    entries = FolderSource(tmp_path).entries()
    next(entries)
    (tmp_path / "z").rmdir()
    assert list(entries) == [SkippedEntry(item="z", reason="gone", hides=True)]


def test_a_source_exchanged_while_it_is_listed_fails_rather_than_to_look_empty(
    tmp_path: Path,
) -> None:
    root = tmp_path / "photos"
    _photo(root / "a/1.jpg")
    _photo(root / "z.jpg")
    entries = FolderSource(root).entries()
    next(entries)
    root.rename(tmp_path / "taken away")
    root.mkdir()
    with pytest.raises(SourceUnreadable, match="changing"):
        list(entries)


def test_listing_keeps_no_file_open(tmp_path: Path) -> None:
    for number in range(3):
        _photo(tmp_path / f"{number}/a.jpg")
    if not Path("/proc/self/fd").exists():
        pytest.skip("open files are counted in /proc")
    before = len(os.listdir("/proc/self/fd"))
    entries = FolderSource(tmp_path).entries()
    for _ in range(2):
        next(entries)
        assert len(os.listdir("/proc/self/fd")) == before


def test_folders_deeper_than_any_path_can_say_are_listed_and_read(tmp_path: Path) -> None:
    part, depth = "d" * 60, 120
    descriptor = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(part, dir_fd=descriptor)
        below = os.open(part, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    with os.fdopen(os.open("a.jpg", os.O_WRONLY | os.O_CREAT, dir_fd=descriptor), "wb") as file:
        file.write(b"deep")
    os.close(descriptor)
    (entry,) = _entries(FolderSource(tmp_path))
    assert entry.item == "/".join([*[part] * depth, "a.jpg"])
    assert entry.read(_LIMIT) == b"deep"
    assert entry.link(None).media_url.endswith("a.jpg")


def test_folders_nested_without_end_are_told(tmp_path: Path) -> None:
    path = tmp_path / "photos"
    path.joinpath(*["d"] * 502).mkdir(parents=True)
    (skipped,) = FolderSource(path).entries()
    assert isinstance(skipped, SkippedEntry)
    assert (skipped.reason, skipped.hides) == ("more than 500 folders deep", True)


def test_ten_thousand_photos_are_listed_quickly(tmp_path: Path) -> None:
    for album in range(20):
        folder = tmp_path / f"{album:02}"
        folder.mkdir()
        for number in range(500):
            (folder / f"{number:03}.jpg").touch()
    started = time.perf_counter()
    items = _items(FolderSource(tmp_path))
    assert time.perf_counter() - started < 10
    assert len(items) == 10_000
    assert items == sorted(items)


def test_one_file_is_told_as_an_item_of_its_folder(tmp_path: Path) -> None:
    _photo(tmp_path / "b.jpg")
    path = _photo(tmp_path / "a.jpg")
    (tmp_path / "links.csv").write_text("path,page_url\na.jpg,https://e.org/1\n")
    source = FolderSource(path)
    (entry,) = source.entries()
    assert isinstance(entry, SourceEntry)
    assert (entry.item, entry.link(None).page_url) == ("a.jpg", "https://e.org/1")
    assert (source.address, source.whole) == (str(tmp_path.resolve()), False)
    assert FolderSource(tmp_path).whole


def test_one_file_that_is_no_photo_is_told_even_where_a_folder_would_pass_it_over(
    tmp_path: Path,
) -> None:
    path = _photo(tmp_path / "notes.txt")
    assert list(_skipped(FolderSource(path))) == ["notes.txt"]


@pytest.mark.parametrize("name", ["missing", "a.jpg/below", "loop", "pipe", "nul\0", "lone\ud800"])
def test_a_path_that_is_no_source_is_refused_in_words(tmp_path: Path, name: str) -> None:
    _photo(tmp_path / "a.jpg")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceUnreadable) as raised:
        FolderSource(f"{tmp_path}/{name}")
    assert raised.value.fix


def test_a_source_gone_before_it_is_listed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    source = FolderSource(tmp_path / "photos")
    (tmp_path / "photos").rmdir()
    with pytest.raises(SourceUnreadable, match="gone"):
        list(source.entries())


@pytest.mark.parametrize("name", ["", "blobs", "blobs/a.jpg", "../named"])
def test_the_library_and_what_is_in_it_are_no_source(tmp_path: Path, name: str) -> None:
    library = tmp_path / "library"
    _photo(library / "blobs/a.jpg")
    (tmp_path / "named").symlink_to(library)
    with pytest.raises(SourceUnreadable, match="library"):
        FolderSource(library / name, library=library)


def test_a_library_kept_among_the_photos_is_not_read_as_photos(tmp_path: Path) -> None:
    _photo(tmp_path / "a.jpg")
    _photo(tmp_path / "library/blobs/b.jpg")
    source = FolderSource(tmp_path, library=tmp_path / "library")
    assert _items(source) == ["a.jpg"]
    assert _skipped(source) == {"library": "the library's own folder"}


def test_a_library_that_is_not_there_yet_changes_nothing(tmp_path: Path) -> None:
    _photo(tmp_path / "a.jpg")
    assert _items(FolderSource(tmp_path, library=tmp_path / "none")) == ["a.jpg"]
