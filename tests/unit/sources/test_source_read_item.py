"""Reading one photo again by the place that a folder's listing gave it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from likeness.errors import PhotoUnreadable
from likeness.sources.base import SourceEntry
from likeness.sources.folder import FolderSource
from likeness.sources.folder_entry import read_item

NAMES = ["a.jpg", "sub/b.jpg", "sub/line\nbreak.jpg", "back\\slash.jpg", "deep/er/é.jpg"]


def test_whatever_a_folder_lists_is_read_again_by_its_item(tmp_path: Path) -> None:
    for name in NAMES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg")
    Path(odd).write_bytes(b"odd")
    source = FolderSource(tmp_path)
    entries = [entry for entry in source.entries() if isinstance(entry, SourceEntry)]
    assert len(entries) == len(NAMES) + 1
    for entry in entries:
        assert read_item(source.address, entry.item, 100) == entry.read(100)


@pytest.mark.parametrize(
    "item",
    [
        "../secret.jpg",
        "sub/../../secret.jpg",
        "/etc/hostname",
        "sub//b.jpg",
        "./a.jpg",
        "",
        "\\x2E\\x2E/secret.jpg",
        "sub\\x2F..\\x2F..\\x2Fsecret.jpg",
        "a\\x00.jpg",
        "gone.jpg",
        "sub",
        "link.jpg",
        "led/b.jpg",
    ],
)
def test_nothing_outside_the_folder_is_read(tmp_path: Path, item: str) -> None:
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"a")
    (folder / "sub" / "b.jpg").write_bytes(b"b")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "led").symlink_to(folder / "sub")
    with pytest.raises(PhotoUnreadable):
        read_item(str(folder), item, 100)


@pytest.mark.parametrize("address", ["/nowhere/at/all", "relative", "nul\0here", "nul\\x00here"])
def test_a_folder_that_is_not_there_is_said_to_be_gone(address: str) -> None:
    with pytest.raises(PhotoUnreadable):
        read_item(address, "a.jpg", 100)


def test_a_file_that_grew_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a" * 101)
    with pytest.raises(PhotoUnreadable, match="too large"):
        read_item(str(tmp_path), "a.jpg", 100)
