"""What people decided about a face holds for that face in every copy of its picture.

A face is the same in another copy where its box lies at the same place of the picture and its crop
shows the same. Decisions of the threshold do not travel: each copy is compared by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from likeness.faces.crops import FACE_CROP_SIZE, decode_crop
from likeness.faces.registration import show_the_same
from likeness.house import House
from likeness.records.link import Link
from likeness.records.stored import StoredLink
from likeness.store.copies import (
    Copy,
    FaceOfCopy,
    copies_in,
    faces_of_copies,
    overlap,
    placed,
)
from likeness.store.links import delete_decision, human_decisions, links_of_photo, put_link
from likeness.store.photos import NEVER_MATCHED, set_matched_through
from likeness.store.sightings import collections_of_photos

SAME_PLACE = 0.5
"""Intersection over union from which two boxes of a picture are at one place."""

Decisions = dict[tuple[int, str], StoredLink]
"""By face and person."""


def share_decisions(house: House, connection: Connection, picture: int) -> int:
    """Carry what people decided to the other copies of a picture; returns how many links that made.

    Of decisions about one face and person the newest holds, and of two as old "not this person".
    A copy gains nothing about somebody with whom its collections may not be compared, and keeps
    what was decided about somebody else at the same face: two people who contradict each other have
    to settle that themselves. Copies that gained something wait to be compared anew.
    """
    copies = copies_in(connection, picture)
    if len(copies) < 2:
        return 0
    ids = [copy.photo_id for copy in copies]
    made = human_decisions(connection, ids)
    if not made:
        return 0
    same = _SameFaces(copies, faces_of_copies(connection, ids))
    house.eligibility.refresh(connection)
    collections = collections_of_photos(connection, ids)
    shared = 0
    for copy in copies:
        allowed = house.eligibility.comparable(collections.get(copy.photo_id, frozenset()))
        arriving = [one for one in made if one.link.person_id in allowed.person_ids]
        wanted = _wanted(copy, same, arriving)
        gained = _put(connection, copy, wanted)
        if gained:
            set_matched_through(connection, [copy.photo_id], NEVER_MATCHED)
        shared += gained
    return shared


def _wanted(copy: Copy, same: _SameFaces, arriving: Sequence[StoredLink]) -> Decisions:
    """What holds for the faces of a copy by what was decided in the others."""
    wanted: Decisions = {}
    for one in arriving:
        if one.photo_id == copy.photo_id:
            continue
        face_id = same.in_copy(one.link.face_id, copy.photo_id)
        if face_id is None:
            continue
        known = wanted.get((face_id, one.link.person_id))
        if known is None or _holds_over(one, known):
            wanted[face_id, one.link.person_id] = one
    return wanted


def _holds_over(one: StoredLink, other: StoredLink) -> bool:
    return _rank(one) > _rank(other)


def _rank(one: StoredLink) -> tuple[float, bool, float, str]:
    # The last two only make it the same one whichever comes first.
    link = one.link
    return one.decided_at.timestamp(), link.decision == "different", link.score, link.decided_by


def _put(connection: Connection, copy: Copy, wanted: Decisions) -> int:
    own = {one.pair: one for one in human_decisions(connection, [copy.photo_id])}
    gained = 0
    # What takes a person off a face comes first: it makes room.
    for pair, one in sorted(
        wanted.items(), key=lambda w: (w[1].link.decision != "different", w[0])
    ):
        held = own.get(pair)
        if held is not None and (
            held.link.decision == one.link.decision or not _holds_over(one, held)
        ):
            continue
        link = Link(
            face_id=pair[0],
            person_id=pair[1],
            decision=one.link.decision,
            score=one.link.score,
            decided_by=one.link.decided_by,
        )
        if _make_room(connection, copy.photo_id, link):
            put_link(connection, link, photo_id=copy.photo_id, at=one.decided_at)
            gained += 1
    return gained


def _make_room(connection: Connection, photo_id: int, link: Link) -> bool:
    """Take away what the threshold decided against a link; False where a person did."""
    if link.decision != "same":
        return True
    rivals = [
        other
        for other in links_of_photo(connection, photo_id)
        if other.decision == "same"
        and (other.face_id == link.face_id) != (other.person_id == link.person_id)
    ]
    if any(rival.decided_by != "threshold" for rival in rivals):
        return False
    for rival in rivals:
        delete_decision(connection, face_id=rival.face_id, person_id=rival.person_id)
    return True


class _SameFaces:
    """Which face of one copy is which of another."""

    def __init__(self, copies: Sequence[Copy], faces: Sequence[FaceOfCopy]) -> None:
        self._copies = {copy.photo_id: copy for copy in copies}
        self._faces = {face.face_id: face for face in faces}
        self._known: dict[tuple[int, int], int | None] = {}

    def in_copy(self, face_id: int, photo_id: int) -> int | None:
        """The same face in another copy: each is at the other's place, and they show the same."""
        pair = (face_id, photo_id)
        if pair not in self._known:
            self._known[pair] = self._found(self._faces[face_id], photo_id)
        return self._known[pair]

    def _found(self, face: FaceOfCopy, photo_id: int) -> int | None:
        there = self._nearest(face, photo_id)
        back = self._nearest(there, face.photo_id) if there is not None else None
        if there is None or back is None or back.face_id != face.face_id:
            return None
        # Crops that were cut by different packs cannot be laid upon each other.
        if face.alignment == there.alignment and not show_the_same(
            decode_crop(face.crop, size=FACE_CROP_SIZE),
            decode_crop(there.crop, size=FACE_CROP_SIZE),
        ):
            return None
        return there.face_id

    def _nearest(self, face: FaceOfCopy, photo_id: int) -> FaceOfCopy | None:
        place, copy = placed(face.box, self._copies[face.photo_id]), self._copies[photo_id]
        found = [
            (overlap(place, placed(other.box, copy)), -other.face_id, other)
            for other in self._faces.values()
            if other.photo_id == photo_id
        ]
        best = max(found, key=lambda one: one[:2], default=None)
        return best[2] if best is not None and best[0] >= SAME_PLACE else None
