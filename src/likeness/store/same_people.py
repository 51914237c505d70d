"""Which enrolments are of one human being: a group, in which each keeps all that is its own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from likeness.store.chunks import in_chunks
from likeness.store.schema import same_people


def all_groups(connection: Connection) -> dict[str, str]:
    """The group of everybody who is in one, by person id."""
    rows = connection.execute(select(same_people.c.person_id, same_people.c.group_id))
    return {row.person_id: row.group_id for row in rows}


def groups(connection: Connection, person_ids: Iterable[str]) -> dict[str, str]:
    """The group of each of these people; who is in none is absent."""
    return {
        row.person_id: row.group_id
        for some in in_chunks(person_ids)
        for row in connection.execute(
            select(same_people.c.person_id, same_people.c.group_id).where(
                same_people.c.person_id.in_(some)
            )
        )
    }


def group_with(connection: Connection, person_id: str) -> list[str]:
    """Ids of everybody in the group of a person, that person among them, in order.

    The person alone where they are in none.
    """
    own = groups(connection, [person_id]).get(person_id)
    if own is None:
        return [person_id]
    rows = connection.execute(
        select(same_people.c.person_id)
        .where(same_people.c.group_id == own)
        .order_by(same_people.c.person_id)
    )
    return list(rows.scalars())


def put_together(
    connection: Connection,
    person_ids: Iterable[str],
    *,
    group_id: str,
    at: datetime,
    by: str,
) -> None:
    """Make one group of these people; groups that they were in become part of it whole."""
    wanted = list(person_ids)
    known = groups(connection, wanted)
    for former in sorted(set(known.values()) - {group_id}):
        connection.execute(
            update(same_people).where(same_people.c.group_id == former).values(group_id=group_id)
        )
    fresh = [person_id for person_id in wanted if person_id not in known]
    if fresh:
        connection.execute(
            insert(same_people),
            [
                {
                    "person_id": person_id,
                    "group_id": group_id,
                    "merged_at": at.isoformat(),
                    "merged_by": by,
                }
                for person_id in fresh
            ],
        )


def take_out(connection: Connection, person_id: str) -> None:
    """Take a person out of their group; a group of one is none."""
    left = [one for one in group_with(connection, person_id) if one != person_id]
    gone = [person_id, *(left if len(left) == 1 else ())]
    connection.execute(delete(same_people).where(same_people.c.person_id.in_(gone)))
