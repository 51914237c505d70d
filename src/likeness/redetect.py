"""Find the faces of photos anew with the pack in use, where another pack found them.

A face that is found again where one was before keeps its id, and so what people decided about it.
Photos whose file cannot be read keep the faces they have; these are compared by their crops.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from likeness.arrivals import find_faces
from likeness.deciding import decide_again
from likeness.errors import PhotoUnreadable
from likeness.faces.crops import FACE_CROP_SIZE
from likeness.house import House, Progress, ProgressListener
from likeness.kept_crops import templates_of_crops
from likeness.overlap import overlapped
from likeness.records.face import Box
from likeness.records.photo import DecodedPhoto
from likeness.sources.base import item_of
from likeness.sources.folder_entry import read_item
from likeness.store.links import delete_automatic
from likeness.store.photos import FaceCrop, NewFace, crops_of, set_matched_through
from likeness.store.redetected import (
    WaitingPhoto,
    count_found_otherwise,
    files_of_photos,
    found_with_of,
    held_faces,
    photos_found_otherwise,
    replace_faces,
    set_found_with,
)
from likeness.store.sightings import collections_of_photos
from likeness.uploaded import UPLOADED, folder_of

AT_ONCE = 16
AHEAD = 2
READERS = 2
SAME_FACE = 0.5
"""Intersection over union of two boxes from which on they are the same face."""


@dataclass(frozen=True, kw_only=True)
class Redetected:
    """What finding faces anew did.

    Attributes
    ----------
    photos : int
    linked, proposed : int
        Links and proposals that these photos gained, of people whom the acting account may find.
    """

    photos: int = 0
    linked: int = 0
    proposed: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class _Photo:
    """A photo that waits, with its faces as found anew; None where its file cannot be read."""

    waiting: WaitingPhoto
    found: tuple[NewFace, ...] | None


def redetect(house: House, *, progress: ProgressListener) -> Redetected:
    """Bring every photo to the faces that the pack in use finds; newest first, resumable.

    Each photo is decided anew in the transaction that replaces its faces. The caller has the turn
    for rescans.

    Raises
    ------
    PackMismatch
        Where the library's model pack is not here, or changes meanwhile.
    """
    fingerprint = house.pack.fingerprint
    done = Redetected()
    while True:
        with house.store.snapshot() as connection:
            house.require_pack(connection)
            left = count_found_otherwise(connection, fingerprint)
        if not left:
            return done
        total = done.photos + left
        progress(Progress(phase="relink", done=done.photos, total=total))
        for photos in overlapped(_read(house, fingerprint), depth=AHEAD):
            gained = _settle(house, _look(house, photos))
            done = Redetected(
                photos=done.photos + gained.photos,
                linked=done.linked + gained.linked,
                proposed=done.proposed + gained.proposed,
            )
            progress(Progress(phase="relink", done=done.photos, total=max(total, done.photos)))


def heirs_of(
    held: Sequence[Box], found: Sequence[Box], *, decided: Collection[int] = ()
) -> dict[int, int]:
    """Which found boxes are held ones: pairs by place, one to one, those that agree best first.

    Where that leaves out a held box that somebody decided about, it takes the place of one that
    nobody did: what a human said must not lose its face to a box that agrees a little better.

    Parameters
    ----------
    held, found : sequence of Box
    decided : collection of int
        Places in ``held`` of faces that somebody decided about.

    Examples
    --------
    >>> heirs_of([(0, 0, 10, 10), (50, 0, 60, 10)], [(51, 0, 61, 10), (20, 0, 30, 10)])
    {0: 1}
    """
    pairs = sorted(
        (-agreement, new, old)
        for new, one in enumerate(found)
        for old, other in enumerate(held)
        if (agreement := _overlap(one, other)) >= SAME_FACE
    )
    heirs: dict[int, int] = {}
    for _, new, old in pairs:
        if new not in heirs and old not in heirs.values():
            heirs[new] = old
    for _, new, old in pairs:
        if old in decided and old not in heirs.values() and heirs.get(new) not in decided:
            heirs[new] = old
    return heirs


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    areas = ((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return common / (sum(areas) - common)


def _read(
    house: House, fingerprint: str
) -> Iterator[list[tuple[WaitingPhoto, DecodedPhoto | None]]]:
    """Every photo that waits, in batches, decoded where its file is still what it was."""
    last = None
    with ThreadPoolExecutor(READERS, thread_name_prefix="likeness-read") as readers:
        while True:
            with house.store.snapshot() as connection:
                waiting = photos_found_otherwise(
                    connection, fingerprint, limit=AT_ONCE, older_than=last
                )
                files = files_of_photos(connection, [photo.photo_id for photo in waiting])
            if not waiting:
                return
            last = waiting[-1].photo_id
            decoded = readers.map(
                lambda photo, places: _decoded(house, photo.sha256, places),
                waiting,
                [files.get(photo.photo_id, []) for photo in waiting],
            )
            yield list(zip(waiting, decoded, strict=True))


def _decoded(
    house: House, sha256: str, places: Iterable[tuple[str, str, str]]
) -> DecodedPhoto | None:
    for kind, place, item in places:
        address = item_of(str(folder_of(house, place))) if kind == UPLOADED else place
        try:
            data = read_item(address, item, house.settings.limits.max_bytes)
            if hashlib.sha256(data).hexdigest() == sha256:
                return house.decoders.decode(data, long_side=house.settings.detection_side)
        except PhotoUnreadable:
            continue
    return None


def _look(house: House, photos: Sequence[tuple[WaitingPhoto, DecodedPhoto | None]]) -> list[_Photo]:
    readable = [decoded for _, decoded in photos if decoded is not None]
    found = iter(find_faces(house, readable) if readable else ())
    return [
        _Photo(waiting=waiting, found=None if decoded is None else next(found))
        for waiting, decoded in photos
    ]


def _settle(house: House, photos: Sequence[_Photo]) -> Redetected:
    """Replace the faces of one batch and decide it anew; says how many photos were settled."""
    ids = [photo.waiting.photo_id for photo in photos]
    with house.store.snapshot() as connection:
        change = house.eligibility.refresh(connection)
        collections = collections_of_photos(connection, ids)
        eligible = {
            names: house.eligibility.comparable(names) for names in set(collections.values())
        }
        if any(found.change < change for found in eligible.values()):
            # What was held was given up because it could not be checked: the next turn says why.
            return Redetected()
        compared = [p for p in ids if p in collections and eligible[collections[p]].person_ids]
        kept = crops_of(connection, [p.waiting.photo_id for p in photos if p.found is None])
    templates = _templates(house, photos, kept, frozenset(compared))
    linked = proposed = 0
    told_of: dict[frozenset[str], frozenset[str]] = {}
    with house.transaction() as connection, house.eligibility.held():
        house.require_pack(connection)
        current = house.eligibility.refresh(connection)
        settled = _unchanged(connection, photos, collections)
        for photo in settled:
            photo_id = photo.waiting.photo_id
            names = collections.get(photo_id, frozenset())
            face_ids = _replace(connection, photo, kept)
            if photo_id not in templates:
                # Nobody may be compared there: what the former pack decided does not stand.
                delete_automatic(connection, photo_id)
                continue
            of_face = dict(zip(face_ids, templates[photo_id], strict=True))
            found = house.eligibility.comparable(names)
            gained = decide_again(house, connection, photo_id, of_face, found)
            if names not in told_of:
                told_of[names] = house.may_find(connection, names)
            linked += sum(link.person_id in told_of[names] for link in gained.links)
            proposed += sum(p.person_id in told_of[names] for p in gained.proposals)
        _stamp(house, connection, settled, frozenset(templates), current=current, change=change)
    return Redetected(photos=len(settled), linked=linked, proposed=proposed)


def _templates(
    house: House,
    photos: Sequence[_Photo],
    kept: Mapping[int, Sequence[FaceCrop]],
    compared: frozenset[int],
) -> dict[int, NDArray[np.float32]]:
    """The templates of the faces of each photo to be compared, in the order of the faces."""
    crops: dict[int, list[tuple[bytes, str]]] = {}
    for photo in photos:
        photo_id = photo.waiting.photo_id
        if photo_id not in compared:
            continue
        if photo.found is None:
            crops[photo_id] = [(face.jpeg, face.alignment) for face in kept.get(photo_id, ())]
        else:
            crops[photo_id] = [(face.crop, face.alignment) for face in photo.found]
    every = [crop for own in crops.values() for crop in own]
    made = (
        templates_of_crops(house.engine(), every, size=FACE_CROP_SIZE)
        if every
        else np.zeros((0, house.pack.template_length), np.float32)
    )
    ends = np.cumsum([len(own) for own in crops.values()], dtype=np.int64)
    return dict(zip(crops, np.split(made, ends[:-1]), strict=True)) if crops else {}


def _unchanged(
    connection: Connection, photos: Sequence[_Photo], collections: Mapping[int, frozenset[str]]
) -> list[_Photo]:
    """Those that nobody removed, moved into another collection or looked at meanwhile."""
    ids = [photo.waiting.photo_id for photo in photos]
    collections_now = collections_of_photos(connection, ids)
    marks_now = found_with_of(connection, ids)
    return [
        photo
        for photo in photos
        if marks_now.get(photo.waiting.photo_id) == photo.waiting.found_with
        and collections_now.get(photo.waiting.photo_id) == collections.get(photo.waiting.photo_id)
    ]


def _replace(
    connection: Connection, photo: _Photo, kept: Mapping[int, Sequence[FaceCrop]]
) -> list[int]:
    """The ids of the faces that the photo has from now on and that are compared, in order."""
    photo_id = photo.waiting.photo_id
    if photo.found is None:
        return [crop.face_id for crop in kept.get(photo_id, ())]
    held = held_faces(connection, photo_id)
    heirs = heirs_of(
        [face.box for face in held],
        [new.face.box for new in photo.found],
        decided=[place for place, face in enumerate(held) if face.decided],
    )
    by_id = {new: held[old].face_id for new, old in heirs.items()}
    return replace_faces(connection, photo_id, held, photo.found, heirs=by_id)


def _stamp(
    house: House,
    connection: Connection,
    settled: Sequence[_Photo],
    compared: frozenset[int],
    *,
    current: int,
    change: int,
) -> None:
    """Note what photos were looked at and compared with."""
    ids = [photo.waiting.photo_id for photo in settled]
    unread = [photo.waiting.photo_id for photo in settled if photo.found is None]
    fingerprint = house.pack.fingerprint
    set_found_with(connection, set(ids) - set(unread), fingerprint, unread=False)
    set_found_with(connection, unread, fingerprint, unread=True)
    set_matched_through(connection, [p for p in ids if p in compared], current)
    # Whoever came since nobody was to be compared is compared by the rescan that follows.
    set_matched_through(connection, [p for p in ids if p not in compared], change)
