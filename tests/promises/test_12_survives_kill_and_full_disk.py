"""Promise 12: what was acknowledged survives kill -9, and a full disk fails closed."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from promise_house import (
    PEOPLE,
    Place,
    copy_of,
    enrol,
    found_names,
    found_photos,
    holdings,
    kill,
    make_photos,
    make_place,
    rows,
    start_process,
    wait_for,
)
from synthetic_engine import Drawn, save

from likeness.errors import AlreadyEnrolled, StorageError
from likeness.library import Library


@pytest.fixture
def prepared(place: Place) -> Place:
    """Four people enrolled, no photo held; closed."""
    with place.open() as library:
        for person in PEOPLE:
            collections = ["party", "club"] if person % 2 else ["club"]
            enrol(library, f"Person {person}", person, collections=collections)
    # The processes that are killed have a time of their own, a day on.
    place.clock.advance(days=2)
    return place


def test_an_ingest_killed_three_times_ends_as_one_that_was_not(
    prepared: Place, tmp_path: Path
) -> None:
    party = make_photos(tmp_path / "party", 70, seed=1)
    club = make_photos(tmp_path / "club", 40, seed=2)
    # Half of the club's photos are the party's: they come into a further collection.
    for photo in sorted(party.glob("0[0-3]*.png")):
        shutil.copy(photo, club / f"from party {photo.name}")
    straight = copy_of(prepared, "straight")
    for place, times in ((prepared, {"party": 2, "club": 1}), (straight, {})):
        for folder, collection in ((party, "party"), (club, "club")):
            for number in range(times.get(collection, 0)):
                _ingest_and_kill(place, folder, collection, after=number)
            process = start_process(place, "ingest", folder, collection)
            assert wait_for(process, "done")[1] == str(len(list(folder.glob("*.png"))))
            assert process.wait() == 0
            kill(process)
    with prepared.open() as killed, straight.open() as whole:
        expected = holdings(whole)
        assert {row[-1] for row in expected} == {"", "same", "proposed"}
        assert holdings(killed) == expected
        assert rows(killed, "SELECT count(*) FROM photos") == rows(
            whole, "SELECT count(*) FROM photos"
        )
        killed.verify_audit()


def _ingest_and_kill(place: Place, folder: Path, collection: str, *, after: int) -> None:
    process = start_process(place, "ingest", folder, collection)
    try:
        for _ in range(after + 1):
            wait_for(process, "photos")
        time.sleep(random.Random(after).random() * 0.03)
    finally:
        kill(process)


def test_killed_before_its_last_rescan_an_ingest_catches_up_when_run_again(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos known from one collection come into another, whose people have yet to be compared."""
    folder = tmp_path / "photos"
    save(folder / "x.png", Drawn(person=1), salt=1)
    with place.open() as library:
        enrol(library, "Ann", 1, collections=["club"])
        library.ingest(folder, collection="party")

        def killed(*_given: object, **_named: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("likeness.ingest.rescan", killed)
        with pytest.raises(KeyboardInterrupt):
            library.ingest(folder, collection="club")
        monkeypatch.undo()
        assert found_photos(library, 1) == set()
        library.ingest(folder, collection="club")
        assert len(found_photos(library, 1)) == 1


def test_an_enrolment_that_was_acknowledged_survives(prepared: Place) -> None:
    process = start_process(prepared, "hang", "enrol", "Late", 9)
    person_id = wait_for(process, "enrolled")[1]
    kill(process)
    with prepared.open() as library:
        assert found_names(library, 9) == ["Late"]
        assert library.show(person_id)[0].person.details.name == "Late"
        library.verify_audit()


def test_a_withdrawal_that_was_acknowledged_survives(prepared: Place) -> None:
    with prepared.open() as library:
        person_id = library.resolve_person("Person 1")
    process = start_process(prepared, "hang", "withdraw", person_id)
    serial = wait_for(process, "withdrawn")[1]
    kill(process)
    with prepared.open() as library:
        assert found_names(library, 1) == []
        assert library.house.keyring.is_erased(person_id)
        assert library.receipt(serial)
        library.verify_audit()


def _die_everywhere(place: Place, *command: object) -> list[Place]:
    """Copies of a place on which a command was killed, each one commit further on; whole last."""
    process = start_process(place, "die-everywhere", *command)
    try:
        _, number, status = wait_for(process, "whole")
        assert status == "0"
    finally:
        kill(process)
    names = [f"{place.folder.name}-{point}" for point in range(1, int(number) + 1)]
    return [replace(place, folder=place.folder.parent / name) for name in names]


@pytest.fixture
def with_photo(prepared: Place, tmp_path: Path) -> Place:
    """A photo is held of two people: Person 1, and somebody who enrols later."""
    save(tmp_path / "photos" / "x.png", Drawn(person=9), Drawn(person=1), salt=1)
    with prepared.open() as library:
        library.ingest(tmp_path / "photos", collection="party")
    return prepared


def test_killed_at_any_commit_of_an_enrolment_it_is_whole_or_not_at_all(
    with_photo: Place,
) -> None:
    enrolled = []
    for place in _die_everywhere(with_photo, "enrol", "Late", 9):
        with place.open() as library:
            library.rescan()
            late = found_names(library, 9)
            assert len(found_photos(library, 9)) == len(late)
            assert rows(library, "SELECT count(*) FROM people") == [(len(PEOPLE) + len(late),)]
            references = rows(library, 'SELECT count(*) FROM "references"')
            assert references == [(2 * (len(PEOPLE) + len(late)),)]
            library.verify_audit()
            enrolled.append(late == ["Late"])
            if not late:
                # Nothing stands in the way of doing it again.
                enrol(library, "Late", 9)
                assert found_names(library, 9) == ["Late"]
    assert len(enrolled) > 6
    assert enrolled == sorted(enrolled), "from some commit on it stands"
    assert not enrolled[0] and enrolled[-1]


def test_killed_at_any_commit_of_a_withdrawal_it_is_finished_or_was_never_begun(
    with_photo: Place,
) -> None:
    with with_photo.open() as library:
        person_id = library.resolve_person("Person 1")
    gone = []
    for place in _die_everywhere(with_photo, "withdraw", person_id):
        with place.open() as library:
            erased = library.house.keyring.is_erased(person_id)
            assert found_names(library, 1) == ([] if erased else ["Person 1"])
            assert len(library.receipts()) == erased
            assert rows(library, "SELECT count(*) FROM people") == [(len(PEOPLE) - erased,)]
            links = rows(library, "SELECT count(*) FROM links WHERE person_id = :p", p=person_id)
            assert links == [(1 - erased,)]
            library.verify_audit()
            gone.append(erased)
    assert len(gone) > 8
    assert gone == sorted(gone)
    assert not gone[0] and gone[1], "from its first commit on it is finished, whatever happens"


def test_killed_at_any_commit_of_a_removal_running_it_again_ends_it(with_photo: Place) -> None:
    with with_photo.open() as library:
        [source] = library.sources()
    for place in _die_everywhere(with_photo, "remove", source.source_id):
        with place.open() as library:
            library.remove(source.source_id)
            assert rows(library, "SELECT count(*) FROM photos") == [(0,)]
            assert rows(library, "SELECT count(*) FROM links") == [(0,)]
            assert found_photos(library, 1) == set()
            library.verify_audit()


def test_an_enrolment_that_fails_after_its_commit_is_whole(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the database, and the keyring could not take note of that."""
    save(tmp_path / "photos" / "x.png", Drawn(person=1), salt=1)
    with place.open() as library, place.open() as other:
        library.ingest(tmp_path / "photos", collection="party")

        def full(_read_head: Any) -> None:
            raise StorageError("The disk that holds the keyring is full.")

        monkeypatch.setattr(library.house.keyring, "witness_current", full)
        with pytest.raises(StorageError):
            enrol(library, "Ann", 1)
        monkeypatch.undo()
        for opened in (library, other):
            assert found_names(opened, 1) == ["Ann"]
        with pytest.raises(AlreadyEnrolled):
            enrol(library, "Ann", 1)
        library.rescan()
        assert len(found_photos(other, 1)) == 1
        library.verify_audit()


def test_a_library_that_goes_away_is_said_and_its_templates_are_overwritten(place: Place) -> None:
    """As a disk that is taken out; the process stays, and finds again once it is back."""
    with place.open() as library:
        enrol(library, "Ann", 1)
        gallery = library.house.eligibility.gallery
        library.house.store._engine.dispose()  # type: ignore[attr-defined]
        away = place.library.rename(place.folder / "away")
        with pytest.raises(StorageError):
            found_names(library, 1)
        deadline = time.monotonic() + 4
        while len(gallery) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(block.any() for block in gallery.memory())
        away.rename(place.library)
        assert found_names(library, 1) == ["Ann"]
        while not len(gallery) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(gallery)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes; skipped where this account may not mount one."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(mounted)]
    try:
        ran = subprocess.run(mount, capture_output=True, timeout=20, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if ran.returncode:
        pytest.skip("this account may not mount a file system")
    try:
        yield mounted
    finally:
        subprocess.run(["umount", "--lazy", str(mounted)], timeout=20, check=True)


def fill(disk: Path) -> Path:
    """Take all room that is left, to the last block."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 512, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return ballast


def _search(library: Library) -> Any:
    return found_names(library, 1)


def _enrol(library: Library) -> Any:
    return enrol(library, "Late", 9)


def _ingest(library: Library) -> Any:
    return library.ingest(library.house.settings.path.parents[1] / "more", collection="party")


def _withdraw(library: Library) -> Any:
    return library.withdraw(library.resolve_person("Ann"))


def _create_collection(library: Library) -> Any:
    return library.create_collection("new", controller="x")


def _remove(library: Library) -> Any:
    return library.remove(library.sources()[0].source_id)


@pytest.mark.parametrize("act", [_search, _enrol, _ingest, _withdraw, _create_collection, _remove])
@pytest.mark.parametrize("full", ["both", "data only"])
def test_a_full_disk_is_said_and_leaves_nothing_half_done(
    small_disk: Path, tmp_path: Path, decoders: Any, act: Callable[[Library], Any], full: str
) -> None:
    for number in range(30):
        faces = [Drawn(person=200 + number), Drawn(person=300 + number), Drawn(person=1)]
        save(tmp_path / "more" / f"{number}.png", *faces, salt=500 + number)
    save(tmp_path / "first" / "x.png", Drawn(person=1), Drawn(person=9), salt=1)
    place = make_place(small_disk / "place", decoders=decoders)
    shutil.copytree(tmp_path / "more", small_disk / "more")
    if full == "data only":
        _keys_elsewhere(place, tmp_path / "keys")
    with place.open() as library:
        library.ingest(tmp_path / "first", collection="party")
        enrol(library, "Ann", 1)
        before = _state(library)
        ballast = fill(small_disk)
        with pytest.raises(StorageError) as caught:
            for _ in range(50):  # what room there is in pages already taken is used up
                act(library)
                before = _state(library)
        assert caught.value.exit_code == 6
        assert caught.value.fix
        if act is _withdraw:
            # It may have begun: then nobody finds her. It is never reported as done.
            assert library.receipts() == []
        elif act is not _ingest:
            assert _state(library) == before
        ballast.unlink()
        if act is _withdraw and found_names(library, 1) == []:
            pass  # the next opening finishes it
        else:
            act(library)
    with place.open() as library:
        library.verify_audit()
        if act is _withdraw:
            assert found_names(library, 1) == []
            assert len(library.receipts()) == 1
        if act is _enrol:
            assert found_names(library, 9) == ["Late"]
            assert len(library.people()) == 2
        if act is _ingest:
            assert len(found_photos(library, 1)) == 31
        assert rows(library, "PRAGMA integrity_check") == [("ok",)]
        assert rows(library, "PRAGMA foreign_key_check") == []


def _keys_elsewhere(place: Place, keys: Path) -> None:
    settings = place.library / "library.toml"
    shutil.copytree(place.keys, keys)
    settings.write_text(settings.read_text().replace(str(place.keys), str(keys)))


def _state(library: Library) -> Any:
    tables = ("people", "consents", '"references"', "links", "sightings", "collections")
    return [rows(library, f"SELECT count(*) FROM {table}") for table in tables]


def test_a_library_is_made_whole_or_not_at_all_on_a_full_disk(small_disk: Path) -> None:
    ballast = fill(small_disk)
    with ballast.open("r+b") as file:
        file.truncate(ballast.stat().st_size - 100_000)
    with pytest.raises(StorageError) as caught:
        make_place(small_disk / "place")
    assert caught.value.exit_code == 6
    assert not (small_disk / "place" / "library").exists()
    ballast.unlink()
    shutil.rmtree(small_disk / "place", ignore_errors=True)
    with make_place(small_disk / "place").open() as library:
        assert [c.name for c in library.collections()] == ["club", "party"]


@pytest.mark.parametrize("command", [["enrol", "Late", "9"], ["search", "1"]])
def test_files_that_may_not_grow_fail_closed_where_no_disk_can_be_made(
    prepared: Place, command: list[str]
) -> None:
    """The same by a limit on the size of files, for accounts that may mount nothing."""
    process = start_process(prepared, "limited", "0.02", *command)
    try:
        assert wait_for(process, "error")[2] == "6"
        assert process.wait() == 6
    finally:
        kill(process)
    with prepared.open() as library:
        assert len(library.people()) == len(PEOPLE)
        assert found_names(library, 9) == []
        assert found_names(library, 1) == ["Person 1"]
        library.verify_audit()
