"""What the library holds of one person, for that person: photos by page, references, refusals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from likeness.records.link import DecidedBy
from likeness.store.copies import NUMBER
from likeness.store.envelope import unseal
from likeness.store.links import inside
from likeness.store.schema import (
    collections,
    faces,
    links,
    photos,
    references,
    sources,
    staged_templates,
)
from likeness.store.schema_accounts import sign_in_links


@dataclass(frozen=True, kw_only=True)
class PictureOfPerson:
    """A picture in which a person is linked, whichever of its copies.

    Attributes
    ----------
    number : int
        That of the picture, or the id of a photo of which there is no other copy.
    newest : int
        Id of the newest of those photos: pages go on below it.
    """

    number: int
    newest: int


@dataclass(frozen=True, kw_only=True)
class PlaceOfSource:
    """Where photos of a source are held, in words for the people in them.

    Attributes
    ----------
    source_id, collection_id, kind, address : str
    collection, controller : str
        The collection's name, and who answers for it.
    """

    source_id: str
    collection_id: str
    kind: str
    address: str
    collection: str
    controller: str


@dataclass(frozen=True, kw_only=True)
class RefusedFace:
    """A face of which was said that it is not this person.

    Attributes
    ----------
    photo_id : int
    picture : int
        The number of its picture, or its own id where there is no other copy.
    sha256 : str
    face_id, number : int
    decided_by : DecidedBy
    decided_at : datetime
    """

    photo_id: int
    picture: int
    sha256: str
    face_id: int
    number: int
    decided_by: DecidedBy
    decided_at: datetime


@dataclass(frozen=True, kw_only=True)
class HeldReference:
    """A reference as its person may see it.

    Attributes
    ----------
    reference_id : str
    jpeg : bytes
        The aligned crop.
    live : bool
        Whether a camera that saw the person move as asked took it.
    added : bool
        Whether they added it after they had enrolled.
    """

    reference_id: str
    jpeg: bytes = field(repr=False)
    live: bool
    added: bool


@dataclass(frozen=True, kw_only=True)
class WayIn:
    """A secret link that lets a person in, without its secret.

    Attributes
    ----------
    kind : str
    created_at, expires_at : datetime
    used_at : datetime or None
    """

    kind: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


def pictures_of_person(
    connection: Connection,
    person_id: str,
    *,
    collection_ids: Sequence[str],
    after: int | None,
    limit: int,
) -> list[PictureOfPerson]:
    """The pictures in which a person is linked within some collections, newest first.

    Parameters
    ----------
    after : int, optional
        `PictureOfPerson.newest` of the last of the page before.
    limit : int
    """
    newest = func.max(photos.c.photo_id)
    query = (
        select(NUMBER.label("number"), newest.label("newest"))
        .join(photos, photos.c.photo_id == links.c.photo_id)
        .where(
            links.c.person_id == person_id,
            links.c.decision == "same",
            inside(links, collection_ids),
        )
        .group_by(NUMBER)
        .order_by(newest.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.having(newest < after)
    return [
        PictureOfPerson(number=row.number, newest=row.newest) for row in connection.execute(query)
    ]


def places_of_sources(
    connection: Connection, collection_ids: Sequence[str]
) -> dict[str, PlaceOfSource]:
    """The sources of some collections, by id."""
    rows = connection.execute(
        select(
            sources.c.source_id,
            sources.c.collection_id,
            sources.c.kind,
            sources.c.address,
            collections.c.name,
            collections.c.controller,
        )
        .join(collections, collections.c.collection_id == sources.c.collection_id)
        .where(sources.c.collection_id.in_(collection_ids))
    )
    return {
        row.source_id: PlaceOfSource(
            source_id=row.source_id,
            collection_id=row.collection_id,
            kind=row.kind,
            address=row.address,
            collection=row.name,
            controller=row.controller,
        )
        for row in rows
    }


def refused_faces(
    connection: Connection, person_id: str, *, collection_ids: Sequence[str]
) -> list[RefusedFace]:
    """Faces within some collections that are said not to be a person, the newest word first."""
    rows = connection.execute(
        select(
            links.c.photo_id,
            NUMBER.label("picture"),
            photos.c.sha256,
            links.c.face_id,
            faces.c.number,
            links.c.decided_by,
            links.c.decided_at,
        )
        .join(photos, photos.c.photo_id == links.c.photo_id)
        .join(faces, faces.c.face_id == links.c.face_id)
        .where(
            links.c.person_id == person_id,
            links.c.decision == "different",
            inside(links, collection_ids),
        )
        .order_by(links.c.decided_at.desc(), links.c.photo_id.desc(), links.c.face_id)
    )
    return [
        RefusedFace(
            photo_id=row.photo_id,
            picture=row.picture,
            sha256=row.sha256,
            face_id=row.face_id,
            number=row.number,
            decided_by=row.decided_by,
            decided_at=datetime.fromisoformat(row.decided_at),
        )
        for row in rows
    ]


def references_held(
    connection: Connection, person_id: str, *, key: bytes
) -> tuple[HeldReference, ...]:
    """A person's references, by id."""
    rows = connection.execute(
        select(references.c.reference_id, references.c.crop, references.c.live, references.c.added)
        .where(references.c.person_id == person_id)
        .order_by(references.c.reference_id)
    )
    return tuple(
        HeldReference(
            reference_id=row.reference_id,
            jpeg=unseal(key, row.crop, context=f"crop/{row.reference_id}"),
            live=bool(row.live),
            added=bool(row.added),
        )
        for row in rows
    )


def given_at_enrolment(connection: Connection, person_id: str) -> frozenset[str]:
    """Ids of the references that a person enrolled with and still has."""
    query = select(references.c.reference_id).where(
        references.c.person_id == person_id, references.c.added == 0
    )
    return frozenset(connection.execute(query).scalars())


def delete_reference(connection: Connection, person_id: str, reference_id: str) -> bool:
    """Delete one reference of a person; whether it was there."""
    gone = 0
    for table in (staged_templates, references):
        gone = connection.execute(
            delete(table).where(
                table.c.person_id == person_id, table.c.reference_id == reference_id
            )
        ).rowcount
    return gone > 0


def ways_in(connection: Connection, person_id: str) -> list[WayIn]:
    """The secret links that let a person in, oldest first."""
    rows = connection.execute(
        select(sign_in_links)
        .where(sign_in_links.c.subject_id == person_id)
        .order_by(sign_in_links.c.created_at)
    )
    return [
        WayIn(
            kind=row.kind,
            created_at=datetime.fromisoformat(row.created_at),
            expires_at=datetime.fromisoformat(row.expires_at),
            used_at=datetime.fromisoformat(row.used_at) if row.used_at else None,
        )
        for row in rows
    ]
