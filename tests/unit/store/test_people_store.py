"""People, consents and references in the store: sealed, read in bulk, each with its own key."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from likeness.errors import StorageError
from likeness.records.consent import Consent, Evidence
from likeness.records.person import Person, PersonDetails
from likeness.records.reference import Reference
from likeness.store import people
from likeness.store.changes import gallery_change, people_changed_since, raise_change
from likeness.store.chunks import IDS_AT_ONCE
from likeness.store.people import ReferenceCrop
from likeness.store.schema import erasures, library, references
from likeness.store.schema import people as people_table
from likeness.store.sqlite import SqliteStore

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PACK = "f" * 64
KEY = bytes(range(32))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    store = SqliteStore.create(tmp_path / "library.sqlite3")
    with store.transaction() as connection:
        columns = {column.name: "" for column in library.columns}
        numbers = {"row": 1, "gallery_change": 0, "tombstone_count": 0, "audit_tree": b""}
        connection.execute(insert(library).values(**{**columns, **numbers}))
        yield connection
    store.close()


def person(person_id: str, name: str = "Ann") -> Person:
    return Person(
        person_id=person_id, details=PersonDetails(name=name, is_adult=True), enrolled_at=NOW
    )


def consent(person_id: str, consent_id: str, *, days: int = 0) -> Consent:
    return Consent(
        consent_id=consent_id,
        person_id=person_id,
        controller="Tennis club",
        purposes=frozenset({"be_found"}),
        collections=frozenset({"col_1"}),
        audience=frozenset({"a_1"}),
        basis="consent",
        how_given="self",
        evidence=Evidence(),
        recorded_by="a_1",
        notice_version="1",
        notice_sha256="0" * 64,
        notice_language="en",
        given_at=NOW + timedelta(days=days),
        ends_at=NOW + timedelta(days=days + 30),
        state="given",
    )


def crop(person_id: str, number: int) -> ReferenceCrop:
    template = np.zeros(4, np.float32)
    template[number % 4] = 1.0
    return ReferenceCrop(
        reference=Reference(
            reference_id=f"ref_{person_id}_{number}", person_id=person_id, template=template
        ),
        jpeg=f"jpeg of {person_id} {number}".encode(),
        alignment="dlib-5",
    )


def keep(connection: Connection, person_id: str, *, key: bytes = KEY, changed: int = 1) -> None:
    people.insert_person(connection, person(person_id), key=key, changed=changed)


def test_a_person_comes_back_with_their_key_and_with_no_other(connection: Connection) -> None:
    keep(connection, "p_1")
    assert people.load_person(connection, "p_1", key=KEY) == person("p_1")
    assert people.load_person(connection, "p_2", key=KEY) is None
    with pytest.raises(StorageError):
        people.load_person(connection, "p_1", key=bytes(32))
    assert people.person_exists(connection, "p_1")
    assert not people.person_exists(connection, "p_2")


def test_a_row_put_in_another_persons_place_does_not_open(connection: Connection) -> None:
    keep(connection, "p_1")
    keep(connection, "p_2")
    details = connection.execute(
        select(people_table.c.details).where(people_table.c.person_id == "p_1")
    ).scalar_one()
    connection.execute(
        update(people_table).where(people_table.c.person_id == "p_2").values(details=details)
    )
    with pytest.raises(StorageError):
        people.load_person(connection, "p_2", key=KEY)


def test_consents_come_oldest_first_and_each_persons_own(connection: Connection) -> None:
    keep(connection, "p_1")
    keep(connection, "p_2")
    for one in (consent("p_1", "c_b", days=2), consent("p_1", "c_c", days=1)):
        people.insert_consent(connection, one, key=KEY)
    people.insert_consent(connection, consent("p_1", "c_a", days=2), key=KEY)
    people.insert_consent(connection, consent("p_2", "c_z"), key=KEY)
    assert [c.consent_id for c in people.consents_of(connection, "p_1", key=KEY)] == [
        "c_c",
        "c_a",
        "c_b",
    ]
    assert people.consents_of(connection, "p_3", key=KEY) == ()


def test_a_state_changes_alone_and_a_withdrawal_takes_every_consent(
    connection: Connection,
) -> None:
    keep(connection, "p_1")
    keep(connection, "p_2")
    for one in (consent("p_1", "c_1"), consent("p_1", "c_2", days=1), consent("p_2", "c_3")):
        people.insert_consent(connection, one, key=KEY)
    people.set_consent_state(connection, "c_1", "superseded")
    old, new = people.consents_of(connection, "p_1", key=KEY)
    assert old == replace(consent("p_1", "c_1"), state="superseded")
    assert new.state == "given"
    people.withdraw_consents(connection, "p_1")
    states = {c.state for c in people.consents_of(connection, "p_1", key=KEY)}
    assert states == {"withdrawn"}
    [other] = people.consents_of(connection, "p_2", key=KEY)
    assert other.state == "given"


def test_many_people_are_read_at_once_each_with_their_own_key(connection: Connection) -> None:
    """More of them than fit into one query."""
    count = 2 * IDS_AT_ONCE + 1
    keys = {f"p_{number:04}": os.urandom(32) for number in range(count)}
    for person_id, key in keys.items():
        keep(connection, person_id, key=key)
        people.insert_consent(connection, consent(person_id, f"c_{person_id}"), key=key)
        people.insert_references(
            connection, [crop(person_id, n) for n in (0, 1)], key=key, pack_fingerprint=PACK
        )
    assert people.person_ids(connection) == sorted(keys)
    found = people.consents_of_many(connection, keys)
    assert {p: [c.consent_id for c in held] for p, held in found.items()} == {
        p: [f"c_{p}"] for p in keys
    }
    read = list(people.references_of_many(connection, keys, pack_fingerprint=PACK))
    assert [r.person_id for r in read] == sorted([*keys, *keys]), "each person's together"
    assert {r.reference_id for r in read} == {f"ref_{p}_{n}" for p in keys for n in (0, 1)}
    for one in read[:8]:
        assert one.template.dtype == np.float32
        assert one.template.tolist()[int(one.reference_id[-1])] == 1.0
    some = dict(list(keys.items())[:3])
    assert set(people.consents_of_many(connection, some)) == set(some)
    assert len(list(people.references_of_many(connection, some, pack_fingerprint=PACK))) == 6
    assert people.consents_of_many(connection, {}) == {}
    assert list(people.references_of_many(connection, {}, pack_fingerprint=PACK)) == []


def test_references_of_another_pack_are_not_read(connection: Connection) -> None:
    keep(connection, "p_1")
    people.insert_references(connection, [crop("p_1", 0)], key=KEY, pack_fingerprint=PACK)
    people.insert_references(connection, [crop("p_1", 1)], key=KEY, pack_fingerprint="other")
    read = list(people.references_of_many(connection, {"p_1": KEY}, pack_fingerprint=PACK))
    assert [r.reference_id for r in read] == ["ref_p_1_0"]
    assert people.count_references(connection, "p_1") == 2
    connection.execute(update(references).values(pack_fingerprint=PACK))
    with pytest.raises(StorageError):
        list(people.references_of_many(connection, {"p_1": KEY}, pack_fingerprint=PACK))


def test_reference_crops_are_the_persons_own(connection: Connection) -> None:
    for person_id in ("p_1", "p_2"):
        keep(connection, person_id)
        people.insert_references(connection, [crop(person_id, 0)], key=KEY, pack_fingerprint=PACK)
    assert people.reference_crops_of(connection, "p_1", key=KEY) == {"ref_p_1_0": b"jpeg of p_1 0"}
    assert people.reference_crops_of(connection, "p_3", key=KEY) == {}


def test_a_person_goes_with_references_and_consents_and_nobody_elses(
    connection: Connection,
) -> None:
    for person_id in ("p_1", "p_2"):
        keep(connection, person_id)
        people.insert_consent(connection, consent(person_id, f"c_{person_id}"), key=KEY)
        people.insert_references(connection, [crop(person_id, 0)], key=KEY, pack_fingerprint=PACK)
    people.delete_person(connection, "p_1")
    assert people.person_ids(connection) == ["p_2"]
    for table in ("consents", '"references"'):
        rows = connection.execute(text(f"SELECT person_id FROM {table}")).scalars().all()
        assert rows == ["p_2"]
    people.delete_person(connection, "p_1")


def test_a_consent_or_reference_of_nobody_is_refused(connection: Connection) -> None:
    with pytest.raises(IntegrityError):
        people.insert_consent(connection, consent("p_1", "c_1"), key=KEY)
    with pytest.raises(IntegrityError):
        people.insert_references(connection, [crop("p_1", 0)], key=KEY, pack_fingerprint=PACK)


def test_an_id_is_given_once(connection: Connection) -> None:
    keep(connection, "p_1")
    with pytest.raises(IntegrityError):
        keep(connection, "p_1")


def test_each_change_has_the_next_number_and_names_who_it_was_about(
    connection: Connection,
) -> None:
    assert people.newest_comparable(connection) == 0
    assert gallery_change(connection) == 0
    for person_id in ("p_1", "p_2"):
        keep(connection, person_id, changed=raise_change(connection))
    assert gallery_change(connection) == 2
    assert people_changed_since(connection, -1) == ["p_1", "p_2"]
    assert people_changed_since(connection, 1) == ["p_2"]
    assert people_changed_since(connection, 2) == []
    erased = {c.name: "" for c in erasures.columns}
    connection.execute(insert(erasures).values(**{**erased, "person_id": "p_0", "changed": 3}))
    assert people_changed_since(connection, 2) == ["p_0"], "also who is no longer there"


def test_only_what_widens_makes_photos_wait_to_be_compared_again(connection: Connection) -> None:
    keep(connection, "p_1", changed=1)
    people.mark_changed(connection, "p_1", changed=5, widened=False)
    assert people.comparable_since(connection) == {"p_1": 1}
    assert people.newest_comparable(connection) == 1
    assert people_changed_since(connection, 4) == ["p_1"]
    people.mark_changed(connection, "p_1", changed=6, widened=True)
    assert people.comparable_since(connection) == {"p_1": 6}
    assert people.newest_comparable(connection) == 6
