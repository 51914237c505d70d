"""Removing a source: what came from it alone goes, what others hold stays, and it can be shown."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from promise_house import Place, enrol, rows
from synthetic_engine import Drawn, save

from likeness import removal
from likeness.audit.receipt_file import verify_receipt
from likeness.errors import LikenessError, NotFound, StorageError
from likeness.house import Progress
from likeness.library import Library

ANN, BOB = 1, 2


@pytest.fixture
def folders(library: Library, tmp_path: Path) -> dict[str, str]:
    """Two folders of the party and one of the club, by name; one photo is in all three."""
    save(tmp_path / "fair" / "shared.png", Drawn(person=ANN), Drawn(person=BOB), salt=1)
    for number in range(2):
        face = Drawn(person=ANN, shot=5 + number)
        save(tmp_path / "fair" / f"{number}.png", face, salt=10 + number)
    for name, collection in (("copies", "party"), ("club", "club")):
        (tmp_path / name).mkdir()
        shutil.copy(tmp_path / "fair" / "shared.png", tmp_path / name / "again.png")
        library.ingest(tmp_path / name, collection=collection)
    library.ingest(tmp_path / "fair", collection="party")
    return {Path(source.address).name: source.source_id for source in library.sources()}


def items(library: Library) -> set[str]:
    return {item for (item,) in rows(library, "SELECT item FROM sightings")}


def linked(library: Library) -> set[tuple[str, str]]:
    names = {seen.person.person_id: seen.person.details.name for seen in library.people()}
    found = rows(library, "SELECT item, person_id FROM links JOIN sightings USING (photo_id)")
    return {(item, names[person]) for item, person in found}


def test_what_others_hold_too_stays_with_their_sightings_and_links(
    library: Library, folders: dict[str, str]
) -> None:
    enrol(library, "Ann", ANN)
    removed = library.remove(folders["fair"])
    assert (removed.sightings, removed.photos) == (3, 2)
    assert items(library) == {"again.png"}
    assert rows(library, "SELECT count(*) FROM photos") == [(1,)]
    assert linked(library) == {("again.png", "Ann")}


def test_a_photo_that_stays_in_another_collection_is_compared_with_its_people_alone(
    library: Library, folders: dict[str, str]
) -> None:
    enrol(library, "Ann", ANN, collections=["party"])
    enrol(library, "Bob", BOB, collections=["club"])
    library.remove(folders["fair"])
    assert linked(library) == {("again.png", "Ann"), ("again.png", "Bob")}
    library.remove(folders["copies"])
    assert linked(library) == {("again.png", "Bob")}
    library.remove(folders["club"])
    assert linked(library) == set()
    assert rows(library, "SELECT count(*) FROM photos") == [(0,)]


def test_what_a_human_said_of_a_photo_that_stays_is_kept(
    library: Library, folders: dict[str, str]
) -> None:
    ann = enrol(library, "Ann", ANN, collections=["party", "club"])
    [(sha256,)] = rows(
        library,
        "SELECT DISTINCT sha256 FROM photos JOIN sightings USING (photo_id)"
        " WHERE item = 'again.png'",
    )
    library.unlink(sha256, face=1)
    for name in ("fair", "copies"):
        library.remove(folders[name])
    assert rows(library, "SELECT person_id, decision, decided_by FROM links") == [
        (ann, "different", "operator")
    ]


def test_the_receipt_counts_what_went_and_can_be_given_again(
    library: Library, folders: dict[str, str]
) -> None:
    removed = library.remove(folders["fair"])
    assert library.receipt(removed.serial) == removed.receipt
    assert library.receipts()[0][:2] == (removed.serial, "removal")
    body = verify_receipt(removed.receipt, key=library.verifier_key).receipt.body
    assert (body.serial, body.counts) == (removed.serial, {"sightings": 3, "photos": 2})


def test_removing_it_again_finds_nothing_more_and_says_so(
    library: Library, folders: dict[str, str]
) -> None:
    first = library.remove(folders["fair"])
    again = library.remove(folders["fair"])
    assert (again.sightings, again.photos) == (0, 0)
    assert again.serial != first.serial
    assert items(library) == {"again.png"}


@pytest.mark.parametrize("source", ["src_nothing", "", "fair"])
def test_a_source_that_is_not_there_is_named_and_nothing_changes(
    library: Library, folders: dict[str, str], source: str
) -> None:
    before = items(library), rows(library, "SELECT count(*) FROM audit")
    with pytest.raises(NotFound, match=repr(source)) as caught:
        library.remove(source)
    assert caught.value.fix
    assert (items(library), rows(library, "SELECT count(*) FROM audit")) == before


def test_sightings_go_a_bounded_number_at_a_time_with_progress(
    library: Library, folders: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "SIGHTINGS_AT_ONCE", 2)
    steps: list[Progress] = []
    removed = library.remove(folders["fair"], progress=steps.append)
    done = [step.done for step in steps if step.phase == "remove"]
    assert done[:2] == [2, 3] and done[-1] == 3
    assert {step.total for step in steps if step.phase == "remove"} == {3}
    assert removed.sightings == 3


def test_broken_off_half_way_it_stays_stopped_and_is_finished_when_asked_again(
    library: Library,
    folders: dict[str, str],
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    enrol(library, "Ann", ANN)
    monkeypatch.setattr(removal, "SIGHTINGS_AT_ONCE", 1)

    def full(_step: Progress) -> None:
        raise StorageError("The disk is full.", "Free some space.")

    with pytest.raises(LikenessError):
        library.remove(folders["fair"], progress=full)
    states = {s.source_id: s.state for s in library.sources()}
    assert states.pop(folders["fair"]) != "active"
    assert set(states.values()) == {"active"}
    with place.open() as again:
        again.remove(folders["fair"])
        assert items(again) == {"again.png"}
        assert rows(again, "SELECT count(*) FROM photos") == [(1,)]


def test_nothing_of_the_photos_is_left_in_the_database(
    library: Library, folders: dict[str, str], place: Place
) -> None:
    def crops() -> list[bytes]:
        return [crop for (crop,) in rows(library, "SELECT crop FROM faces")]

    before = crops()
    library.remove(folders["fair"])
    gone: list[Any] = [crop for crop in before if crop not in crops()]
    assert len(gone) == 2
    content = b"".join(path.read_bytes() for path in place.files())
    for crop in gone:
        # The quarter in the middle: headers are alike in every crop.
        assert crop[len(crop) // 2 : len(crop) * 3 // 4] not in content
