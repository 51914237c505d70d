"""The operator's desk: the people whom this account may find, and nobody else, by name.

Everybody else who enrolled does not appear here in any list or count, for any role.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from likeness.consent.policy import permit
from likeness.errors import ConsentRefused, KeyErased, NotFound, UsageError
from likeness.house import House, new_id
from likeness.records.collection import Collection
from likeness.records.consent import Consent
from likeness.records.person import Person
from likeness.records.stored import LinkedPhoto
from likeness.store import collections as collection_rows
from likeness.store import people
from likeness.store.links import linked_photos, links_by_person, proposals_by_person


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
    """

    person: Person
    consents: tuple[Consent, ...]
    collection_ids: tuple[str, ...]
    photos: int
    proposals: int


def create_collection(
    house: House,
    name: str,
    *,
    controller: str,
    purpose_text: str,
    audience: Sequence[str],
) -> Collection:
    """Add a collection and name the accounts that may search it.

    Raises
    ------
    UsageError
        Where the name is empty or taken, or nobody answers for it.
    NotFound
        Where an account is not known.
    """
    if not name.strip() or not controller.strip():
        raise UsageError(
            "A collection needs a name and a controller, who answers for its photos.",
            "Give both, such as: likeness collection create party --controller 'Tennis club'",
        )
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
                collection_rows.account_named(connection, a).account_id for a in audience
            ),
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
    """Everybody whom the acting account may find now, by name.

    Raises
    ------
    NotFound
        Where there is no such collection.
    """
    with house.store.snapshot() as connection:
        found = _visible_among(
            house, connection, _keys_of_findable(house, connection, collection=collection)
        )
    return sorted(found, key=lambda one: (one.person.details.name.casefold(), one.person.person_id))


def visible(house: House, connection: Connection, person_id: str) -> VisiblePerson | None:
    """One person, if the acting account may find them now; None reads the same for anybody else."""
    found = _visible_among(house, connection, _key_of(house, connection, person_id))
    return found[0] if found else None


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


def show_person(house: House, person_id: str) -> tuple[VisiblePerson, list[LinkedPhoto]]:
    """One person and their photos, where the acting account may find them.

    Raises
    ------
    NotFound
        In the same words whether the id is unknown or the consent does not cover this account.
    """
    with house.store.snapshot() as connection:
        found = visible(house, connection, person_id)
        if found is None:
            raise not_visible()
        return found, linked_photos(connection, person_id, collection_ids=found.collection_ids)


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
