"""People, their consents and their references. Callers hold the person's key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, func, insert, select, update

from likeness.records.consent import Consent, ConsentState
from likeness.records.person import Person
from likeness.records.reference import Reference
from likeness.store.chunks import in_chunks
from likeness.store.envelope import seal, unseal
from likeness.store.schema import consents, people, references, staged_templates
from likeness.store.sealed import (
    seal_consent,
    seal_details,
    unseal_consent,
    unseal_details,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class ReferenceCrop:
    """A reference with the aligned crop that it was made from.

    Attributes
    ----------
    reference : Reference
    jpeg : bytes
        The 256 px crop.
    alignment : str
        Name of the frame that the crop was aligned to.
    live : bool
        Whether a camera that saw the person move as asked took it.
    added : bool
        Whether the person added it after they had enrolled.
    """

    reference: Reference
    jpeg: bytes
    alignment: str
    live: bool = False
    added: bool = False


def insert_person(connection: Connection, person: Person, *, key: bytes, changed: int) -> None:
    """Keep a person, sealed."""
    connection.execute(
        insert(people).values(
            person_id=person.person_id,
            details=seal_details(key, person.person_id, person.details),
            enrolled_at=person.enrolled_at.isoformat(),
            changed=changed,
            comparable_since=changed,
        )
    )


def mark_changed(connection: Connection, person_id: str, *, changed: int, widened: bool) -> None:
    """Say that a consent of this person changed.

    Where it ``widened``, photos that the library holds already are compared with them again.
    """
    values = {"changed": changed, **({"comparable_since": changed} if widened else {})}
    connection.execute(update(people).where(people.c.person_id == person_id).values(**values))


def comparable_since(connection: Connection) -> dict[str, int]:
    """The change number from which photos must have been compared with each person."""
    rows = connection.execute(select(people.c.person_id, people.c.comparable_since))
    return {row.person_id: row.comparable_since for row in rows}


def comparable_since_of(connection: Connection, person_id: str) -> int:
    """The same for one person; 0 where nobody is kept under the id."""
    query = select(people.c.comparable_since).where(people.c.person_id == person_id)
    return int(connection.execute(query).scalar_one_or_none() or 0)


def newest_comparable(connection: Connection) -> int:
    """The highest of those numbers, 0 where nobody is enrolled."""
    highest = connection.execute(select(func.max(people.c.comparable_since))).scalar_one()
    return int(highest or 0)


def person_ids(connection: Connection) -> list[str]:
    """Ids of everybody who is kept, in order."""
    return list(
        connection.execute(select(people.c.person_id).order_by(people.c.person_id)).scalars()
    )


def person_exists(connection: Connection, person_id: str) -> bool:
    """Whether a person is kept under this id."""
    found = connection.execute(select(people.c.person_id).where(people.c.person_id == person_id))
    return found.first() is not None


def kept_among(connection: Connection, ids: Iterable[str]) -> list[str]:
    """Those of these ids under which a person is kept, in order."""
    return [
        person_id
        for some in in_chunks(ids)
        for person_id in connection.execute(
            select(people.c.person_id)
            .where(people.c.person_id.in_(some))
            .order_by(people.c.person_id)
        ).scalars()
    ]


def load_person(connection: Connection, person_id: str, *, key: bytes) -> Person | None:
    """A person with their details, or None where the id is not kept."""
    return load_people(connection, {person_id: key}).get(person_id)


def load_people(connection: Connection, keys: Mapping[str, bytes]) -> dict[str, Person]:
    """Some people with their details, by id; ids that are not kept are absent."""
    return {
        row.person_id: Person(
            person_id=row.person_id,
            details=unseal_details(keys[row.person_id], row.person_id, row.details),
            enrolled_at=datetime.fromisoformat(row.enrolled_at),
        )
        for some in in_chunks(keys)
        for row in connection.execute(select(people).where(people.c.person_id.in_(some)))
    }


def insert_consent(connection: Connection, consent: Consent, *, key: bytes) -> None:
    """Keep a consent record, sealed."""
    connection.execute(
        insert(consents).values(
            consent_id=consent.consent_id,
            person_id=consent.person_id,
            state=consent.state,
            record=seal_consent(key, consent),
        )
    )


def set_consent_state(connection: Connection, consent_id: str, state: ConsentState) -> None:
    """Move a consent to another state."""
    connection.execute(
        update(consents).where(consents.c.consent_id == consent_id).values(state=state)
    )


def withdraw_consents(connection: Connection, person_id: str) -> None:
    """Move every consent of a person to ``withdrawn``."""
    connection.execute(
        update(consents).where(consents.c.person_id == person_id).values(state="withdrawn")
    )


def consents_of(connection: Connection, person_id: str, *, key: bytes) -> tuple[Consent, ...]:
    """Every consent record of a person, oldest first."""
    return consents_of_many(connection, {person_id: key}).get(person_id, ())


def consents_of_many(
    connection: Connection, keys: Mapping[str, bytes]
) -> dict[str, tuple[Consent, ...]]:
    """Every consent record of some people, oldest first, by person id."""
    found: dict[str, list[Consent]] = {}
    for some in in_chunks(keys):
        for row in connection.execute(select(consents).where(consents.c.person_id.in_(some))):
            found.setdefault(row.person_id, []).append(
                unseal_consent(
                    keys[row.person_id], row.person_id, row.consent_id, row.state, row.record
                )
            )
    return {
        person_id: tuple(sorted(records, key=lambda c: (c.given_at, c.consent_id)))
        for person_id, records in found.items()
    }


def insert_references(
    connection: Connection, crops: Sequence[ReferenceCrop], *, key: bytes, pack_fingerprint: str
) -> None:
    """Keep references and their crops, sealed, with the pack that made them."""
    connection.execute(
        insert(references),
        [
            {
                "reference_id": crop.reference.reference_id,
                "person_id": crop.reference.person_id,
                "pack_fingerprint": pack_fingerprint,
                "template": seal_template(key, crop.reference, pack_fingerprint=pack_fingerprint),
                "crop": seal(key, crop.jpeg, context=f"crop/{crop.reference.reference_id}"),
                "alignment": crop.alignment,
                "live": int(crop.live),
                "added": int(crop.added),
            }
            for crop in crops
        ],
    )


def seal_template(key: bytes, reference: Reference, *, pack_fingerprint: str) -> bytes:
    """A reference's template under its person's key; it opens only as one of the same pack's."""
    context = f"template/{reference.reference_id}/{pack_fingerprint}"
    return seal(key, reference.template.astype("<f4").tobytes(), context=context)


def references_of_many(
    connection: Connection, keys: Mapping[str, bytes], *, pack_fingerprint: str
) -> Iterator[Reference]:
    """The references of some people that were made by one pack, each person's together."""
    for some in in_chunks(keys):
        rows = connection.execute(
            select(references.c.reference_id, references.c.person_id, references.c.template)
            .where(
                references.c.person_id.in_(some),
                references.c.pack_fingerprint == pack_fingerprint,
            )
            .order_by(references.c.person_id, references.c.reference_id)
        )
        for row in rows:
            sealed_as = f"template/{row.reference_id}/{pack_fingerprint}"
            yield Reference(
                reference_id=row.reference_id,
                person_id=row.person_id,
                template=_template(unseal(keys[row.person_id], row.template, context=sealed_as)),
            )


def reference_crops_of(connection: Connection, person_id: str, *, key: bytes) -> dict[str, bytes]:
    """A person's reference crops as JPEG, by reference id."""
    rows = connection.execute(
        select(references.c.reference_id, references.c.crop).where(
            references.c.person_id == person_id
        )
    )
    return {r.reference_id: unseal(key, r.crop, context=f"crop/{r.reference_id}") for r in rows}


def all_live(connection: Connection, person_id: str) -> bool:
    """Whether a camera that saw the person move as asked took every reference that they have."""
    query = select(func.min(references.c.live)).where(references.c.person_id == person_id)
    return bool(connection.execute(query).scalar_one())


def count_references(connection: Connection, person_id: str) -> int:
    """How many references a person has."""
    query = select(func.count()).where(references.c.person_id == person_id)
    return int(connection.execute(query).scalar_one())


def delete_person(connection: Connection, person_id: str) -> None:
    """Delete a person's references, consents and row. Links go first (foreign keys)."""
    for table in (staged_templates, references, consents, people):
        connection.execute(delete(table).where(table.c.person_id == person_id))


def _template(data: bytes) -> NDArray[np.float32]:
    return np.frombuffer(data, dtype="<f4").astype(np.float32)
