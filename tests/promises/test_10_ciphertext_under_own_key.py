"""Promise 10: everything personal about a person is stored as ciphertext under their own key."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from byte_scan import forms_of_bytes, forms_of_text, scan
from promise_house import Place, enrol, found_names, rows
from pysqlite3 import dbapi2
from synthetic_engine import Drawn, RecordingEngine, save

from likeness.errors import LikenessError, StorageError
from likeness.library import Library
from likeness.records.person import Estate, Guardian
from likeness.store import audit_log, people
from likeness.store.envelope import unseal

ANN, BOB = 1, 2
WORDS = (
    "Żaneta Przybyłowicz",
    "Ebenezer Throckmorton",
    "Philippa Abernathy",
    "godmother",
    "2014-11-03",
    "2019-09-09",
    "signed on the blue form",
    "guardian_consent",
    "estate",
    "attested",
)


@pytest.fixture
def ann(library: Library, tmp_path: Path) -> str:
    save(tmp_path / "photos" / "x.png", Drawn(person=ANN), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    return enrol(
        library,
        "Żaneta Przybyłowicz",
        ANN,
        "be_found",
        "find_me",
        basis="guardian_consent",
        is_adult=False,
        birth_date=date(2014, 11, 3),
        guardian=Guardian(name="Ebenezer Throckmorton", relation="godmother"),
        statement="signed on the blue form",
    )


@pytest.fixture
def bob(library: Library) -> str:
    return enrol(
        library,
        "Bob",
        BOB,
        basis="estate",
        estate=Estate(representative="Philippa Abernathy", died_on=date(2019, 9, 9)),
    )


def test_no_file_holds_a_word_of_it_in_clear(
    place: Place, library: Library, ann: str, bob: str
) -> None:
    assert found_names(library, ANN) == ["Żaneta Przybyłowicz"]
    library.renew(
        ann, expires_at=place.clock() + timedelta(days=300), statement="signed on the blue form"
    )
    assert set(WORDS) & set(_words_of(library.export_person(ann))), "they are what is kept"
    for word in WORDS:
        assert scan(place.files(), forms_of_text(word)) == set(), word
    for reference in library.export_person(ann)["references"]:
        jpeg = base64.b64decode(reference["crop_jpeg_base64"])
        assert scan(place.files(), forms_of_bytes(jpeg)) == set()
    for person_id in (ann, bob):
        key = library.house.keyring.key(person_id)
        assert scan(place.files(), forms_of_bytes(key)) == set()


def test_every_column_about_a_person_is_an_id_a_number_a_time_or_ciphertext(
    library: Library, ann: str
) -> None:
    """A column added to these tables has to be looked at by whoever adds it."""
    open_columns = {
        "people": {"person_id", "enrolled_at", "changed", "comparable_since"},
        "consents": {"consent_id", "person_id", "state"},
        "references": {
            "reference_id",
            "person_id",
            "pack_fingerprint",
            "alignment",
            "live",
            "added",
        },
        "staged_templates": {"reference_id", "person_id", "pack_fingerprint"},
        "audit_details": {"leaf_index", "position", "subject_id"},
        "links": {
            "face_id",
            "person_id",
            "photo_id",
            "decision",
            "score",
            "decided_by",
            "decided_at",
        },
        "proposals": {
            "face_id",
            "person_id",
            "photo_id",
            "score",
            "proposed_at",
            "unsure_at",
        },
        # What stood before: ids, scores and times, as in links and proposals.
        "decisions": {
            "decision_id",
            "account_id",
            "face_id",
            "person_id",
            "before",
            "decision",
            "decided_at",
            "undone_at",
        },
        "same_people": {"person_id", "group_id", "merged_at", "merged_by"},
        "credentials": {
            "credential_id",
            "subject_id",
            "kind",
            "sign_count",
            "created_at",
            "used_at",
        },
        "sessions": {"session_id", "subject_id", "kind", "created_at", "seen_at", "ends_at"},
        "sign_in_links": {
            "link_id",
            "subject_id",
            "kind",
            "created_at",
            "expires_at",
            "used_at",
        },
        "invitations": {
            "invitation_id",
            "secret_hash",
            "created_by",
            "created_at",
            "expires_at",
            "state",
            "terms",
            "person_id",
            "taken_at",
        },
        "erasures": {
            "person_id",
            "state",
            "kind",
            "serial",
            "requested_at",
            "counts",
            "commitments",
            "changed",
        },
    }
    sealed_columns = {
        "people": {"details"},
        "consents": {"record"},
        "references": {"template", "crop"},
        "staged_templates": {"template"},
        "audit_details": {"sealed"},
        "credentials": {"sealed"},
        "sessions": {"device"},
        "invitations": {"label"},
    }
    tables = [name for (name,) in rows(library, "SELECT name FROM sqlite_schema")]
    for table in tables:
        columns = {row[1] for row in rows(library, f'PRAGMA table_info("{table}")')}
        if {"person_id", "subject_id"} & columns:
            expected = open_columns[table] | sealed_columns.get(table, set())
            assert columns == expected, table
    for table, columns in sealed_columns.items():
        for column in columns:
            for (blob,) in rows(library, f'SELECT {column} FROM "{table}"'):
                assert isinstance(blob, bytes) and blob[0] == 1


def test_each_opens_with_that_persons_key_alone(library: Library, ann: str, bob: str) -> None:
    house = library.house
    ours, theirs = house.keyring.key(ann), house.keyring.key(bob)
    pack = house.eligibility.gallery.fingerprint
    with house.store.snapshot() as connection:
        person = people.load_person(connection, ann, key=ours)
        assert person is not None and person.details.name == "Żaneta Przybyłowicz"
        assert len(people.consents_of(connection, ann, key=ours)) == 1
        assert len(people.reference_crops_of(connection, ann, key=ours)) == 2
        found = list(people.references_of_many(connection, {ann: ours}, pack_fingerprint=pack))
        assert found
        assert audit_log.details_of(connection, ann, key=ours)
        for attempt in (
            lambda: people.load_person(connection, ann, key=theirs),
            lambda: people.consents_of(connection, ann, key=theirs),
            lambda: people.reference_crops_of(connection, ann, key=theirs),
            lambda: list(
                people.references_of_many(connection, {ann: theirs}, pack_fingerprint=pack)
            ),
            lambda: audit_log.details_of(connection, ann, key=theirs),
        ):
            with pytest.raises(StorageError):
                attempt()


@pytest.mark.parametrize(
    ("table", "column", "key"),
    [
        ("people", "details", "person_id"),
        ("consents", "record", "person_id"),
        ("references", "template", "person_id"),
        ("references", "crop", "person_id"),
    ],
)
def test_ciphertext_moved_to_somebody_else_does_not_open(
    library: Library, place: Place, ann: str, bob: str, table: str, column: str, key: str
) -> None:
    with closing(dbapi2.connect(place.library / "library.sqlite3")) as connection:
        query = f'SELECT {column} FROM "{table}" WHERE {key} = ? LIMIT 1'
        [blob] = connection.execute(query, (ann,)).fetchone()
        connection.execute(f'UPDATE "{table}" SET {column} = ? WHERE {key} = ?', (blob, bob))
        connection.commit()
    with pytest.raises(StorageError):
        library.export_person(bob)
        with place.open():
            raise AssertionError("a library with references of others opened")


def test_two_references_of_one_person_cannot_be_exchanged(
    library: Library, place: Place, ann: str
) -> None:
    with closing(dbapi2.connect(place.library / "library.sqlite3")) as connection:
        query = 'SELECT reference_id, crop FROM "references" WHERE person_id = ?'
        (first, _), (_, crop) = connection.execute(query, (ann,)).fetchall()
        connection.execute('UPDATE "references" SET crop = ? WHERE reference_id = ?', (crop, first))
        connection.commit()
    with pytest.raises(StorageError):
        library.export_person(ann)


def test_a_changed_byte_of_ciphertext_is_refused(library: Library, place: Place, ann: str) -> None:
    key = library.house.keyring.key(ann)
    [(details,)] = rows(library, "SELECT details FROM people WHERE person_id = :p", p=ann)
    unseal(key, details, context=f"details/{ann}")
    for position in (0, 5, 20, len(details) - 1):
        changed = bytearray(details)
        changed[position] ^= 1
        with pytest.raises(StorageError):
            unseal(key, bytes(changed), context=f"details/{ann}")


def test_the_same_words_twice_read_differently(library: Library) -> None:
    for person in (11, 12):
        enrol(library, "The same name", person)
    [(first,), (second,)] = rows(library, "SELECT details FROM people")
    assert first[1:20] != second[1:20]


def test_keys_are_wrapped_and_their_files_are_their_owners_alone(
    place: Place, library: Library, ann: str
) -> None:
    assert place.keys not in [place.library, *place.library.parents]
    for path in (place.keys, *place.keys.iterdir()):
        assert path.stat().st_mode & 0o077 == 0
    for path in (place.library, place.library / "library.sqlite3"):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


def test_no_log_line_and_no_error_holds_anything_personal(
    log: pytest.LogCaptureFixture, library: Library, ann: str, engine: RecordingEngine
) -> None:
    found_names(library, ANN)
    attempts: list[Any] = [
        lambda: enrol(library, "Żaneta Przybyłowicz", ANN),
        lambda: library.renew(ann, expires_at=library.house.clock() - timedelta(days=300)),
        lambda: library.narrow(ann, drop_purposes=["be_found", "find_me"]),
        lambda: library.withdraw(ann, requested_by="operator"),
        lambda: library.resolve_person("Żaneta"),
        lambda: library.search(b"\xff\xd8broken", purpose="be_found"),
    ]
    said = []
    for attempt in attempts:
        with pytest.raises(LikenessError) as caught:
            attempt()
        said.append(f"{caught.value!r} {caught.value}")
    library.withdraw(ann)
    for text in (*said, log.text):
        for word in ("Przybyłowicz", "Throckmorton", "2014-11-03", "blue form"):
            assert word not in text
        for made in engine.made[:2]:
            assert repr(float(made[0]))[:7] not in text


def _words_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _words_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words_of(inner)
    elif isinstance(value, str):
        yield value
