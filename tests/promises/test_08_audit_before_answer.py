"""Promise 8: no search answer leaves the process before its audit record is durable."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from promise_house import Place, enrol, found_names, kill, rows, start_process, wait_for
from pysqlite3 import dbapi2
from sqlalchemy import event
from synthetic_engine import Drawn, RecordingEngine, draw, save

from likeness.audit.leaf import Leaf
from likeness.errors import FaceUnusable, LikenessError, RateLimited, StorageError
from likeness.library import Library

ANN = 1


@pytest.fixture
def found(place: Place, tmp_path: Path) -> str:
    """Ann, whom a search finds; the library is closed again."""
    save(tmp_path / "photos" / "ann.png", Drawn(person=ANN), salt=1)
    with place.open() as library:
        library.ingest(tmp_path / "photos", collection="party")
        return enrol(library, "Ann", ANN)


def kinds(place: Place) -> list[str]:
    """The kinds of the log's entries, read past the library as another process would."""
    with closing(dbapi2.connect(place.library / "library.sqlite3")) as connection:
        found = connection.execute("SELECT leaf FROM audit ORDER BY leaf_index").fetchall()
    return [Leaf.from_bytes(leaf).kind for (leaf,) in found]


@pytest.mark.usefixtures("found")
def test_an_answer_has_its_intent_and_its_outcome_in_the_log(
    place: Place, library: Library
) -> None:
    before = len(kinds(place))
    for person, name in ((ANN, ["Ann"]), (99, [])):
        assert found_names(library, person) == name
        assert kinds(place)[before:] == ["search_intent", "search_outcome"]
        before += 2
    library.verify_audit()


def test_the_person_found_has_the_record_under_their_own_key(library: Library, found: str) -> None:
    assert found_names(library, ANN) == ["Ann"]
    last = library.export_person(found)["audit"][-2]
    assert last["details"]["found_by"] == library.house.account.account_id
    assert last["details"]["purpose"] == "be_found"


@pytest.mark.usefixtures("found")
def test_the_intent_stands_before_anything_is_compared(
    place: Place, library: Library, engine: RecordingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(kinds(place))
    seen: list[list[str]] = []
    make = engine.templates

    def templates(*given: Any) -> Any:
        seen.append(kinds(place)[before:])
        return make(*given)

    monkeypatch.setattr(engine, "templates", templates)
    assert found_names(library, ANN) == ["Ann"]
    assert seen == [["search_intent"]]


@pytest.mark.usefixtures("found")
def test_a_search_that_fails_leaves_its_intent(place: Place, library: Library) -> None:
    before = len(kinds(place))
    with pytest.raises(FaceUnusable):
        library.search(draw(salt=3), purpose="be_found")
    with pytest.raises(LikenessError):
        library.search(b"not a photo", purpose="be_found")
    assert kinds(place)[before:] == ["search_intent", "search_intent"]


def _fails_at(library: Library, number: int) -> Callable[[], None]:
    """Let the commit of the search's first (intent) or second (outcome) record fail."""
    engine = library.house.store._engine  # type: ignore[attr-defined]
    begun, commits = "", 0

    def listen(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal begun, commits
        if statement.startswith("BEGIN"):
            begun = statement
        if statement == "COMMIT" and begun == "BEGIN IMMEDIATE":
            commits += 1
            if commits == number:
                raise StorageError("The disk that holds the library is full.")

    event.listen(engine, "before_cursor_execute", listen)
    return lambda: event.remove(engine, "before_cursor_execute", listen)


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize(("number", "written"), [(1, []), (2, ["search_intent"])])
def test_a_record_that_is_not_written_means_no_answer(
    place: Place, library: Library, number: int, written: list[str]
) -> None:
    before = len(kinds(place))
    undo = _fails_at(library, number)
    try:
        with pytest.raises(StorageError):
            found_names(library, ANN)
    finally:
        undo()
    assert kinds(place)[before:] == written
    assert found_names(library, ANN) == ["Ann"]
    library.verify_audit()


@pytest.mark.usefixtures("found")
def test_a_witness_that_is_not_written_means_no_answer(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_read_head: Any) -> None:
        raise StorageError("The disk that holds the keyring is full.")

    monkeypatch.setattr(library.house.keyring, "witness_current", full)
    with pytest.raises(StorageError):
        found_names(library, ANN)


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize(
    ("die_at", "written"),
    [
        ("before 1", []),
        ("after 1", ["search_intent"]),
        ("before 2", ["search_intent"]),
        ("after 2", ["search_intent", "search_outcome"]),
    ],
)
def test_killed_between_it_has_answered_nothing(
    place: Place, die_at: str, written: list[str]
) -> None:
    before = len(kinds(place))
    process = start_process(place, "search", ANN, die_at)
    try:
        assert process.stdout is not None
        assert [line.split()[0] for line in process.stdout] == ["open"]
        assert process.wait() == -9
    finally:
        kill(process)
    # Opening recovers what was committed; a record that did not become durable is not there.
    with place.open() as library:
        assert kinds(place)[before:] == written
        library.verify_audit()


@pytest.mark.usefixtures("found")
def test_not_killed_it_answers(place: Place) -> None:
    process = start_process(place, "search", ANN)
    try:
        assert wait_for(process, "answer") == ["answer", "Ann"]
    finally:
        kill(process)


@pytest.mark.usefixtures("found")
def test_searches_beyond_the_limit_are_refused_before_anything_is_compared(
    place: Place, library: Library, engine: RecordingEngine, clock: Any
) -> None:
    clock.advance(minutes=1)
    settings = replace(library.house.settings, searches_a_minute=2)
    limited = Library(replace(library.house, settings=settings))
    for _ in range(2):
        assert found_names(limited, ANN) == ["Ann"]
    calls = engine.calls
    with place.open() as other, pytest.raises(RateLimited):
        # Another process counts with it.
        found_names(Library(replace(other.house, settings=settings)), ANN)
    with pytest.raises(RateLimited):
        found_names(limited, ANN)
    assert engine.calls == calls
    assert rows(library, "SELECT sum(count) FROM searches WHERE count > 1") == [(2,)]
    clock.advance(minutes=1)
    assert found_names(limited, ANN) == ["Ann"]
