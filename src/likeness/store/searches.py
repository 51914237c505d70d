"""How often each account searched lately, by minute."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from likeness.store.schema import searches


def count_search(connection: Connection, account_id: str, minute: datetime) -> int:
    """Count one more search of an account in a minute; returns how many there are now."""
    here = (searches.c.account_id == account_id, searches.c.minute == minute.isoformat())
    raised = connection.execute(update(searches).where(*here).values(count=searches.c.count + 1))
    if raised.rowcount == 0:
        connection.execute(
            insert(searches).values(account_id=account_id, minute=minute.isoformat(), count=1)
        )
    return int(connection.execute(select(searches.c.count).where(*here)).scalar_one())


def forget_before(connection: Connection, minute: datetime) -> None:
    """Forget counts of minutes before this one."""
    connection.execute(delete(searches).where(searches.c.minute < minute.isoformat()))
