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
    kept = select(people.c.person_id).where(people.c.changed > change)
    erased = select(erasures.c.person_id).where(erasures.c.changed > change)
    return sorted(set(connection.execute(kept.union(erased)).scalars()))
