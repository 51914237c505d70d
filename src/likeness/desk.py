"""The operator's desk: the people whom this account may find, and nobody else, by name.

Everybody else who enrolled does not appear here in any list or count, for any role.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from likeness.consent.policy import permit
from likeness.errors import ConsentRefused, KeyErased, NotFound, UsageError
from likeness.house import House, new_id
from likeness.records.collection import Collection, require_days
from likeness.records.consent import Consent
from likeness.records.person import Person
from likeness.records.stored import LinkedPhoto
from likeness.store import collections as collection_rows
from likeness.store import people
from likeness.store.links import (
    count_pictures,
    linked_photos,
    links_by_person,
    proposals_by_person,
)
from likeness.store.same_people import group_with, groups


@dataclass(frozen=True, kw_only=True)
class VisiblePerson:
    """Somebody whom the acting account may find.

    Attributes
    ----------
    person : Person
    consents : tuple of Consent
        Those that let this account find them.
    collection_ids : tuple of str
        Where.
    photos : int
        Faces linked with them there.
    proposals : int
        Links that wait to be decided there.
    others : tuple of VisiblePerson
        Further enrolments of the same human being that the account may find, oldest first; each
        with what is its own. Filled in where people are listed or one is shown.
    pictures : int or None
        Photos of all of them together, where there are others.
    """

    person: Person
    consents: tuple[Consent, ...]
    collection_ids: tuple[str, ...]
    photos: int
    proposals: int
    others: tuple[VisiblePerson, ...] = ()
    pictures: int | None = None

    @property
    def enrolments(self) -> tuple[VisiblePerson, ...]:
        """Every enrolment that is shown as one with this, this one first."""
        return self, *self.others

    @property
    def photos_together(self) -> int:
        """Photos of all of them; one that shows several counts once."""
        return self.photos if self.pictures is None else self.pictures

    @property
    def proposals_together(self) -> int:
        """Links that wait to be decided about any of them."""
        return sum(one.proposals for one in self.enrolments)


def create_collection(
    house: House,
    name: str,
    *,
    controller: str,
    purpose_text: str,
    audience: Sequence[str],
    retention_days: int | None = None,
    ask_purpose: bool = False,
) -> Collection:
    """Add a collection and name the accounts that may search it.

    Raises
    ------
    UsageError
        Where the name is empty or taken, nobody answers for it, or its rule is no number of days.
    NotFound
        Where an account is not known.
    """
    if not name.strip() or not controller.strip():
        raise UsageError(
            "A collection needs a name and a controller, who answers for its photos.",
            "Give both, such as: likeness collection create party --controller 'Tennis club'",
        )
    if retention_days is not None:
        require_days(retention_days)
    now = house.clock()
    with house.transaction() as connection:
        if any(c.name == name for c in collection_rows.all_collections(connection)):
            raise UsageError(f"There is a collection {name!r} already.", "Choose another name.")
        collection = Collection(
            collection_id=new_id("col"),
            name=name,
            controller=controller,
            purpose_text=purpose_text,
            audience=frozenset(
                collection_rows.active_account_named(connection, a).account_id for a in audience
            ),
            retention_days=retention_days,
            ask_purpose=ask_purpose,
        )
        collection_rows.insert_collection(connection, collection, at=now)
        house.audit_deed(
            connection,
            kind="collection",
            details={
                "did": "create",
                "collection": collection.collection_id,
                "audience": sorted(collection.audience),
            },
        )
    return collection


def visible_people(house: House, *, collection: str | None = None) -> list[VisiblePerson]:
    """Everybody whom the acting account may find now, by name; one entry for each human being.

    Enrolments that were merged stand under the oldest of those that the account may find.

    Raises
    ------
    NotFound
        Where there is no such collection.
    """
    with house.store.snapshot() as connection:
        found = _visible_among(
            house, connection, _keys_of_findable(house, connection, collection=collection)
        )
        as_one = _as_one(connection, found)
    return sorted(
        as_one, key=lambda one: (one.person.details.name.casefold(), one.person.person_id)
    )


def enrolments_where(
    house: House, connection: Connection
) -> dict[str, tuple[Person, tuple[str, ...]]]:
    """Each enrolment that the acting account may find now, and in which collections, by id."""
    keys = _keys_of_findable(house, connection, collection=None)
    covering = _covering(house, connection, keys)
    loaded = people.load_people(connection, {known: keys[known] for known in covering})
    return {known: (person, tuple(sorted(covering[known]))) for known, person in loaded.items()}


def visible(house: House, connection: Connection, person_id: str) -> VisiblePerson | None:
    """One person, if the acting account may find them now; None reads the same for anybody else."""
    found = _visible_among(house, connection, _key_of(house, connection, person_id))
    return found[0] if found else None


def visible_names(house: House) -> dict[str, str]:
    """Names of everybody whom the acting account may find now, by id, in the order of the names."""
    with house.store.snapshot() as connection:
        every = enrolments_where(house, connection)
    found = {person_id: person.details.name for person_id, (person, _) in every.items()}
    return dict(sorted(found.items(), key=lambda one: (one[1].casefold(), one[0])))


def findable_where(
    house: House, connection: Connection, person_ids: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Where the acting account may find these people now: ids of collections, by person.

    Whoever it may not find is absent.
    """
    keys = house.keyring.keys(people.kept_among(connection, person_ids))
    covering = _covering(house, connection, keys)
    return {person_id: tuple(sorted(where)) for person_id, where in covering.items()}


def count_visible_proposals(house: House) -> int:
    """How many links wait to be decided, of people whom the acting account may find now."""
    with house.store.snapshot() as connection:
        keys = _keys_of_findable(house, connection, collection=None)
        return sum(
            sum(proposals_by_person(connection, alike, collection_ids=where).values())
            for where, alike in _by_place(_covering(house, connection, keys)).items()
        )


def require_reachable(house: House, connection: Connection, person_id: str) -> None:
    """Check that the acting account may handle a person's record: consents, export.

    It may where it may find them, where it recorded their consent itself and so knows them, and
    where the person is acting.

    Raises
    ------
    NotFound
        In the same words whether the id is unknown or neither holds.
    """
    keys = _key_of(house, connection, person_id)
    if keys and house.account.account_id == person_id:
        return
    if _covering(house, connection, keys):
        return
    recorded = people.consents_of_many(connection, keys).get(person_id, ())
    if not any(consent.recorded_by == house.account.account_id for consent in recorded):
        raise not_visible()


def reached(house: House, connection: Connection, person_id: str) -> tuple[Person, bytes]:
    """A person whose record the acting account may handle, and their key.

    Raises
    ------
    NotFound
        As for :func:`require_reachable`.
    """
    require_reachable(house, connection, person_id)
    key = house.keyring.key(person_id)
    return people.load_people(connection, {person_id: key})[person_id], key


def show_person(house: House, person_id: str) -> tuple[VisiblePerson, list[LinkedPhoto]]:
    """One person and their photos, where the acting account may find them.

    With the photos of further enrolments of the same human being, as far as the account may find
    these; each photo is there by the consent of the enrolment that it is linked with.

    Raises
    ------
    NotFound
        In the same words whether the id is unknown or the consent does not cover this account.
    """
    with house.store.snapshot() as connection:
        found = visible(house, connection, person_id)
        if found is None:
            raise not_visible()
        every = [found]
        for other in group_with(connection, person_id):
            seen = visible(house, connection, other) if other != person_id else None
            every += [seen] if seen else []
        of_each = {
            one.person.person_id: linked_photos(
                connection, one.person.person_id, collection_ids=one.collection_ids
            )
            for one in every
        }
    shown = one_of_each_picture(of_each.values())
    others = tuple(sorted(every[1:], key=_age))
    pictures = len(shown) if others else None
    return replace(found, others=others, pictures=pictures), shown


def not_visible() -> NotFound:
    """The error for everybody whom the acting account may not find."""
    return NotFound(
        "Nobody who consented to being found by this account has this id.",
        "List whom it may find with: likeness people",
    )


def resolve_person(house: House, word: str) -> str:
    """The id that a word means: an id as it stands, else the name of one person visible here.

    Raises
    ------
    NotFound
        Where no or several visible people have the name.
    """
    with house.store.snapshot() as connection:
        if people.person_exists(connection, word):
            return word
        keys = _keys_of_findable(house, connection, collection=None)
        loaded = people.load_people(connection, keys)
        alike = {known: keys[known] for known, p in loaded.items() if p.details.name == word}
        named = list(_covering(house, connection, alike))
    if len(named) == 1:
        return named[0]
    if named:
        raise NotFound(f"{len(named)} people have this name.", "Give the id; see: likeness people")
    raise not_visible()


def _keys_of_findable(
    house: House, connection: Connection, *, collection: str | None
) -> dict[str, bytes]:
    """Keys of those whom the acting account may find, as last taken in; the store has to agree."""
    house.eligibility.refresh(connection)
    searchable = collection_rows.collections_for(
        connection, house.account.account_id, name=collection
    )
    eligible = house.eligibility.findable(
        [c.collection_id for c in searchable],
        purpose="be_found",
        searcher=house.account.account_id,
    )
    return house.keyring.keys(people.kept_among(connection, eligible.person_ids))


def _key_of(house: House, connection: Connection, person_id: str) -> dict[str, bytes]:
    """A person's key by their id; empty where nobody is kept under it, or their key is gone."""
    if not people.person_exists(connection, person_id):
        return {}
    try:
        return {person_id: house.keyring.key(person_id)}
    except KeyErased:
        return {}


def _covering(
    house: House, connection: Connection, keys: Mapping[str, bytes]
) -> dict[str, dict[str, Consent]]:
    """Who of these people the acting account may find now: by which consent, by collection."""
    now, account_id = house.clock(), house.account.account_id
    searchable = collection_rows.collections_for(connection, account_id, name=None)
    found: dict[str, dict[str, Consent]] = {}
    for person_id, consents in people.consents_of_many(connection, keys).items():
        for consent in consents:
            for collection in searchable:
                try:
                    permission = permit(
                        consent,
                        purpose="be_found",
                        collection_id=collection.collection_id,
                        searcher=account_id,
                        now=now,
                    )
                except ConsentRefused:
                    continue
                found.setdefault(person_id, {})[permission.collection_id] = consent
    return found


def one_of_each_picture(of_each: Iterable[Sequence[LinkedPhoto]]) -> list[LinkedPhoto]:
    """The photos of several enrolments together, newest first.

    A picture that shows several of them is there once, with the sightings that it has for each.
    """
    shown: list[LinkedPhoto] = []
    places: dict[str, int] = {}
    every = [linked for photos in of_each for linked in photos]
    for linked in sorted(every, key=lambda one: -one.photo.photo_id):
        names = (linked.photo.sha256, *linked.copies)
        place = next((places[name] for name in names if name in places), len(shown))
        if place == len(shown):
            shown.append(linked)
        else:
            shown[place] = _both(shown[place], linked)
        places.update(dict.fromkeys(names, place))
    return shown


def _both(one: LinkedPhoto, other: LinkedPhoto) -> LinkedPhoto:
    found = {s.sighting_id: s for s in (*one.sightings, *other.sightings)}
    names = {one.photo.sha256, *one.copies, other.photo.sha256, *other.copies}
    return replace(
        one,
        sightings=tuple(sorted(found.values(), key=lambda s: (s.source_id, s.item))),
        copies=tuple(sorted(names - {one.photo.sha256})),
    )


def _as_one(connection: Connection, found: Sequence[VisiblePerson]) -> list[VisiblePerson]:
    """One entry for each human being: the oldest enrolment, with the others under it."""
    of_group = groups(connection, [one.person.person_id for one in found])
    alike: dict[str, list[VisiblePerson]] = {}
    for one in found:
        person_id = one.person.person_id
        alike.setdefault(of_group.get(person_id, person_id), []).append(one)
    entries = []
    for members in alike.values():
        first, *others = sorted(members, key=_age)
        if others:
            places = [(one.person.person_id, one.collection_ids) for one in members]
            pictures = count_pictures(connection, places)
            first = replace(first, others=tuple(others), pictures=pictures)
        entries.append(first)
    return entries


def _age(one: VisiblePerson) -> tuple[datetime, str]:
    return one.person.enrolled_at, one.person.person_id


def _by_place(covering: Mapping[str, Iterable[str]]) -> dict[tuple[str, ...], list[str]]:
    """People by the collections that they may be found in, so that those alike count at once."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for person_id, collection_ids in covering.items():
        alike.setdefault(tuple(sorted(collection_ids)), []).append(person_id)
    return alike


def _visible_among(
    house: House, connection: Connection, keys: Mapping[str, bytes]
) -> list[VisiblePerson]:
    covering = _covering(house, connection, keys)
    loaded = people.load_people(connection, {known: keys[known] for known in covering})
    found = []
    for collection_ids, alike in _by_place(covering).items():
        photos = links_by_person(connection, alike, collection_ids=collection_ids)
        proposals = proposals_by_person(connection, alike, collection_ids=collection_ids)
        found += [
            VisiblePerson(
                person=loaded[person_id],
                consents=tuple({c.consent_id: c for c in covering[person_id].values()}.values()),
                collection_ids=collection_ids,
                photos=photos.get(person_id, 0),
                proposals=proposals.get(person_id, 0),
            )
            for person_id in alike
        ]
    return found
