"""Merge and split: an operator says which enrolments are of one human being.

Each enrolment keeps its key, its consents, its references and its links: what is shown of it, and
to whom, is ruled by its own consent as before. What merging changes is that those whom an account
may find are shown as one, that they are no longer taken for each other's rivals when faces are
compared, and that whoever says stop is heard for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from likeness.desk import findable_where, not_visible
from likeness.errors import UsageError
from likeness.house import House, new_id
from likeness.rescan import Then, rescan_where_possible
from likeness.store import audit_log
from likeness.store import same_people as rows
from likeness.store.audit_log import Concerned
from likeness.store.changes import raise_change
from likeness.store.links import photos_of_person
from likeness.store.photos import NEVER_MATCHED, set_matched_through


@dataclass(frozen=True, kw_only=True)
class Together:
    """Enrolments of one human being, as far as the acting account may find them.

    Attributes
    ----------
    person_ids : tuple of str
        Those that are together now, in the order of their ids.
    """

    person_ids: tuple[str, ...]


def merge(
    house: House,
    one: str,
    other: str,
    *,
    then: Then = rescan_where_possible,
) -> Together:
    """Say that two enrolments are of one human being.

    Parameters
    ----------
    one, other : str
        Ids of people whom the acting account may find, both.
    then : callable
        Compares their photos anew: at once, or later where nobody should wait for it.

    Raises
    ------
    NotFound
        Where it may not find one of them, in the same words whether or not they exist.
    UsageError
        Where they are together already.
    """
    with house.transaction() as connection:
        _require_visible(house, connection, (one, other))
        before = set(rows.group_with(connection, one))
        if other in before:
            raise UsageError("They are one already.", "Choose two people that are not.")
        group_id = rows.groups(connection, [one]).get(one) or new_id("g")
        rows.put_together(
            connection,
            [one, other],
            group_id=group_id,
            at=house.clock(),
            by=house.account.account_id,
        )
        _changed(house, connection, "merge", rows.group_with(connection, one))
        together = _seen_together(house, connection, one)
    # Faces that were in doubt between the two alone are in doubt no more.
    then(house)
    return together


def split(house: House, person_id: str, *, then: Then = rescan_where_possible) -> Together:
    """Take an enrolment out of its group; returns those that it is no longer together with.

    Parameters
    ----------
    person_id : str
    then : callable
        As in :func:`merge`.

    Raises
    ------
    NotFound
        Where the acting account may not find the person.
    UsageError
        Where it is together with nobody whom this account may find.
    """
    with house.transaction() as connection:
        _require_visible(house, connection, (person_id,))
        seen = _seen_together(house, connection, person_id)
        if len(seen.person_ids) < 2:
            raise UsageError("They are together with nobody.", "See: likeness people")
        former = rows.group_with(connection, person_id)
        rows.take_out(connection, person_id)
        _changed(house, connection, "split", former)
    then(house)
    return Together(person_ids=tuple(p for p in seen.person_ids if p != person_id))


def _require_visible(house: House, connection: Connection, person_ids: Sequence[str]) -> None:
    if len(set(person_ids)) < len(person_ids):
        raise UsageError("That is one person, named twice.", "Name two.")
    if len(findable_where(house, connection, person_ids)) < len(person_ids):
        raise not_visible()


def _seen_together(house: House, connection: Connection, person_id: str) -> Together:
    seen = findable_where(house, connection, rows.group_with(connection, person_id))
    return Together(person_ids=tuple(sorted(seen)))


def _changed(house: House, connection: Connection, did: str, person_ids: Iterable[str]) -> None:
    """Let every process know, have their photos compared anew, and note it for each of them.

    Nobody's entry names another: it is under the key of one, and would outlive the other.
    """
    raise_change(connection)
    now, keys = house.clock(), house.keyring.keys(person_ids)
    for person_id in keys:
        set_matched_through(connection, photos_of_person(connection, person_id), NEVER_MATCHED)
    audit_log.append(
        connection,
        house.keyring,
        kind="same_person",
        at=now,
        concerned=[
            Concerned(
                subject_id=house.account.account_id, details={"at": now.isoformat(), "did": did}
            ),
            *(
                Concerned(
                    subject_id=person_id,
                    details={
                        "at": now.isoformat(),
                        "did": did,
                        "by": house.account.account_id,
                    },
                )
                for person_id in sorted(keys)
            ),
        ],
    )
