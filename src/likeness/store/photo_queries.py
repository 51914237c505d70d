"""Photos by who is in them, when they were taken, where they came from, and what stands with them.

Newest first, a page at a time. A photo is found only where somebody who may be found is in it, and
every condition looks at the places where they may be, so that no answer tells of what is elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    func,
    literal,
    not_,
    or_,
    select,
)

from likeness.records.photo_query import (
    AtLeast,
    FromSource,
    HasText,
    InCollection,
    Only,
    PeopleTerm,
    PhotoQuery,
    Taken,
    Together,
    With,
    Without,
)
from likeness.records.stored import StoredFace, StoredPhoto
from likeness.store.chunks import IDS_AT_ONCE, in_chunks
from likeness.store.links import inside
from likeness.store.photos import FACE_COLUMNS, PHOTO_COLUMNS, stored_face, stored_photo
from likeness.store.schema import faces, links, photos, proposals, sightings, sources

FEW = 100_000
"""Up to as many rows are gathered first; of more, photos are looked at newest first instead."""

_ANY_PERSON = links.c.person_id.concat("")
# The few links of a photo are looked up in the list of people, and never each of many people in an
# index of the photo's links, which took 240 microseconds a photo among 5,000 people.


@dataclass(frozen=True, kw_only=True)
class Within:
    """People who may be found in the same collections.

    Attributes
    ----------
    person_ids : frozenset of str
    collection_ids : tuple of str
    """

    person_ids: frozenset[str]
    collection_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class InPhoto:
    """Somebody in a photo.

    Attributes
    ----------
    person_id : str
    face : StoredFace
    proposed : bool
        Whether that waits to be decided.
    """

    person_id: str
    face: StoredFace
    proposed: bool


def matching_photos(
    connection: Connection,
    query: PhotoQuery,
    *,
    findable: Sequence[Within],
    named: Mapping[str, Sequence[str]],
    before: int | None,
    limit: int,
) -> list[StoredPhoto]:
    """Photos that a query asks for and that show somebody who may be found, newest first.

    Parameters
    ----------
    connection : Connection
    query : PhotoQuery
        With people and collections by id.
    findable : sequence of Within
        Everybody who may be found, and where.
    named : mapping of str to sequence of str
        Where each person named in the query may be found.
    before : int, optional
        Id of a photo: only those that came before it.
    limit : int
    """
    if not findable:
        return []
    about_places = _about_places(query)
    found = [
        or_(
            *(
                and_(_linked(some.person_ids), inside(photos, some.collection_ids, *about_places))
                for some in findable
            )
        ),
        *(_about_people(term, named) for term in query.terms if isinstance(term, PeopleTerm)),
    ]
    gathered = _fewest(connection, list(_gatherings(query, findable)))
    if gathered is not None:
        found.insert(0, photos.c.photo_id.in_(gathered))
    if before is not None:
        found.insert(0, photos.c.photo_id < before)
    rows = connection.execute(
        select(*PHOTO_COLUMNS).where(*found).order_by(photos.c.photo_id.desc()).limit(limit)
    )
    return [stored_photo(row) for row in rows]


def people_in_photos(connection: Connection, photo_ids: Iterable[int]) -> dict[int, list[InPhoto]]:
    """Who is linked with the faces of photos, or proposed for them, by photo id and face number."""
    linked = select(links.c.person_id, literal(0).label("proposed"), *FACE_COLUMNS).join(
        faces, faces.c.face_id == links.c.face_id
    )
    waiting = select(proposals.c.person_id, literal(1).label("proposed"), *FACE_COLUMNS).join(
        faces, faces.c.face_id == proposals.c.face_id
    )
    found: dict[int, list[InPhoto]] = {}
    for some in in_chunks(photo_ids):
        for query in (
            linked.where(links.c.photo_id.in_(some), links.c.decision == "same"),
            waiting.where(proposals.c.photo_id.in_(some)),
        ):
            for row in connection.execute(query):
                one = InPhoto(
                    person_id=row.person_id, face=stored_face(row), proposed=bool(row.proposed)
                )
                found.setdefault(row.photo_id, []).append(one)
    return {
        photo_id: sorted(some, key=lambda one: (one.face.number, one.proposed, one.person_id))
        for photo_id, some in found.items()
    }


def _about_people(term: PeopleTerm, named: Mapping[str, Sequence[str]]) -> ColumnElement[bool]:
    alike = _alike(term.people, named)
    match term:
        case With():
            return or_(*(_shows(some) for some in alike))
        case Without():
            return not_(or_(*(_shows(some) for some in alike)))
        case Together():
            each = [_alike([person_id], named)[0] for person_id in term.people]
            return and_(*(_shows(some) for some in each))
        case AtLeast(count=count):
            return _sum([_count_shown(some) for some in alike]) >= count
        case Only():
            return _only(alike)


def _alike(people: Iterable[str], named: Mapping[str, Sequence[str]]) -> list[Within]:
    """The people by where they may be found."""
    places: dict[tuple[str, ...], set[str]] = {}
    for person_id in people:
        places.setdefault(tuple(sorted(named[person_id])), set()).add(person_id)
    return [
        Within(person_ids=frozenset(some), collection_ids=where) for where, some in places.items()
    ]


def _shows(some: Within) -> ColumnElement[bool]:
    return and_(_linked(some.person_ids), inside(photos, some.collection_ids))


def _linked(person_ids: frozenset[str]) -> ColumnElement[bool]:
    return (
        select(links.c.face_id)
        .where(
            links.c.photo_id == photos.c.photo_id,
            links.c.decision == "same",
            _among(_ANY_PERSON, person_ids),
        )
        .correlate(photos)
        .exists()
    )


def _count_shown(some: Within) -> ColumnElement[int]:
    # A person is linked with one face of a photo at most.
    linked = (
        select(func.count())
        .select_from(links)
        .where(
            links.c.photo_id == photos.c.photo_id,
            links.c.decision == "same",
            _among(_ANY_PERSON, some.person_ids),
        )
        .correlate(photos)
        .scalar_subquery()
    )
    return case((inside(photos, some.collection_ids), linked), else_=0)


def _sum(numbers: Sequence[ColumnElement[int]]) -> ColumnElement[int]:
    total = numbers[0]
    for number in numbers[1:]:
        total = total + number
    return total


def _only(alike: Sequence[Within]) -> ColumnElement[bool]:
    def theirs(some: Within) -> ColumnElement[bool]:
        linked = (
            select(links.c.face_id)
            .where(
                links.c.face_id == faces.c.face_id,
                links.c.decision == "same",
                _among(_ANY_PERSON, some.person_ids),
            )
            .correlate(faces)
            .exists()
        )
        return and_(linked, inside(photos, some.collection_ids))

    every = select(faces.c.face_id).where(faces.c.photo_id == photos.c.photo_id)
    others = every.where(not_(or_(*(theirs(some) for some in alike))))
    return and_(every.correlate(photos).exists(), not_(others.correlate(photos).exists()))


def _about_places(query: PhotoQuery) -> list[ColumnElement[bool]]:
    """What one sighting has to be like."""
    found: list[ColumnElement[bool]] = []
    for term in query.terms:
        match term:
            case Taken():
                found.append(_taken(term))
            case FromSource():
                found.append(sightings.c.source_id.in_(term.sources))
            case InCollection():
                found.append(sources.c.collection_id.in_(term.collections))
            case HasText():
                found.append(_has_text(term.text))
    return found


def _taken(term: Taken) -> ColumnElement[bool]:
    # Times are kept as they read where the photo was taken: "2024-05-31T18:04:00+02:00".
    bounds = []
    if term.begin is not None:
        bounds.append(sightings.c.taken_at >= term.begin.first.isoformat())
    if term.end is not None:
        # Any time of the last day is less than its date with a letter behind the T.
        bounds.append(sightings.c.taken_at < f"{term.end.last.isoformat()}U")
    return and_(*bounds)


def _has_text(text: str) -> ColumnElement[bool]:
    # SQLite knows the two cases of A to Z alone: other letters are looked for as people write them.
    as_written = set() if text.isascii() else {text, text.upper(), text.title()}
    return or_(
        *(
            condition
            for column in (sightings.c.text, sightings.c.item)
            for condition in (
                func.lower(column).contains(text.lower(), autoescape=True),
                *(column.contains(words, autoescape=True) for words in sorted(as_written)),
            )
        )
    )


def _gatherings(query: PhotoQuery, findable: Sequence[Within]) -> Iterator[Select[tuple[int]]]:
    """Selections of photo ids, each of which holds all that the query asks for."""
    everybody = frozenset[str]().union(*(some.person_ids for some in findable))
    yield _photos_linked(everybody)
    for term in query.terms:
        match term:
            case With() | Only() | AtLeast():
                yield _photos_linked(frozenset(term.people))
            case Together():
                for person_id in term.people:
                    yield _photos_linked(frozenset([person_id]))
            case Taken():
                yield select(sightings.c.photo_id).where(_taken(term))
            case FromSource():
                yield select(sightings.c.photo_id).where(sightings.c.source_id.in_(term.sources))
            case _:
                pass


def _photos_linked(person_ids: frozenset[str]) -> Select[tuple[int]]:
    return select(links.c.photo_id).where(_among(links.c.person_id, person_ids))


def _fewest(
    connection: Connection, gatherings: Sequence[Select[tuple[int]]]
) -> Select[tuple[int]] | None:
    """The selection with the fewest rows; None where each has many."""
    best, fewest = None, FEW + 1
    for one in gatherings:
        rows = select(func.count()).select_from(one.limit(fewest).subquery())
        count = int(connection.execute(rows).scalar_one())
        if count < fewest:
            best, fewest = one, count
    return best


def _among(column: ColumnElement[str], ids: frozenset[str]) -> ColumnElement[bool]:
    """Whether a column holds one of these ids, however many there are."""
    if len(ids) <= IDS_AT_ONCE:
        return column.in_(sorted(ids))
    listed = func.json_each(json.dumps(sorted(ids))).table_valued("value")
    return column.in_(select(listed.c.value))
