"""My photos: what a person sees of themself. Nobody else acts here.

Whoever acts is the person: no account, whatever its role, passes for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from likeness.errors import ConsentRefused, KeyErased, NotFound, Refused
from likeness.house import House
from likeness.records.link import DecidedBy
from likeness.records.stored import LinkedPhoto, StoredFace, StoredPhoto, StoredSighting
from likeness.shown import own_collections
from likeness.store import own_data, people
from likeness.store.copies import number_of
from likeness.store.links import linked_photos, links_by_person, proposals_for
from likeness.store.own_data import PlaceOfSource
from likeness.store.photos import (
    face_by_id,
    faces_of,
    photo_by_id,
    photo_by_sha256,
)
from likeness.store.sightings import sightings_of_photos

PAGE = 60


@dataclass(frozen=True, kw_only=True)
class Self:
    """The person who acts.

    Attributes
    ----------
    person_id : str
    key : bytes
        Their own.
    collection_ids : tuple of str
        Those in which their live consents let them see themself.
    """

    person_id: str
    key: bytes = field(repr=False)
    collection_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class OwnPlace:
    """Where a photo of a person was found, and who answers for it.

    Attributes
    ----------
    sighting : StoredSighting
    source : PlaceOfSource
    """

    sighting: StoredSighting
    source: PlaceOfSource


@dataclass(frozen=True, kw_only=True)
class OwnPhoto:
    """A photo of the person who acts, or one that may be of them.

    Attributes
    ----------
    photo : StoredPhoto
    face : StoredFace
        Theirs; of others nothing is told.
    score : float
    decided_by : DecidedBy
    places : tuple of OwnPlace
        In the collections of their consent.
    copies : tuple of str
        SHA-256 of the near-identical photos that stand behind this one.
    """

    photo: StoredPhoto
    face: StoredFace
    score: float
    decided_by: DecidedBy
    places: tuple[OwnPlace, ...]
    copies: tuple[str, ...] = ()

    @property
    def taken_at(self) -> datetime | None:
        """When it was taken, as far as one of its places says."""
        return next(
            (p.sighting.link.taken_at for p in self.places if p.sighting.link.taken_at), None
        )


@dataclass(frozen=True, kw_only=True)
class OwnPhotos:
    """A page of a person's photos, newest first.

    Attributes
    ----------
    photos : tuple of OwnPhoto
    total : int
        How many there are on all pages.
    after : int or None
        What the next page is asked for with; None where this is the last.
    """

    photos: tuple[OwnPhoto, ...]
    total: int
    after: int | None


def acting_person(house: House, connection: Connection) -> Self:
    """The person who acts.

    Raises
    ------
    Refused
        Where it is an account that acts, or the person is no longer kept.
    """
    person_id = house.account.account_id
    try:
        if people.person_exists(connection, person_id):
            return Self(
                person_id=person_id,
                key=house.keyring.key(person_id),
                collection_ids=own_collections(house, connection, person_id),
            )
    except KeyErased:
        pass
    raise Refused(
        "Only a person themself may do this.", "Sign in with the private link that they have."
    )


def consenting_person(house: House, connection: Connection) -> Self:
    """The person who acts, where photos may be compared with them.

    Raises
    ------
    ConsentRefused
        Where no consent of theirs is live.
    Refused
        As `acting_person`.
    """
    own = acting_person(house, connection)
    if not own.collection_ids:
        raise ConsentRefused(
            "No consent of yours is live for any collection.", "Change it under My consent."
        )
    return own


def my_photos(house: House, *, after: int | None = None, limit: int = PAGE) -> OwnPhotos:
    """The person's photos in the collections that their live consents cover, newest first.

    Parameters
    ----------
    after : int, optional
        `OwnPhotos.after` of the page before.
    limit : int

    Raises
    ------
    Refused
    """
    with house.store.snapshot() as connection:
        own = acting_person(house, connection)
        pictures = own_data.pictures_of_person(
            connection,
            own.person_id,
            collection_ids=own.collection_ids,
            after=after,
            limit=limit + 1,
        )
        here = pictures[:limit]
        total = links_by_person(connection, [own.person_id], collection_ids=own.collection_ids)
        return OwnPhotos(
            photos=tuple(linked_of(connection, own, pictures=[one.number for one in here])),
            total=total.get(own.person_id, 0),
            after=here[-1].newest if len(pictures) > limit else None,
        )


def my_photo(house: House, sha256: str) -> tuple[OwnPhoto, tuple[StoredFace, ...]]:
    """One photo of the person, and its other faces by place alone.

    Raises
    ------
    NotFound
        In the same words whether the photo is held or not.
    Refused
    """
    with house.store.snapshot() as connection:
        own = acting_person(house, connection)
        photo = photo_by_sha256(connection, sha256)
        if photo is None:
            raise not_theirs()
        number = number_of(connection, photo.photo_id)
        found = linked_of(connection, own, pictures=[number])
        if not found:
            raise not_theirs()
        others = [
            face
            for face in faces_of(connection, found[0].photo.photo_id)
            if face.face_id != found[0].face.face_id and not face.lost
        ]
        return found[0], tuple(others)


def my_proposals(house: House) -> list[OwnPhoto]:
    """Photos that may be of the person and wait for their word, best first; copies count once.

    Raises
    ------
    Refused
    """
    with house.store.snapshot() as connection:
        own = acting_person(house, connection)
        sources = own_data.places_of_sources(connection, own.collection_ids)
        found: dict[int, OwnPhoto] = {}
        for proposal in proposals_for(connection, [own.person_id]):
            face = face_by_id(connection, proposal.face_id)
            photo = photo_by_id(connection, face.photo_id) if face else None
            if face is None or photo is None:
                continue
            held = sightings_of_photos(
                connection, [photo.photo_id], collection_ids=own.collection_ids
            )
            number = number_of(connection, photo.photo_id)
            if held and number not in found:
                found[number] = OwnPhoto(
                    photo=photo,
                    face=face,
                    score=proposal.score,
                    decided_by="threshold",
                    places=_places(held[photo.photo_id], sources),
                )
    return list(found.values())


def my_refusals(house: House) -> list[own_data.RefusedFace]:
    """What the person said is not them, the newest word first; copies count once.

    Raises
    ------
    Refused
    """
    with house.store.snapshot() as connection:
        own = acting_person(house, connection)
        found: dict[int, own_data.RefusedFace] = {}
        for one in own_data.refused_faces(
            connection, own.person_id, collection_ids=own.collection_ids
        ):
            if one.decided_by == "person":
                found.setdefault(one.picture, one)
    return list(found.values())


def linked_of(
    connection: Connection, own: Self, *, pictures: Sequence[int] | None = None
) -> list[OwnPhoto]:
    """The photos of the person who acts, newest first; or some, by the numbers of pictures."""
    sources = own_data.places_of_sources(connection, own.collection_ids)
    linked = linked_photos(
        connection, own.person_id, collection_ids=own.collection_ids, pictures=pictures
    )
    return [_own_photo(one, sources) for one in linked]


def not_theirs() -> NotFound:
    """The error for every photo that is not of the person who acts."""
    return NotFound("No photo of yours is here.", "Open My photos again.")


def _own_photo(linked: LinkedPhoto, sources: Mapping[str, PlaceOfSource]) -> OwnPhoto:
    return OwnPhoto(
        photo=linked.photo,
        face=linked.face,
        score=linked.score,
        decided_by=linked.decided_by,
        places=_places(linked.sightings, sources),
        copies=linked.copies,
    )


def _places(
    sightings: Iterable[StoredSighting], sources: Mapping[str, PlaceOfSource]
) -> tuple[OwnPlace, ...]:
    return tuple(OwnPlace(sighting=one, source=sources[one.source_id]) for one in sightings)
