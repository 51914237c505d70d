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
    document = find(connection, serial)
    if document is None:
        raise NotFound(f"There is no receipt {serial!r}.", "List them with: likeness receipt list")
    return document


def find(connection: Connection, serial: str) -> bytes | None:
    """A receipt's document, or None where it was not issued yet."""
    row = connection.execute(select(receipts.c.document).where(receipts.c.serial == serial)).first()
    return bytes(row.document) if row else None


def all_receipts(connection: Connection) -> list[tuple[str, str, str]]:
    """(serial, kind, time of issue) of every receipt, newest first."""
    rows = connection.execute(
        select(receipts.c.serial, receipts.c.kind, receipts.c.issued_at).order_by(
            receipts.c.issued_at.desc()
        )
    )
    return [(row.serial, row.kind, row.issued_at) for row in rows]
