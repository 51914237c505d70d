"""Promise 5: erased people stay erased: restoring a data backup cannot bring them back."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest
from byte_scan import forms_of_text, scan
from promise_house import Place, enrol, found_names, found_photos, holdings, make_place, rows
from pysqlite3 import dbapi2
from synthetic_engine import Drawn, save

from likeness.audit.receipt_file import verify_receipt
from likeness.errors import KeyErased, KeyMissing, LikenessError, LogRolledBack, StorageError
from likeness.library import Library

ANN, BOB, CARL = 1, 2, 3


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    save(folder / "ann.png", Drawn(person=ANN), salt=1)
    save(folder / "both.png", Drawn(person=ANN), Drawn(person=BOB), salt=2)
    return folder


@pytest.fixture
def people(place: Place, photos: Path) -> dict[str, str]:
    """Ann and Bob, enrolled and found in photos; the library is closed again."""
    with place.open() as library:
        library.ingest(photos, collection="party")
        return {"Ann": enrol(library, "Ann", ANN), "Bob": enrol(library, "Bob", BOB)}


def test_a_restored_backup_does_not_bring_back_who_withdrew(
    place: Place, people: dict[str, str]
) -> None:
    backup = place.back_up("backup")
    with place.open() as library:
        library.withdraw(people["Ann"])
    place.restore(backup)
    assert _count(place, "people") == 2, "the backup did hold her"
    with place.open() as library:
        assert found_names(library, ANN) == []
        assert [seen.person.details.name for seen in library.people()] == ["Bob"]
        assert found_names(library, BOB) == ["Bob"]
        assert rows(library, "SELECT person_id FROM people") == [(people["Bob"],)]
        for table in ("consents", '"references"', "links", "proposals"):
            query = f"SELECT count(*) FROM {table} WHERE person_id = :p"
            assert rows(library, query, p=people["Ann"]) == [(0,)], table
        query = "SELECT count(*) FROM audit_details WHERE subject_id = :p"
        assert rows(library, query, p=people["Ann"]) == [(0,)]
        [(serial, kind, _)] = library.receipts()
        assert kind == "withdrawal"
        verify_receipt(library.receipt(serial), key=library.verifier_key)
        # The log does not hide that it was rolled back.
        with pytest.raises(LogRolledBack):
            library.verify_audit()


def test_a_restored_backup_is_purged_from_the_files_too(
    place: Place, people: dict[str, str]
) -> None:
    backup = place.back_up("backup")
    with place.open() as library:
        sealed = _sealed(library, people["Ann"])
        library.withdraw(people["Ann"])
    place.restore(backup)
    assert all(scan(place.files(), {"sealed": blob}) for blob in sealed)
    with place.open():
        pass
    for blob in sealed:
        assert scan(place.files(), {"sealed": blob}) == set()


def test_a_backup_alone_opens_nothing_of_anybody(place: Place, people: dict[str, str]) -> None:
    backup = place.back_up("backup")
    files = [path for path in backup.rglob("*") if path.is_file()]
    assert not [path for path in files if "key" in path.name]
    for name in people:
        assert scan(files, forms_of_text(f'"name": "{name}"')) == set()
    with place.open() as library:
        library.withdraw(people["Ann"])
        with pytest.raises(KeyErased):
            library.house.keyring.key(people["Ann"])


def test_the_same_backup_can_be_restored_again_and_again(
    place: Place, people: dict[str, str]
) -> None:
    backup = place.back_up("backup")
    with place.open() as library:
        library.withdraw(people["Ann"])
    for _attempt in range(3):
        place.restore(backup)
        with place.open() as library:
            assert found_names(library, ANN) == []
            assert found_names(library, BOB) == ["Bob"]
    with place.open() as library:
        library.withdraw(people["Bob"])
    place.restore(backup)
    with place.open() as library:
        assert library.people() == []
        assert rows(library, "SELECT count(*) FROM people") == [(0,)]
        assert len(library.receipts()) == 2


def test_work_goes_on_after_a_restore(place: Place, people: dict[str, str], photos: Path) -> None:
    backup = place.back_up("backup")
    with place.open() as library:
        library.withdraw(people["Ann"])
        save(photos / "carl.png", Drawn(person=CARL), salt=9)
        library.ingest(photos, collection="party")
    place.restore(backup)
    with place.open() as library:
        enrol(library, "Carl", CARL)
        library.ingest(photos, collection="party")
        assert len(found_photos(library, CARL)) == 1
        assert found_names(library, ANN) == []
        assert {row[-1] for row in holdings(library)} == {"", "same"}


def test_somebody_enrolled_after_the_backup_is_lost_and_no_error(
    place: Place, people: dict[str, str]
) -> None:
    backup = place.back_up("backup")
    with place.open() as library:
        enrol(library, "Carl", CARL)
    place.restore(backup)
    with place.open() as library:
        assert found_names(library, CARL) == []
        assert sorted(people) == [seen.person.details.name for seen in library.people()]


def test_a_keyring_from_before_the_erasure_is_refused(place: Place, people: dict[str, str]) -> None:
    old = shutil.copytree(place.keys, place.folder / "old keys")
    with place.open() as library:
        library.withdraw(people["Ann"])
    new = shutil.copytree(place.keys, place.folder / "new keys")
    _put_back(old, place.keys)
    before = place.library.joinpath("library.sqlite3").read_bytes()
    with pytest.raises(StorageError, match="erasures"), place.open():
        pass
    assert place.library.joinpath("library.sqlite3").read_bytes() == before
    _put_back(new, place.keys)
    with place.open() as library:
        assert [seen.person.details.name for seen in library.people()] == ["Bob"]


def test_a_keyring_from_between_two_erasures_is_refused(
    place: Place, people: dict[str, str]
) -> None:
    with place.open() as library:
        library.withdraw(people["Ann"])
    between = shutil.copytree(place.keys, place.folder / "between")
    with place.open() as library:
        library.withdraw(people["Bob"])
    _put_back(between, place.keys)
    with pytest.raises(StorageError, match="erasures"), place.open():
        pass


def test_an_old_keyring_restored_in_the_middle_of_an_erasure_erases_again(
    place: Place, people: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key was destroyed and the data does not know yet how many tombstones there are."""
    old = shutil.copytree(place.keys, place.folder / "old keys")
    with place.open() as library:
        monkeypatch.setattr("likeness.withdraw._delete_rows", _disk_failed)
        with pytest.raises(StorageError):
            library.withdraw(people["Ann"])
        monkeypatch.undo()
    _put_back(old, place.keys)
    with place.open() as library:
        assert library.house.keyring.is_erased(people["Ann"])
        assert found_names(library, ANN) == []
        assert rows(library, "SELECT person_id FROM people") == [(people["Bob"],)]


def test_a_key_missing_without_a_tombstone_is_refused_and_nothing_is_deleted(
    place: Place, people: dict[str, str]
) -> None:
    with closing(dbapi2.connect(place.keys / "keyring.sqlite3")) as connection:
        connection.execute("DELETE FROM subject_keys WHERE subject_id = ?", (people["Ann"],))
        connection.commit()
    with pytest.raises(KeyMissing) as caught, place.open():
        pass
    assert people["Ann"] in str(caught.value)
    for table, count in (("people", 2), ("consents", 2), ('"references"', 4), ("links", 3)):
        assert _count(place, table) == count, table


def test_another_librarys_keyring_is_refused(
    place: Place, people: dict[str, str], tmp_path: Path
) -> None:
    other = make_place(tmp_path / "other")
    mine = shutil.copytree(place.keys, place.folder / "mine")
    _put_back(other.keys, place.keys)
    with pytest.raises(LikenessError), place.open():
        pass
    assert _count(place, "people") == 2
    _put_back(mine, place.keys)
    with place.open() as library:
        assert len(library.people()) == 2


def test_an_erased_id_never_gets_a_key_again(place: Place, people: dict[str, str]) -> None:
    """Nor does a tombstone row that was taken out of the keyring by hand."""
    with place.open() as library:
        library.withdraw(people["Ann"])
        with pytest.raises(KeyErased):
            library.house.keyring.create_key(people["Ann"])
    with closing(dbapi2.connect(place.keys / "keyring.sqlite3")) as connection:
        connection.execute("DELETE FROM tombstones")
        connection.commit()
    with pytest.raises(StorageError, match="erasures"), place.open():
        pass


def _disk_failed(*_given: object, **_named: object) -> None:
    raise StorageError("The disk failed.")


def _put_back(source: Path, target: Path) -> None:
    shutil.rmtree(target)
    shutil.copytree(source, target)


def _count(place: Place, table: str) -> int:
    with closing(dbapi2.connect(place.library / "library.sqlite3")) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _sealed(library: Library, person_id: str) -> set[bytes]:
    found: set[bytes] = set()
    for column, table in (
        ("details", "people"),
        ("record", "consents"),
        ("template", '"references"'),
        ("crop", '"references"'),
    ):
        query = f"SELECT {column} FROM {table} WHERE person_id = :p"
        found |= {bytes(row[0]) for row in rows(library, query, p=person_id)}
    return found
