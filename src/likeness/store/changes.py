"""The gallery change number: how every process knows that who may be found has changed."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from likeness.store.schema import erasures, library, people


def gallery_change(connection: Connection) -> int:
    """The number of the last change to whom photos are compared with."""
    return int(connection.execute(select(library.c.gallery_change)).scalar_one())


def raise_change(connection: Connection) -> int:
    """Take the next change number inside a writing transaction."""
    changed = gallery_change(connection) + 1
    connection.execute(update(library).values(gallery_change=changed))
    return changed


def people_changed_since(connection: Connection, change: int) -> list[str]:
    """Ids of people enrolled, changed or erased after a change number, erased ones included."""
    found: set[str] = set()
    # Two queries: a union of them reads both tables whole, not their indexes by change number.
    for table in (people, erasures):
        found.update(
            connection.execute(select(table.c.person_id).where(table.c.changed > change)).scalars()
        )
    return sorted(found)
