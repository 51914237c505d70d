"""Undo a decision about links: what stood before it, in the photo and its copies, stands again.

What people decided is put back exactly. What the threshold decided is put back as far as it still
holds, and the photos are then compared anew: whoever enrolled, left or narrowed their consent
meanwhile counts as they stand now, whether or not a rescan came between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from likeness.desk import findable_where
from likeness.errors import NotFound, Refused
from likeness.house import House
from likeness.records.stored import StoredLink
from likeness.rescan import Then, rescan_where_possible
from likeness.review import audit_decision
from likeness.sharing import share_decisions
from likeness.store.copies import copies_in, picture_of
from likeness.store.decisions import (
    Did,
    MadeDecision,
    Standing,
    decision_of,
    links_made_at,
    made_with,
    newest_decision,
    set_undone,
    standing,
)
from likeness.store.links import (
    delete_automatic,
    delete_decision,
    put_link,
    put_proposals,
    set_unsure,
)
from likeness.store.photos import NEVER_MATCHED, face_by_id, photo_by_id, set_matched_through
from likeness.store.sightings import collections_of_photos, sightings_of_photos


@dataclass(frozen=True, kw_only=True)
class Undone:
    """What was taken back.

    Attributes
    ----------
    decision_id : int
    did : Did
        What had been decided.
    person_id : str
    faces : tuple of (str, int)
        SHA-256 of the photo and number of the face; several where they were decided as one.
    """

    decision_id: int
    did: Did
    person_id: str
    faces: tuple[tuple[str, int], ...]


def undo(
    house: House,
    *,
    decision_id: int | None = None,
    then: Then = rescan_where_possible,
) -> Undone:
    """Take back the acting account's newest decision that it has not taken back, or one by its id.

    What was decided about several photos as one is taken back as one.

    Parameters
    ----------
    decision_id : int, optional
    then : callable
        Compares the photos anew: at once, or later where nobody should wait for it.

    Raises
    ------
    NotFound
        Where there is none, or its person may no longer be found by this account, or the photo is
        no longer held where they may be.
    Refused
        Where somebody decided about the same face again since.
    """
    account_id = house.account.account_id
    with house.transaction() as connection:
        one = (
            newest_decision(connection, account_id)
            if decision_id is None
            else decision_of(connection, account_id, decision_id)
        )
        if one is None:
            raise NotFound("There is nothing to undo.", "Decide something first.")
        together = made_with(connection, one)
        faces = [_still_shown(house, connection, made) for made in together]
        for made in together:
            _take_back(house, connection, made)
            set_undone(connection, made.decision_id, at=house.clock())
    if one.did != "unsure":
        then(house)
    return Undone(
        decision_id=one.decision_id,
        did=one.did,
        person_id=one.person_id,
        faces=tuple(reversed(faces)),
    )


def can_undo(house: House) -> bool:
    """Whether the acting account has a decision to take back that it can still see."""
    with house.store.snapshot() as connection:
        one = newest_decision(connection, house.account.account_id)
        if one is None:
            return False
        try:
            _still_shown(house, connection, one)
        except NotFound:
            return False
        return True


def _still_shown(house: House, connection: Connection, made: MadeDecision) -> tuple[str, int]:
    """Photo and number of the face, as long as the account may see them for this person."""
    face = face_by_id(connection, made.face_id)
    photo = photo_by_id(connection, face.photo_id) if face else None
    where = findable_where(house, connection, [made.person_id]).get(made.person_id, ())
    if face is None or photo is None:
        raise _gone()
    if not sightings_of_photos(connection, [photo.photo_id], collection_ids=where):
        raise _gone()
    return photo.sha256, face.number


def _take_back(house: House, connection: Connection, made: MadeDecision) -> None:
    now_standing = standing(connection, made.before.found_with)
    standing_rows = _that_still_stand(made, now_standing)
    if made.did == "unsure":
        _mark_as_before(connection, made)
        concerned = {(made.face_id, made.person_id)}
    else:
        concerned = _put_back(house, connection, made, now_standing, standing_rows)
    keyed = house.keyring.keys({person_id for _, person_id in concerned})
    audit_decision(
        house,
        connection,
        made.face_id,
        "undo",
        [(face_id, who, "undone") for face_id, who in sorted(concerned) if who in keyed],
    )


def _that_still_stand(made: MadeDecision, now: Standing) -> list[StoredLink]:
    """The links that a decision made, less those of people who left or took their consent back.

    Raises
    ------
    Refused
        Where one of them was decided anew since.
    """
    held = now.by_humans
    rows = []
    for row in made.made:
        current = held.get(row.pair)
        if current == row:
            rows.append(row)
        elif current is not None or row.pair == (made.face_id, made.person_id):
            raise _again()
    own = held.get((made.face_id, made.person_id))
    if made.did == "unsure" and own != made.before.by_humans.get((made.face_id, made.person_id)):
        raise _again()
    return rows


def _put_back(
    house: House,
    connection: Connection,
    made: MadeDecision,
    now: Standing,
    rows: list[StoredLink],
) -> set[tuple[int, str]]:
    """Put back what stood before; returns the faces and people that it concerns."""
    pairs = {row.pair for row in rows}
    back = [row for pair, row in made.before.by_humans.items() if pair in pairs]
    others = [row for pair, row in now.by_humans.items() if pair not in pairs]
    if any(_clash(row, other) for row in back for other in others):
        raise _again()
    # Copies that came since have what was carried to them from these decisions, and nothing else.
    face = face_by_id(connection, made.face_id)
    picture = picture_of(connection, face.photo_id) if face else None
    copies = copies_in(connection, picture) if picture is not None else ()
    later = [copy.photo_id for copy in copies if copy.photo_id not in made.before.found_with]
    carried = links_made_at(connection, later, rows)
    for row in (*rows, *carried):
        delete_decision(connection, face_id=row.link.face_id, person_id=row.link.person_id)
    for row in back:
        put_link(connection, row.link, photo_id=row.photo_id, at=row.decided_at)
    _put_back_automatic(house, connection, made.before, now)
    set_matched_through(connection, [*now.found_with, *later], NEVER_MATCHED)
    if picture is not None and later:
        share_decisions(house, connection, picture)
    return pairs


def _put_back_automatic(
    house: House, connection: Connection, before: Standing, now: Standing
) -> None:
    """What the threshold had decided, of people who may still be compared with these photos.

    The comparison that follows says the same, or better; where the models are not here, it waits.
    """
    # A photo whose faces another pack found since is left to that comparison altogether.
    same = [p for p, pack in before.found_with.items() if now.found_with.get(p) == pack]
    places = collections_of_photos(connection, same)
    house.eligibility.refresh(connection)
    allowed = {
        photo_id: house.eligibility.comparable(places.get(photo_id, frozenset())).person_ids
        for photo_id in same
    }
    for photo_id in same:
        delete_automatic(connection, photo_id)
    held = [row for row in standing(connection, same).links if row.by_human]
    for row in before.links:
        if not row.by_human and _fits(row, held, allowed):
            put_link(connection, row.link, photo_id=row.photo_id, at=row.decided_at)
    for waiting in before.proposals:
        one = waiting.proposal
        as_link = StoredLink(
            link=one.as_link, photo_id=waiting.photo_id, decided_at=waiting.proposed_at
        )
        if _fits(as_link, held, allowed):
            put_proposals(connection, [one], photo_id=waiting.photo_id, at=waiting.proposed_at)


def _fits(
    row: StoredLink, held: Sequence[StoredLink], allowed: Mapping[int, frozenset[str]]
) -> bool:
    """Whether what the threshold had decided goes with what people decided, and with consents."""
    if row.link.person_id not in allowed.get(row.photo_id, frozenset()):
        return False
    return not any(row.pair == other.pair or _clash(row, other) for other in held)


def _clash(one: StoredLink, other: StoredLink) -> bool:
    """Whether two links cannot both be: one person a face, and one face of a photo a person."""
    if one.link.decision != "same" or other.link.decision != "same":
        return False
    if one.link.face_id == other.link.face_id:
        return True
    return (one.photo_id, one.link.person_id) == (other.photo_id, other.link.person_id)


def _mark_as_before(connection: Connection, made: MadeDecision) -> None:
    """Take back that somebody was not sure; a proposal that went meanwhile needs nothing."""
    pair = (made.face_id, made.person_id)
    for row in made.before.proposals:
        if (row.proposal.face_id, row.proposal.person_id) == pair:
            set_unsure(connection, face_id=pair[0], person_id=pair[1], at=row.proposal.unsure_at)


def _gone() -> NotFound:
    return NotFound(
        "What was decided last can no longer be shown to this account, and so not be undone.",
        "Nothing was changed.",
    )


def _again() -> Refused:
    return Refused(
        "Somebody decided about the same face again since; nothing was undone.",
        "Undo that first, or decide anew.",
    )
