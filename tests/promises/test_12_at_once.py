"""Promise 12, and the rule under promise 1: an enrolment and a photo can never miss each other,
however many write at once."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from promise_house import (
    PEOPLE,
    Place,
    copy_of,
    enrol,
    found_photos,
    holdings,
    make_photos,
)
from synthetic_engine import NEAR, Drawn, save

from likeness.house import Progress


def test_twenty_enrolments_while_photos_arrive_miss_none(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for number in range(100):
        save(
            folder / f"{number:03}.png",
            Drawn(person=100 + number % 20, look=NEAR, shot=number),
            salt=number,
        )
    failed: list[BaseException] = []

    def arrive() -> None:
        try:
            with place.open() as library:
                library.ingest(folder, collection="party")
        except BaseException as error:
            failed.append(error)

    with place.open() as library:
        arriving = threading.Thread(target=arrive)
        arriving.start()
        for person in range(20):
            enrol(library, f"Person {person}", 100 + person)
            time.sleep(0.01)
        arriving.join()
        assert not failed
        counts = {seen.person.details.name: seen.photos for seen in library.people()}
    assert counts == {f"Person {person}": 5 for person in range(20)}


def test_two_that_add_the_same_folder_at_once_end_as_one(place: Place, tmp_path: Path) -> None:
    """The second comes when the first has taken in some of the photos and not all."""
    folder = make_photos(tmp_path / "photos", 40, seed=3)
    with place.open() as library:
        for person in PEOPLE:
            enrol(library, f"Person {person}", person)
    alone = copy_of(place, "alone")
    with alone.open() as library:
        library.ingest(folder, collection="party")
        expected = holdings(library)
    failed: list[BaseException] = []

    def add() -> None:
        try:
            with place.open() as library:
                library.ingest(folder, collection="party")
        except BaseException as error:
            failed.append(error)

    second = threading.Thread(target=add)

    def half_way(step: Progress) -> None:
        if step.phase == "photos" and step.done and not second.ident:
            second.start()
            second.join(timeout=2)

    with place.open() as library:
        library.ingest(folder, collection="party", progress=half_way)
        second.join()
        assert not failed
        assert holdings(library) == expected


def test_a_gallery_given_up_half_way_is_not_taken_for_nobody(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check each second fails at the very moment at which photos are compared."""
    save(tmp_path / "photos" / "x.png", Drawn(person=1), salt=1)
    save(tmp_path / "more" / "y.png", Drawn(person=1), salt=2)
    with place.open() as library:
        library.ingest(tmp_path / "more", collection="party")
        eligibility = library.house.eligibility
        search = eligibility.gallery.search

        def given_up(*given: Any, **named: Any) -> Any:
            thread = threading.Thread(target=eligibility._give_up)
            thread.start()
            thread.join(timeout=0.3)
            return search(*given, **named)

        monkeypatch.setattr(eligibility.gallery, "search", given_up)
        enrol(library, "Ann", 1)
        library.ingest(tmp_path / "photos", collection="party")
        monkeypatch.undo()
        library.rescan()
        assert len(found_photos(library, 1)) == 2
