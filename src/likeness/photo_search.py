"""Filters over photos: people, dates, sources, collections and words, one grammar everywhere.

Only photos of people whom the acting account may find are listed, so that neither a date nor a word
alone ever lists a photo of nobody who consented.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from likeness.desk import findable_where, not_visible, resolve_person
from likeness.errors import NotFound, UsageError
from likeness.house import House
from likeness.records.photo_query import InCollection, PeopleTerm, PhotoQuery, parse, people_of
from likeness.shown import ShownPhoto, own_collections, shown_among
from likeness.store import collections as collection_rows
from likeness.store import people
from likeness.store.photo_queries import Within, matching_photos

MOST_A_PAGE = 200
LAST = 2**63 - 1
"""No photo can have a greater number."""


@dataclass(frozen=True, kw_only=True)
class PhotoPage:
    """Some of the photos that a query finds.

    Attributes
    ----------
    photos : tuple of ShownPhoto
        Newest first.
    next : int or None
        What to ask on with; None where there are no more.
    """

    photos: tuple[ShownPhoto, ...]
    next: int | None


def find_photos(
    house: House, query: str | PhotoQuery, *, after: int | None = None, limit: int = 60
) -> PhotoPage:
    """Photos of people whom the acting account may find, newest first, a page at a time.

    Parameters
    ----------
    query : str or PhotoQuery
        As :func:`likeness.records.photo_query.parse` reads it; empty for every such photo.
    after : int, optional
        The ``next`` of the page before. Whether that photo is still held makes no difference.
    limit : int
        Photos a page, at most :data:`MOST_A_PAGE`.

    Raises
    ------
    UsageError
        The query is off, and where; or there is no such page.
    NotFound
        It names a person whom the account may not find, or a collection that it may not search, in
        the same words whether there is one.
    """
    if not 1 <= limit <= MOST_A_PAGE:
        raise UsageError(f"A page has 1 to {MOST_A_PAGE} photos.", "Ask for fewer at once.")
    if after is not None and not 0 < after <= LAST:
        raise UsageError("There is no such page of photos.", "Begin with the first.")
    # (1) What is asked for, in ids instead of names.
    asked = by_ids(house, parse(query) if isinstance(query, str) else query)
    with house.store.snapshot() as connection:
        # (2) Whom this account may find, and where.
        findable = _findable(house, connection)
        named = _named(house, connection, people_of(asked))
        asked = PhotoQuery(
            terms=tuple(
                _placed(house, connection, term) if isinstance(term, InCollection) else term
                for term in asked.terms
            )
        )
        # (3) The index proposes: one photo more than a page holds tells whether there are more.
        found = matching_photos(
            connection, asked, findable=findable, named=named, before=after, limit=limit + 1
        )
        # (4) The store disposes: what each consent covers now decides what is shown.
        shown = shown_among(house, connection, found[:limit])
    return PhotoPage(
        photos=tuple(shown), next=found[limit - 1].photo_id if len(found) > limit else None
    )


def by_ids(house: House, query: PhotoQuery) -> PhotoQuery:
    """The same query with people by id: it can stand in an address, where no name belongs.

    Raises
    ------
    NotFound
        A name or id is not that of one person whom the acting account may find.
    """
    ids = {name: resolve_person(house, name) for name in people_of(query)}
    with house.store.snapshot() as connection:
        # An id that is kept must read like one that is not.
        _named(house, connection, frozenset(ids.values()))
    return _renamed(query, ids)


def by_names(query: PhotoQuery, names: Mapping[str, str]) -> PhotoQuery:
    """The same query as people read it: by name, where one person alone has it.

    Parameters
    ----------
    query : PhotoQuery
    names : mapping of str to str
        By id, of everybody whom the acting account may find.
    """
    often = Counter(names.values())
    alone = {person_id: name for person_id, name in names.items() if often[name] == 1}
    return _renamed(query, {one: alone.get(one, one) for one in people_of(query)})


def _renamed(query: PhotoQuery, names: Mapping[str, str]) -> PhotoQuery:
    return PhotoQuery(
        terms=tuple(
            replace(term, people=tuple(dict.fromkeys(names[name] for name in term.people)))
            if isinstance(term, PeopleTerm)
            else term
            for term in query.terms
        )
    )


def _findable(house: House, connection: Connection) -> list[Within]:
    """Everybody whom the acting account may find, by the collections where it may."""
    acting = house.account.account_id
    if people.person_exists(connection, acting):
        own = own_collections(house, connection, acting)
        return [Within(person_ids=frozenset([acting]), collection_ids=own)] if own else []
    house.eligibility.refresh(connection)
    alike: dict[frozenset[str], list[str]] = {}
    for collection in collection_rows.collections_for(connection, acting, name=None):
        found = house.eligibility.findable(
            [collection.collection_id], purpose="be_found", searcher=acting
        )
        if found.person_ids:
            alike.setdefault(found.person_ids, []).append(collection.collection_id)
    return [
        Within(person_ids=person_ids, collection_ids=tuple(sorted(where)))
        for person_ids, where in alike.items()
    ]


def _named(
    house: House, connection: Connection, person_ids: frozenset[str]
) -> dict[str, tuple[str, ...]]:
    """Where people whom the query names may be found; nobody else can be asked about."""
    acting = house.account.account_id
    if person_ids == {acting} and people.person_exists(connection, acting):
        return {acting: own_collections(house, connection, acting)}
    where = findable_where(house, connection, person_ids)
    if where.keys() != person_ids:
        raise not_visible()
    return where


def _placed(house: House, connection: Connection, term: InCollection) -> InCollection:
    """The same collections by id, of those that the acting account may search."""
    acting = house.account.account_id
    if people.person_exists(connection, acting):
        own = set(own_collections(house, connection, acting))
        every = collection_rows.all_collections(connection)
        allowed = {c.name: c.collection_id for c in every if c.collection_id in own}
    else:
        searchable = collection_rows.collections_for(connection, acting, name=None)
        allowed = {c.name: c.collection_id for c in searchable}
    if not allowed.keys() >= set(term.collections):
        raise NotFound(
            "This account may search no collection of this name.",
            "List the collections with: likeness collection list",
        )
    return replace(term, collections=tuple(allowed[name] for name in term.collections))
