"""Promise 9: the audit log shows tampering, rollback and forks, and keeps no personal data."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from byte_scan import forms_of_text
from promise_house import Place, enrol, found_names, rows
from pysqlite3 import dbapi2
from synthetic_engine import Drawn, save

from likeness.audit.commitment import open_commitment
from likeness.audit.leaf import Leaf
from likeness.audit.tree import leaf_hash
from likeness.audit.verify import VerifiedLog
from likeness.errors import LikenessError, LogRolledBack, LogTampered, NotVerified
from likeness.library import Library
from likeness.store import audit_log

ANN, BOB = 1, 2
NAME = "Wilhelmina Featherstonehaugh"


@pytest.fixture
def ann(place: Place, tmp_path: Path) -> str:
    """A log of a dozen entries; the library is closed again."""
    save(tmp_path / "photos" / "a private folder" / "ann.png", Drawn(person=ANN), salt=1)
    with place.open() as library:
        library.ingest(tmp_path / "photos", collection="party")
        person_id = enrol(library, NAME, ANN)
        for person in (ANN, BOB, ANN):
            found_names(library, person)
        assert library.verify_audit().size == rows(library, "SELECT count(*) FROM audit")[0][0]
        return person_id


def change(place: Place, *statements: str, **values: Any) -> None:
    """Write past the library, as somebody with the file would."""
    with closing(dbapi2.connect(place.library / "library.sqlite3")) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            connection.execute(statement, values)
        connection.commit()


def verify(place: Place) -> VerifiedLog:
    with place.open() as library:
        return library.verify_audit()


def _leaf(place: Place, index: int) -> tuple[int, bytes, bytes, str]:
    with closing(dbapi2.connect(place.library / "library.sqlite3")) as connection:
        query = "SELECT leaf_index, leaf, leaf_hash, checkpoint FROM audit WHERE leaf_index = ?"
        found: tuple[int, bytes, bytes, str] = connection.execute(query, (index,)).fetchone()
        return found


def _alter_leaf(place: Place) -> None:
    leaf = _leaf(place, 4)[1].replace(b"T12Z", b"T11Z")
    change(place, "UPDATE audit SET leaf = :leaf WHERE leaf_index = 4", leaf=leaf)


def _alter_leaf_and_hash(place: Place) -> None:
    leaf = _leaf(place, 4)[1].replace(b"T12Z", b"T11Z")
    values = {"leaf": leaf, "hash": leaf_hash(leaf)}
    change(place, "UPDATE audit SET leaf = :leaf, leaf_hash = :hash WHERE leaf_index = 4", **values)


def _alter_hash(place: Place) -> None:
    change(place, "UPDATE audit SET leaf_hash = zeroblob(32) WHERE leaf_index = 4")


def _delete(place: Place) -> None:
    change(place, "DELETE FROM audit WHERE leaf_index = 4")


def _delete_and_close_up(place: Place) -> None:
    change(
        place,
        "DELETE FROM audit WHERE leaf_index = 4",
        "UPDATE audit SET leaf_index = -leaf_index WHERE leaf_index > 4",
        "UPDATE audit SET leaf_index = -leaf_index - 1 WHERE leaf_index < 0",
    )


def _swap(place: Place) -> None:
    change(
        place,
        "UPDATE audit SET leaf_index = -1 WHERE leaf_index = 4",
        "UPDATE audit SET leaf_index = 4 WHERE leaf_index = 5",
        "UPDATE audit SET leaf_index = 5 WHERE leaf_index = -1",
    )


def _insert(place: Place) -> None:
    change(
        place,
        "UPDATE audit SET leaf_index = -leaf_index WHERE leaf_index >= 4",
        "UPDATE audit SET leaf_index = -leaf_index + 1 WHERE leaf_index < 0",
        "INSERT INTO audit SELECT 4, leaf, leaf_hash, checkpoint FROM audit WHERE leaf_index = 3",
    )


def _alter_checkpoint(place: Place) -> None:
    change(
        place,
        "UPDATE audit SET checkpoint = (SELECT checkpoint FROM audit WHERE leaf_index = 3)"
        " WHERE leaf_index = 4",
    )


def _no_leaf(place: Place) -> None:
    change(place, "UPDATE audit SET leaf = 'text' WHERE leaf_index = 4")


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize(
    "tamper",
    [
        _alter_leaf,
        _alter_leaf_and_hash,
        _alter_hash,
        _delete,
        _delete_and_close_up,
        _swap,
        _insert,
        _alter_checkpoint,
        _no_leaf,
    ],
)
def test_the_first_bad_entry_is_named(place: Place, tamper: Callable[[Place], None]) -> None:
    verify(place)
    tamper(place)
    with pytest.raises(LogTampered) as caught:
        verify(place)
    assert caught.value.index == 4
    assert "4" in str(caught.value)


@pytest.mark.usefixtures("ann")
def test_an_entry_put_at_the_end_is_named(place: Place) -> None:
    size = verify(place).size
    change(
        place,
        "INSERT INTO audit SELECT max(leaf_index) + 1, leaf, leaf_hash, checkpoint FROM audit",
    )
    with pytest.raises(LogTampered) as caught:
        verify(place)
    assert caught.value.index == size


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize("count", [1, 3])
def test_entries_cut_off_the_end_are_missed(place: Place, count: int) -> None:
    with place.open() as library:
        size = library.verify_audit().size
        change(
            place,
            "DELETE FROM audit_details WHERE leaf_index >= :first",
            "DELETE FROM audit WHERE leaf_index >= :first",
            first=size - count,
        )
        with pytest.raises(LogTampered) as caught:
            library.verify_audit()
        assert caught.value.index == size - count
    with pytest.raises(NotVerified):
        verify(place)


@pytest.mark.usefixtures("ann")
def test_an_older_copy_of_the_database_is_a_rollback(place: Place) -> None:
    backup = place.back_up("older")
    with place.open() as library:
        found_names(library, ANN)
        library.verify_audit()
    place.restore(backup)
    with pytest.raises(LogRolledBack):
        verify(place)
    # And goes on being one, however much is written after it.
    with place.open() as library:
        for _ in range(4):
            found_names(library, ANN)
        with pytest.raises(LogRolledBack):
            library.verify_audit()


@pytest.mark.usefixtures("ann")
def test_a_log_that_went_on_from_an_older_copy_is_a_fork(place: Place) -> None:
    """As many entries as were witnessed, and others."""
    backup = place.back_up("older")
    with place.open() as library:
        found_names(library, ANN)
        kept = library.checkpoint()
        size = library.verify_audit().size
    place.restore(backup)
    with place.open() as library:
        while rows(library, "SELECT count(*) FROM audit")[0][0] < size + 3:
            found_names(library, BOB)
        with pytest.raises(LogRolledBack):
            library.verify_audit()
        with pytest.raises(LogRolledBack):
            library.verify_audit(kept=[kept])


@pytest.mark.usefixtures("ann")
def test_a_checkpoint_kept_elsewhere_shows_a_fork_that_the_keyring_does_not(
    place: Place, tmp_path: Path
) -> None:
    """Somebody restored data and keyring together: only what was kept elsewhere can tell."""
    backup = place.back_up("older")
    shutil.copytree(place.keys, tmp_path / "older keys")
    with place.open() as library:
        found_names(library, ANN)
        kept = library.checkpoint()
    place.restore(backup)
    shutil.rmtree(place.keys)
    shutil.copytree(tmp_path / "older keys", place.keys)
    with place.open() as library:
        for _ in range(2):
            found_names(library, BOB)
        library.verify_audit()
        with pytest.raises(LogRolledBack):
            library.verify_audit(kept=[kept])


@pytest.mark.usefixtures("ann")
def test_nothing_is_signed_on_top_of_a_tampered_end(place: Place) -> None:
    change(place, "UPDATE library SET audit_tree = zeroblob(length(audit_tree))")
    with pytest.raises(LikenessError), place.open() as library:
        found_names(library, ANN)


@pytest.mark.usefixtures("ann")
def test_processes_that_write_and_open_at_once_are_no_rollback(place: Place) -> None:
    stop = threading.Event()

    def search() -> None:
        with place.open() as library:
            while not stop.is_set():
                found_names(library, BOB)

    writers = [threading.Thread(target=search) for _ in range(2)]
    for writer in writers:
        writer.start()
    for _ in range(8):
        with place.open() as library:
            found_names(library, BOB)
    stop.set()
    for writer in writers:
        writer.join()
    verify(place)


def test_no_entry_holds_anything_personal(place: Place, ann: str) -> None:
    with place.open() as library:
        account = library.house.account.account_id
        named = {"owner", "party", "Tennis club", "a private folder", "ann.png"}
        for leaf, checkpoint in rows(library, "SELECT leaf, checkpoint FROM audit"):
            read = Leaf.from_bytes(leaf)
            assert read.hour.minute == read.hour.second == 0
            for word in (NAME, ann, account, "be_found", *named):
                for form in forms_of_text(word).values():
                    assert form not in leaf
                    assert form not in checkpoint.encode()
        for (sealed,) in rows(library, "SELECT sealed FROM audit_details"):
            for word in (NAME, ann, account, "be_found", "found_by"):
                assert word.encode() not in sealed


def test_erasure_leaves_every_leaf_as_it_was_and_provable(place: Place, ann: str) -> None:
    with place.open() as library:
        before = rows(library, "SELECT leaf_index, leaf, leaf_hash, checkpoint FROM audit")
        details = "SELECT count(*) FROM audit_details WHERE subject_id = :p"
        assert rows(library, details, p=ann)[0][0] >= 3
        library.withdraw(ann)
        after = rows(library, "SELECT leaf_index, leaf, leaf_hash, checkpoint FROM audit")
        assert after[: len(before)] == before
        assert rows(library, details, p=ann) == [(0,)]
        # What is kept of the one who acted does not name her either.
        account = library.house.account.account_id
        with library.house.store.snapshot() as connection:
            kept = audit_log.details_of(connection, account, key=library.house.keyring.key(account))
        assert kept and ann not in repr(kept) and NAME not in repr(kept)
        library.verify_audit()


def test_what_a_leaf_committed_to_can_be_shown_and_nothing_else(place: Place, ann: str) -> None:
    with place.open() as library:
        kept = library.export_person(ann)["audit"]
        leaves = dict(rows(library, "SELECT leaf_index, leaf FROM audit"))
        for entry in kept:
            nonce = bytes.fromhex(entry["nonce"])
            told = json.dumps(entry["details"], ensure_ascii=False, sort_keys=True).encode()
            commitments = Leaf.from_bytes(leaves[entry["leaf_index"]]).commitments
            holding = []
            for commitment in commitments:
                try:
                    open_commitment(commitment, nonce=nonce, details=told)
                except NotVerified:
                    continue
                holding.append(commitment)
            assert len(holding) == 1
            with pytest.raises(NotVerified):
                open_commitment(holding[0], nonce=nonce, details=told + b" ")


def test_every_act_is_in_the_log(place: Place, library: Library, tmp_path: Path) -> None:
    save(tmp_path / "p" / "x.png", Drawn(person=ANN), salt=1)
    library.create_account("helper")
    acts: dict[str, Callable[[], Any]] = {
        "collection": lambda: library.set_audience("party", add=["helper"]),
        "ingest": lambda: library.ingest(tmp_path / "p", collection="party"),
        "enrol": lambda: enrol(library, NAME, ANN),
        "export": lambda: library.export_person(library.people()[0].person.person_id),
        "decide": lambda: library.unlink(rows(library, "SELECT sha256 FROM photos")[0][0], face=1),
        "removal": lambda: library.remove(library.sources()[0].source_id),
        "withdrawal": lambda: library.withdraw(library.people()[0].person.person_id),
    }
    for kind, act in acts.items():
        before = rows(library, "SELECT count(*) FROM audit")[0][0]
        act()
        leaves = rows(library, "SELECT leaf FROM audit WHERE leaf_index >= :n", n=before)
        assert kind in [Leaf.from_bytes(leaf).kind for (leaf,) in leaves]
    library.verify_audit()
