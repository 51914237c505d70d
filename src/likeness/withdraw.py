"""Withdraw: consent withdrawn -> key destroyed, links and index entries gone -> receipt.

Two files, so the order is law: the data says first that nobody finds this person any more, then
the key goes for good, then the rows. Whatever was begun is finished when the library is opened
next.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from likeness.audit.commitment import NONCE_BYTES, commit
from likeness.audit.receipt import ReceiptBody, ReceiptKind, build_receipt
from likeness.audit.receipt_file import write_receipt
from likeness.consent.policy import KEEP_EXPIRED_DAYS, require_may_withdraw
from likeness.desk import require_reachable
from likeness.errors import LibraryBusy, LogTampered
from likeness.house import House
from likeness.store import audit_log, erasures, links, people, receipts
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
        ``"person"``, ``"guardian"``, ``"representative"`` or ``"operator"``; by default the person,
        or for an estate the representative.

    Raises
    ------
    NotFound
        In the same words whether the id is unknown or this account may not reach the person.
    ConsentRefused
        Where whoever asks may not.
    LogTampered, StorageError
        Where the audit log is damaged: the person is erased, and no receipt can be signed yet.
    """
    # (1) One data transaction: consent withdrawn, erasure pending, findable no more. No damage to
    # the audit log stands in its way.
    with house.store.transaction() as connection:
        _require_may(house, connection, person_id, requested_by)
        _begin_erasure(house, connection, person_id, kind="withdrawal")
    _audit_stop(house, person_id, did="withdrawal", requested_by=requested_by)
    # (2) to (5) The key, then the rows; the receipt.
    return finish_erasure(house, person_id)


def finish_erasure(house: House, person_id: str) -> Withdrawn:
    """Carry an erasure that was begun to its end; safe to call again at any point.

    Raises
    ------
    LogTampered, StorageError
        Where the audit log is damaged: the person is erased, and no receipt can be signed yet.
    """
    # (2) The key is replaced by a tombstone, on disk before anything else happens.
    house.keyring.destroy(person_id)
    # (3) Rows deleted, in one transaction.
    with house.store.transaction() as connection:
        erasure = erasures.load(connection, person_id)
        if erasure.state == "pending":
            _delete_rows(house, connection, person_id)
    house.eligibility.refresh()
    # (4) Nothing of the rows stays in the files, once nobody reads an older state of them.
    overwritten = _overwrite_deleted(house)
    # (5) The receipt, the same one however often it is asked for.
    with house.transaction() as connection:
        receipt = receipts.find(connection, erasure.serial)
        if receipt is None:
            receipt = _issue(house, connection, erasure)
        if overwritten:
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
            with house.store.transaction() as connection:
                _begin_erasure(house, connection, person_id, kind="withdrawal")
    for person_id in sorted({*unfinished, *returned}):
        # Erased they are; what is still owed, such as a receipt under a damaged log, waits.
        with suppress(LogTampered):
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
        with house.store.transaction() as connection:
            if not _ended_before(house, connection, [person_id], before):
                continue
            _begin_erasure(house, connection, person_id, kind="expiry")
        with suppress(LogTampered):
            _audit_stop(house, person_id, did="expiry", requested_by=None)
            finish_erasure(house, person_id)
    return len(expired)


def _require_may(
    house: House, connection: Connection, person_id: str, requested_by: str | None
) -> None:
    require_reachable(house, connection, person_id)
    key = house.keyring.key(person_id)
    for consent in people.consents_of(connection, person_id, key=key):
        if consent.state == "given":
            speaks = "representative" if consent.basis == "estate" else "person"
            require_may_withdraw(consent, requested_by=requested_by or speaks)


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


def _audit_stop(house: House, person_id: str, *, did: str, requested_by: str | None) -> None:
    """Note who asked. A damaged log keeps nobody from leaving; verification names the damage."""
    with suppress(LogTampered), house.transaction() as connection:
        erasure = erasures.load(connection, person_id)
        house.audit_deed(
            connection,
            kind="stop",
            details={
                "did": did,
                "requested_by": requested_by,
            },
            commitments=erasure.commitments,
        )


def _overwrite_deleted(house: House) -> bool:
    """Whether nothing is left in the files; another reader may keep an older state for a while."""
    try:
        house.store.overwrite_deleted()
    except LibraryBusy:
        return False
    return True


def _delete_rows(house: House, connection: Connection, person_id: str) -> None:
    # The faces that were theirs may be somebody else's: the next rescan decides those photos anew.
    set_matched_through(connection, links.photos_of_person(connection, person_id), NEVER_MATCHED)
    links.delete_links_of_person(connection, person_id)
    audit_log.delete_details(connection, person_id)
    people.delete_person(connection, person_id)
    erasures.set_state(connection, person_id, "deleted")
    erasures.keep_tombstone_head(connection, *house.keyring.tombstone_head())


def _issue(house: House, connection: Connection, erasure: erasures.Erasure) -> bytes:
    now = house.clock()
    body = ReceiptBody(
        serial=erasure.serial,
        kind=erasure.kind,
        issued_at=now.replace(microsecond=0),
        counts=erasure.counts,
        commitments=erasure.commitments,
    )
    return append_receipt(house, connection, body, at=now)


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
