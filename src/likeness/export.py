"""Everything that the library holds about one person, for that person."""

from __future__ import annotations

import base64
from typing import Any

from likeness.desk import not_visible, require_reachable
from likeness.house import House
from likeness.records.stored import LinkedPhoto, StoredSighting
from likeness.store import audit_log, people
from likeness.store import collections as collection_rows
from likeness.store.audit_log import Concerned
from likeness.store.links import linked_photos
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
        require_reachable(house, connection, person_id)
        key = house.keyring.key(person_id)
        person = people.load_person(connection, person_id, key=key)
        if person is None:
            raise not_visible()
        consents = people.consents_of(connection, person_id, key=key)
        covered = sorted({c for consent in consents for c in consent.collections})
        names = {c.collection_id: c.name for c in collection_rows.all_collections(connection)}
        crops = people.reference_crops_of(connection, person_id, key=key)
        audit_log.append(
            connection,
            house.keyring,
            kind="export",
            at=now,
            concerned=[
                Concerned(
                    subject_id=house.account.account_id,
                    details={"at": now.isoformat(), "did": "export"},
                ),
                Concerned(subject_id=person_id, details={"at": now.isoformat(), "did": "export"}),
            ],
        )
        return {
            "person": person_id,
            "enrolled_at": person.enrolled_at.isoformat(),
            **details_as_json(person.details),
            "collections": {c: names[c] for c in covered if c in names},
            "consents": [consent_as_json(consent) for consent in consents],
            "references": [
                {"reference": name, "crop_jpeg_base64": base64.b64encode(jpeg).decode()}
                for name, jpeg in sorted(crops.items())
            ],
            "photos": [
                linked_as_json(photo)
                for photo in linked_photos(connection, person_id, collection_ids=covered)
            ],
            "audit": audit_log.details_of(connection, person_id, key=key),
        }


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
