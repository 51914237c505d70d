"""A rescan goes through what waits once, newest first, and misses nothing that comes meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from promise_house import enrol, rows
from sqlalchemy import Connection, Engine, event, text
from synthetic_engine import save

from likeness.house import Progress
from likeness.library import Library
from likeness.rescan import PHOTOS_AT_ONCE
from likeness.store.changes import raise_change
from likeness.store.people import mark_changed
from likeness.store.photos import NEVER_MATCHED, set_matched_through

COUNT = 2 * PHOTOS_AT_ONCE + 5
WAITING = (
    "SELECT photo_id FROM photos WHERE matched_through <"
    " (SELECT max(comparable_since) FROM people) ORDER BY photo_id"
)


@pytest.fixture
def ann(library: Library, tmp_path: Path) -> str:
    """A person; photos without faces wait to be compared with her again."""
    for number in range(COUNT):
        save(tmp_path / "photos" / f"{number:03}.png", salt=number)
    library.ingest(tmp_path / "photos", collection="party")
    person_id = enrol(library, "Ann", 1)
    _wait_anew(library, person_id)
    return person_id


def _wait_anew(library: Library, person_id: str) -> None:
    with library.house.store.transaction() as connection:
        mark_changed(connection, person_id, changed=raise_change(connection), widened=True)


def _waiting(library: Library) -> list[int]:
    return [photo_id for (photo_id,) in rows(library, WAITING)]


def _rescan(library: Library, *meanwhile: Callable[[], None]) -> tuple[int, list[list[int]]]:
    """How many photos were brought up to date, and what waited as each batch began."""
    steps: list[list[int]] = []
    then = list(meanwhile)

    def note(_step: Progress) -> None:
        steps.append(_waiting(library))
        if len(steps) > 1 and then:
            then.pop(0)()

    return library.rescan(progress=note).photos, steps


def test_each_batch_takes_the_newest_that_wait(library: Library, ann: str) -> None:
    everything = _waiting(library)
    done, steps = _rescan(library)
    assert done == len(everything) == COUNT
    assert steps == [everything[: COUNT - taken] for taken in range(0, COUNT, PHOTOS_AT_ONCE)]
    assert _waiting(library) == []


def test_a_photo_that_comes_to_wait_behind_the_pass_is_not_missed(
    library: Library, ann: str
) -> None:
    newest = _waiting(library)[-1]

    def mark() -> None:
        with library.house.store.transaction() as connection:
            set_matched_through(connection, [newest], NEVER_MATCHED)

    done, steps = _rescan(library, mark)
    assert (done, _waiting(library)) == (COUNT + 1, [])
    assert steps[-1] == [newest], "in a pass of its own"


def test_photos_that_go_while_it_runs_do_not_hold_it_up(library: Library, ann: str) -> None:
    everything = _waiting(library)

    def remove() -> None:
        with library.house.store.transaction() as connection:
            for table in ("sightings", "photos"):
                connection.execute(
                    text(f"DELETE FROM {table} WHERE photo_id < :last"),
                    {"last": everything[PHOTOS_AT_ONCE]},
                )

    _, steps = _rescan(library, remove)
    assert len(steps) >= 2
    assert _waiting(library) == []


def test_when_more_becomes_comparable_it_begins_again_at_the_newest(
    library: Library, ann: str
) -> None:
    everything = _waiting(library)
    done, steps = _rescan(library, lambda: _wait_anew(library, ann))
    assert _waiting(library) == []
    # What the second batch took was stamped before it was compared with the newest change.
    assert steps[2] == everything
    assert steps[3] == everything[:-PHOTOS_AT_ONCE]
    assert done == COUNT + 2 * PHOTOS_AT_ONCE


def test_who_may_be_compared_since_when_is_read_once_a_change(library: Library, ann: str) -> None:
    read: list[str] = []

    def note(_c: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT people.person_id, people.comparable_since"):
            read.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        done, steps = _rescan(library)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert (done, len(steps), len(read)) == (COUNT, 3, 1)
