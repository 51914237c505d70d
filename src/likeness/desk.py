"""The operator's desk: the people whom this account may find, and nobody else, by name.

Everybody else who enrolled does not appear here in any list or count, for any role.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from likeness.consent.policy import permit
from likeness.errors import ConsentRefused, KeyErased, NotFound, UsageError
from likeness.house import House, new_id
from likeness.records.collection import Collection
from likeness.records.consent import Consent
from likeness.records.person import Person
from likeness.records.stored import LinkedPhoto
from likeness.store import audit_log, people
from likeness.store import collections as collection_rows
from likeness.store.audit_log import Concerned
from likeness.store.links import count_links, linked_photos


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
        audit_log.append(
            connection,
            house.keyring,
            kind="collection",
            at=now,
            concerned=[
                Concerned(
                    subject_id=house.account.account_id,
                    details={
                        "at": now.isoformat(),
                        "did": "create",
                        "collection": collection.collection_id,
                        "audience": sorted(collection.audience),
                    },
                )
            ],
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
        house.eligibility.refresh(connection)
        names = collection_rows.collections_for(
            connection, house.account.account_id, name=collection
        )
        eligible = house.eligibility.findable(
            [c.collection_id for c in names],
            purpose="be_found",
            searcher=house.account.account_id,
        )
        found = [visible(house, connection, person_id) for person_id in eligible.person_ids]
    return sorted(
        (one for one in found if one is not None),
        key=lambda one: (one.person.details.name.casefold(), one.person.person_id),
    )


def visible(house: House, connection: Connection, person_id: str) -> VisiblePerson | None:
    """One person, if the acting account may find them now; None reads the same for anybody else."""
    if not people.person_exists(connection, person_id):
        return None
    try:
        key = house.keyring.key(person_id)
    except KeyErased:
        return None
    now = house.clock()
    covering: dict[str, Consent] = {}
    for consent in people.consents_of(connection, person_id, key=key):
        for collection in collection_rows.collections_for(
            connection, house.account.account_id, name=None
        ):
            try:
                permission = permit(
                    consent,
                    purpose="be_found",
                    collection_id=collection.collection_id,
                    searcher=house.account.account_id,
                    now=now,
                )
            except ConsentRefused:
                continue
            covering[permission.collection_id] = consent
    person = people.load_person(connection, person_id, key=key)
    if person is None or not covering:
        return None
    photos, proposals = count_links(connection, person_id, collection_ids=sorted(covering))
    return VisiblePerson(
        person=person,
        consents=tuple({c.consent_id: c for c in covering.values()}.values()),
        collection_ids=tuple(sorted(covering)),
        photos=photos,
        proposals=proposals,
    )


def require_reachable(house: House, connection: Connection, person_id: str) -> None:
    """Check that the acting account may handle a person's record: consents, export.

    It may where it may find them, and where it recorded their consent itself and so knows them.

    Raises
    ------
    NotFound
        In the same words whether the id is unknown or neither holds.
    """
    if visible(house, connection, person_id) is not None:
        return
    if people.person_exists(connection, person_id) and not house.keyring.is_erased(person_id):
        key = house.keyring.key(person_id)
        recorded = people.consents_of(connection, person_id, key=key)
        if any(consent.recorded_by == house.account.account_id for consent in recorded):
            return
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
    named = [v for v in visible_people(house) if v.person.details.name == word]
    if len(named) == 1:
        return named[0].person.person_id
    if named:
        raise NotFound(f"{len(named)} people have this name.", "Give the id; see: likeness people")
    raise not_visible()
