"""Receipts, kept so that each can be given again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select

from likeness.errors import NotFound
from likeness.store.schema import receipts


def keep(connection: Connection, *, serial: str, kind: str, at: datetime, document: bytes) -> None:
    """Keep a receipt's document."""
    connection.execute(
        insert(receipts).values(
            serial=serial, kind=kind, issued_at=at.isoformat(), document=document
        )
    )


def load(connection: Connection, serial: str) -> bytes:
    """A receipt's document.

    Raises
    ------
    NotFound
    """
    row = connection.execute(select(receipts.c.document).where(receipts.c.serial == serial)).first()
    if row is None:
        raise NotFound(f"There is no receipt {serial!r}.", "List them with: likeness receipt list")
    return bytes(row.document)


def all_receipts(connection: Connection) -> list[tuple[str, str, str]]:
    """(serial, kind, time of issue) of every receipt, newest first."""
    rows = connection.execute(
        select(receipts.c.serial, receipts.c.kind, receipts.c.issued_at).order_by(
            receipts.c.issued_at.desc()
        )
    )
    return [(row.serial, row.kind, row.issued_at) for row in rows]
