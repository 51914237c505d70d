"""Everything that the library holds about one person, for that person."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from likeness.desk import reached
from likeness.house import House
from likeness.records.stored import LinkedPhoto, StoredSighting
from likeness.store import audit_log, credentials, invitations, own_data, people, sessions
from likeness.store import collections as collection_rows
from likeness.store.audit_log import Concerned
from likeness.store.links import linked_photos, proposals_for
from likeness.store.sealed import consent_as_json, details_as_json


def export_person(house: House, person_id: str) -> dict[str, Any]:
    """A person's own data, as plain values; that it was given out is in the audit log before it is.

    Raises
    ------
    NotFound
        In the same words whether the id is unknown or this account may not reach the person.
    """
    now = house.clock()
    with house.transaction() as connection:
        person, key = reached(house, connection, person_id)
        consents = people.consents_of(connection, person_id, key=key)
        covered = sorted({c for consent in consents for c in consent.collections})
        names = {c.collection_id: c.name for c in collection_rows.all_collections(connection)}
        audit_log.append(
            connection,
            house.keyring,
            kind="export",
            at=now,
            concerned=[
                Concerned(subject_id=subject, details={"at": now.isoformat(), "did": "export"})
                for subject in sorted({house.account.account_id, person_id})
            ],
        )
        return {
            "person": person_id,
            "enrolled_at": person.enrolled_at.isoformat(),
            **details_as_json(person.details),
            "collections": {c: names[c] for c in covered if c in names},
            "consents": [consent_as_json(consent) for consent in consents],
            "references": [
                {
                    "reference": one.reference_id,
                    "crop_jpeg_base64": base64.b64encode(one.jpeg).decode(),
                    "live": one.live,
                    "added": one.added,
                }
                for one in own_data.references_held(connection, person_id, key=key)
            ],
            "photos": [
                linked_as_json(photo)
                for photo in linked_photos(connection, person_id, collection_ids=covered)
            ],
            **_further(connection, person_id, key, covered),
            "audit": audit_log.details_of(connection, person_id, key=key),
        }


def _further(
    connection: Connection, person_id: str, key: bytes, collection_ids: Sequence[str]
) -> dict[str, Any]:
    """What waits and what was refused, how they came to be enrolled, and how they sign in."""
    waiting = proposals_for(connection, [person_id])
    refused = own_data.refused_faces(connection, person_id, collection_ids=collection_ids)
    invited = invitations.of_person(connection, person_id)
    return {
        "waiting": [
            {"face_id": one.face_id, "score": round(one.score, 4)}
            for one in sorted(waiting, key=lambda one: one.face_id)
        ],
        "not_them": [
            {
                "sha256": one.sha256,
                "face": one.number,
                "decided_by": one.decided_by,
                "decided_at": one.decided_at.isoformat(),
            }
            for one in refused
        ],
        "invitation": {
            "made_at": invited.created_at.isoformat(),
            "taken_at": _moment(invited.taken_at),
        }
        if invited
        else None,
        "sessions": [
            {
                "device": session.device,
                "created_at": session.created_at.isoformat(),
                "seen_at": session.seen_at.isoformat(),
                "ends_at": session.ends_at.isoformat(),
            }
            for session in (row.opened(key) for row in sessions.sessions_of(connection, person_id))
        ],
        "passkeys": [
            {
                "label": passkey.label,
                "site": passkey.site,
                "created_at": passkey.created_at.isoformat(),
                "used_at": _moment(passkey.used_at),
            }
            for passkey in credentials.passkeys_of(connection, person_id, key=key)
        ],
        "links_in": [
            {
                "kind": way.kind,
                "created_at": way.created_at.isoformat(),
                "expires_at": way.expires_at.isoformat(),
                "used_at": _moment(way.used_at),
            }
            for way in own_data.ways_in(connection, person_id)
        ],
    }


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def linked_as_json(linked: LinkedPhoto) -> dict[str, Any]:
    """A photo of a person as plain values."""
    return {
        "sha256": linked.photo.sha256,
        "box": list(linked.face.box),
        "face": linked.face.number,
        "score": round(linked.score, 4),
        "decided_by": linked.decided_by,
        "lost": linked.face.lost,
        "copies": list(linked.copies),
        "sightings": [sighting_as_json(sighting) for sighting in linked.sightings],
    }


def sighting_as_json(sighting: StoredSighting) -> dict[str, Any]:
    """A sighting as plain values."""
    link = sighting.link
    return {
        "page_url": link.page_url,
        "media_url": link.media_url,
        "source": sighting.source_id,
        "item": sighting.item,
        "taken_at": link.taken_at.isoformat() if link.taken_at else None,
        "text": link.text,
        "link_confidence": link.confidence,
        "link_from": link.link_from,
        "span": {"start": link.span.start_ms / 1000, "end": link.span.end_ms / 1000}
        if link.span
        else None,
        "rights": link.rights,
    }
