"""A consent receipt: what one person said yes to, for them to keep and for anybody to verify.

It is put together on demand. What it states is kept under the person's own key alone, beside the
leaf of the audit log that commits to it, and goes with them.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection

from likeness.audit.consent_receipt import LEAF_KIND, ConsentReceipt, write_consent_receipt
from likeness.desk import reached
from likeness.errors import ConsentRefused
from likeness.house import House
from likeness.records.consent import PURPOSES, RECORD_SCHEMA, Consent
from likeness.records.person import Person
from likeness.store import audit_log, people
from likeness.store import collections as collection_rows
from likeness.store.audit_log import Concerned

STANDING: Final = ("given", "waiting")
"""States of a consent that there is something to show of."""


def consent_receipt(house: House, person_id: str) -> bytes:
    """The receipt of the newest consent of one person; the same bytes each time it is asked for.

    A consent that waited has another receipt once it stands.

    Raises
    ------
    NotFound
        In the same words whether the id is unknown or this account may not reach the person.
    ConsentRefused
        No consent of theirs stands or waits.
    LogTampered
        Where the audit log is damaged.
    """
    with house.transaction() as connection:
        person, key = reached(house, connection, person_id)
        consent = _newest(people.consents_of(connection, person_id, key=key))
        kept = _issued(connection, consent, key=key)
        if kept is None:
            _issue(house, connection, person, consent)
            kept = _issued(connection, consent, key=key)
        assert kept is not None, "it was just issued"
        entry = audit_log.kept_at(connection, kept["leaf_index"])
    return write_consent_receipt(
        ConsentReceipt(
            record=kept["details"],
            nonce=bytes.fromhex(kept["nonce"]),
            leaf=entry.entry.leaf,
            leaf_index=entry.entry.leaf_index,
            tree_size=entry.entry.leaf_index + 1,
            inclusion_proof=entry.inclusion_proof,
            checkpoint=entry.entry.checkpoint,
            signer=house.keyring.verifier_key().text,
        )
    )


def _newest(consents: tuple[Consent, ...]) -> Consent:
    standing = [consent for consent in consents if consent.state in STANDING]
    if not standing:
        raise ConsentRefused("This person has no consent that stands.", "Enrol them anew.")
    return standing[-1]


def _issued(connection: Connection, consent: Consent, *, key: bytes) -> Mapping[str, Any] | None:
    for kept in audit_log.details_of(connection, consent.person_id, key=key):
        details = kept["details"]
        if (
            "receipt_id" in details
            and details["record_id"] == consent.consent_id
            and details["state"] == consent.state
        ):
            return kept
    return None


def _issue(house: House, connection: Connection, person: Person, consent: Consent) -> None:
    now = house.clock()
    collections = {c.collection_id: c for c in collection_rows.all_collections(connection)}
    accounts = collection_rows.accounts_by_id(connection)
    details = person.details
    record = {
        "schema": RECORD_SCHEMA,
        "receipt_id": secrets.token_hex(8),
        "issued_at": now.replace(microsecond=0).isoformat(),
        "record_id": consent.consent_id,
        "principal": {"id": person.person_id, "name": details.name},
        "guardian": details.guardian.name if details.guardian else "",
        "controller": consent.controller,
        "purposes": [purpose for purpose in PURPOSES if purpose in consent.purposes],
        "collections": [
            {
                "id": known,
                "name": collections[known].name,
                "purpose": collections[known].purpose_text,
            }
            for known in sorted(consent.collections)
            if known in collections
        ],
        "audience": [
            {"id": known, "name": accounts[known].name}
            for known in sorted(consent.audience)
            if known in accounts
        ],
        "basis": consent.basis,
        "how_given": consent.how_given,
        "evidence": consent.evidence.statement,
        "live": people.all_live(connection, person.person_id),
        "notice": {
            "version": consent.notice_version,
            "sha256": consent.notice_sha256,
            "language": consent.notice_language,
        },
        "given_at": consent.given_at.isoformat(),
        "ends_at": consent.ends_at.isoformat(),
        "state": consent.state,
    }
    audit_log.append(
        connection,
        house.keyring,
        kind=LEAF_KIND,
        at=now,
        concerned=[Concerned(subject_id=person.person_id, details=record)],
    )
