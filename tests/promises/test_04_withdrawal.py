"""Promise 4: withdrawing consent stops findability before the call returns, destroys that person's
key, and gives a receipt that anyone can verify offline."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from byte_scan import forms_of_bytes, forms_of_template, forms_of_text, scan
from PIL import Image, ImageOps
from promise_house import (
    Place,
    enrol,
    found_names,
    kill,
    make_place,
    rows,
    said_yes,
    start_process,
    wait_for,
)
from pysqlite3 import dbapi2
from synthetic_engine import DOUBTFUL_ALONE, NEAR, Drawn, RecordingEngine, save

from likeness.audit.receipt_file import verify_receipt
from likeness.errors import (
    ConsentRefused,
    KeyErased,
    NotFound,
    NotVerified,
    SignerNotChecked,
    StorageError,
)
from likeness.library import Library
from likeness.records.person import Guardian

ANN, BOB = 1, 2
NAME, GUARDIAN, STATEMENT = "Ängström Ödegård", "Quincey Xanthopoulos", "her mother signed at noon"


@pytest.fixture
def child(library: Library, tmp_path: Path) -> str:
    """Somebody with everything that can be kept of a person: links, proposals, guardian, audit."""
    folder = tmp_path / "photos"
    save(folder / "one.png", Drawn(person=ANN, look=NEAR), salt=1)
    save(folder / "two.png", Drawn(person=ANN), Drawn(person=BOB), salt=2)
    save(folder / "maybe.png", Drawn(person=ANN, look=DOUBTFUL_ALONE), salt=3)
    library.ingest(folder, collection="party")
    person_id = enrol(
        library,
        NAME,
        ANN,
        "find_me",
        "be_found",
        basis="guardian_consent",
        is_adult=False,
        birth_date=date(2015, 5, 17),
        guardian=Guardian(name=GUARDIAN, relation="mother"),
        statement=STATEMENT,
    )
    assert found_names(library, ANN) == [NAME]
    [proposal] = library.proposals()
    library.decide(proposal.photo.sha256, face=1, person_id=person_id, decision="different")
    return person_id


def test_nobody_finds_them_once_the_call_returns(
    library: Library, child: str, place: Place
) -> None:
    with place.open() as other:
        assert found_names(other, ANN) == [NAME]
        library.withdraw(child)
        for opened in (other, library):
            assert found_names(opened, ANN) == []
            assert found_names(opened, ANN, as_person=child) == []
            assert opened.people() == []
            assert opened.proposals() == []
            with pytest.raises(NotFound):
                opened.show(child)
            with pytest.raises(NotFound):
                opened.consents(child)
            with pytest.raises(NotFound):
                opened.withdraw(child)


def test_a_photo_that_arrives_after_is_linked_with_nobody(
    library: Library, child: str, place: Place, tmp_path: Path
) -> None:
    with place.open() as other:
        other.house.eligibility.refresh()
        library.withdraw(child)
        save(tmp_path / "later" / "x.png", Drawn(person=ANN), salt=50)
        other.ingest(tmp_path / "later", collection="party")
        other.rescan()
        for table in ("links", "proposals", "people", "consents", '"references"'):
            assert rows(library, f"SELECT count(*) FROM {table}") == [(0,)], table


def test_another_process_that_is_idle_overwrites_what_it_held(
    library: Library, child: str, place: Place
) -> None:
    process = start_process(place, "watch")
    try:
        holds = int(wait_for(process, "holds")[1])
        assert holds > 0
        library.withdraw(child)
        begun = time.monotonic()
        while int(wait_for(process, "holds")[1]):
            assert time.monotonic() - begun < 5
        assert time.monotonic() - begun < 2.5
    finally:
        kill(process)


def test_the_memory_of_an_idle_process_no_longer_holds_the_template(
    library: Library, child: str, place: Place
) -> None:
    with place.open() as other:
        gallery = other.house.eligibility.gallery
        blocks = gallery.memory()
        assert any(block.any() for block in blocks)
        library.withdraw(child)
        deadline = time.monotonic() + 3
        while len(gallery) and time.monotonic() < deadline:
            time.sleep(0.05)
        # The very memory that held it, also where it was given back.
        assert not any(block.any() for block in blocks)
        assert not any(block.any() for block in gallery.memory())


def test_no_byte_of_them_stays_in_any_file(
    library: Library, child: str, place: Place, engine: RecordingEngine
) -> None:
    house = library.house
    key = house.keyring.key(child)
    held = np.concatenate(house.eligibility.gallery.memory())
    templates = [*engine.made, *held[held.any(axis=1)]]
    exported = library.export_person(child)
    jpegs = [forms_of_bytes(_decoded(one)) for one in exported["references"]]
    sealed = _sealed(library, child) | {_wrapped(place, child)}
    assert len(sealed) >= 8
    for blob in sealed:
        assert scan(place.files(), {"sealed": blob}), "each of these is there before"
    library.withdraw(child)
    for made in templates:
        assert scan(place.files(), forms_of_template(made)) == set()
    for forms in jpegs:
        assert scan(place.files(), forms) == set()
    for word in (NAME, GUARDIAN, STATEMENT, "2015-05-17", "Ängström"):
        assert scan(place.files(), forms_of_text(word)) == set()
    assert scan(place.files(), forms_of_bytes(key)) == set()
    for blob in sealed:
        assert scan(place.files(), {"sealed": blob}) == set()
    with pytest.raises(KeyErased):
        house.keyring.key(child)
    with pytest.raises(KeyErased):
        house.keyring.create_key(child)


def test_nothing_personal_is_in_clear_even_before(
    library: Library, child: str, place: Place, engine: RecordingEngine
) -> None:
    for made in engine.made:
        assert scan(place.files(), forms_of_template(made)) == set()
    for word in (NAME, GUARDIAN, STATEMENT, "2015-05-17", "guardian_consent"):
        assert scan(place.files(), forms_of_text(word)) == set()
    assert scan(place.files(), forms_of_bytes(library.house.keyring.key(child))) == set()


def test_the_receipt_verifies_offline_and_says_nothing_personal(
    library: Library, child: str, tmp_path: Path
) -> None:
    withdrawn = library.withdraw(child)
    verified = verify_receipt(withdrawn.receipt, key=library.verifier_key)
    assert verified.receipt.body.kind == "withdrawal"
    assert verified.receipt.body.serial == withdrawn.serial
    assert verified.receipt.body.counts["people"] == 1
    assert verified.receipt.body.counts["references"] == 2
    for word in (NAME, GUARDIAN, STATEMENT, "2015-05-17", child, "one.png", str(tmp_path)):
        assert word.encode() not in withdrawn.receipt
    # Whoever holds nothing but the file and the library's public key.
    file = tmp_path / "receipt.json"
    file.write_bytes(withdrawn.receipt)
    check = (
        "import sys; from likeness.audit.receipt_file import verify_receipt;"
        "verify_receipt(open(sys.argv[1], 'rb').read(), key=sys.argv[2]); print('holds')"
    )
    command = [sys.executable, "-c", check, str(file), library.verifier_key]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert ran.stdout == "holds\n"
    with pytest.raises(SignerNotChecked):
        verify_receipt(withdrawn.receipt, key=None)
    assert library.receipt(withdrawn.serial) == withdrawn.receipt
    library.verify_audit()


def test_a_receipt_that_was_changed_or_comes_from_elsewhere_does_not_verify(
    library: Library, child: str, tmp_path: Path
) -> None:
    receipt = library.withdraw(child).receipt
    document = json.loads(receipt)
    document["body"]["counts"]["links"] += 1
    changed = (json.dumps(document, indent=2) + "\n").encode()
    with pytest.raises(NotVerified):
        verify_receipt(changed, key=library.verifier_key)
    with make_place(tmp_path / "elsewhere").open() as other, pytest.raises(NotVerified):
        verify_receipt(receipt, key=other.verifier_key)


def test_a_guardian_consent_is_withdrawn_by_child_or_guardian(library: Library, child: str) -> None:
    with pytest.raises(ConsentRefused):
        library.withdraw(child, requested_by="operator")
    assert found_names(library, ANN) == [NAME]
    library.withdraw(child, requested_by="guardian")
    assert found_names(library, ANN) == []


def _fail(*_given: Any, **_named: Any) -> None:
    raise StorageError("The disk failed.")


def _without_key(library: Library, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(library.house.keyring, "destroy", _fail)


def _without_rows(_library: Library, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("likeness.withdraw.append_receipt", _fail)


def _without_overwriting(library: Library, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(library.house.store, "overwrite_deleted", _fail)


def _without_end(_library: Library, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("likeness.store.erasures.set_state", _fail)


@pytest.mark.parametrize(
    "broken", [_without_key, _without_rows, _without_overwriting, _without_end]
)
def test_a_withdrawal_that_breaks_off_hides_at_once_and_is_finished_at_the_next_opening(
    library: Library,
    child: str,
    place: Place,
    broken: Callable[[Library, pytest.MonkeyPatch], None],
) -> None:
    sealed = _sealed(library, child)
    with place.open() as other:
        with pytest.MonkeyPatch.context() as patch:
            broken(library, patch)
            with pytest.raises(StorageError):
                library.withdraw(child)
        assert found_names(other, ANN) == found_names(library, ANN) == []
        assert other.people() == library.people() == []
        assert found_names(other, ANN, as_person=child) == []
    with place.open() as reopened:
        [(serial, kind, _)] = reopened.receipts()
        assert kind == "withdrawal"
        verify_receipt(reopened.receipt(serial), key=reopened.verifier_key)
        assert rows(reopened, "SELECT count(*) FROM people") == [(0,)]
        assert rows(reopened, "SELECT state FROM erasures") == [("done",)]
        with pytest.raises(KeyErased):
            reopened.house.keyring.key(child)
        for blob in sealed:
            assert scan(place.files(), {"sealed": blob}) == set()
        reopened.verify_audit()


def test_two_withdrawals_at_once_give_the_same_receipt(
    library: Library, child: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second begins between the first one's stop and the end of the key."""
    destroy = library.house.keyring.destroy
    receipts = []

    def meanwhile(person_id: str) -> None:
        monkeypatch.undo()
        with place.open() as other:
            receipts.extend(other.receipt(serial) for serial, _, _ in other.receipts())
        destroy(person_id)

    monkeypatch.setattr(library.house.keyring, "destroy", meanwhile)
    receipts.append(library.withdraw(child).receipt)
    assert len(receipts) == 2 and receipts[0] == receipts[1]
    library.verify_audit()


def test_an_expired_consent_is_erased_after_thirty_days_with_a_receipt(
    place: Place, clock: Any
) -> None:
    with place.open() as library:
        ann = enrol(library, NAME, ANN, consent=said_yes(expires_at=clock() + timedelta(days=10)))
        sealed = _sealed(library, ann)
    clock.advance(days=40, microseconds=-1)
    with place.open() as library:
        assert rows(library, "SELECT count(*) FROM people") == [(1,)]
    clock.advance(microseconds=1)
    with place.open() as library:
        assert rows(library, "SELECT count(*) FROM people") == [(0,)]
        [(serial, kind, _)] = library.receipts()
        assert kind == "expiry"
        verify_receipt(library.receipt(serial), key=library.verifier_key)
        with pytest.raises(KeyErased):
            library.house.keyring.key(ann)
    for blob in sealed:
        assert scan(place.files(), {"sealed": blob}) == set()


def test_with_the_real_networks_the_whole_story_ends_with_nothing_of_a_portrait(
    tmp_path: Path, portraits: Any, networks: Any, decoders: Any
) -> None:
    engine = RecordingEngine(networks)
    place = make_place(tmp_path / "real", engine=engine, decoders=decoders)
    collins, hopper = (Image.fromarray(pixels) for pixels in portraits)
    folder = tmp_path / "portraits"
    folder.mkdir()
    ImageOps.mirror(collins).save(folder / "mirrored.jpg", quality=85)
    collins.crop((60, 0, 400, 300)).save(folder / "cropped.png")
    hopper.point(lambda value: max(0, value - 20)).save(folder / "hopper.jpg", quality=90)
    with place.open() as library:
        library.ingest(folder, collection="party")
        references = [portraits.collins, np.asarray(collins.resize((448, 448)))]
        enrolled = library.enrol(NAME, references, consent=said_yes())
        [found] = library.search(folder / "mirrored.jpg", purpose="be_found").candidates
        assert (found.name, found.strength) == (NAME, "strong")
        items = {s.item for photo in found.photos for s in photo.sightings}
        assert items == {"mirrored.jpg", "cropped.png"}
        assert library.search(portraits.hopper, purpose="be_found").candidates == ()
        jpegs = [_decoded(o) for o in library.export_person(enrolled.person_id)["references"]]
        assert all(jpeg.startswith(b"\xff\xd8") for jpeg in jpegs)
        held = np.concatenate(library.house.eligibility.gallery.memory())
        templates = [*engine.made, *held[held.any(axis=1)]]
        sealed = _sealed(library, enrolled.person_id)
        withdrawn = library.withdraw(enrolled.person_id)
        verify_receipt(withdrawn.receipt, key=library.verifier_key)
        assert library.search(folder / "mirrored.jpg", purpose="be_found").candidates == ()
        library.verify_audit()
        assert len(templates) > 6
        for made in templates:
            assert scan(place.files(), forms_of_template(made)) == set()
        for data in (*jpegs, *sealed):
            assert scan(place.files(), forms_of_bytes(data)) == set()
        assert scan(place.files(), forms_of_text(NAME)) == set()


def _decoded(reference: dict[str, str]) -> bytes:
    return base64.b64decode(reference["crop_jpeg_base64"])


def _sealed(library: Library, person_id: str) -> set[bytes]:
    """Every ciphertext under a person's key."""
    found: set[bytes] = set()
    for query in (
        "SELECT details FROM people WHERE person_id = :p",
        "SELECT record FROM consents WHERE person_id = :p",
        'SELECT template FROM "references" WHERE person_id = :p',
        'SELECT crop FROM "references" WHERE person_id = :p',
        "SELECT sealed FROM audit_details WHERE subject_id = :p",
    ):
        found |= {bytes(row[0]) for row in rows(library, query, p=person_id)}
    return found


def _wrapped(place: Place, person_id: str) -> bytes:
    """A person's key as the keyring keeps it."""
    with closing(dbapi2.connect(place.keys / "keyring.sqlite3")) as connection:
        query = "SELECT wrapped FROM subject_keys WHERE subject_id = ?"
        return bytes(connection.execute(query, (person_id,)).fetchone()[0])
