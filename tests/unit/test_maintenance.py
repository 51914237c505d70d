"""Upkeep: what time alone brings about is done at once, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from ingest_parts import ANN, save_three
from promise_house import Clock, enrol, rows
from upload_parts import begun, lying, picture, upload

from likeness import signing_in
from likeness.library import Library
from likeness.maintenance import Maintained, maintain
from likeness.uploaded import folder_of

NOTHING = Maintained(people=0, photos=0, uploads=0, files=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_three(tmp_path / "photos")


def test_in_a_library_where_nothing_is_over_nothing_changes(library: Library, folder: Path) -> None:
    enrol(library, "Ann", ANN)
    library.ingest(folder, collection="party")
    upload_id, _ = upload(library, {"one.png": picture(1)})
    before = rows(library, "SELECT * FROM sightings"), rows(library, "SELECT * FROM links")
    assert maintain(library.house) == NOTHING
    assert (
        rows(library, "SELECT * FROM sightings"),
        rows(library, "SELECT * FROM links"),
    ) == before
    assert len(lying(library, upload_id)) == 1


def test_what_is_over_goes(library: Library, folder: Path, clock: Clock) -> None:
    house = library.house
    enrol(library, "Ann", ANN)
    library.change_collection("party", retention_days=30)
    library.ingest(folder, collection="party")
    waiting = begun(library, {"a.png": b"aaaa"})
    owner = house.account.account_id
    signing_in.begin_session(house, subject_id=owner, device="a browser")
    signing_in.make_link(house, subject_id=owner, kind="set_up", days=1)
    clock.advance(days=31)
    done = maintain(house)
    assert (done.people, done.photos, done.uploads) == (0, 3, 1)
    for table in ("sessions", "sign_in_links", "uploads", "sightings"):
        assert rows(library, f"SELECT count(*) FROM {table}") == [(0,)], table
    assert not folder_of(house, waiting).exists()
    clock.advance(days=1000)
    assert maintain(house).people == 1
    assert maintain(house) == NOTHING


def test_files_that_a_crash_left_of_uploads_go(library: Library) -> None:
    upload_id, _ = upload(library, {"one.png": picture(1)})
    folder = folder_of(library.house, upload_id)
    (folder / "left.png").write_bytes(b"left")
    other = folder.parent / "up_nothing"
    other.mkdir()
    (other / "left.png").write_bytes(b"left")
    waiting = begun(library, {"a.png": b"aaaa"})
    (folder.parent / waiting).mkdir()
    (folder.parent / waiting / "a.png").write_bytes(b"aa")
    assert maintain(library.house).files == 2
    assert set(lying(library, upload_id)) == {"one.png"}
    assert not other.exists()
    assert set(lying(library, waiting)) == {"a.png"}
