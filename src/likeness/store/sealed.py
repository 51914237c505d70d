"""Records under a person's key: to ciphertext and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from likeness.records.consent import Consent, Evidence
from likeness.records.person import Estate, Guardian, PersonDetails
from likeness.store.envelope import seal, unseal


def seal_details(key: bytes, person_id: str, details: PersonDetails) -> bytes:
    """A person's details as ciphertext under their key."""
    return seal(key, _dump(details_as_json(details)), context=f"details/{person_id}")


def unseal_details(key: bytes, person_id: str, sealed: bytes) -> PersonDetails:
    """The inverse of :func:`seal_details`.

    Raises
    ------
    StorageError
        Where the ciphertext was altered or belongs to another person.
    """
    fields = _load(unseal(key, sealed, context=f"details/{person_id}"))
    guardian, estate = fields["guardian"], fields["estate"]
    return PersonDetails(
        name=fields["name"],
        birth_date=date.fromisoformat(fields["birth_date"]) if fields["birth_date"] else None,
        is_adult=fields["is_adult"],
        guardian=Guardian(**guardian) if guardian else None,
        estate=Estate(
            representative=estate["representative"], died_on=date.fromisoformat(estate["died_on"])
        )
        if estate
        else None,
    )


def details_as_json(details: PersonDetails) -> dict[str, Any]:
    """A person's details as plain values, also for their own export."""
    return {
        "name": details.name,
        "birth_date": details.birth_date.isoformat() if details.birth_date else None,
        "is_adult": details.is_adult,
        "guardian": {"name": details.guardian.name, "relation": details.guardian.relation}
        if details.guardian
        else None,
        "estate": {
            "representative": details.estate.representative,
            "died_on": details.estate.died_on.isoformat(),
        }
        if details.estate
        else None,
    }


def seal_consent(key: bytes, consent: Consent) -> bytes:
    """A consent record, less its state, as ciphertext under the person's key."""
    fields = consent_as_json(consent)
    del fields["state"]
    return seal(key, _dump(fields), context=f"consent/{consent.person_id}/{consent.consent_id}")


def unseal_consent(
    key: bytes, person_id: str, consent_id: str, state: str, sealed: bytes
) -> Consent:
    """The inverse of :func:`seal_consent`; the state is a column beside the record.

    Raises
    ------
    StorageError
        Where the ciphertext was altered or belongs to another record.
    """
    fields = _load(unseal(key, sealed, context=f"consent/{person_id}/{consent_id}"))
    return Consent(
        consent_id=consent_id,
        person_id=person_id,
        controller=fields["controller"],
        purposes=frozenset(fields["purposes"]),
        collections=frozenset(fields["collections"]),
        audience=frozenset(fields["audience"]),
        basis=fields["basis"],
        how_given=fields["how_given"],
        evidence=Evidence(**fields["evidence"]),
        recorded_by=fields["recorded_by"],
        notice_version=fields["notice_version"],
        notice_sha256=fields["notice_sha256"],
        notice_language=fields["notice_language"],
        given_at=datetime.fromisoformat(fields["given_at"]),
        ends_at=datetime.fromisoformat(fields["ends_at"]),
        state=state,  # type: ignore[arg-type]  # the column's CHECK holds the words
    )


def consent_as_json(consent: Consent) -> dict[str, Any]:
    """A consent record as plain values, also for receipts and exports."""
    return {
        "consent_id": consent.consent_id,
        "person_id": consent.person_id,
        "controller": consent.controller,
        "purposes": sorted(consent.purposes),
        "collections": sorted(consent.collections),
        "audience": sorted(consent.audience),
        "basis": consent.basis,
        "how_given": consent.how_given,
        "evidence": {
            "statement": consent.evidence.statement,
            "document_sha256": consent.evidence.document_sha256,
            "attested_by": consent.evidence.attested_by,
        },
        "recorded_by": consent.recorded_by,
        "notice_version": consent.notice_version,
        "notice_sha256": consent.notice_sha256,
        "notice_language": consent.notice_language,
        "given_at": consent.given_at.isoformat(),
        "ends_at": consent.ends_at.isoformat(),
        "state": consent.state,
    }


def _dump(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, sort_keys=True).encode()


def _load(data: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(data)
    return fields
