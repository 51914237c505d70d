"""What a person says about a face: that it is not them, and that they take that back.

It stands through every rescan and in every copy of the photo.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from likeness.house import House
from likeness.portal import Self, acting_person, not_theirs
from likeness.records.link import Link, Proposal
from likeness.records.stored import StoredFace, StoredPhoto
from likeness.rescan import Then, rescan_where_possible
from likeness.sharing import SAME_PLACE, share_decisions
from likeness.store import own_data
from likeness.store.copies import copies_in, faces_of_copies, overlap, picture_of, placed
from likeness.store.links import (
    delete_decision,
    links_of_photo,
    proposals_of_photo,
    put_link,
)
from likeness.store.photos import NEVER_MATCHED, face_by_id, photo_by_sha256, set_matched_through
from likeness.store.sightings import sightings_of_photos


def not_me(house: House, sha256: str, *, then: Then = rescan_where_possible) -> None:
    """Say that a photo which is linked or proposed as the person's does not show them.

    It stands through every rescan and in every copy, and no operator says otherwise.

    Raises
    ------
    NotFound
        Where nothing links or proposes a face of it as theirs.
    Refused
    """
    with house.transaction() as connection:
        own = acting_person(house, connection)
        face, link = _linked_or_proposed(connection, own, sha256)
        decide_as_person(house, connection, face, replace(link, decision="different"), did="not_me")
    then(house)


def undo_not_me(house: House, sha256: str, *, then: Then = rescan_where_possible) -> None:
    """Take back that a photo does not show the person; it is compared as if nothing had been said.

    Raises
    ------
    NotFound
        Where they said no such thing.
    Refused
    """
    with house.transaction() as connection:
        own = acting_person(house, connection)
        said = [
            one
            for one in own_data.refused_faces(
                connection, own.person_id, collection_ids=own.collection_ids
            )
            if one.sha256 == sha256 and one.decided_by == "person"
        ]
        if not said:
            raise not_theirs()
        for one in said:
            _take_back(house, connection, own, one.face_id, one.photo_id)
        picture = picture_of(connection, said[0].photo_id)
        if picture is not None:
            # What others said about the same face in a copy goes on holding in all of them.
            share_decisions(house, connection, picture)
        house.audit_deed(
            connection,
            kind="decide",
            details={"did": "undo_not_me", "face": said[0].face_id},
        )
    then(house)


def decide_as_person(
    house: House, connection: Connection, face: StoredFace, link: Link, *, did: str
) -> None:
    """Keep what the person said about a face, in every copy of the photo, and note it.

    The caller has checked that the face is nobody else's. Where they are another face of this photo
    than was thought, the former is not them.
    """
    now = house.clock()
    decided = [replace(link, decided_by="person")]
    if link.decision == "same":
        decided += [
            replace(other, decision="different", decided_by="person")
            for other in links_of_photo(connection, face.photo_id)
            if other.decision == "same"
            and other.person_id == link.person_id
            and other.face_id != link.face_id
        ]
    for one in reversed(decided):
        put_link(connection, one, photo_id=face.photo_id, at=now)
    set_matched_through(connection, [face.photo_id], NEVER_MATCHED)
    picture = picture_of(connection, face.photo_id)
    if picture is not None:
        share_decisions(house, connection, picture)
    house.audit_deed(connection, kind="decide", details={"did": did, "face": face.face_id})


def same_face_in_copies(connection: Connection, face_id: int, photo_id: int) -> dict[int, int]:
    """A face and those at its place in the other copies of its photo, with the photo of each."""
    picture = picture_of(connection, photo_id)
    if picture is None:
        return {face_id: photo_id}
    copies = {copy.photo_id: copy for copy in copies_in(connection, picture)}
    faces = {one.face_id: one for one in faces_of_copies(connection, sorted(copies))}
    place = placed(faces[face_id].box, copies[photo_id])
    return {face_id: photo_id} | {
        one.face_id: one.photo_id
        for one in faces.values()
        if overlap(place, placed(one.box, copies[one.photo_id])) >= SAME_PLACE
    }


def theirs_in(
    connection: Connection, own: Self, sha256: str
) -> tuple[StoredPhoto, list[Link], list[Proposal]]:
    """A photo with what links it with the person, and what proposes it as theirs.

    Raises
    ------
    NotFound
        Where neither does, in the same words whether it is held or not.
    """
    photo = photo_by_sha256(connection, sha256)
    if photo is None or not sightings_of_photos(
        connection, [photo.photo_id], collection_ids=own.collection_ids
    ):
        raise not_theirs()
    links = [
        link
        for link in links_of_photo(connection, photo.photo_id)
        if link.person_id == own.person_id and link.decision == "same"
    ]
    proposals = [
        proposal
        for proposal in proposals_of_photo(connection, photo.photo_id)
        if proposal.person_id == own.person_id
    ]
    if not links and not proposals:
        raise not_theirs()
    return photo, links, proposals


def _linked_or_proposed(connection: Connection, own: Self, sha256: str) -> tuple[StoredFace, Link]:
    """The face of a photo that is linked with the person, else the one that is proposed."""
    _, links, proposals = theirs_in(connection, own, sha256)
    for link in (*links, *(proposal.as_link for proposal in proposals)):
        face = face_by_id(connection, link.face_id)
        if face is not None:
            return face, link
    raise not_theirs()


def _take_back(
    house: House, connection: Connection, own: Self, face_id: int, photo_id: int
) -> None:
    """Forget what the person said about a face, at its place in every copy."""
    faces = same_face_in_copies(connection, face_id, photo_id)
    for there, photo in faces.items():
        said = [
            link
            for link in links_of_photo(connection, photo)
            if (link.face_id, link.person_id) == (there, own.person_id)
            and (link.decision, link.decided_by) == ("different", "person")
        ]
        for link in said:
            delete_decision(connection, face_id=link.face_id, person_id=link.person_id)
    set_matched_through(connection, sorted(set(faces.values())), NEVER_MATCHED)
