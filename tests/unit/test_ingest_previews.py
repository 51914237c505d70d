"""Photos that arrive get a preview, once; those of an older library get theirs when added again."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from ingest_parts import CountingDecoders, LookingEngine, add, counts, save_three
from PIL import Image
from promise_house import Place, rows
from synthetic_engine import SyntheticEngine

from likeness.faces.packs import Pack
from likeness.faces.sandbox import DecodeWorkers
from likeness.library import Library
from likeness.store import previews
from likeness.store.photos import photo_by_sha256


@pytest.fixture
def engine(pack: Pack) -> LookingEngine:
    return LookingEngine(SyntheticEngine(pack))


@pytest.fixture
def decoders() -> CountingDecoders:
    return CountingDecoders()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_three(tmp_path / "photos")


def with_side(library: Library, side: int) -> Library:
    house = library.house
    return Library(replace(house, settings=replace(house.settings, preview_side=side)))


def sizes(library: Library) -> dict[str, tuple[int, int]]:
    found = rows(
        library,
        "SELECT item, p.width, p.height FROM previews p JOIN sightings s USING (photo_id)",
    )
    return {item: (width, height) for item, width, height in found}


def test_each_photo_gets_one_of_its_own_pixels(library: Library, folder: Path) -> None:
    add(with_side(library, 96), folder)
    assert sizes(library) == {
        "ann.png": (96, 48),
        "sub/both.png": (96, 32),
        "sub/nobody.png": (64, 64),
    }
    [(sha256,)] = rows(
        library, "SELECT sha256 FROM photos JOIN sightings USING (photo_id) WHERE item = 'ann.png'"
    )
    with library.house.store.snapshot() as connection:
        photo = photo_by_sha256(connection, sha256)
        assert photo is not None
        held = previews.load(connection, photo.photo_id)
    assert held is not None
    with Image.open(io.BytesIO(held.jpeg)) as image:
        assert image.size == (held.width, held.height) == (96, 48)


def test_a_library_that_keeps_none_has_none(library: Library, folder: Path) -> None:
    add(with_side(library, 0), folder)
    assert sizes(library) == {}


def test_a_photo_without_one_gets_it_when_its_folder_is_added_again(
    library: Library, folder: Path, engine: LookingEngine, decoders: CountingDecoders
) -> None:
    add(with_side(library, 0), folder)
    looked, decoded = engine.looked, decoders.decoded
    report = add(library, folder)
    assert counts(report) == (3, 0, 3, 0)
    assert len(sizes(library)) == 3
    # Read again, but not looked at again.
    assert engine.looked == looked
    assert decoders.decoded == decoded + 3
    add(library, folder)
    assert decoders.decoded == decoded + 3


def test_a_photo_that_cannot_be_read_again_for_its_preview_stays(
    library: Library, folder: Path
) -> None:
    add(with_side(library, 0), folder)
    house = library.house
    tight = DecodeWorkers(1, limits=replace(house.settings.limits, max_pixels=1))
    with tight:
        report = add(Library(replace(house, decoders=tight)), folder)
    assert (report.skipped_count, report.gone) == (3, 0)
    assert rows(library, "SELECT count(*) FROM photos") == [(3,)]
    assert len(sizes(library)) == 0
    add(library, folder)
    assert len(sizes(library)) == 3


def test_a_photo_that_comes_by_another_source_brings_the_preview_that_was_missing(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    add(with_side(library, 0), folder)
    other = tmp_path / "other"
    other.mkdir()
    (other / "copy.png").write_bytes((folder / "ann.png").read_bytes())
    add(library, other)
    assert set(sizes(library)) == {"ann.png", "copy.png"}


def test_the_size_is_a_setting_of_the_library(place: Place, folder: Path) -> None:
    settings = place.library / "library.toml"
    settings.write_text(settings.read_text() + "preview_side = 80\n")
    with place.open() as library:
        add(library, folder)
        assert sizes(library)["ann.png"] == (80, 40)
