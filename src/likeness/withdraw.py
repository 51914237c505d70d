"""Withdraw: consent withdrawn -> key destroyed, links and index entries gone -> receipt.

Two files, so the order is law: the data says first that nobody finds this person any more, then
the key goes for good, then the rows. Whatever was begun is finished when the library is opened
next.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from likeness.audit.commitment import NONCE_BYTES, commit
from likeness.audit.receipt import ReceiptBody, ReceiptKind, build_receipt
from likeness.audit.receipt_file import write_receipt
from likeness.consent.policy import KEEP_EXPIRED_DAYS, require_may_withdraw
from likeness.errors import NotFound
from likeness.house import House
from likeness.store import audit_log, erasures, links, people, receipts
from likeness.store.audit_log import Concerned
from likeness.store.changes import raise_change
from likeness.store.photos import NEVER_MATCHED, set_matched_through


@dataclass(frozen=True, kw_only=True)
class Withdrawn:
    """What a withdrawal gives.

    Attributes
    ----------
    serial : str
    receipt : bytes
        The signed receipt, as a file's content.
    """

    serial: str
    receipt: bytes


def withdraw(house: House, person_id: str, *, requested_by: str | None = None) -> Withdrawn:
    """Stop a person's findability, destroy their key, delete what is theirs, and give a receipt.

    Parameters
    ----------
    house : House
    person_id : str
    requested_by : str, optional
        ``"person"``, ``"guardian"``, ``"representative"`` or ``"operator"``; by default the one who
        gave the consent speaks.

    Raises
    ------
    NotFound
        Where nobody is kept under this id.
    ConsentRefused
        Where whoever asks may not.
    """
    # (1) One data transaction: consent withdrawn, erasure pending, findable no more.
    with house.transaction() as connection:
        _require_may(house, connection, person_id, requested_by)
        _begin_erasure(house, connection, person_id, kind="withdrawal")
    # (2) and (3) The key, then the rows; the receipt.
    return finish_erasure(house, person_id)


def finish_erasure(house: House, person_id: str) -> Withdrawn:
    """Carry an erasure that was begun to its end; safe to call again at any point."""
    # (2) The key is replaced by a tombstone, on disk before anything else happens.
    house.keyring.destroy(person_id)
    # (3) Rows deleted and the receipt issued, in one transaction.
    with house.transaction() as connection:
        erasure = erasures.load(connection, person_id)
        if erasure.state == "pending":
            receipt = _delete_and_receipt(house, connection, erasure)
        else:
            receipt = receipts.load(connection, erasure.serial)
    # (4) Nothing of the rows stays in the files or in the memory of this process.
    house.store.overwrite_deleted()
    house.eligibility.refresh()
    with house.transaction() as connection:
        erasures.set_state(connection, person_id, "done")
    return Withdrawn(serial=erasure.serial, receipt=receipt)


def finish_pending(house: House) -> int:
    """Finish what a crash interrupted, and erase again whom a restored backup brought back."""
    # Tombstones first: whoever is erased right now by another process has begun before, and is
    # known.
    tombstones = house.keyring.tombstones()
    with house.store.snapshot() as connection:
        unfinished = erasures.unfinished(connection)
        returned = sorted(tombstones.intersection(people.person_ids(connection)))
    for person_id in returned:
        if person_id not in unfinished:
            with house.transaction() as connection:
                _begin_erasure(house, connection, person_id, kind="withdrawal")
    for person_id in sorted({*unfinished, *returned}):
        finish_erasure(house, person_id)
    return len({*unfinished, *returned})


def erase_expired(house: House) -> int:
    """Erase everybody whose last consent ended more than 30 days ago; returns how many."""
    before = house.clock() - timedelta(days=KEEP_EXPIRED_DAYS)
    with house.store.snapshot() as connection:
        house.eligibility.refresh(connection)
        lapsed = set(people.person_ids(connection)) - house.eligibility.people_with_consent()
        expired = _ended_before(house, connection, sorted(lapsed), before)
    for person_id in expired:
        with house.transaction() as connection:
            if not _ended_before(house, connection, [person_id], before):
                continue
            _begin_erasure(house, connection, person_id, kind="expiry")
        finish_erasure(house, person_id)
    return len(expired)


def _require_may(
    house: House, connection: Connection, person_id: str, requested_by: str | None
) -> None:
    if not people.person_exists(connection, person_id):
        raise NotFound("Nobody is enrolled under this id.", "Check the id that enrol printed.")
    if requested_by is None:
        return
    key = house.keyring.key(person_id)
    for consent in people.consents_of(connection, person_id, key=key):
        if consent.state == "given":
            require_may_withdraw(consent, requested_by=requested_by)


def _ended_before(
    house: House, connection: Connection, person_ids: Sequence[str], before: datetime
) -> list[str]:
    consents = people.consents_of_many(connection, house.keyring.keys(person_ids))
    return [
        person_id
        for person_id, records in sorted(consents.items())
        if all(c.state != "given" or c.ends_at <= before for c in records)
    ]


def _begin_erasure(
    house: House, connection: Connection, person_id: str, *, kind: ReceiptKind
) -> None:
    now = house.clock()
    people.withdraw_consents(connection, person_id)
    changed = raise_change(connection)
    people.mark_changed(connection, person_id, changed=changed, widened=False)
    linked, proposed = links.count_links(connection, person_id)
    counts = {
        "people": 1,
        "references": people.count_references(connection, person_id),
        "links": linked,
        "proposals": proposed,
    }
    # The opening of this commitment is kept nowhere: once the key is gone it names nobody.
    details = json.dumps({"person": person_id, "at": now.isoformat()}, sort_keys=True).encode()
    commitment = commit(secrets.token_bytes(NONCE_BYTES), details)
    erasures.begin(
        connection,
        person_id,
        kind=kind,
        serial=secrets.token_hex(8),
        at=now,
        counts=counts,
        commitments=(commitment,),
        changed=changed,
    )
    audit_log.append(
        connection,
        house.keyring,
        kind="stop",
        at=now,
        concerned=[
            Concerned(
                subject_id=house.account.account_id,
                details={"at": now.isoformat(), "did": kind},
            )
        ],
        commitments=(commitment,),
    )


def _delete_and_receipt(house: House, connection: Connection, erasure: erasures.Erasure) -> bytes:
    now = house.clock()
    person_id = erasure.person_id
    # The faces that were theirs may be somebody else's: the next rescan decides those photos anew.
    set_matched_through(connection, links.photos_of_person(connection, person_id), NEVER_MATCHED)
    links.delete_links_of_person(connection, person_id)
    audit_log.delete_details(connection, person_id)
    people.delete_person(connection, person_id)
    body = ReceiptBody(
        serial=erasure.serial,
        kind=erasure.kind,
        issued_at=now.replace(microsecond=0),
        counts=erasure.counts,
        commitments=erasure.commitments,
    )
    receipt = append_receipt(house, connection, body, at=now)
    erasures.set_state(connection, person_id, "deleted")
    erasures.keep_tombstone_head(connection, *house.keyring.tombstone_head())
    return receipt


def append_receipt(
    house: House, connection: Connection, body: ReceiptBody, *, at: datetime
) -> bytes:
    """Append a receipt's leaf to the audit log and keep the document; returns its bytes."""
    kept = audit_log.append(
        connection,
        house.keyring,
        kind=body.kind,
        at=at,
        commitments=body.commitments,
        digest=body.digest,
    )
    document = write_receipt(
        build_receipt(
            body,
            leaf_index=kept.entry.leaf_index,
            tree_size=kept.entry.leaf_index + 1,
            inclusion_proof=kept.inclusion_proof,
            checkpoint=kept.entry.checkpoint,
            signer=house.keyring.verifier_key(),
        )
    )
    receipts.keep(connection, serial=body.serial, kind=body.kind, at=at, document=document)
    return document
