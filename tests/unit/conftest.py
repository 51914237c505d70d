"""Libraries for tests of the ways through the house: real in every part but the networks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from promise_house import Clock, Place, make_place
from synthetic_engine import RecordingEngine, SyntheticEngine

from likeness.faces.packs import Pack, load_manifest
from likeness.faces.sandbox import DecodeWorkers
from likeness.library import Library
from likeness.records.photo import ReadLimits


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load_manifest("dlib")


@pytest.fixture(scope="session")
def decoders() -> Iterator[DecodeWorkers]:
    """Decoders that all tests share: starting their processes takes longer than most tests."""
    with DecodeWorkers(2, limits=ReadLimits()) as workers:
        yield workers


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(pack: Pack) -> RecordingEngine:
    return RecordingEngine(SyntheticEngine(pack))


@pytest.fixture(scope="session")
def empty_place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A library that nothing was done with yet, to be copied: making one takes longer."""
    return make_place(tmp_path_factory.mktemp("empty") / "place")


@pytest.fixture
def place(
    empty_place: Place,
    tmp_path: Path,
    clock: Clock,
    engine: RecordingEngine,
    decoders: DecodeWorkers,
) -> Place:
    """A library of its own for each test, with the collections ``party`` and ``club``."""
    made = _copied(empty_place, tmp_path / "place")
    return replace(made, clock=clock, engine=engine, decoders=decoders)


@pytest.fixture(scope="session")
def new_place(
    empty_place: Place, tmp_path_factory: pytest.TempPathFactory, decoders: DecodeWorkers
) -> Callable[[], Place]:
    """Makes one after the other, for tests that try many."""

    def make() -> Place:
        made = _copied(empty_place, tmp_path_factory.mktemp("place") / "place")
        return replace(made, clock=Clock(), decoders=decoders)

    return make


def _copied(place: Place, folder: Path) -> Place:
    shutil.copytree(place.folder, folder)
    settings = folder / "library" / "library.toml"
    settings.write_text(settings.read_text().replace(str(place.folder), str(folder)))
    return replace(place, folder=folder)


@pytest.fixture
def library(place: Place) -> Iterator[Library]:
    """An open library with the collections ``party`` and ``club``, the owner acting."""
    with place.open() as opened:
        yield opened
