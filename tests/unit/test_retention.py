"""Retention: photos leave a collection when its rule says, stay out, and a receipt tells of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from ingest_parts import ANN, BOB, add, counts, held, items, save_three
from promise_house import Clock, Place, enrol, found_photos, rows
from synthetic_engine import Drawn, save

from likeness import retention
from likeness.account import KEPT_LONG_ENOUGH
from likeness.audit.receipt_file import verify_receipt
from likeness.errors import NotFound, UsageError
from likeness.house import Progress
from likeness.library import Library
from likeness.retention import count_due


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_three(tmp_path / "photos")


def limit(library: Library, days: int, collection: str = "party") -> None:
    library.change_collection(collection, retention_days=days)


def test_without_a_rule_photos_stay(library: Library, folder: Path, clock: Clock) -> None:
    add(library, folder)
    clock.advance(days=10_000)
    assert library.apply_retention().collections == ()
    assert held(library) == (3, 3)


def test_photos_go_when_their_days_are_over_and_not_before(
    library: Library, folder: Path, clock: Clock
) -> None:
    enrol(library, "Ann", ANN)
    limit(library, 30)
    add(library, folder)
    clock.advance(days=29, hours=23)
    assert library.apply_retention().photos == 0
    clock.advance(hours=1)
    done = library.apply_retention()
    assert (done.sightings, done.photos) == (3, 3)
    assert held(library) == (0, 0)
    for table in ("sightings", "links", "proposals", "previews"):
        assert rows(library, f"SELECT count(*) FROM {table}") == [(0,)], table
    assert found_photos(library, ANN) == set()
    assert all(path.is_file() for path in folder.rglob("*.png"))


def test_each_collection_has_a_receipt_of_what_left_it(
    library: Library, folder: Path, tmp_path: Path, clock: Clock
) -> None:
    save(tmp_path / "club" / "one.png", Drawn(person=BOB), salt=9)
    for name, place in (("party", folder), ("club", tmp_path / "club")):
        limit(library, 7, name)
        add(library, place, collection=name)
    clock.advance(days=8)
    done = library.apply_retention()
    names = {c.collection_id: c.name for c in library.collections()}
    found = {}
    for one in done.collections:
        body = verify_receipt(one.receipt, key=library.verifier_key).receipt.body
        assert (body.kind, body.serial) == ("removal", one.serial)
        assert library.receipt(one.serial) == one.receipt
        assert str(folder).encode() not in one.receipt
        found[names[one.collection_id]] = dict(body.counts)
    assert found == {
        "party": {"sightings": 3, "photos": 3},
        "club": {"sightings": 1, "photos": 1},
    }
    assert library.apply_retention().collections == ()


def test_what_another_collection_holds_too_leaves_the_one_alone(
    library: Library, folder: Path, clock: Clock
) -> None:
    enrol(library, "Ann", ANN, collections=["party"])
    enrol(library, "Bob", BOB, collections=["club"])
    limit(library, 30)
    add(library, folder)
    add(library, folder, collection="club")
    clock.advance(days=31)
    assert library.apply_retention().photos == 3
    assert held(library) == (3, 3)
    people = {seen.person.person_id: seen.person.details.name for seen in library.people()}
    left = rows(library, "SELECT DISTINCT person_id FROM links WHERE decision = 'same'")
    assert [people[person] for (person,) in left] == ["Bob"]
    assert found_photos(library, ANN) == set()


def test_an_item_that_went_is_not_even_read_when_its_folder_is_added_again(
    library: Library, folder: Path, clock: Clock
) -> None:
    limit(library, 30)
    add(library, folder)
    clock.advance(days=31)
    library.apply_retention()
    for path in folder.rglob("*.png"):
        # Of the same size and time: whoever read it would find no photo.
        status = path.stat()
        path.write_bytes(b"\0" * status.st_size)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    report = add(library, folder)
    assert counts(report) == (3, 0, 0, 0)
    assert dict(report.reasons) == {KEPT_LONG_ENOUGH: 3}


def test_a_photo_that_went_does_not_come_back_by_another_name(
    library: Library, folder: Path, tmp_path: Path, clock: Clock
) -> None:
    limit(library, 30)
    add(library, folder)
    clock.advance(days=31)
    library.apply_retention()
    (folder / "ann.png").rename(folder / "renamed.png")
    (folder / "sub" / "both.png").touch()
    report = add(library, folder)
    assert dict(report.reasons) == {KEPT_LONG_ENOUGH: 3}
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    assert dict(add(library, other).reasons) == {KEPT_LONG_ENOUGH: 3}
    # The rule is the party's own.
    assert counts(add(library, folder, collection="club")) == (3, 3, 0, 0)


def test_new_photos_come_in_as_ever(library: Library, folder: Path, clock: Clock) -> None:
    limit(library, 30)
    add(library, folder)
    clock.advance(days=31)
    library.apply_retention()
    save(folder / "new.png", Drawn(person=BOB), salt=99)
    report = add(library, folder)
    assert (report.new, items(library)) == (1, ["new.png"])
    assert library.apply_retention().photos == 0


def test_a_photo_that_moves_in_its_folder_gains_no_time(
    library: Library, folder: Path, clock: Clock
) -> None:
    limit(library, 30)
    add(library, folder)
    clock.advance(days=20)
    (folder / "ann.png").rename(folder / "moved.png")
    add(library, folder)
    clock.advance(days=11)
    assert library.apply_retention().photos == 3
    assert items(library) == []


def test_days_count_from_when_a_photo_came_into_that_collection(
    library: Library, folder: Path, clock: Clock
) -> None:
    limit(library, 30, "club")
    add(library, folder)
    clock.advance(days=100)
    add(library, folder, collection="club")
    assert library.apply_retention().photos == 0
    clock.advance(days=31)
    assert library.apply_retention().photos == 3
    assert held(library) == (3, 3)


def test_a_rule_that_is_lifted_lets_them_come_again(
    library: Library, folder: Path, clock: Clock
) -> None:
    limit(library, 30)
    add(library, folder)
    clock.advance(days=31)
    library.apply_retention()
    limit(library, 60)
    assert add(library, folder).new == 0
    limit(library, 0)
    assert rows(library, "SELECT count(*) FROM retained") == [(0,)]
    assert add(library, folder).new == 3


def test_broken_off_it_goes_on_and_one_receipt_tells_of_all(
    library: Library, folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SIGHTINGS_AT_ONCE", 1)
    limit(library, 30)
    add(library, folder)
    clock.advance(days=31)

    def crash(progress: Progress) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.apply_retention(progress=crash)
    assert (held(library)[0], library.receipts()) == (1, [])
    (one,) = library.apply_retention().collections
    body = verify_receipt(one.receipt, key=library.verifier_key).receipt.body
    assert dict(body.counts) == {"sightings": 3, "photos": 3}


def test_lifted_while_a_receipt_is_owed_it_is_given_all_the_same(
    library: Library, folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SIGHTINGS_AT_ONCE", 1)
    limit(library, 30)
    add(library, folder)
    clock.advance(days=31)

    def crash(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.apply_retention(progress=crash)
    limit(library, 0)
    (one,) = library.apply_retention().collections
    assert (one.sightings, one.photos) == (1, 1)
    assert rows(library, "SELECT count(*) FROM retained") == [(0,)]
    assert held(library)[0] == 2


def test_nothing_of_it_is_left_in_the_files(
    library: Library, folder: Path, place: Place, clock: Clock
) -> None:
    limit(library, 30)
    add(library, folder)
    gone = [blob for (blob,) in rows(library, "SELECT crop FROM faces")]
    gone += [blob for (blob,) in rows(library, "SELECT jpeg FROM previews")]
    names = [path.name.encode() for path in folder.rglob("*.png")]
    clock.advance(days=31)
    library.apply_retention()
    content = b"".join(path.read_bytes() for path in place.files())
    for blob in gone:
        # The quarter in the middle: headers are alike everywhere.
        assert blob[len(blob) // 2 : len(blob) * 3 // 4] not in content
    for name in names:
        assert name not in content


def test_how_many_are_due_is_told_before_a_rule_is_given(
    library: Library, folder: Path, clock: Clock
) -> None:
    add(library, folder)
    clock.advance(days=10)
    house = library.house
    assert count_due(house, "party", retention_days=10) == 3
    assert count_due(house, "party", retention_days=11) == 0
    with pytest.raises(NotFound):
        count_due(house, "nothing", retention_days=1)


@pytest.mark.parametrize("days", [-1, 36_501, 10**12])
def test_a_rule_that_is_no_number_of_days_is_refused(library: Library, days: int) -> None:
    with pytest.raises(UsageError):
        limit(library, days)
    with pytest.raises(UsageError):
        library.create_collection("third", controller="Tennis club", retention_days=days)


def test_a_change_is_in_the_audit_log_and_no_change_is_refused(library: Library) -> None:
    before = rows(library, "SELECT count(*) FROM audit")[0][0]
    changed = library.change_collection(
        "party", purpose_text="To remember the day.", retention_days=365, ask_purpose=True
    )
    assert (changed.purpose_text, changed.retention_days, changed.ask_purpose) == (
        "To remember the day.",
        365,
        True,
    )
    assert changed in library.collections()
    assert rows(library, "SELECT count(*) FROM audit")[0][0] == before + 1
    with pytest.raises(UsageError):
        library.change_collection("party", retention_days=365)
    assert rows(library, "SELECT count(*) FROM audit")[0][0] == before + 1


def test_a_collection_can_be_made_with_its_rules(library: Library) -> None:
    made = library.create_collection(
        "third", controller="Tennis club", retention_days=7, ask_purpose=True
    )
    assert made in library.collections()
    assert (made.retention_days, made.ask_purpose) == (7, True)
