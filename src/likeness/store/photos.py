"""Photos and their faces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from likeness.records.face import DetectedFace, Quality
from likeness.records.stored import StoredFace, StoredPhoto
from likeness.store.chunks import in_chunks
from likeness.store.schema import faces, links, photos, proposals, sightings

NEVER_MATCHED = -1
"""``matched_through`` of a photo that has to be compared again with everybody."""

FACE_COLUMNS = (
    faces.c.face_id,
    faces.c.photo_id,
    faces.c.number,
    faces.c.left,
    faces.c.top,
    faces.c.right,
    faces.c.bottom,
    faces.c.score,
    faces.c.lost,
)
PHOTO_COLUMNS = (
    photos.c.photo_id.label("id_of_photo"),
    photos.c.sha256,
    photos.c.width,
    photos.c.height,
    photos.c.format,
    photos.c.added_at,
    photos.c.matched_through,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class NewPhoto:
    """A photo about to be kept.

    Attributes
    ----------
    sha256 : str
    width, height : int
    format : str
    """

    sha256: str
    width: int
    height: int
    format: str


@dataclass(frozen=True, kw_only=True, eq=False)
class NewFace:
    """A face about to be kept with its photo.

    Attributes
    ----------
    face : DetectedFace
        Box and landmarks in pixels of the upright original.
    quality : Quality
    crop : bytes
        The 192 px crop as JPEG.
    alignment : str
        Name of the frame that the crop was aligned to.
    """

    face: DetectedFace
    quality: Quality
    crop: bytes
    alignment: str


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceCrop:
    """The crop that is kept of a face.

    Attributes
    ----------
    face_id : int
    jpeg : bytes
    alignment : str
        Name of the frame that it was aligned to.
    """

    face_id: int
    jpeg: bytes
    alignment: str


def photo_by_sha256(connection: Connection, sha256: str) -> StoredPhoto | None:
    """The photo with these bytes, or None."""
    row = connection.execute(select(*PHOTO_COLUMNS).where(photos.c.sha256 == sha256)).first()
    return stored_photo(row) if row else None


def copies_of(connection: Connection, sha256: str) -> list[str]:
    """SHA-256 of the other photos that are the same picture as this one."""
    own = select(photos.c.picture).where(photos.c.sha256 == sha256).scalar_subquery()
    rows = connection.execute(
        select(photos.c.sha256).where(photos.c.picture == own, photos.c.sha256 != sha256)
    )
    return sorted(rows.scalars())


def known_sha256(connection: Connection, hashes: Iterable[str]) -> dict[str, StoredPhoto]:
    """Those of the photos asked for that are held, by hash."""
    rows = connection.execute(select(*PHOTO_COLUMNS).where(photos.c.sha256.in_(list(hashes))))
    return {row.sha256: stored_photo(row) for row in rows}


def insert_photo(
    connection: Connection,
    photo: NewPhoto,
    new_faces: Sequence[NewFace],
    *,
    at: datetime,
    matched_through: int,
    found_with: str,
) -> tuple[int, list[int]]:
    """Keep a photo and its faces; returns their ids, faces in the order given.

    ``found_with`` is the fingerprint of the pack that found the faces.
    """
    photo_id = int(
        connection.execute(
            insert(photos)
            .values(
                sha256=photo.sha256,
                width=photo.width,
                height=photo.height,
                format=photo.format,
                added_at=at.isoformat(),
                matched_through=matched_through,
                found_with=found_with,
            )
            .returning(photos.c.photo_id)
        ).scalar_one()
    )
    face_ids = [
        insert_face(connection, photo_id, number, new)
        for number, new in enumerate(new_faces, start=1)
    ]
    return photo_id, face_ids


def set_matched_through(connection: Connection, photo_ids: Sequence[int], change: int) -> None:
    """Note that photos were compared with the gallery as of a change number."""
    for some in in_chunks(photo_ids):
        connection.execute(
            update(photos).where(photos.c.photo_id.in_(some)).values(matched_through=change)
        )


def faces_of(connection: Connection, photo_id: int) -> list[StoredFace]:
    """The faces of a photo, by number."""
    rows = connection.execute(
        select(*FACE_COLUMNS).where(faces.c.photo_id == photo_id).order_by(faces.c.number)
    )
    return [stored_face(row) for row in rows]


def face_numbered(connection: Connection, photo_id: int, number: int) -> StoredFace | None:
    """One face of a photo by its number, or None."""
    # Whatever number somebody writes, also one that no database holds.
    return next((face for face in faces_of(connection, photo_id) if face.number == number), None)


def face_by_id(connection: Connection, face_id: int) -> StoredFace | None:
    """One face by its id, or None."""
    row = connection.execute(select(*FACE_COLUMNS).where(faces.c.face_id == face_id)).first()
    return stored_face(row) if row else None


def photo_by_id(connection: Connection, photo_id: int) -> StoredPhoto | None:
    """One photo by its id, or None."""
    row = connection.execute(select(*PHOTO_COLUMNS).where(photos.c.photo_id == photo_id)).first()
    return stored_photo(row) if row else None


def crops_of(connection: Connection, photo_ids: Sequence[int]) -> dict[int, list[FaceCrop]]:
    """The crops of each photo asked for that may be compared, in the order of the faces.

    By photo id; photos without faces are absent. A face that the pack in use no longer finds is
    compared with nobody.
    """
    rows = connection.execute(
        select(faces.c.photo_id, faces.c.face_id, faces.c.crop, faces.c.alignment)
        .where(faces.c.photo_id.in_(photo_ids), faces.c.lost == 0)
        .order_by(faces.c.photo_id, faces.c.number)
    )
    found: dict[int, list[FaceCrop]] = {}
    for row in rows:
        crop = FaceCrop(face_id=row.face_id, jpeg=row.crop, alignment=row.alignment)
        found.setdefault(row.photo_id, []).append(crop)
    return found


def crop_of(connection: Connection, face_id: int) -> bytes | None:
    """One face's crop, or None."""
    crop: bytes | None = connection.execute(
        select(faces.c.crop).where(faces.c.face_id == face_id)
    ).scalar_one_or_none()
    return crop


def photos_matched_before(
    connection: Connection, change: int, *, limit: int, older_than: int | None = None
) -> dict[int, int]:
    """Photos compared with an older gallery than ``change``, newest first: id to that number.

    Parameters
    ----------
    connection : Connection
    change : int
    limit : int
    older_than : int, optional
        Id of a photo: only those that came before it.
    """
    query = select(photos.c.photo_id, photos.c.matched_through).where(
        photos.c.matched_through < change
    )
    if older_than is not None:
        query = query.where(photos.c.photo_id < older_than)
    rows = connection.execute(query.order_by(photos.c.photo_id.desc()).limit(limit))
    return {row.photo_id: row.matched_through for row in rows}


def matched_through_of(connection: Connection, photo_ids: Iterable[int]) -> dict[int, int]:
    """The change number that each of some photos was compared through, by photo id."""
    found: dict[int, int] = {}
    for some in in_chunks(photo_ids):
        rows = connection.execute(
            select(photos.c.photo_id, photos.c.matched_through).where(photos.c.photo_id.in_(some))
        )
        found.update({row.photo_id: row.matched_through for row in rows})
    return found


def count_matched_before(connection: Connection, change: int) -> int:
    """How many photos were compared with an older gallery than ``change``."""
    query = select(func.count()).select_from(photos).where(photos.c.matched_through < change)
    return int(connection.execute(query).scalar_one())


def delete_orphans(connection: Connection, *, limit: int) -> int:
    """Delete up to ``limit`` photos that have no sighting left, with their faces and links."""
    orphaned = list(
        connection.execute(
            select(photos.c.photo_id)
            .where(~exists().where(sightings.c.photo_id == photos.c.photo_id))
            .limit(limit)
        ).scalars()
    )
    if orphaned:
        for table in (links, proposals, faces, photos):
            connection.execute(delete(table).where(table.c.photo_id.in_(orphaned)))
    return len(orphaned)


def count_photos(connection: Connection) -> tuple[int, int]:
    """How many photos and faces are held."""
    photo_count = connection.execute(select(func.count()).select_from(photos)).scalar_one()
    face_count = connection.execute(select(func.count()).select_from(faces)).scalar_one()
    return int(photo_count), int(face_count)


def stored_photo(row: Row[*tuple[Any, ...]]) -> StoredPhoto:
    """A photo from a row that has :data:`PHOTO_COLUMNS`."""
    return StoredPhoto(
        photo_id=row.id_of_photo,
        sha256=row.sha256,
        width=row.width,
        height=row.height,
        format=row.format,
        added_at=datetime.fromisoformat(row.added_at),
        matched_through=row.matched_through,
    )


def stored_face(row: Row[*tuple[Any, ...]]) -> StoredFace:
    """A face from a row that has its columns."""
    return StoredFace(
        face_id=row.face_id,
        photo_id=row.photo_id,
        number=row.number,
        box=(row.left, row.top, row.right, row.bottom),
        score=row.score,
        lost=bool(row.lost),
    )


def insert_face(connection: Connection, photo_id: int, number: int, new: NewFace) -> int:
    """Keep one more face of a photo under a number that is free; returns its id."""
    return int(
        connection.execute(
            insert(faces)
            .values(photo_id=photo_id, number=number, **face_values(new))
            .returning(faces.c.face_id)
        ).scalar_one()
    )


def face_values(new: NewFace) -> dict[str, Any]:
    """What the row of a face holds, apart from its ids, its number and whether it is lost."""
    left, top, right, bottom = new.face.box
    return {
        "left": left,
        "top": top,
        "right": right,
        "bottom": bottom,
        "score": float(new.face.score),
        "landmarks": new.face.landmarks.astype("<f4").tobytes(),
        "inter_eye": new.quality.inter_eye,
        "sharpness": new.quality.sharpness,
        "yaw": new.quality.yaw,
        "roll": new.quality.roll,
        "inside": new.quality.inside,
        "under_exposure": new.quality.under_exposure,
        "over_exposure": new.quality.over_exposure,
        "dynamic_range": new.quality.dynamic_range,
        "unified": new.quality.unified,
        "crop": new.crop,
        "alignment": new.alignment,
    }
