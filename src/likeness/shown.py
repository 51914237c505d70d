"""Who may see which photo, and whose faces in it.

An account sees a photo in which somebody is linked or proposed whom it may find in a collection
that the photo is in. A person sees a photo in which they are themself, in the collections of their
live consents. Nothing else tells whether a photo is held, or how many others are in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from likeness.consent.policy import live, permit_comparison
from likeness.desk import findable_where
from likeness.errors import ConsentRefused, KeyErased, NotFound
from likeness.house import House
from likeness.records.face import Box
from likeness.records.stored import StoredPhoto, StoredSighting
from likeness.store import people, previews
from likeness.store.photo_queries import InPhoto, people_in_photos
from likeness.store.photos import crop_of, photo_by_sha256
from likeness.store.previews import Preview
from likeness.store.sightings import sightings_of_photos


@dataclass(frozen=True, kw_only=True)
class ShownFace:
    """A face of somebody whom the acting account may find.

    Attributes
    ----------
    face_id : int
    number : int
        Its place in the photo, from 1, left to right.
    box : Box
        In pixels of the upright original.
    person_id, name : str
    proposed : bool
        Whether it waits to be decided that this is them.
    """

    face_id: int
    number: int
    box: Box
    person_id: str
    name: str
    proposed: bool


@dataclass(frozen=True, kw_only=True)
class ShownPhoto:
    """A photo as the acting account may see it.

    Attributes
    ----------
    photo : StoredPhoto
    faces : tuple of ShownFace
        Of people whom it may find in this photo, left to right, and of nobody else.
    sightings : tuple of StoredSighting
        In the collections where it may find one of them.
    """

    photo: StoredPhoto
    faces: tuple[ShownFace, ...]
    sightings: tuple[StoredSighting, ...]


def photo_shown(house: House, sha256: str) -> ShownPhoto:
    """The photo with faces and places that the acting account may see.

    Raises
    ------
    NotFound
        In the same words whether it is held or not.
    """
    with house.store.snapshot() as connection:
        return _require(house, connection, sha256)


def preview(house: House, sha256: str) -> Preview:
    """What is shown of a photo.

    Raises
    ------
    NotFound
        In the same words whether it is held or not.
    """
    with house.store.snapshot() as connection:
        shown = _require(house, connection, sha256)
        found = previews.load(connection, shown.photo.photo_id)
    if found is None:
        raise not_shown()
    return found


def face_crop(house: House, sha256: str, face: int) -> bytes:
    """The crop, as JPEG, of a face of somebody whom the acting account may find in a photo.

    Raises
    ------
    NotFound
        In the same words whether it is held or not.
    """
    with house.store.snapshot() as connection:
        faces = {one.number: one for one in _require(house, connection, sha256).faces}
        jpeg = crop_of(connection, faces[face].face_id) if face in faces else None
    if jpeg is None:
        raise not_shown()
    return jpeg


def not_shown() -> NotFound:
    """The error for every photo that the acting account may not see."""
    return NotFound(
        "No photo of somebody whom this account may find is here.", "Search for them again."
    )


def shown_among(
    house: House, connection: Connection, photos: Sequence[StoredPhoto]
) -> list[ShownPhoto]:
    """Those of some photos that the acting account may see now, in order."""
    inside = people_in_photos(connection, [photo.photo_id for photo in photos])
    where = _where(house, connection, {one.person_id for some in inside.values() for one in some})
    names = _names(house, connection, where)
    every = {collection_id for ids in where.values() for collection_id in ids}
    places = _places(connection, photos, every)
    found = []
    for photo in photos:
        here = places.get(photo.photo_id, {})
        faces = [
            one
            for one in inside.get(photo.photo_id, ())
            if not here.keys().isdisjoint(where.get(one.person_id, ()))
        ]
        if faces:
            covered = {place for one in faces for place in where[one.person_id]}
            found.append(_dressed(photo, faces, names, here, covered))
    return found


def _dressed(
    photo: StoredPhoto,
    faces: Sequence[InPhoto],
    names: Mapping[str, str],
    here: Mapping[str, Sequence[StoredSighting]],
    covered: Iterable[str],
) -> ShownPhoto:
    sightings = [one for place in set(covered) for one in here.get(place, ())]
    return ShownPhoto(
        photo=photo,
        faces=tuple(
            ShownFace(
                face_id=one.face.face_id,
                number=one.face.number,
                box=one.face.box,
                person_id=one.person_id,
                name=names[one.person_id],
                proposed=one.proposed,
            )
            for one in faces
        ),
        sightings=tuple(sorted(sightings, key=lambda one: (one.source_id, one.item))),
    )


def _require(house: House, connection: Connection, sha256: str) -> ShownPhoto:
    photo = photo_by_sha256(connection, sha256)
    found = shown_among(house, connection, [photo] if photo else [])
    if not found:
        raise not_shown()
    return found[0]


def _where(
    house: House, connection: Connection, person_ids: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Where the acting account, or the acting person, may find whom of these people."""
    acting = house.account.account_id
    if not people.person_exists(connection, acting):
        return findable_where(house, connection, person_ids)
    own = own_collections(house, connection, acting)
    return {acting: own} if own and acting in set(person_ids) else {}


def own_collections(house: House, connection: Connection, person_id: str) -> tuple[str, ...]:
    """Ids of the collections in which a person sees themself: those of their live consents."""
    try:
        key = house.keyring.key(person_id)
    except KeyErased:
        return ()
    now = house.clock()
    found = set()
    for consent in live(people.consents_of(connection, person_id, key=key), now=now):
        for collection_id in consent.collections:
            try:
                found.add(
                    permit_comparison(consent, collection_id=collection_id, now=now).collection_id
                )
            except ConsentRefused:
                continue
    return tuple(sorted(found))


def _names(house: House, connection: Connection, person_ids: Iterable[str]) -> dict[str, str]:
    loaded = people.load_people(connection, house.keyring.keys(person_ids))
    return {person_id: person.details.name for person_id, person in loaded.items()}


def _places(
    connection: Connection, photos: Sequence[StoredPhoto], collection_ids: Iterable[str]
) -> dict[int, dict[str, list[StoredSighting]]]:
    """The sightings of photos, by photo id and collection."""
    found: dict[int, dict[str, list[StoredSighting]]] = {}
    ids = [photo.photo_id for photo in photos]
    for collection_id in sorted(collection_ids):
        for photo_id, some in sightings_of_photos(
            connection, ids, collection_ids=[collection_id]
        ).items():
            found.setdefault(photo_id, {})[collection_id] = some
    return found
