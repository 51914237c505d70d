"""That is me: a face that a person points at, compared with their own references and no others.

Every refusal reads the same: whether the library holds the photo, whether the face is too unlike,
and whether it is somebody else's already. See decision 0020.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from likeness.errors import StorageError, UsageError
from likeness.faces.crops import FACE_CROP_SIZE, encode_crop
from likeness.faces.resemblance import look_of
from likeness.house import House
from likeness.portal import Self, acting_person, consenting_person, not_theirs
from likeness.portal_claim import (
    Pointed,
    claim,
    crop_of_face,
    in_unit_square,
    link_if_like,
    link_with_person,
    own_score,
    template_of_crop,
    unlike,
)
from likeness.portal_decisions import theirs_in
from likeness.probe import pixels_of, the_face
from likeness.records.face import Box, scaled_box
from likeness.records.stored import StoredFace
from likeness.rescan import Then, rescan_where_possible
from likeness.store.envelope import seal, unseal
from likeness.store.photos import face_numbered

SEALED_LASTS = timedelta(minutes=15)
"""How long somebody may think about which face is theirs."""


@dataclass(frozen=True, kw_only=True)
class OwnCopy:
    """A photo that a person holds, and where faces are in it. It says nothing about the library.

    Attributes
    ----------
    width, height : int
        Of the upright photo, in pixels.
    boxes : tuple of Box
        The faces, from left to right: the first is number 1.
    crops : tuple of bytes
        The same, cut out, as JPEG.
    sealed : bytes
        What is needed to choose one later without the photo; it opens for this person alone.
    """

    width: int
    height: int
    boxes: tuple[Box, ...]
    crops: tuple[bytes, ...] = field(repr=False)
    sealed: bytes = field(repr=False)


def faces_of_own_copy(house: House, photo: bytes) -> OwnCopy:
    """The faces of a photo that the person holds, to choose theirs from.

    They are found in that very photo, in memory; the library is not asked.

    Raises
    ------
    PhotoUnreadable
    Refused
    """
    with house.store.snapshot() as connection:
        own = acting_person(house, connection)
    pixels, scale = pixels_of(house, photo)
    engine = house.engine()
    found = sorted(engine.find(pixels), key=lambda one: one.box)
    crops = engine.crops(pixels, found, size=FACE_CROP_SIZE) if found else ()
    height, width = pixels.shape[:2]
    held = {
        "at": house.clock().isoformat(),
        "sha256": hashlib.sha256(photo).hexdigest(),
        "look": base64.b64encode(look_of(pixels)).decode(),
        "places": [in_unit_square(one.box, width, height) for one in found],
    }
    return OwnCopy(
        width=round(width * scale),
        height=round(height * scale),
        boxes=tuple(scaled_box(one.box, scale) for one in found),
        crops=tuple(encode_crop(crop) for crop in crops),
        sealed=seal(own.key, json.dumps(held).encode(), context=_context(own)),
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
    own = _consenting(house)
    # (2) The face they point at, in the photo as they hold it.
    pixels, scale = pixels_of(house, photo)
    chosen = the_face(house, pixels, scale=scale, face=face)
    height, width = pixels.shape[:2]
    pointed = Pointed(
        sha256=hashlib.sha256(photo).hexdigest(),
        look=look_of(pixels),
        place=in_unit_square(chosen.box, width, height),
    )
    # (3) to (6)
    return claim(house, own, pointed, then)


def that_is_me_in(
    house: House, sealed: bytes, *, face: int, then: Then = rescan_where_possible
) -> str:
    """The same of a photo whose faces were shown to choose from (`OwnCopy.sealed`).

    Raises
    ------
    Refused, ConsentRefused
        As `that_is_me`.
    UsageError
        Where it was sealed for somebody else or too long ago, or there is no such face.
    """
    own = _consenting(house)
    try:
        held = json.loads(unseal(own.key, sealed, context=_context(own)))
    except StorageError:
        raise _choose_anew() from None
    fresh = house.clock() - datetime.fromisoformat(held["at"]) <= SEALED_LASTS
    if not fresh or not 1 <= face <= len(held["places"]):
        raise _choose_anew()
    left, top, right, bottom = held["places"][face - 1]
    pointed = Pointed(
        sha256=held["sha256"],
        look=base64.b64decode(held["look"]),
        place=(left, top, right, bottom),
    )
    return claim(house, own, pointed, then)


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
        own = consenting_person(house, connection)
        target, proposed = _face_of_theirs(connection, own, sha256, face)
        crop = None if proposed is not None else crop_of_face(connection, target)
    template = template_of_crop(house, crop) if crop else None
    with house.transaction() as connection:
        target, proposed = _face_of_theirs(connection, own, sha256, face)
        linked = None
        if proposed is not None:
            # It was like enough to be offered to them.
            linked = link_with_person(house, connection, target, proposed, did="is_me")
        elif template is not None:
            score = own_score(house, connection, template)
            linked = link_if_like(house, connection, target, score, did="is_me")
        if linked is None:
            # In the log before it is answered, as every attempt at a claim.
            house.audit_deed(connection, kind="decide", details={"did": "is_me_refused"})
    if linked is None:
        raise unlike()
    then(house)


def _consenting(house: House) -> Self:
    with house.store.snapshot() as connection:
        return consenting_person(house, connection)


def _context(own: Self) -> str:
    return f"that-is-me/{own.person_id}"


def _choose_anew() -> UsageError:
    return UsageError("These faces were shown too long ago.", "Choose the photo again.")


def _face_of_theirs(
    connection: Connection, own: Self, sha256: str, number: int
) -> tuple[StoredFace, float | None]:
    """A face of a photo that is theirs or may be, and its score where it is proposed as theirs."""
    photo, _, proposals = theirs_in(connection, own, sha256)
    face = face_numbered(connection, photo.photo_id, number)
    if face is None or face.lost:
        raise not_theirs()
    scores = [one.score for one in proposals if one.face_id == face.face_id]
    return face, scores[0] if scores else None
