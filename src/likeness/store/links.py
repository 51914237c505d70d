"""Links and proposals between faces and people."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from likeness.records.link import Link, Proposal
from likeness.records.stored import LinkedPhoto, StoredLink, StoredSighting
from likeness.store.chunks import in_chunks
from likeness.store.copies import NUMBER, Copy, copies_of_pictures, placed, shows
from likeness.store.photos import (
    FACE_COLUMNS,
    NEVER_MATCHED,
    PHOTO_COLUMNS,
    set_matched_through,
    stored_face,
    stored_photo,
)
from likeness.store.schema import faces, links, photos, proposals, sightings, sources
from likeness.store.sightings import collections_of_photos, shown, sightings_of_photos

OPEN_PROPOSALS_A_PERSON = 20


def links_of_photo(connection: Connection, photo_id: int) -> list[Link]:
    """Every decision about the faces of a photo."""
    rows = connection.execute(select(links).where(links.c.photo_id == photo_id))
    return [_link(row._mapping) for row in rows]


def human_decisions(connection: Connection, photo_ids: Sequence[int]) -> list[StoredLink]:
    """What was decided by people about the faces of some photos, oldest first."""
    rows = connection.execute(
        select(links)
        .where(links.c.photo_id.in_(photo_ids), links.c.decided_by != "threshold")
        .order_by(links.c.decided_at, links.c.face_id, links.c.person_id)
    )
    return [stored_link(row._mapping) for row in rows]


def proposals_of_photo(connection: Connection, photo_id: int) -> list[Proposal]:
    """The open proposals for the faces of a photo."""
    rows = connection.execute(select(proposals).where(proposals.c.photo_id == photo_id))
    return [stored_proposal(row._mapping) for row in rows]


def put_link(connection: Connection, link: Link, *, photo_id: int, at: datetime) -> None:
    """Keep a decision; an earlier one about the same face and person, or its proposal, goes."""
    delete_decision(connection, face_id=link.face_id, person_id=link.person_id)
    connection.execute(
        insert(links).values(
            face_id=link.face_id,
            person_id=link.person_id,
            photo_id=photo_id,
            decision=link.decision,
            score=link.score,
            decided_by=link.decided_by,
            decided_at=at.isoformat(),
        )
    )


def delete_decision(connection: Connection, *, face_id: int, person_id: str) -> None:
    """Forget the link and the proposal between a face and a person."""
    for table in (links, proposals):
        connection.execute(
            delete(table).where(table.c.face_id == face_id, table.c.person_id == person_id)
        )


def delete_automatic(connection: Connection, photo_id: int) -> None:
    """Forget what was decided by threshold, and what is proposed, for the faces of a photo."""
    connection.execute(
        delete(links).where(links.c.photo_id == photo_id, links.c.decided_by == "threshold")
    )
    connection.execute(delete(proposals).where(proposals.c.photo_id == photo_id))


def put_proposals(
    connection: Connection, new: Iterable[Proposal], *, photo_id: int, at: datetime
) -> None:
    """Keep proposals; of each person only the best stay open."""
    concerned = set()
    for proposal in new:
        concerned.add(proposal.person_id)
        connection.execute(
            insert(proposals).values(
                face_id=proposal.face_id,
                person_id=proposal.person_id,
                photo_id=photo_id,
                score=proposal.score,
                proposed_at=at.isoformat(),
                unsure_at=proposal.unsure_at.isoformat() if proposal.unsure_at else None,
            )
        )
    for person_id in sorted(concerned):
        beyond = (
            select(proposals.c.face_id)
            .where(proposals.c.person_id == person_id)
            .order_by(proposals.c.score.desc(), proposals.c.face_id)
            .limit(-1)
            .offset(OPEN_PROPOSALS_A_PERSON)
        )
        connection.execute(
            delete(proposals).where(
                proposals.c.person_id == person_id, proposals.c.face_id.in_(beyond)
            )
        )


def proposals_for(connection: Connection, person_ids: Iterable[str]) -> list[Proposal]:
    """Open proposals for some people, best first; those of which somebody was not sure come last.

    Of these the one that was looked at longest ago comes first.
    """
    found = [
        stored_proposal(row._mapping)
        for some in in_chunks(person_ids)
        for row in connection.execute(select(proposals).where(proposals.c.person_id.in_(some)))
    ]
    return sorted(
        found,
        key=lambda p: (
            p.unsure_at.isoformat() if p.unsure_at else "",
            -p.score,
            p.face_id,
            p.person_id,
        ),
    )


def set_unsure(
    connection: Connection, *, face_id: int, person_id: str, at: datetime | None
) -> None:
    """Note when somebody was not sure of a proposal, or that nobody is unsure any more."""
    connection.execute(
        update(proposals)
        .where(proposals.c.face_id == face_id, proposals.c.person_id == person_id)
        .values(unsure_at=at.isoformat() if at else None)
    )


def linked_photos(
    connection: Connection,
    person_id: str,
    *,
    collection_ids: Sequence[str],
    pictures: Collection[int] | None = None,
) -> list[LinkedPhoto]:
    """The photos of a person in some collections, newest first, with their sightings there.

    Copies of one picture are one photo: the largest in which the person is linked, with the
    sightings of all that show this face.

    Parameters
    ----------
    pictures : collection of int, optional
        Only these: numbers of pictures, or ids of photos of which there is no other copy.
    """
    few = () if pictures is None else (NUMBER.in_(pictures),)
    rows = connection.execute(
        select(
            links.c.score.label("link_score"),
            links.c.decided_by,
            photos.c.picture,
            *FACE_COLUMNS,
            *PHOTO_COLUMNS,
        )
        .join(faces, faces.c.face_id == links.c.face_id)
        .join(photos, photos.c.photo_id == links.c.photo_id)
        .where(links.c.person_id == person_id, links.c.decision == "same", *few)
        .order_by(photos.c.photo_id.desc())
    ).all()
    copies = copies_of_pictures(
        connection, {row.picture for row in rows if row.picture is not None}
    )
    every = {copy.photo_id for some in copies.values() for copy in some}
    places = sightings_of_photos(
        connection, {row.photo_id for row in rows} | every, collection_ids=collection_ids
    )
    refused = _refused(connection, person_id) if copies else frozenset()
    shown: dict[int, list[LinkedPhoto]] = {}
    for row in rows:
        if row.photo_id in places:
            one = LinkedPhoto(
                photo=stored_photo(row),
                face=stored_face(row),
                score=row.link_score,
                decided_by=row.decided_by,
                sightings=tuple(places[row.photo_id]),
            )
            shown.setdefault(row.photo_id if row.picture is None else row.picture, []).append(one)
    return [
        _as_one(found, copies[number], places, refused) if number in copies else found[0]
        for number, found in shown.items()
    ]


def _as_one(
    found: Sequence[LinkedPhoto],
    copies: Sequence[Copy],
    places: Mapping[int, list[StoredSighting]],
    refused: frozenset[int],
) -> LinkedPhoto:
    """Photos of a person that are copies of one picture, as one."""
    best = max(found, key=lambda one: (one.photo.width * one.photo.height, one.photo.photo_id))
    own = next(copy for copy in copies if copy.photo_id == best.photo.photo_id)
    place = placed(best.face.box, own)
    linked = {one.photo.photo_id for one in found}
    showing = [
        copy
        for copy in copies
        if copy.photo_id in places
        and (copy.photo_id in linked or (copy.photo_id not in refused and shows(copy.frame, place)))
    ]
    sightings_there = [one for copy in showing for one in places[copy.photo_id]]
    return replace(
        best,
        sightings=tuple(sorted(sightings_there, key=lambda one: (one.source_id, one.item))),
        copies=tuple(sorted(copy.sha256 for copy in showing if copy != own)),
    )


def _refused(connection: Connection, person_id: str) -> frozenset[int]:
    """Photos of which somebody said that a face in it is not this person."""
    rows = connection.execute(
        select(links.c.photo_id).where(
            links.c.person_id == person_id, links.c.decision == "different"
        )
    )
    return frozenset(rows.scalars())


def photos_of_person(connection: Connection, person_id: str) -> list[int]:
    """Ids of the photos in which a face is linked with this person, or proposed as theirs."""
    linked = select(links.c.photo_id).where(
        links.c.person_id == person_id, links.c.decision == "same"
    )
    proposed = select(proposals.c.photo_id).where(proposals.c.person_id == person_id)
    return sorted(connection.execute(linked.union(proposed)).scalars())


def delete_links_of_person(connection: Connection, person_id: str) -> tuple[int, int]:
    """Forget every link and proposal of a person; returns how many of each."""
    gone = connection.execute(delete(links).where(links.c.person_id == person_id)).rowcount
    open_ = connection.execute(delete(proposals).where(proposals.c.person_id == person_id)).rowcount
    return gone, open_


def count_links(
    connection: Connection, person_id: str, *, collection_ids: Sequence[str] | None = None
) -> tuple[int, int]:
    """How many links (``same``) and open proposals a person has, in some collections or in all.

    Each copy of a picture counts.
    """
    same = links.c.decision == "same"
    linked = _by_person(connection, links, [person_id], collection_ids, func.count(), same)
    waiting = proposals_by_person(connection, [person_id], collection_ids=collection_ids)
    return linked.get(person_id, 0), waiting.get(person_id, 0)


def links_by_person(
    connection: Connection,
    person_ids: Iterable[str],
    *,
    collection_ids: Sequence[str] | None = None,
) -> dict[str, int]:
    """How many photos each of some people is linked in, in some collections or in all.

    Copies of one picture count once. Who has none is absent.
    """
    pictures = func.count(NUMBER.distinct())
    same = (links.c.decision == "same", photos.c.photo_id == links.c.photo_id)
    return _by_person(connection, links, person_ids, collection_ids, pictures, *same)


def count_pictures(connection: Connection, places: Iterable[tuple[str, Sequence[str]]]) -> int:
    """How many photos several people are linked in together, each in collections of their own.

    Copies of one picture count once, and so does a photo in which several of them are linked.

    Parameters
    ----------
    places : iterable of (person id, ids of collections)
    """
    found: set[int] = set()
    for person_id, collection_ids in places:
        query = (
            select(NUMBER)
            .join(links, links.c.photo_id == photos.c.photo_id)
            .where(
                links.c.person_id == person_id,
                links.c.decision == "same",
                inside(links, collection_ids),
            )
        )
        found.update(connection.execute(query).scalars())
    return len(found)


def proposals_by_person(
    connection: Connection,
    person_ids: Iterable[str],
    *,
    collection_ids: Sequence[str] | None = None,
) -> dict[str, int]:
    """How many open proposals each of some people has; as :func:`links_by_person`."""
    return _by_person(connection, proposals, person_ids, collection_ids, func.count())


def forget_where_left(
    connection: Connection, photo_ids: Collection[int], collection_id: str
) -> int:
    """Undo what was decided without review in photos that a collection has just lost.

    It may rest on a consent that covers that collection alone. Photos that others still hold wait
    to be compared anew; returns how many.
    """
    still = collections_of_photos(connection, photo_ids)
    left = [p for p, names in still.items() if collection_id not in names]
    for photo_id in left:
        delete_automatic(connection, photo_id)
    set_matched_through(connection, left, NEVER_MATCHED)
    return len(left)


def delete_links_outside(
    connection: Connection, person_id: str, *, collection_ids: Sequence[str]
) -> int:
    """Forget every link and proposal of a person in photos that are in none of the collections."""
    gone = 0
    for table in (links, proposals):
        gone += connection.execute(
            delete(table).where(table.c.person_id == person_id, ~inside(table, collection_ids))
        ).rowcount
    return gone


def stored_link(values: Any) -> StoredLink:
    """A link from a mapping with the names of its columns."""
    return StoredLink(
        link=_link(values),
        photo_id=values["photo_id"],
        decided_at=datetime.fromisoformat(values["decided_at"]),
    )


def _link(values: Any) -> Link:
    return Link(
        face_id=values["face_id"],
        person_id=values["person_id"],
        decision=values["decision"],
        score=values["score"],
        decided_by=values["decided_by"],
    )


def stored_proposal(values: Any) -> Proposal:
    """A proposal from a mapping with the names of its columns."""
    unsure_at = values["unsure_at"]
    return Proposal(
        face_id=values["face_id"],
        person_id=values["person_id"],
        score=values["score"],
        unsure_at=datetime.fromisoformat(unsure_at) if unsure_at else None,
    )


def _by_person(
    connection: Connection,
    table: Table,
    person_ids: Iterable[str],
    collection_ids: Sequence[str] | None,
    counted: ColumnElement[int],
    *conditions: ColumnElement[bool],
) -> dict[str, int]:
    query = select(table.c.person_id, counted.label("rows")).where(*conditions)
    if collection_ids is not None:
        query = query.where(inside(table, collection_ids))
    return {
        row.person_id: int(row.rows)
        for some in in_chunks(person_ids)
        for row in connection.execute(
            query.where(table.c.person_id.in_(some)).group_by(table.c.person_id)
        )
    }


def inside(
    table: Table, collection_ids: Sequence[str], *conditions: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Whether the photo of a row is in one of the collections, by a sighting that is like that.

    Asked of each row of a person: as a list, every photo of the collections would be read first.
    """
    return (
        select(sightings.c.sighting_id)
        .join(sources, sources.c.source_id == sightings.c.source_id)
        .where(
            sightings.c.photo_id == table.c.photo_id,
            sources.c.collection_id.in_(collection_ids),
            *conditions,
            shown(),
        )
        .correlate(table)
        .exists()
    )
