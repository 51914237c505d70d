"""Taking photos in: what is off is named, and what cannot be told just now is kept."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from ingest_parts import (
    ANN,
    BOB,
    CountingDecoders,
    LookingEngine,
    add,
    counts,
    held,
    items,
    linked,
    save_three,
)
from PIL import Image
from promise_house import Place, enrol, rows
from synthetic_engine import Drawn, SyntheticEngine, save

from likeness import ingest as ingest_module
from likeness.arrivals import BATCH
from likeness.errors import PhotoUnreadable, SourceUnreadable
from likeness.faces.packs import Pack
from likeness.ingest import IngestReport, Skipped
from likeness.library import Library
from likeness.records.photo import DecodedPhoto, ReadLimits
from likeness.sources.base import SkippedEntry, SourceEntry
from likeness.sources.folder import FolderSource


@pytest.fixture
def engine(pack: Pack) -> LookingEngine:
    return LookingEngine(SyntheticEngine(pack))


@pytest.fixture
def decoders() -> CountingDecoders:
    return CountingDecoders()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_three(tmp_path / "photos")


def test_what_is_off_is_named_with_the_reason_and_the_run_goes_on(
    library: Library, folder: Path, decoders: CountingDecoders
) -> None:
    decoders.limits = ReadLimits(max_pixels=100_000)
    good = (folder / "ann.png").read_bytes()
    (folder / "broken.png").write_bytes(good[:60] + b"\0" * 40 + good[100:])
    (folder / "cut.png").write_bytes(good[: len(good) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "letter.jpg").write_bytes(b"Dear Ann,\n" * 50)
    Image.new("L", (1000, 101)).save(folder / "huge.png")
    (folder / "clip.mp4").write_bytes(b"a video")
    (folder / "aside.png").symlink_to(folder / "ann.png")
    (folder / "links.csv").write_text("path,page_url\nann.png,javascript:alert(1)\n")
    os.mkfifo(folder / "pipe.jpg")
    report = add(library, folder)
    skipped = {one.item: one.reason for one in report.skipped}
    assert skipped.pop("broken.png") in {"broken", "truncated"}
    assert skipped.pop("links.csv:2")
    assert skipped == {
        "cut.png": "truncated",
        "empty.jpg": "empty",
        "letter.jpg": "not_a_photo",
        "huge.png": "too_large",
        "clip.mp4": "broken",
        "aside.png": "symbolic link",
        "pipe.jpg": "not a regular file",
    }
    assert (report.new, report.found) == (3, 8)
    assert items(library) == ["ann.png", "sub/both.png", "sub/nobody.png"]


def test_a_photo_under_another_formats_suffix_is_read_by_what_it_is(
    library: Library, folder: Path
) -> None:
    (folder / "ann.png").rename(folder / "ann.jpg")
    assert counts(add(library, folder)) == (3, 3, 0, 0)
    assert {form for (form,) in rows(library, "SELECT format FROM photos")} == {"PNG"}


def test_a_heic_photo_without_the_extra_is_skipped_and_read_once_it_is_there(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heif = pytest.importorskip("pillow_heif")
    try:
        heif.from_pillow(Image.new("RGB", (64, 64))).save(folder / "phone.heic")
    except (RuntimeError, ValueError):
        pytest.skip("pillow_heif has no encoder here")
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "pillow_heif", None)
        report = add(library, folder)
    assert report.skipped == (Skipped(item="phone.heic", reason="heic_unsupported"),)
    assert (report.found, report.new) == (4, 3)
    report = add(library, folder)
    assert (report.new, report.skipped) == (1, ())


@dataclass(frozen=True)
class Hidden:
    """A folder in which something could not be looked into, or not read, just now."""

    source: FolderSource
    hide: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)

    def entries(self) -> Iterator[SourceEntry | SkippedEntry]:
        told = False
        for entry in self.source.entries():
            if not entry.item.startswith(self.hide):
                yield entry
            elif not told:
                told = True
                yield SkippedEntry(item=self.hide, reason="permission denied", hides=True)


def add_hidden(library: Library, folder: Path, hide: str) -> IngestReport:
    [party] = [c for c in library.collections() if c.name == "party"]
    source = Hidden(FolderSource(folder), hide)
    return ingest_module.ingest(library.house, source, collection=party)  # type: ignore[arg-type]


@pytest.mark.parametrize("hide", ["sub", "sub/both.png"])
def test_what_cannot_be_looked_into_just_now_keeps_its_photos(
    library: Library, folder: Path, hide: str
) -> None:
    enrol(library, "Ann", ANN)
    add(library, folder)
    before = items(library), linked(library), held(library)
    report = add_hidden(library, folder, hide)
    assert report.gone == 0
    assert report.skipped == (Skipped(item=hide, reason="permission denied"),)
    assert (items(library), linked(library), held(library)) == before
    # But what is beside it and gone is gone.
    (folder / "ann.png").unlink()
    assert add_hidden(library, folder, hide).gone == 1
    shutil.rmtree(folder / "sub")
    save(folder / "new.png", salt=8)
    assert add(library, folder).gone == 2


def test_a_file_that_cannot_be_read_just_now_keeps_its_photo(
    library: Library, folder: Path
) -> None:
    """It has grown beyond the limit on bytes, as while something is written to it."""
    enrol(library, "Ann", ANN)
    add(library, folder)
    with (folder / "ann.png").open("ab") as file:
        file.truncate(3_000_000)
    house = library.house
    limits = replace(house.settings.limits, max_bytes=2_000_000)
    tight = Library(replace(house, settings=replace(house.settings, limits=limits)))
    report = add(tight, folder)
    assert report.skipped == (Skipped(item="ann.png", reason="too large"),)
    assert (report.gone, linked(library)) == (0, {"ann.png", "sub/both.png"})


def test_a_file_that_is_no_photo_any_more_loses_its_photo(library: Library, folder: Path) -> None:
    enrol(library, "Ann", ANN)
    add(library, folder)
    (folder / "ann.png").write_bytes(b"overwritten")
    report = add(library, folder)
    assert report.skipped == (Skipped(item="ann.png", reason="not_a_photo"),)
    assert (report.gone, linked(library)) == (1, {"sub/both.png"})


def test_a_folder_whose_photos_are_all_gone_at_once_is_not_taken_for_empty(
    library: Library, folder: Path
) -> None:
    """Such as the mount point of a disk that is not connected."""
    enrol(library, "Ann", ANN)
    add(library, folder)
    before = items(library), linked(library), held(library)
    folder.rename(folder.with_name("away"))
    folder.mkdir()
    with pytest.raises(SourceUnreadable, match="None of the 3 photos") as caught:
        add(library, folder)
    assert "likeness remove SOURCE" in caught.value.fix
    assert (items(library), linked(library), held(library)) == before
    folder.rmdir()
    folder.with_name("away").rename(folder)
    assert counts(add(library, folder)) == (3, 0, 3, 0)


@pytest.mark.parametrize("path", ["nothing", "photos/ann.png/below", "place/library"])
def test_what_is_no_folder_of_photos_is_refused_and_no_source_is_made(
    library: Library, folder: Path, tmp_path: Path, path: str
) -> None:
    with pytest.raises(SourceUnreadable):
        add(library, tmp_path / path)
    assert library.sources() == []


def test_the_librarys_own_folder_is_passed_over(
    library: Library, place: Place, tmp_path: Path
) -> None:
    save(tmp_path / "ann.png", Drawn(person=ANN))
    save(place.library / "stray.png", Drawn(person=BOB))
    report = add(library, tmp_path)
    assert items(library) == ["ann.png"]
    assert "place/library" in {one.item for one in report.skipped}


def test_an_error_in_a_photo_reaches_the_caller_and_what_came_before_is_kept(
    library: Library, tmp_path: Path, decoders: CountingDecoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3 * BATCH):
        save(tmp_path / "photos" / f"{number:02}.png", salt=number)
    read = decoders.decode

    def failing(data: bytes, **how: Any) -> DecodedPhoto:
        if decoders.decoded >= 2 * BATCH:
            raise MemoryError
        return read(data, **how)

    with monkeypatch.context() as patched:
        patched.setattr(decoders, "decode", failing)
        with pytest.raises(MemoryError):
            add(library, tmp_path / "photos")
    assert held(library)[0] == 2 * BATCH
    assert counts(add(library, tmp_path / "photos")) == (3 * BATCH, BATCH, 2 * BATCH, 0)


def test_a_photo_that_crashes_the_decoder_is_named_like_any_other(
    library: Library, folder: Path, decoders: CountingDecoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crashing(_data: bytes, **_how: Any) -> DecodedPhoto:
        raise PhotoUnreadable(
            "It made the decoder fail.", "Save it again.", reason="crashed_decoder"
        )

    monkeypatch.setattr(decoders, "decode", crashing)
    report = add(library, folder)
    assert {one.reason for one in report.skipped} == {"crashed_decoder"}
    assert counts(report) == (3, 0, 0, 0)
