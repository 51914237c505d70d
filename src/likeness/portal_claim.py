"""A face that a person points at: the same picture, like them, and nobody else's; or refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from likeness.copies import Looks, registered
from likeness.errors import Refused
from likeness.faces.crops import FACE_CROP_SIZE
from likeness.faces.registration import Window, measure, within
from likeness.faces.resemblance import read_look
from likeness.house import House
from likeness.kept_crops import templates_of_crops
from likeness.portal import Self, acting_person
from likeness.portal_decisions import decide_as_person, same_face_in_copies
from likeness.portal_references import own_template
from likeness.records.face import Box
from likeness.records.link import Link
from likeness.records.stored import StoredFace
from likeness.rescan import Then
from likeness.sharing import SAME_PLACE
from likeness.store import copies as copy_rows
from likeness.store.links import links_of_photo
from likeness.store.photos import (
    crops_of,
    face_by_id,
    faces_of,
    photo_by_id,
    photo_by_sha256,
)
from likeness.store.sightings import sightings_of_photos


@dataclass(frozen=True, kw_only=True, eq=False)
class Pointed:
    """What somebody points at: a face in a photo that they hold.

    Attributes
    ----------
    sha256 : str
        Of the photo.
    look : bytes
        How it looks.
    place : Window
        The face, in the unit square of the photo.
    """

    sha256: str
    look: bytes
    place: Window


def claim(house: House, own: Self, pointed: Pointed, then: Then) -> str:
    """Make the face that is pointed at the person's, or refuse; SHA-256 of its photo.

    Raises
    ------
    Refused
        See `unlike`.
    """
    # (3) The same face in the library, in a collection of their consent.
    with house.store.snapshot() as connection:
        target = _in_library(connection, own, pointed)
        crop = crop_of_face(connection, target) if target else None
    # (4) One comparison, with their own references alone, whatever was found.
    template = template_of_crop(house, crop) if crop else _template_of_nothing(house)
    # (5) Theirs, where it is like them, nobody else's, and their consent still covers it.
    with house.transaction() as connection:
        score = own_score(house, connection, template)
        linked = (
            link_if_like(house, connection, target, score, did="that_is_me")
            if target is not None and crop is not None
            else None
        )
        if linked is None:
            # An attempt is a comparison, and so in the log before anything is answered.
            house.audit_deed(connection, kind="decide", details={"did": "that_is_me_refused"})
    if linked is None:
        raise unlike()
    # (6) The photo is compared anew with everybody else.
    then(house)
    return linked


def own_score(house: House, connection: Connection, template: NDArray[np.float32]) -> float:
    """Cosine of a template with the person's own references, as they are compared everywhere.

    Raises
    ------
    PackMismatch
    Refused
        Where they have none that were made with the pack in use.
    """
    house.require_pack(connection)
    own = acting_person(house, connection)
    theirs = own_template(house, connection, own)
    if theirs is None:
        raise unlike()
    return float(theirs @ template)


def unlike() -> Refused:
    """The one answer for every face that does not become theirs."""
    return Refused(
        "This face could not be linked with you: it is too unlike your references, or the photo "
        "is not one that your consent covers.",
        "Add a better reference and try again.",
    )


def link_with_person(
    house: House, connection: Connection, face: StoredFace, score: float, *, did: str
) -> str | None:
    """Make a face the person's, if that is so; SHA-256 of its photo, or None."""
    own = acting_person(house, connection)
    photo = photo_by_id(connection, face.photo_id)
    still = face_by_id(connection, face.face_id)
    if photo is None or still is None or still.lost:
        return None
    if not sightings_of_photos(connection, [photo.photo_id], collection_ids=own.collection_ids):
        return None
    if _is_taken(connection, own, still):
        return None
    link = Link(
        face_id=face.face_id,
        person_id=own.person_id,
        decision="same",
        score=score,
        decided_by="person",
    )
    decide_as_person(house, connection, still, link, did=did)
    return photo.sha256


def link_if_like(
    house: House, connection: Connection, face: StoredFace, score: float, *, did: str
) -> str | None:
    """Make it theirs where it is as like them as a proposal among themself alone would be."""
    if score < house.thresholds(1).review:
        return None
    return link_with_person(house, connection, face, score, did=did)


def crop_of_face(connection: Connection, face: StoredFace) -> tuple[bytes, str] | None:
    """The crop that is kept of a face, and how it is aligned; None where it is compared no more."""
    crops = crops_of(connection, [face.photo_id]).get(face.photo_id, [])
    return next(((c.jpeg, c.alignment) for c in crops if c.face_id == face.face_id), None)


def template_of_crop(house: House, crop: tuple[bytes, str]) -> NDArray[np.float32]:
    """The template of a kept crop, float32 of shape (d,)."""
    made: NDArray[np.float32] = templates_of_crops(house.engine(), [crop], size=FACE_CROP_SIZE)[0]
    return made


def in_unit_square(box: Box, width: int, height: int) -> Window:
    """A box in pixels of a photo, in the photo's width and height."""
    left, top, right, bottom = box
    return left / width, top / height, right / width, bottom / height


def _template_of_nothing(house: House) -> NDArray[np.float32]:
    """What is compared where the library has no such face, so that it takes as long."""
    blank = np.zeros((1, FACE_CROP_SIZE, FACE_CROP_SIZE, 3), np.uint8)
    made: NDArray[np.float32] = house.engine().templates_from_crops(blank)[0]
    return made


def _in_library(connection: Connection, own: Self, pointed: Pointed) -> StoredFace | None:
    """The face that is pointed at, in the first photo of the library that is this picture."""
    for photo_id, window in _same_pictures(connection, own, pointed):
        photo = photo_by_id(connection, photo_id)
        if photo is None:
            continue
        place = within(window, pointed.place)
        found = [
            (copy_rows.overlap(place, in_unit_square(face.box, photo.width, photo.height)), face)
            for face in faces_of(connection, photo_id)
            if not face.lost
        ]
        best = max(found, key=lambda one: (one[0], -one[1].number), default=None)
        if best is not None and best[0] >= SAME_PLACE:
            return best[1]
    return None


def _same_pictures(connection: Connection, own: Self, pointed: Pointed) -> list[tuple[int, Window]]:
    """Photos in the person's collections that are this picture, and where it lies in each."""
    held = photo_by_sha256(connection, pointed.sha256)
    exact, given = held.photo_id if held else None, read_look(pointed.look)
    near: list[int] = []
    if given.telling:
        looks = Looks()
        looks.refresh(connection, before=copy_rows.beyond_all(connection))
        near = [one for one in looks.near(given) if one != exact]
    asked = near if exact is None else [exact, *near]
    covered = sightings_of_photos(connection, asked, collection_ids=own.collection_ids)
    seen = [photo_id for photo_id in near if photo_id in covered]
    if not seen:
        # Laying pictures upon each other takes long enough to tell that there is one.
        measure(given, given)
    found: list[tuple[float, int, Window]] = []
    for photo_id in seen:
        registration = registered(connection, photo_id, given)
        if registration is not None:
            found.append((registration.local, photo_id, registration.window))
    same = [(photo_id, window) for _, photo_id, window in sorted(found)]
    return [(exact, copy_rows.WHOLE), *same] if exact is not None and exact in covered else same


def _is_taken(connection: Connection, own: Self, face: StoredFace) -> bool:
    """Whether the face is somebody else's in a copy, or an operator said that it is not theirs."""
    same = same_face_in_copies(connection, face.face_id, face.photo_id)
    for face_id, photo_id in same.items():
        for link in links_of_photo(connection, photo_id):
            if link.face_id != face_id:
                continue
            if link.decision == "same" and link.person_id != own.person_id:
                return True
            refused = link.decision == "different" and link.person_id == own.person_id
            # Whoever took them off has to say otherwise: themself, or else an operator.
            if refused and link.decided_by != "person":
                return True
    return False
