"""Photos that are copies of one picture: how they look, which belong together, and where each lies.

Every photo keeps its own row, faces, links and sightings: a picture is no more than a number that
its copies share, so that what came from one source goes without a trace of another's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from likeness.errors import StorageError
from likeness.records.face import Box
from likeness.store.chunks import in_chunks
from likeness.store.schema import faces, look_heads, photos

Frame = tuple[float, float, float, float]
"""(left, top, right, bottom) of a whole copy in the unit square of its picture."""

WHOLE: Frame = (0.0, 0.0, 1.0, 1.0)
LOADED_AT_ONCE = 10_000

NUMBER = func.coalesce(photos.c.picture, photos.c.photo_id)
"""The number of a photo's picture; the id of a photo of which there is no other copy."""

_COPY_COLUMNS = (
    photos.c.photo_id,
    photos.c.sha256,
    photos.c.width,
    photos.c.height,
    photos.c.picture,
    photos.c.frame,
    photos.c.apart,
)


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A photo among the copies of a picture.

    Attributes
    ----------
    photo_id : int
    sha256 : str
    width, height : int
        Of the upright original, in pixels.
    picture : int or None
        The number that the copies of one picture share; None for a photo of which there is no
        other.
    frame : Frame
        Where it lies in the picture.
    apart : bool
        Whether somebody said that it is no copy of another.
    """

    photo_id: int
    sha256: str
    width: int
    height: int
    picture: int | None
    frame: Frame
    apart: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceOfCopy:
    """A face of a copy, with its crop.

    Attributes
    ----------
    face_id, photo_id : int
    box : Box
        In pixels of the copy.
    crop : bytes
        As JPEG.
    alignment : str
        Name of the frame that the crop was aligned to.
    """

    face_id: int
    photo_id: int
    box: Box
    crop: bytes
    alignment: str


def set_look(connection: Connection, photo_id: int, look: bytes, *, head: bytes) -> None:
    """Keep how a photo looks, and the head of it by which looks alike are found."""
    connection.execute(update(photos).where(photos.c.photo_id == photo_id).values(look=look))
    connection.execute(delete(look_heads).where(look_heads.c.photo_id == photo_id))
    connection.execute(insert(look_heads).values(photo_id=photo_id, head=head))


def heads_of_looks(connection: Connection, *, after: int, before: int) -> list[tuple[int, bytes]]:
    """The heads of the looks of some photos by id, in order, `LOADED_AT_ONCE` at most.

    Parameters
    ----------
    connection : Connection
    after, before : int
        Ids of photos; neither is among them.
    """
    rows = connection.execute(
        select(look_heads)
        .where(look_heads.c.photo_id > after, look_heads.c.photo_id < before)
        .order_by(look_heads.c.photo_id)
        .limit(LOADED_AT_ONCE)
    )
    return [(row.photo_id, bytes(row.head)) for row in rows]


def beyond_all(connection: Connection) -> int:
    """An id that is higher than that of any photo."""
    return 1 + int(connection.execute(select(func.max(photos.c.photo_id))).scalar_one() or 0)


def copy_of_sha256(connection: Connection, sha256: str) -> Copy | None:
    """The photo with these bytes, or None."""
    row = connection.execute(select(*_COPY_COLUMNS).where(photos.c.sha256 == sha256)).first()
    return _copy(row) if row else None


def copies_that_may_join(connection: Connection, photo_ids: Iterable[int]) -> dict[int, Copy]:
    """Those of some photos that nobody set apart and that are not stopped, by id."""
    return {
        row.photo_id: _copy(row)
        for some in in_chunks(photo_ids)
        for row in connection.execute(
            select(*_COPY_COLUMNS).where(
                photos.c.photo_id.in_(some), photos.c.apart == 0, photos.c.stopped == 0
            )
        )
    }


def copies_in(connection: Connection, picture: int) -> list[Copy]:
    """The copies of a picture, by id."""
    rows = connection.execute(
        select(*_COPY_COLUMNS).where(photos.c.picture == picture).order_by(photos.c.photo_id)
    )
    return [_copy(row) for row in rows]


def copies_of_pictures(connection: Connection, pictures: Iterable[int]) -> dict[int, list[Copy]]:
    """The copies of some pictures, by the number of the picture, each by id."""
    found: dict[int, list[Copy]] = {}
    for some in in_chunks(pictures):
        query = select(*_COPY_COLUMNS).where(photos.c.picture.in_(some))
        for row in connection.execute(query.order_by(photos.c.photo_id)):
            found.setdefault(row.picture, []).append(_copy(row))
    return found


def picture_of(connection: Connection, photo_id: int) -> int | None:
    """The number of the picture that a photo is a copy of, or None."""
    picture: int | None = connection.execute(
        select(photos.c.picture).where(photos.c.photo_id == photo_id)
    ).scalar_one_or_none()
    return picture


def number_of(connection: Connection, photo_id: int) -> int:
    """The number of the picture that a photo is a copy of, or its own id."""
    return picture_of(connection, photo_id) or photo_id


def placed(box: Box, copy: Copy) -> Frame:
    """Where a box in pixels of a copy lies in the picture, in the picture's width and height."""
    left, top, right, bottom = copy.frame
    wide, high = (right - left) / copy.width, (bottom - top) / copy.height
    return left + box[0] * wide, top + box[1] * high, left + box[2] * wide, top + box[3] * high


def shows(frame: Frame, place: Frame) -> bool:
    """Whether at least half of a place in a picture is in a copy."""
    area = (place[2] - place[0]) * (place[3] - place[1])
    return _common(frame, place) >= area / 2


def overlap(one: Frame, other: Frame) -> float:
    """Intersection over union of two places."""
    both = _common(one, other)
    areas = [(place[2] - place[0]) * (place[3] - place[1]) for place in (one, other)]
    return both / (sum(areas) - both) if both > 0 else 0.0


def look_of_photo(connection: Connection, photo_id: int) -> bytes | None:
    """How a photo looks, or None where that is not known."""
    look: bytes | None = connection.execute(
        select(photos.c.look).where(photos.c.photo_id == photo_id)
    ).scalar_one_or_none()
    return look


def put_into(connection: Connection, photo_id: int, *, picture: int, frame: Frame) -> None:
    """Make a photo a copy of a picture."""
    connection.execute(
        update(photos)
        .where(photos.c.photo_id == photo_id)
        .values(picture=picture, frame=json.dumps(frame))
    )


def take_out(connection: Connection, copy: Copy) -> None:
    """Leave a photo without other copies; a picture of one copy is none."""
    _alone(connection, [copy.photo_id])
    if copy.picture is None:
        return
    left = [one.photo_id for one in copies_in(connection, copy.picture)]
    if len(left) == 1:
        _alone(connection, left)
    elif copy.picture == copy.photo_id:
        # The number of a picture is never that of a photo which is no copy of it.
        connection.execute(
            update(photos).where(photos.c.picture == copy.picture).values(picture=min(left))
        )


def set_apart(connection: Connection, photo_id: int, *, apart: bool) -> None:
    """Note whether somebody said that a photo is no copy of another."""
    connection.execute(update(photos).where(photos.c.photo_id == photo_id).values(apart=int(apart)))


def faces_of_copies(connection: Connection, photo_ids: Sequence[int]) -> list[FaceOfCopy]:
    """The faces of some photos with their crops, by photo and number."""
    rows = connection.execute(
        select(faces)
        .where(faces.c.photo_id.in_(photo_ids))
        .order_by(faces.c.photo_id, faces.c.number)
    )
    return [
        FaceOfCopy(
            face_id=row.face_id,
            photo_id=row.photo_id,
            box=(row.left, row.top, row.right, row.bottom),
            crop=row.crop,
            alignment=row.alignment,
        )
        for row in rows
    ]


def read_frame(text: str | None) -> Frame:
    """The frame that a row holds; the whole where it holds none.

    Raises
    ------
    StorageError
        Where it is no frame.
    """
    if text is None:
        return WHOLE
    try:
        left, top, right, bottom = (float(edge) for edge in json.loads(text))
    except (ValueError, TypeError):
        raise _damaged() from None
    if not (math.isfinite(left + top + right + bottom) and left < right and top < bottom):
        raise _damaged()
    return left, top, right, bottom


def _common(one: Frame, other: Frame) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, high)


def _alone(connection: Connection, photo_ids: Sequence[int]) -> None:
    connection.execute(
        update(photos).where(photos.c.photo_id.in_(photo_ids)).values(picture=None, frame=None)
    )


def _copy(row: Row[*tuple[Any, ...]]) -> Copy:
    return Copy(
        photo_id=row.photo_id,
        sha256=row.sha256,
        width=row.width,
        height=row.height,
        picture=row.picture,
        frame=read_frame(row.frame),
        apart=bool(row.apart),
    )


def _damaged() -> StorageError:
    return StorageError(
        "Where a copy lies in its picture is damaged in the library.",
        "Restore the library from a backup, or remove its source and add it again.",
    )
