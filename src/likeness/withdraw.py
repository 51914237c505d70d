"""Withdraw: consent withdrawn -> key destroyed, links and index entries gone -> receipt.

Two files, so the order is law: the data says first that nobody finds this person any more, then
the key goes for good, then the rows. Whatever was begun is finished when the library is opened
next.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from likeness.audit.commitment import NONCE_BYTES, commit
from likeness.audit.receipt import ReceiptBody, ReceiptKind, build_receipt
from likeness.audit.receipt_file import write_receipt
from likeness.consent.policy import kept_until, require_may_withdraw
from likeness.desk import require_reachable
from likeness.errors import ConsentRefused, LibraryBusy, LogTampered, NotFound, StorageError
from likeness.house import House
from likeness.signing_in import forget_subject
from likeness.store import (
    audit_log,
    decisions,
    erasures,
    invitations,
    links,
    people,
    receipts,
    same_people,
)
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
    others : tuple of Withdrawn
        The same for each other enrolment of the same human being, as far as whoever is acting may
        know of them.
    """

    serial: str
    receipt: bytes
    others: tuple[Withdrawn, ...] = ()


def withdraw(house: House, person_id: str, *, requested_by: str | None = None) -> Withdrawn:
    """Stop a person's findability, destroy their key, delete what is theirs, and give a receipt.

    Whoever says stop means all of it: enrolments that were merged with theirs go with it, each with
    a receipt of its own. An operator who withdraws somebody on their own account reaches no other
    enrolment than those that they may reach one by one.

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
        require_reachable(house, connection, person_id)
        _require_asked_rightly(house, connection, person_id, requested_by)
        others, known = _same_human(house, connection, person_id, requested_by)
        for one in (person_id, *others):
            _begin_erasure(house, connection, one, kind="withdrawal")
    for one in (person_id, *others):
        _audit_stop(house, one, did="withdrawal", requested_by=requested_by)
    # (2) to (5) The key, then the rows; the receipt.
    done, damage = {}, None
    for one in (person_id, *others):
        try:
            done[one] = finish_erasure(house, one)
        except (LogTampered, StorageError) as error:
            damage = damage or error
    if damage is not None:
        raise damage
    told = tuple(done[one] for one in others if one in known)
    return replace(done[person_id], others=told)


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
    """Erase everybody whose last consent ended, or waited in vain, over 30 days; returns how many.

    What invitations that ended say of whom they were for is forgotten too.
    """
    now = house.clock()
    with house.store.snapshot() as connection:
        house.eligibility.refresh(connection)
        lapsed = set(people.person_ids(connection)) - house.eligibility.people_with_consent()
        expired = _ended_by(house, connection, sorted(lapsed), now)
        labels = invitations.labels_of_ended(connection, now)
    if labels:
        with house.store.transaction() as connection:
            invitations.forget_labels_of_ended(connection, now)
    for person_id in expired:
        with house.store.transaction() as connection:
            if not _ended_by(house, connection, [person_id], now):
                continue
            _begin_erasure(house, connection, person_id, kind="expiry")
        with suppress(LogTampered):
            _audit_stop(house, person_id, did="expiry", requested_by=None)
            finish_erasure(house, person_id)
    return len(expired)


def erase_declined(house: House, turned_down: Callable[[Connection], str]) -> Withdrawn:
    """Erase somebody whose enrolment an operator declined.

    Parameters
    ----------
    house : House
    turned_down : callable
        Returns, in the transaction that begins the erasure, whom; raises where nobody is.

    Raises
    ------
    LogTampered, StorageError
        Where the audit log is damaged: the person is erased, and no receipt can be signed yet.
    """
    with house.store.transaction() as connection:
        person_id = turned_down(connection)
        _begin_erasure(house, connection, person_id, kind="declined")
    _audit_stop(house, person_id, did="declined", requested_by="operator")
    return finish_erasure(house, person_id)


def _require_asked_rightly(
    house: House, connection: Connection, person_id: str, requested_by: str | None
) -> None:
    key = house.keyring.key(person_id)
    for consent in people.consents_of(connection, person_id, key=key):
        if consent.state == "given":
            speaks = "representative" if consent.basis == "estate" else "person"
            require_may_withdraw(consent, requested_by=requested_by or speaks)


def _same_human(
    house: House, connection: Connection, person_id: str, requested_by: str | None
) -> tuple[list[str], set[str]]:
    """Other enrolments of the human being that go too, and which of them the actor may know."""
    found = house.keyring.keys(same_people.group_with(connection, person_id))
    others, known = [], set()
    for other in sorted(set(found) - {person_id}):
        try:
            _require_asked_rightly(house, connection, other, requested_by)
        except ConsentRefused:
            # Such as a guardian's word about what the child agreed to when grown up.
            continue
        try:
            require_reachable(house, connection, other)
            known.add(other)
        except NotFound:
            if requested_by == "operator":
                continue
        others.append(other)
    return others, set(others) if house.account.account_id == person_id else known


def _ended_by(
    house: House, connection: Connection, person_ids: Sequence[str], now: datetime
) -> list[str]:
    consents = people.consents_of_many(connection, house.keyring.keys(person_ids))
    return [
        person_id
        for person_id, records in sorted(consents.items())
        if all(kept_until(c) <= now for c in records)
    ]


def _begin_erasure(
    house: House, connection: Connection, person_id: str, *, kind: ReceiptKind
) -> None:
    now = house.clock()
    people.withdraw_consents(connection, person_id)
    # They are signed out at once, and no way back in is left.
    forget_subject(connection, person_id)
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
    decisions.forget_person(connection, person_id)
    same_people.take_out(connection, person_id)
    invitations.forget_person(connection, person_id)
    audit_log.delete_details(connection, person_id)
    # Once more: a restored backup may have brought a way in back after the erasure began.
    forget_subject(connection, person_id)
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
