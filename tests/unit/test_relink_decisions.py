"""Whatever people decide and however often the pack changes, no decision is lost, and the way back
undoes the way there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from promise_house import Place, enrol, make_place, rows
from relink_parts import SEEN, held, human, templates_of, waiting
from synthetic_engine import (
    DOUBTFUL_ALONE,
    DOUBTFUL_AMONG_TEN,
    EXACT,
    NEAR,
    Drawn,
    SyntheticEngine,
    save,
    second_pack,
)

from likeness.errors import NotFound
from likeness.faces.packs import Pack
from likeness.library import Library

PEOPLE = {"Ann": 1, "Bob": 2, "Carl": 3}

drawings = st.builds(
    Drawn,
    person=st.sampled_from([1, 2, 3, 40]),
    look=st.sampled_from([EXACT, NEAR, DOUBTFUL_ALONE, DOUBTFUL_AMONG_TEN]),
    shot=st.integers(0, 3),
    seen=st.sampled_from(SEEN),
)
pictures = st.lists(st.lists(drawings, max_size=3), min_size=1, max_size=3)
acts = st.lists(
    st.one_of(
        st.just(("change",)),
        st.tuples(st.sampled_from(["same", "different"]), st.integers(0, 30)),
        st.tuples(st.just("unlink"), st.integers(0, 30)),
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="session")
def second(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(second_pack(tmp_path_factory.mktemp("packs")))


def fill(library: Library, folder: Path, photos: list[list[Drawn]]) -> None:
    for number, drawn in enumerate(photos):
        save(folder / f"{number}.png", *drawn, salt=number)
    folder.mkdir(exist_ok=True)
    library.ingest(folder, collection="party")
    for name, person in PEOPLE.items():
        enrol(library, name, person)


def decide(library: Library, what: str, number: int) -> None:
    """One of the decisions that can be taken now, by its number."""
    query = (
        "SELECT sha256, number, person_id FROM {} JOIN faces USING (face_id)"
        " JOIN photos ON photos.photo_id = faces.photo_id {} ORDER BY sha256, number, person_id"
    )
    linked = rows(library, query.format("links", "WHERE decision = 'same'"))
    options = linked if what == "unlink" else rows(library, query.format("links", ""))
    if what != "unlink":
        options += rows(library, query.format("proposals", ""))
    if not options:
        return
    sha256, face, person_id = options[number % len(options)]
    if what == "unlink":
        library.unlink(sha256, face=face)
    else:
        library.decide(sha256, face=face, person_id=person_id, decision=what)


@settings(max_examples=8)
@given(pictures, acts)
def test_no_decision_is_lost_and_the_way_back_undoes_the_way_there(
    new_place: Callable[[], Place],
    pack: Pack,
    second: str,
    photos: list[list[Drawn]],
    steps: list[Any],
) -> None:
    place = replace(new_place(), engine=SyntheticEngine(pack))
    with place.open() as library:
        fill(library, place.folder / "photos", photos)
        packs, used = ("dlib", second), 0
        templates = {0: templates_of(library)}
        for step in steps:
            before = human(library)
            if step == ("change",):
                used = 1 - used
                library.use_pack(packs[used])
                assert human(library) == before
            else:
                # Not found is one that another face of the same photo stands against.
                with suppress(NotFound):
                    decide(library, *step)
                assert {row[:2] for row in human(library)} >= {row[:2] for row in before}
            check(library, templates.setdefault(used, templates_of(library)))
        there, before = held(library), human(library)
        for number in (1 - used, used):
            library.use_pack(packs[number])
            assert human(library) == before
            check(library, templates.setdefault(number, templates_of(library)))
        assert held(library) == there


def check(library: Library, templates: dict[str, bytes]) -> None:
    assert templates_of(library) == templates
    assert waiting(library) == 0
    for one in ("face_id", "photo_id, person_id"):
        several = f"SELECT 1 FROM links WHERE decision = 'same' GROUP BY {one} HAVING count(*) > 1"
        assert rows(library, several) == []
    lost = "SELECT 1 FROM faces WHERE lost = 1 AND face_id NOT IN (SELECT face_id FROM links)"
    assert rows(library, lost) == []
    assert rows(library, "PRAGMA foreign_key_check") == []


@settings(max_examples=8)
@given(pictures, st.integers(1, 3))
def test_without_decisions_it_is_as_if_the_pack_had_been_used_from_the_start(
    new_place: Callable[[], Place],
    tmp_path_factory: pytest.TempPathFactory,
    pack: Pack,
    second: str,
    photos: list[list[Drawn]],
    changes: int,
) -> None:
    place = replace(new_place(), engine=SyntheticEngine(pack))
    last = second if changes % 2 else "dlib"
    with place.open() as library:
        fill(library, place.folder / "photos", photos)
        for number in range(changes):
            library.use_pack("dlib" if number % 2 else second)
        changed = held(library)
    other = make_place(
        tmp_path_factory.mktemp("fresh") / "place",
        engine=place.engine,
        decoders=place.decoders,
        pack=last,
    )
    with other.open() as fresh:
        fill(fresh, place.folder / "photos", photos)
        assert changed == held(fresh)
