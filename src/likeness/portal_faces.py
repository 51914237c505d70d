"""That is me: a face that a person points at, compared with their own references and no others.

Every refusal reads the same: whether the library holds the photo, whether the face is too unlike,
and whether it is somebody else's already. See decision 0020.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from likeness.copies import Looks
from likeness.errors import ConsentRefused, Refused
from likeness.faces.crops import FACE_CROP_SIZE
from likeness.faces.registration import Window, accepted, measure, within
from likeness.faces.resemblance import Look, look_of, read_look
from likeness.house import House
from likeness.kept_crops import templates_of_crops
from likeness.matching import fuse
from likeness.portal import Self, acting_person, not_theirs
from likeness.portal_decisions import Then, decide_as_person, same_face_in_copies
from likeness.probe import pixels_of, template_of, the_face
from likeness.records.face import Box, scaled_box
from likeness.records.link import Link
from likeness.records.stored import StoredFace
from likeness.rescan import rescan_where_possible
from likeness.sharing import SAME_PLACE
from likeness.store import copies as copy_rows
from likeness.store.links import links_of_photo, proposals_of_photo
from likeness.store.people import references_of_many
from likeness.store.photos import (
    crops_of,
    face_by_id,
    face_numbered,
    faces_of,
    photo_by_id,
    photo_by_sha256,
)
from likeness.store.sightings import sightings_of_photos

WHOLE: Window = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class OwnCopy:
    """A photo that a person holds, and where faces are in it. It says nothing about the library.

    Attributes
    ----------
    width, height : int
        Of the upright photo, in pixels.
    boxes : tuple of Box
        The faces, from left to right: the first is number 1.
    """

    width: int
    height: int
    boxes: tuple[Box, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Pointed:
    """What somebody points at: a photo they hold, and a face in its unit square."""

    sha256: str
    look: Look
    place: Window
    template: NDArray[np.float32]


def faces_of_own_copy(house: House, photo: bytes) -> OwnCopy:
    """The faces of a photo that the person holds, to choose theirs from.

    They are found in that very photo, in memory; the library is not asked.

    Raises
    ------
    PhotoUnreadable
    Refused
    """
    with house.store.snapshot() as connection:
        acting_person(house, connection)
    pixels, scale = pixels_of(house, photo)
    found = sorted(house.engine().find(pixels), key=lambda one: one.box)
    height, width = pixels.shape[:2]
    return OwnCopy(
        width=round(width * scale),
        height=round(height * scale),
        boxes=tuple(scaled_box(one.box, scale) for one in found),
    )


def that_is_me(
    house: House, photo: bytes, *, face: int | None = None, then: Then = rescan_where_possible
) -> str:
    """Say which face of a photo that the person holds is theirs, where the library holds it too.

    Parameters
    ----------
    photo : bytes
        A file; only looked at, never kept.
    face : int, optional
        Number of the face, from 1, left to right; needed where there are several.

    Returns
    -------
    str
        SHA-256 of the photo in the library that is theirs now.

    Raises
    ------
    Refused
        In the same words whether their consent covers no such photo, the face is too unlike their
        references, or it is somebody else's.
    ConsentRefused
        Where no consent of theirs is live.
    FaceUnusable, FaceChoiceNeeded, PhotoUnreadable
        As in a search: about the photo as it was given.
    """
    # (1) Who asks, and where they may be.
    with house.store.snapshot() as connection:
        own = _covered(acting_person(house, connection))
    # (2) The face they point at, in the photo as they hold it.
    pointed = _pointed(house, photo, face)
    # (3) The same face in the library, in a collection of their consent.
    with house.store.snapshot() as connection:
        target = _in_library(connection, own, pointed)
        crop = _crop(connection, target) if target else None
    # (4) One comparison, with their own references alone, whatever was found.
    template = _template(house, crop) if crop else pointed.template
    # (5) Theirs, where it is like them, nobody else's, and their consent still covers it.
    with house.transaction() as connection:
        score = own_score(house, connection, template)
        linked = (
            _link_if_like(house, connection, target, score, did="that_is_me")
            if target is not None and crop is not None
            else None
        )
        if linked is None:
            # An attempt is a comparison, and so in the log before anything is answered.
            house.audit_deed(connection, kind="decide", details={"did": "that_is_me_refused"})
    if linked is None:
        raise unlike()
    then(house)
    return linked


def is_me(house: House, sha256: str, face: int, *, then: Then = rescan_where_possible) -> None:
    """Say that a face is the person's: a proposal, or another face of one of their photos.

    Raises
    ------
    NotFound
        Where it is no photo of theirs, nor proposed as one, or has no such face.
    Refused
        In the same words whether the face is too unlike their references or somebody else's.
    """
    with house.store.snapshot() as connection:
        own = _covered(acting_person(house, connection))
        target, proposed = _face_of_theirs(connection, own, sha256, face)
        crop = None if proposed is not None else _crop(connection, target)
    template = _template(house, crop) if crop else None
    with house.transaction() as connection:
        target, proposed = _face_of_theirs(connection, own, sha256, face)
        if proposed is None and template is None:
            raise unlike()
        if proposed is not None:
            # It was like enough to be offered to them.
            linked = _link(house, connection, target, proposed, did="is_me")
        else:
            assert template is not None
            score = own_score(house, connection, template)
            linked = _link_if_like(house, connection, target, score, did="is_me")
    if linked is None:
        raise unlike()
    then(house)


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
    held = list(
        references_of_many(
            connection, {own.person_id: own.key}, pack_fingerprint=house.pack.fingerprint
        )
    )
    if not held:
        raise unlike()
    return float(fuse(held).template @ template)


def unlike() -> Refused:
    """The one answer for every face that does not become theirs."""
    return Refused(
        "This face could not be linked with you: it is too unlike your references, or the photo "
        "is not one that your consent covers.",
        "Add a better reference and try again.",
    )


def _covered(own: Self) -> Self:
    if not own.collection_ids:
        raise ConsentRefused(
            "No consent of yours is live for any collection.", "Change it under My consent."
        )
    return own


def _pointed(house: House, photo: bytes, face: int | None) -> _Pointed:
    pixels, scale = pixels_of(house, photo)
    chosen = the_face(house, pixels, scale=scale, face=face)
    height, width = pixels.shape[:2]
    left, top, right, bottom = chosen.box
    return _Pointed(
        sha256=hashlib.sha256(photo).hexdigest(),
        look=read_look(look_of(pixels)),
        place=(left / width, top / height, right / width, bottom / height),
        template=template_of(house, pixels, chosen),
    )


def _in_library(connection: Connection, own: Self, pointed: _Pointed) -> StoredFace | None:
    """The face that is pointed at, in the first photo of the library that is this picture."""
    for photo_id, window in _same_pictures(connection, own, pointed):
        photo = photo_by_id(connection, photo_id)
        if photo is None:
            continue
        place = within(window, pointed.place)
        wide, high = photo.width, photo.height
        found = [
            (copy_rows.overlap(place, (left / wide, top / high, right / wide, bottom / high)), face)
            for face in faces_of(connection, photo_id)
            for left, top, right, bottom in (face.box,)
            if not face.lost
        ]
        best = max(found, key=lambda one: (one[0], -one[1].number), default=None)
        if best is not None and best[0] >= SAME_PLACE:
            return best[1]
    return None


def _same_pictures(
    connection: Connection, own: Self, pointed: _Pointed
) -> list[tuple[int, Window]]:
    """Photos in the person's collections that are this picture, and where it lies in each."""
    held = photo_by_sha256(connection, pointed.sha256)
    exact = held.photo_id if held else None
    near: list[int] = []
    if pointed.look.telling:
        looks = Looks()
        looks.refresh(connection, before=copy_rows.beyond_all(connection))
        near = [one for one in looks.near(pointed.look) if one != exact]
    asked = near if exact is None else [exact, *near]
    covered = sightings_of_photos(connection, asked, collection_ids=own.collection_ids)
    found: list[tuple[float, int, Window]] = []
    for photo_id in near:
        look = copy_rows.look_of_photo(connection, photo_id) if photo_id in covered else None
        registration = measure(read_look(look), pointed.look) if look is not None else None
        if registration is not None and accepted(registration):
            found.append((registration.local, photo_id, registration.window))
    same = [(photo_id, window) for _, photo_id, window in sorted(found)]
    return [(exact, WHOLE), *same] if exact is not None and exact in covered else same


def _face_of_theirs(
    connection: Connection, own: Self, sha256: str, number: int
) -> tuple[StoredFace, float | None]:
    """A face of a photo that is theirs or may be, and its score where it is proposed as theirs."""
    photo = photo_by_sha256(connection, sha256)
    face = face_numbered(connection, photo.photo_id, number) if photo else None
    if photo is None or face is None or face.lost:
        raise not_theirs()
    if not sightings_of_photos(connection, [photo.photo_id], collection_ids=own.collection_ids):
        raise not_theirs()
    links = [
        link
        for link in links_of_photo(connection, photo.photo_id)
        if link.person_id == own.person_id and link.decision == "same"
    ]
    proposals = [
        one
        for one in proposals_of_photo(connection, photo.photo_id)
        if one.person_id == own.person_id
    ]
    if not links and not proposals:
        raise not_theirs()
    scores = [one.score for one in proposals if one.face_id == face.face_id]
    return face, scores[0] if scores else None


def _crop(connection: Connection, face: StoredFace) -> tuple[bytes, str] | None:
    crops = crops_of(connection, [face.photo_id]).get(face.photo_id, [])
    return next((((c.jpeg, c.alignment)) for c in crops if c.face_id == face.face_id), None)


def _template(house: House, crop: tuple[bytes, str]) -> NDArray[np.float32]:
    made: NDArray[np.float32] = templates_of_crops(house.engine(), [crop], size=FACE_CROP_SIZE)[0]
    return made


def _link(
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


def _link_if_like(
    house: House, connection: Connection, face: StoredFace, score: float, *, did: str
) -> str | None:
    """The same, where the face is as like them as a proposal among themself alone would be."""
    if score < house.thresholds(1).review:
        return None
    return _link(house, connection, face, score, did=did)


def _is_taken(connection: Connection, own: Self, face: StoredFace) -> bool:
    """Whether the face is somebody else's in a copy, or an operator said that it is not theirs."""
    same = same_face_in_copies(connection, face.face_id, face.photo_id)
    same[face.face_id] = face.photo_id
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
