"""Taking photos in while others enrol, withdraw and remove: neither misses the other."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ingest_parts import (
    ANN,
    CountingDecoders,
    LookingEngine,
    add,
    counts,
    held,
    items,
    linked,
    save_three,
)
from promise_house import START, Clock, Place, enrol
from synthetic_engine import SyntheticEngine

from likeness import ingest as ingest_module
from likeness.faces.packs import Pack
from likeness.house import House
from likeness.ingest import Skipped
from likeness.library import Library


@pytest.fixture
def engine(pack: Pack) -> LookingEngine:
    return LookingEngine(SyntheticEngine(pack))


@pytest.fixture
def decoders() -> CountingDecoders:
    return CountingDecoders()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_three(tmp_path / "photos")


Meanwhile = Callable[[Callable[[], object]], None]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Does something once the first batch was compared and before it is kept."""

    def arrange(act: Callable[[], object]) -> None:
        arrivals = ingest_module.arrivals

        def interrupted(house: House, *given: Any) -> Iterator[Any]:
            for number, batch in enumerate(arrivals(house, *given)):
                if number == 0:
                    act()
                yield batch

        monkeypatch.setattr(ingest_module, "arrivals", interrupted)

    return arrange


def test_somebody_who_enrols_while_a_photo_is_on_its_way_is_found_in_it(
    library: Library, place: Place, folder: Path, meanwhile: Meanwhile
) -> None:
    with place.open() as other:
        meanwhile(lambda: enrol(other, "Ann", ANN))
        report = add(library, folder)
    assert report.linked == 2
    assert linked(library) == {"ann.png", "sub/both.png"}


def test_comparing_again_takes_the_templates_that_are_in_memory(
    library: Library, place: Place, folder: Path, engine: LookingEngine, meanwhile: Meanwhile
) -> None:
    enrol(library, "Carl", 30)
    with place.open() as other:
        meanwhile(lambda: enrol(other, "Ann", ANN))
        engine.made.clear()
        assert add(library, folder).linked == 2
    assert len(engine.made) == 3 + 2, "three faces, and two references of hers"


def test_somebody_who_withdraws_meanwhile_is_linked_with_nothing(
    library: Library, place: Place, folder: Path, meanwhile: Meanwhile
) -> None:
    ann = enrol(library, "Ann", ANN)
    with place.open() as other:
        meanwhile(lambda: other.withdraw(ann))
        report = add(library, folder)
    assert (report.new, report.linked, linked(library)) == (3, 0, set())


def test_somebody_whose_consent_ends_meanwhile_is_linked_with_nothing(
    library: Library, folder: Path, clock: Clock, meanwhile: Meanwhile
) -> None:
    enrol(library, "Ann", ANN, expires_at=START.replace(day=9))
    meanwhile(lambda: clock.advance(days=30))
    report = add(library, folder)
    assert (report.new, report.linked, linked(library)) == (3, 0, set())


def test_a_photo_that_was_taken_out_meanwhile_is_looked_at_again(
    library: Library, place: Place, folder: Path, meanwhile: Meanwhile, tmp_path: Path
) -> None:
    """It was known when its batch was read, so that nobody had looked for its faces."""
    enrol(library, "Ann", ANN)
    shutil.copytree(folder, tmp_path / "again")
    add(library, folder)
    [first] = library.sources()
    with place.open() as other:
        meanwhile(lambda: other.remove(first.source_id))
        report = add(library, tmp_path / "again")
    assert counts(report) == (3, 3, 0, 0)
    assert held(library) == (3, 3)
    assert linked(library) == {"ann.png", "sub/both.png"}


def test_a_photo_that_is_gone_too_by_then_is_named(
    library: Library, place: Place, folder: Path, meanwhile: Meanwhile, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "again")
    add(library, folder)
    [first] = library.sources()

    def gone() -> None:
        with place.open() as other:
            other.remove(first.source_id)
        (tmp_path / "again" / "ann.png").unlink()

    meanwhile(gone)
    report = add(library, tmp_path / "again")
    assert (report.new, report.skipped) == (2, (Skipped(item="ann.png", reason="gone"),))
    assert items(library) == ["sub/both.png", "sub/nobody.png"]
