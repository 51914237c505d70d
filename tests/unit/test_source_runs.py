"""Sources as they stand: what runs did, which broke off, and running one again."""

from __future__ import annotations

from pathlib import Path

import pytest
from ingest_parts import add, save_three
from promise_house import Clock
from synthetic_engine import Drawn, save
from upload_parts import picture, upload

from likeness import source_runs
from likeness.errors import NotFound, SourceBlocked
from likeness.house import Progress
from likeness.library import Library


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_three(tmp_path / "photos, \u202e odd \\ name")


def test_each_source_is_told_with_what_it_holds_and_its_last_run(
    library: Library, folder: Path, clock: Clock
) -> None:
    add(library, folder)
    clock.advance(hours=1)
    add(library, folder)
    clock.advance(hours=1)
    upload(library, {"one.png": picture(1)})
    seen = source_runs.views(library.house)
    assert [(one.source.kind, one.collection.name, one.sightings) for one in seen] == [
        ("folder", "party", 3),
        ("upload", "party", 1),
    ]
    assert [(len(one.runs), one.runs[0].state) for one in seen] == [(1, "done"), (1, "done")]
    assert seen[0].runs[0].run.account["known"] == 3
    one = source_runs.view(library.house, seen[0].source.source_id)
    assert [run.run.account["new"] for run in one.runs] == [0, 3]
    party = seen[0].collection.collection_id
    assert source_runs.photos_held(library.house) == {party: 4}


def test_a_run_under_way_and_one_that_was_broken_off_are_told_apart(
    library: Library, folder: Path
) -> None:
    states = []

    def look(progress: Progress) -> None:
        states.append(source_runs.views(library.house)[0].runs[0].state)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.ingest(folder, collection="party", progress=look)
    assert states == ["running"]
    assert source_runs.views(library.house)[0].runs[0].state == "broken off"


def test_running_again_takes_in_what_is_new(library: Library, folder: Path) -> None:
    add(library, folder)
    save(folder / "new.png", Drawn(person=9), salt=99)
    source = library.sources()[0]
    report = source_runs.run_again(library.house, source.source_id)
    assert (report.new, report.known, report.source_id) == (1, 3, source.source_id)
    upload(library, {"one.png": picture(1)})
    uploaded = next(s for s in library.sources() if s.kind == "upload")
    assert source_runs.run_again(library.house, uploaded.source_id).known == 1


def test_what_was_stopped_is_not_run_and_what_is_not_there_is_not_found(
    library: Library, folder: Path
) -> None:
    add(library, folder)
    source = library.sources()[0]
    library.give_notice(kind="source", about=source.source_id, given_by="Eve", reason="")
    assert not source_runs.views(library.house)[0].can_run_again
    with pytest.raises(SourceBlocked):
        source_runs.run_again(library.house, source.source_id)
    with pytest.raises(NotFound):
        source_runs.view(library.house, "src_nothing")
    with pytest.raises(NotFound):
        source_runs.run_again(library.house, "src_nothing")
