"""Photos whose faces another model pack found, and their faces as they are found anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, or_, select, update

from likeness.records.face import Box
from likeness.store.chunks import in_chunks
from likeness.store.photos import NewFace, face_values, insert_face
from likeness.store.schema import faces, links, photos, proposals, sightings, sources

_UNREAD = "unread:"
"""Before the fingerprint of a pack that should have found the faces of a photo, whose file could
not be read: its faces are still those that a former pack found."""


@dataclass(frozen=True, kw_only=True)
class WaitingPhoto:
    """A photo whose faces have yet to be found with the pack in use.

    Attributes
    ----------
    photo_id : int
    sha256 : str
    found_with : str
        What its faces were found with, as it is kept.
    """

    photo_id: int
    sha256: str
    found_with: str


@dataclass(frozen=True, kw_only=True)
class HeldFace:
    """A face as it stands before its photo is looked at anew.

    Attributes
    ----------
    face_id : int
    box : Box
    decided : bool
        Whether somebody decided whose it is, or whose it is not.
    """

    face_id: int
    box: Box
    decided: bool


def photos_found_otherwise(
    connection: Connection, fingerprint: str, *, limit: int, older_than: int | None = None
) -> list[WaitingPhoto]:
    """Photos whose faces were not found with this pack, newest first.

    Parameters
    ----------
    older_than : int, optional
        Id of a photo: only those that came before it.
    """
    query = select(photos.c.photo_id, photos.c.sha256, photos.c.found_with).where(
        photos.c.found_with.not_in(_current(fingerprint))
    )
    if older_than is not None:
        query = query.where(photos.c.photo_id < older_than)
    rows = connection.execute(query.order_by(photos.c.photo_id.desc()).limit(limit))
    return [
        WaitingPhoto(photo_id=row.photo_id, sha256=row.sha256, found_with=row.found_with)
        for row in rows
    ]


def count_waiting(connection: Connection, fingerprint: str, *, change: int) -> int:
    """How many photos wait for their faces to be found anew, or to be compared anew.

    Parameters
    ----------
    change : int
        Photos compared with an older gallery than this wait to be compared.
    """
    query = (
        select(func.count())
        .select_from(photos)
        .where(or_(_otherwise(fingerprint), photos.c.matched_through < change))
    )
    return int(connection.execute(query).scalar_one())


def count_found_otherwise(connection: Connection, fingerprint: str) -> int:
    """How many photos there are whose faces were not found with this pack."""
    query = select(func.count()).select_from(photos).where(_otherwise(fingerprint))
    return int(connection.execute(query).scalar_one())


def count_unread(connection: Connection, fingerprint: str) -> int:
    """How many photos could not be read when their faces were to be found with this pack."""
    query = select(func.count()).where(photos.c.found_with == _UNREAD + fingerprint)
    return int(connection.execute(query).scalar_one())


def wait_again(connection: Connection, fingerprint: str) -> int:
    """Let photos that could not be read wait to be read once more; returns how many."""
    unread = photos.c.found_with == _UNREAD + fingerprint
    return connection.execute(update(photos).where(unread).values(found_with="")).rowcount


def set_found_with(
    connection: Connection, photo_ids: Iterable[int], fingerprint: str, *, unread: bool
) -> None:
    """Note which pack found the faces of photos, or that it could not, as they were ``unread``."""
    value = _UNREAD + fingerprint if unread else fingerprint
    for some in in_chunks(photo_ids):
        connection.execute(
            update(photos).where(photos.c.photo_id.in_(some)).values(found_with=value)
        )


def found_with_of(connection: Connection, photo_ids: Iterable[int]) -> dict[int, str]:
    """What the faces of some photos were found with, by photo id, as it is kept."""
    found: dict[int, str] = {}
    for some in in_chunks(photo_ids):
        rows = connection.execute(
            select(photos.c.photo_id, photos.c.found_with).where(photos.c.photo_id.in_(some))
        )
        found.update({row.photo_id: row.found_with for row in rows})
    return found


def files_of_photos(
    connection: Connection, photo_ids: Iterable[int]
) -> dict[int, list[tuple[str, str, str]]]:
    """(kind, address, item) of every file that photos were found as, by photo id.

    Of folders and uploads that nobody stopped.
    """
    places = (
        select(sightings.c.photo_id, sources.c.kind, sources.c.address, sightings.c.item)
        .join(sources, sources.c.source_id == sightings.c.source_id)
        .where(sources.c.kind.in_(("folder", "upload")), sources.c.state == "active")
        .order_by(sightings.c.sighting_id)
    )
    found: dict[int, list[tuple[str, str, str]]] = {}
    for some in in_chunks(photo_ids):
        for row in connection.execute(places.where(sightings.c.photo_id.in_(some))):
            found.setdefault(row.photo_id, []).append((row.kind, row.address, row.item))
    return found


def held_faces(connection: Connection, photo_id: int) -> list[HeldFace]:
    """The faces of a photo, by number, with those that an earlier pack alone found."""
    decided = exists().where(links.c.face_id == faces.c.face_id, links.c.decided_by != "threshold")
    box = (faces.c.left, faces.c.top, faces.c.right, faces.c.bottom)
    rows = connection.execute(
        select(faces.c.face_id, *box, decided.label("decided"))
        .where(faces.c.photo_id == photo_id)
        .order_by(faces.c.number)
    )
    return [
        HeldFace(
            face_id=row.face_id,
            box=(row.left, row.top, row.right, row.bottom),
            decided=bool(row.decided),
        )
        for row in rows
    ]


def replace_faces(
    connection: Connection,
    photo_id: int,
    held: Sequence[HeldFace],
    found: Sequence[NewFace],
    *,
    heirs: Mapping[int, int],
) -> list[int]:
    """Put the faces that were found in place of those held; returns their ids, in their order.

    Parameters
    ----------
    heirs : mapping of a place in ``found`` to a face id
        Which found face is a held one, whose id and decisions it keeps. Other held faces go with
        what was decided about them without review, but those that somebody decided about: they
        stay as lost, numbered after the others.
    """
    inherited = set(heirs.values())
    left = [face for face in held if face.face_id not in inherited]
    gone = [face.face_id for face in left if not face.decided]
    # Numbers are unique in a photo: all are set aside before any is given anew.
    connection.execute(
        update(faces).where(faces.c.photo_id == photo_id).values(number=-faces.c.face_id)
    )
    for some in in_chunks(gone):
        for table in (links, proposals, faces):
            connection.execute(delete(table).where(table.c.face_id.in_(some)))
    face_ids = []
    for place, face in enumerate(found):
        face_id = heirs.get(place)
        if face_id is None:
            face_id = insert_face(connection, photo_id, place + 1, face)
        else:
            values = {"number": place + 1, "lost": 0, **face_values(face)}
            connection.execute(update(faces).where(faces.c.face_id == face_id).values(**values))
        face_ids.append(face_id)
    lost = sorted((face.box, face.face_id) for face in left if face.decided)
    for number, (_, face_id) in enumerate(lost, start=len(found) + 1):
        connection.execute(
            update(faces).where(faces.c.face_id == face_id).values(number=number, lost=1)
        )
    return face_ids


def _current(fingerprint: str) -> tuple[str, str]:
    return fingerprint, _UNREAD + fingerprint


def _otherwise(fingerprint: str) -> ColumnElement[bool]:
    """The same as being neither of the two, as ranges: so that an index tells at once."""
    low, high = sorted(_current(fingerprint))
    column = photos.c.found_with
    return or_(column < low, and_(column > low, column < high), column > high)
