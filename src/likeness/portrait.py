"""The face that stands for a person on a page, to compare with, for whoever may find them."""

from __future__ import annotations

from likeness.desk import findable_where, not_visible
from likeness.errors import NotFound
from likeness.house import House
from likeness.store import people
from likeness.store.photos import crop_of
from likeness.store.portraits import surest_faces
from likeness.store.sightings import sightings_of_photos


def portrait(house: House, person_id: str) -> bytes:
    """One face of a person as JPEG: of the photo that is theirs most surely, where the account may
    find them; where there is none yet, of those that they gave.

    Raises
    ------
    NotFound
        In the same words whether the id is unknown or the consent does not cover this account.
    """
    with house.store.snapshot() as connection:
        where = findable_where(house, connection, [person_id])
        if person_id not in where:
            raise not_visible()
        surest = surest_faces(connection, person_id)
        shown = sightings_of_photos(
            connection,
            {photo_id for _, photo_id in surest},
            collection_ids=where[person_id],
        )
        face_id = next((face for face, photo in surest if photo in shown), None)
        crop = crop_of(connection, face_id) if face_id is not None else None
        if crop is not None:
            return crop
        given = people.reference_crops_of(connection, person_id, key=house.keyring.key(person_id))
    if not given:
        raise NotFound("No face of them is held.", "They can give photos of themself again.")
    return given[min(given)]
