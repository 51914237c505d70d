"""Promises 4 and 5, for everything that is kept of a person: whatever they and others did, nothing
of it is left that can be read, also in a backup from before.

The tables are looked through as they are: one that is added, and keeps something of people, fails
here until somebody has thought about how it goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from byte_scan import forms_of_bytes, forms_of_template, forms_of_text, scan
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from portal_parts import own_house, sha256
from promise_house import Clock, Place, found_names, rows
from pysqlite3 import dbapi2
from soft_authenticator import SoftAuthenticator
from synthetic_engine import DOUBTFUL_AMONG_TEN, NEAR, Drawn, RecordingEngine, draw, save

from likeness import (
    approval,
    invitations,
    passkeys,
    portal_decisions,
    portal_references,
    review,
    same_people,
    signing_in,
)
from likeness.challenges import Challenges
from likeness.errors import NotFound, NotSignedIn
from likeness.invited import enrol_by_invitation
from likeness.library import Library
from likeness.passkeys import Site
from likeness.records.invitation import Answers
from likeness.records.person import Guardian
from likeness.store.envelope import OVERHEAD_BYTES, seal
from likeness.store.schema import metadata
from likeness.withdraw import withdraw

ANN, AGAIN = 1, 5
SITE = Site(host="localhost", origin="http://localhost")
MARKS = {
    "name": "Ängström Ödegård",
    "other name": "Wilhelmina Prendergast",
    "guardian": "Quincey Xanthopoulos",
    "relation": "stepgrandmother",
    "birth date": "2014-05-17",
    "label of the invitation": "Prendergast of the second team",
    "label of the passkey": "Ödegård's mauve telephone",
    "browser": "Netscape Navigator on Plan 9",
}

ELSEWHERE = {"staged_templates"}
"""Tables that hold somebody only while the pack changes: test_13_changing_the_pack.py."""

STAYS = {"erasures.person_id"}
"""What of a person's id is left: that whoever had it was erased."""


@dataclass(frozen=True, kw_only=True)
class Furnished:
    """Two enrolments of one human being, and everything that they have and do."""

    people: tuple[str, str]
    session: str
    back: str
    device: SoftAuthenticator
    challenges: Challenges


def enrolled(library: Library, person: int, answers: Answers, **label: str) -> tuple[str, str]:
    """By an invitation that an operator approves; returns their id and their link back."""
    made = invitations.invite(
        library.house, collections=["party"], purposes=["find_me", "be_found"], **label
    )
    images = [draw(Drawn(person=person), salt=salt) for salt in (1, 2)]
    done = enrol_by_invitation(library.house, made.secret, answers=answers, images=images)
    approval.approve(library.house, made.invitation.invitation_id)
    return done.person_id, done.back


def furnish(library: Library, clock: Clock, tmp_path: Path) -> Furnished:
    """Everything that can be kept of somebody, by the ways that keep it."""
    folder = tmp_path / "photos"
    for number in range(3):
        save(folder / f"{number}.png", Drawn(person=ANN, look=NEAR), salt=number)
    for number in range(2):
        save(
            folder / f"maybe {number}.png",
            Drawn(person=ANN, look=DOUBTFUL_AMONG_TEN),
            salt=7 + number,
        )
    save(folder / "again.png", Drawn(person=AGAIN), salt=9)
    library.ingest(folder, collection="party")
    both = frozenset({"find_me", "be_found"})
    answers = Answers(name=MARKS["other name"], purposes=both, is_adult=True)
    other, _ = enrolled(library, AGAIN, answers)
    ann, back = enrolled(
        library,
        ANN,
        Answers(
            name=MARKS["name"],
            purposes=both,
            birth_date=date.fromisoformat(MARKS["birth date"]),
            guardian=Guardian(name=MARKS["guardian"], relation=MARKS["relation"]),
        ),
        label=MARKS["label of the invitation"],
    )
    # An operator says that both are one human being, decides about a photo and leaves another open.
    same_people.merge(library.house, ann, other)
    proposed = library.proposals()
    assert len(proposed) == 2
    review.decide(
        library.house,
        sha256=proposed[0].photo.sha256,
        face=1,
        person_id=ann,
        decision="same",
    )
    # The person decides themself, and gives another reference.
    own = own_house(library, ann)
    portal_decisions.not_me(own, sha256(library, "1.png"))
    portal_references.add_references(own, [draw(Drawn(person=ANN, shot=4), salt=44)])
    assert found_names(library, ANN) == [MARKS["name"]]
    # Their way back, a passkey, and a session in a browser.
    subject = signing_in.take_link(library.house, back, kind="return")
    secret, session = signing_in.begin_session(
        library.house, subject_id=subject, device=MARKS["browser"]
    )
    device, challenges = SoftAuthenticator(), Challenges(clock)
    options = passkeys.adding_options(library.house, SITE, challenges, ann)
    passkeys.add_passkey(
        library.house,
        SITE,
        challenges,
        device.make(options),
        session=session,
        label=MARKS["label of the passkey"],
    )
    return Furnished(
        people=(ann, other), session=secret, back=back, device=device, challenges=challenges
    )


@pytest.fixture
def everything(library: Library, clock: Clock, tmp_path: Path) -> Furnished:
    return furnish(library, clock, tmp_path)


def text_forms() -> dict[str, bytes]:
    return {
        f"{what}, {form}": data
        for what, word in MARKS.items()
        for form, data in forms_of_text(word).items()
    }


def naming(library: Library, person_id: str) -> set[str]:
    """Every column, as ``table.column``, in which an id stands, by itself or inside a text."""
    found = set()
    for table in metadata.tables.values():
        for column in table.columns:
            query = (
                f'SELECT count(*) FROM "{table.name}"'
                f' WHERE instr(CAST("{column.name}" AS TEXT), :p) > 0'
            )
            if rows(library, query, p=person_id) != [(0,)]:
                found.add(f"{table.name}.{column.name}")
    return found


def kept_keys(place: Place, library: Library) -> list[bytes]:
    """Every key that the keyring holds today."""
    with closing(dbapi2.connect(place.keys / "keyring.sqlite3")) as connection:
        ids = [row[0] for row in connection.execute("SELECT subject_id FROM subject_keys")]
    return list(library.house.keyring.keys(ids).values())


def readable(data: Path, keys: Iterable[bytes]) -> set[str]:
    """Which marks somebody reads who has a library's data and these keys.

    Whatever an envelope is bound to is passed over: AES-GCM encrypts as AES-CTR does.
    """
    keys, texts = list(keys), text_forms()
    with closing(dbapi2.connect(data / "library.sqlite3")) as connection:
        blobs: list[bytes] = []
        for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"):
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                blobs += [value for value in row if isinstance(value, bytes)]
                blobs += [value.encode() for value in row if isinstance(value, str)]
    found = set()
    while blobs:
        blob = blobs.pop()
        found |= {name.split(",")[0] for name, form in texts.items() if form in blob}
        if len(blob) >= OVERHEAD_BYTES and blob[:1] == b"\x01":
            # An envelope inside an envelope begins as one does; noise does so once in 256 times.
            opened = [_opened(key, blob) for key in keys]
            blobs += opened if len(blob) < 100_000 else []
    return found


def _opened(key: bytes, sealed: bytes) -> bytes:
    counter = sealed[1:13] + (2).to_bytes(4)
    return Cipher(AES(key), CTR(counter)).decryptor().update(sealed[13:-16])


def require_gone(library: Library, place: Place, everything: Furnished) -> None:
    for person_id in everything.people:
        assert naming(library, person_id) == STAYS
    assert scan(place.files(), text_forms()) == set()
    for way in (
        lambda: signing_in.session_of(library.house, everything.session),
        lambda: signing_in.take_link(library.house, everything.back, kind="return"),
        lambda: _signs_in(library, everything),
    ):
        with pytest.raises((NotSignedIn, NotFound)):
            way()


def _signs_in(library: Library, everything: Furnished) -> str:
    options = passkeys.sign_in_options(SITE, everything.challenges)
    answer = everything.device.sign(options)
    return passkeys.sign_in_with_passkey(library.house, SITE, everything.challenges, answer)


def test_every_table_that_can_keep_somebody_is_furnished(
    library: Library, everything: Furnished
) -> None:
    """What the tests below do not put into a table, they cannot see go."""
    by_name = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if column.name in ("person_id", "subject_id") and table.name not in ELSEWHERE
    }
    found = set().union(*(naming(library, one) for one in everything.people))
    assert found >= by_name - STAYS
    assert _signs_in(library, everything) == everything.people[0]


def test_nothing_of_them_is_left_in_any_table_or_file(
    library: Library, place: Place, everything: Furnished, engine: RecordingEngine
) -> None:
    held = np.concatenate(library.house.eligibility.gallery.memory())
    templates = [*engine.made, *held[held.any(axis=1)]]
    keys = [library.house.keyring.key(one) for one in everything.people]
    withdraw(own_house(library, everything.people[0]), everything.people[0])
    require_gone(library, place, everything)
    for made in templates:
        assert scan(place.files(), forms_of_template(made)) == set()
    for key in keys:
        assert scan(place.files(), forms_of_bytes(key)) == set()
    assert {count for (count,) in rows(library, "SELECT count(*) FROM photos")} == {6}


def test_a_backup_from_before_tells_nothing_to_whoever_has_the_keyring_of_today(
    library: Library, place: Place, everything: Furnished
) -> None:
    backup = place.back_up("backup")
    assert readable(backup, kept_keys(place, library)) == set(MARKS)
    withdraw(own_house(library, everything.people[0]), everything.people[0])
    assert readable(backup, kept_keys(place, library)) == set()


def test_a_backup_from_before_that_is_put_back_brings_nothing_back(
    place: Place, clock: Clock, tmp_path: Path
) -> None:
    with place.open() as library:
        furnished = furnish(library, clock, tmp_path)
        backup = place.back_up("backup")
        withdraw(own_house(library, furnished.people[0]), furnished.people[0])
    place.restore(backup)
    with place.open() as again:
        require_gone(again, place, furnished)


def test_an_envelope_is_read_without_what_it_is_bound_to() -> None:
    """Else the test of backups would see nothing whatever stood there."""
    key = b"k" * 32
    assert _opened(key, seal(key, b"Quincey", context="anything")) == b"Quincey"
