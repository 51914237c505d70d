"""Libraries to keep promises with: real in every part, with drawn faces in place of networks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from promise_house import Clock, Place, make_place
from synthetic_engine import RecordingEngine, SyntheticEngine

from likeness.faces.engine import FaceEngine
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


@pytest.fixture(scope="session")
def networks() -> FaceEngine:
    """The real engine, for the tests that drawn faces are not enough for."""
    return FaceEngine.load("dlib")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(pack: Pack) -> RecordingEngine:
    return RecordingEngine(SyntheticEngine(pack))


@pytest.fixture
def place(tmp_path: Path, clock: Clock, engine: RecordingEngine, decoders: DecodeWorkers) -> Place:
    return make_place(tmp_path / "place", clock=clock, engine=engine, decoders=decoders)


@pytest.fixture
def library(place: Place) -> Iterator[Library]:
    """An open library with the collections ``party`` and ``club``, the owner acting."""
    with place.open() as opened:
        yield opened
