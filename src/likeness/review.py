"""Decide links by hand: proposals that wait, and corrections of any link, strong ones too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from likeness.desk import enrolments_where, findable_where
from likeness.errors import NotFound, Refused, UsageError
from likeness.house import House, new_id
from likeness.records.link import Decision, Link
from likeness.records.person import Person
from likeness.records.stored import StoredFace, StoredPhoto, StoredSighting
from likeness.rescan import Then, rescan_where_possible
from likeness.sharing import share_decisions
from likeness.store import audit_log
from likeness.store.audit_log import Concerned
from likeness.store.copies import copies_in, picture_of
from likeness.store.decisions import Did, Standing, remember, standing
from likeness.store.links import (
    links_of_photo,
    proposals_for,
    proposals_of_photo,
    put_link,
    set_unsure,
)
from likeness.store.photos import (
    NEVER_MATCHED,
    face_by_id,
    face_numbered,
    photo_by_id,
    photo_by_sha256,
    set_matched_through,
)
from likeness.store.same_people import group_with
from likeness.store.sightings import sightings_of_photos

AT_ONCE = 200
"""Of how many photos it can be said at once that they show somebody else."""


@dataclass(frozen=True, kw_only=True)
class OpenProposal:
    """A possible link, with what is needed to decide it.

    Attributes
    ----------
    person : Person
    photo : StoredPhoto
    face : StoredFace
    score : float
    sightings : tuple of StoredSighting
    unsure : bool
        Whether somebody looked at it and was not sure.
    """

    person: Person
    photo: StoredPhoto
    face: StoredFace
    score: float
    sightings: tuple[StoredSighting, ...]
    unsure: bool = False


def open_proposals(
    house: House, *, person_id: str | None = None, limit: int | None = None
) -> list[OpenProposal]:
    """What waits to be decided about people whom the acting account may find, best first.

    Those of which somebody was not sure come last.

    Parameters
    ----------
    person_id : str, optional
        Only about this person.
    limit : int, optional
        How many at most.
    """
    found: list[OpenProposal] = []
    with house.store.snapshot() as connection:
        people = enrolments_where(house, connection)
        if person_id is not None:
            people = {known: v for known, v in people.items() if known == person_id}
        for proposal in proposals_for(connection, people):
            if limit is not None and len(found) >= limit:
                break
            person, where = people[proposal.person_id]
            face = face_by_id(connection, proposal.face_id)
            photo = photo_by_id(connection, face.photo_id) if face else None
            if face is None or photo is None:
                continue
            places = sightings_of_photos(connection, [photo.photo_id], collection_ids=where)
            if photo.photo_id not in places:
                continue
            found.append(
                OpenProposal(
                    person=person,
                    photo=photo,
                    face=face,
                    score=proposal.score,
                    sightings=tuple(places[photo.photo_id]),
                    unsure=proposal.unsure_at is not None,
                )
            )
    return found


def decide(
    house: House,
    *,
    sha256: str,
    face: int,
    person_id: str,
    decision: Decision,
    then: Then = rescan_where_possible,
) -> None:
    """Say whether a face is a person's. It stands through every rescan.

    Parameters
    ----------
    then : callable
        Compares the photo anew: at once, or later where nobody should wait for it.

    Raises
    ------
    NotFound
        Where nothing links or proposes this face for a person whom the acting account may find.
    Refused
        Where the person said themself that it is not them.
    """
    with house.transaction() as connection:
        stored, link = _known(house, connection, sha256, face, person_id)
        if (link.decided_by, link.decision) == ("person", "different"):
            if decision == "same":
                raise Refused(
                    "They said themself that this is not them.", "They alone can say otherwise."
                )
            # It stands as their own word: said by somebody else, it could be taken back.
            return
        _put(house, connection, stored, replace(link, decision=decision), did=decision)
    then(house)


def unsure(house: House, *, sha256: str, face: int, person_id: str) -> None:
    """Leave a possible link open: it comes last from now on, for whoever reviews next.

    Raises
    ------
    NotFound
        Where nothing proposes this face for a person whom the acting account may find.
    """
    with house.transaction() as connection:
        stored, _ = _known(house, connection, sha256, face, person_id)
        open_ = {(p.face_id, p.person_id) for p in proposals_of_photo(connection, stored.photo_id)}
        if (stored.face_id, person_id) not in open_:
            raise _nothing()
        before = standing(connection, [stored.photo_id])
        set_unsure(connection, face_id=stored.face_id, person_id=person_id, at=house.clock())
        _keep(house, connection, stored, person_id, did="unsure", before=before)
        audit_decision(
            house, connection, stored.face_id, "unsure", [(stored.face_id, person_id, "unsure")]
        )


def not_theirs(
    house: House,
    person_id: str,
    faces: Sequence[tuple[str, int]],
    *,
    then: Then = rescan_where_possible,
) -> int:
    """Say of several photos at once that they show somebody else; one undo takes all of it back.

    Parameters
    ----------
    person_id : str
        Or another enrolment of the same human being that the account may find.
    faces : sequence of (SHA-256, number)
    then : callable
        As in :func:`decide`.

    Returns
    -------
    int
        How many.

    Raises
    ------
    NotFound
        Where one of them is neither linked with nor proposed for this person, or the acting account
        may not find them: nothing is changed then.
    UsageError
        Where none is named, or more than 200.
    """
    named = list(dict.fromkeys(faces))
    if not 0 < len(named) <= AT_ONCE:
        raise UsageError(
            "Which photos are somebody else's is not said, or it is too many at once.",
            f"Choose between one and {AT_ONCE} photos.",
        )
    batch = new_id("d") if len(named) > 1 else ""
    with house.transaction() as connection:
        enrolments = group_with(connection, person_id)
        for sha256, face in named:
            stored, link = _linked_with_one(house, connection, sha256, face, enrolments)
            _put(
                house,
                connection,
                stored,
                replace(link, decision="different"),
                did="different",
                batch=batch,
            )
    then(house)
    return len(named)


def unlink(house: House, *, sha256: str, face: int) -> str:
    """Take a face from the person it is linked with, for good; returns that person's id.

    Raises
    ------
    NotFound
        Where the face is linked with nobody whom the acting account may find.
    """
    with house.transaction() as connection:
        stored, link = _known(house, connection, sha256, face, None)
        _put(house, connection, stored, replace(link, decision="different"), did="unlink")
    rescan_where_possible(house)
    return link.person_id


def _linked_with_one(
    house: House, connection: Connection, sha256: str, face: int, person_ids: Sequence[str]
) -> tuple[StoredFace, Link]:
    """The face, and the link or proposal of one of these people with it."""
    for person_id in person_ids:
        try:
            stored, link = _known(house, connection, sha256, face, person_id)
        except NotFound:
            continue
        if link.decision == "same":
            return stored, link
    raise _nothing()


def _known(
    house: House, connection: Connection, sha256: str, face: int, person_id: str | None
) -> tuple[StoredFace, Link]:
    """The face, and what links it (or, with a person named, also what proposes it) so far."""
    photo = photo_by_sha256(connection, sha256)
    stored = face_numbered(connection, photo.photo_id, face) if photo else None
    if photo is None or stored is None:
        raise _nothing()
    options = [
        link
        for link in links_of_photo(connection, photo.photo_id)
        if link.face_id == stored.face_id and (person_id is not None or link.decision == "same")
    ]
    if person_id is not None:
        options += [
            p.as_link
            for p in proposals_of_photo(connection, photo.photo_id)
            if p.face_id == stored.face_id
        ]
        options = [link for link in options if link.person_id == person_id]
    where = findable_where(house, connection, [link.person_id for link in options])
    for link in options:
        if sightings_of_photos(
            connection, [photo.photo_id], collection_ids=where.get(link.person_id, ())
        ):
            return stored, link
    raise _nothing()


def _put(
    house: House,
    connection: Connection,
    face: StoredFace,
    link: Link,
    *,
    did: Did,
    batch: str = "",
) -> None:
    now, link = house.clock(), replace(link, decided_by="operator")
    decided = [link, *_overruled(house, connection, face, link)]
    picture = picture_of(connection, face.photo_id)
    copies = copies_in(connection, picture) if picture is not None else ()
    before = standing(connection, {face.photo_id, *(copy.photo_id for copy in copies)})
    for rival in decided[1:]:
        put_link(connection, rival, photo_id=face.photo_id, at=now)
    put_link(connection, link, photo_id=face.photo_id, at=now)
    set_matched_through(connection, [face.photo_id], NEVER_MATCHED)
    if picture is not None:
        share_decisions(house, connection, picture)
    _keep(house, connection, face, link.person_id, did=did, before=before, batch=batch)
    made = [(one.face_id, one.person_id, one.decision) for one in decided]
    audit_decision(house, connection, face.face_id, link.decision, made)


def _keep(
    house: House,
    connection: Connection,
    face: StoredFace,
    person_id: str,
    *,
    did: Did,
    before: Standing,
    batch: str = "",
) -> None:
    """Remember a decision with what stood before it, so that it can be undone."""
    known = before.by_humans
    after = standing(connection, before.found_with)
    remember(
        connection,
        account_id=house.account.account_id,
        face_id=face.face_id,
        person_id=person_id,
        did=did,
        before=before,
        made=[row for pair, row in after.by_humans.items() if known.get(pair) != row],
        batch=batch,
        at=house.clock(),
    )


def audit_decision(
    house: House,
    connection: Connection,
    face_id: int,
    did: str,
    decided: Sequence[tuple[int, str, str]],
) -> None:
    """Note a decision, or that one was undone: face, person and what of each concerned."""
    now = house.clock()
    audit_log.append(
        connection,
        house.keyring,
        kind="decide",
        at=now,
        concerned=[
            Concerned(
                subject_id=house.account.account_id,
                details={"at": now.isoformat(), "did": did, "face": face_id},
            ),
            *(
                Concerned(
                    subject_id=person_id,
                    details={
                        "at": now.isoformat(),
                        "decided": decision,
                        "by": house.account.account_id,
                        "face": about,
                    },
                )
                for about, person_id, decision in decided
            ),
        ],
    )


def _overruled(house: House, connection: Connection, face: StoredFace, link: Link) -> list[Link]:
    """What stands against a decision: one person a face, one face of a photo a person.

    Raises
    ------
    NotFound
        Where it is a link of somebody whom the acting account may not find: it is not theirs to
        undo, nor to know of.
    """
    if link.decision != "same":
        return []
    rivals = [
        other
        for other in links_of_photo(connection, face.photo_id)
        if other.decision == "same"
        and (other.face_id == link.face_id) != (other.person_id == link.person_id)
    ]
    concerned = {other.person_id for other in rivals}
    if findable_where(house, connection, concerned).keys() != concerned:
        raise _nothing()
    return [replace(other, decision="different", decided_by="operator") for other in rivals]


def _nothing() -> NotFound:
    return NotFound(
        "No link or proposal of somebody whom this account may find is at this face.",
        "Check the photo's SHA-256 and the number of the face.",
    )
