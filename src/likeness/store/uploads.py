"""Files that arrive in pieces, and how much of each has arrived for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from likeness.store.schema_accounts import upload_files, uploads

UploadKind = Literal["photos", "export"]
UploadState = Literal["receiving", "taking", "done", "failed"]


@dataclass(frozen=True, kw_only=True)
class UploadRow:
    """An upload as it is kept.

    Attributes
    ----------
    upload_id, account_id, collection_id : str
    kind : UploadKind
    state : UploadState
    created_at, seen_at : datetime
        Aware.
    """

    upload_id: str
    account_id: str
    collection_id: str
    kind: UploadKind
    state: UploadState
    created_at: datetime
    seen_at: datetime


@dataclass(frozen=True, kw_only=True)
class UploadFile:
    """One file of an upload.

    Attributes
    ----------
    number : int
        From 1.
    name : str
        As it lies in the upload's folder.
    size, received : int
        In bytes.
    """

    number: int
    name: str
    size: int
    received: int


def insert_upload(connection: Connection, upload: UploadRow, files: Sequence[UploadFile]) -> None:
    """Keep a new upload."""
    connection.execute(
        insert(uploads).values(
            upload_id=upload.upload_id,
            account_id=upload.account_id,
            collection_id=upload.collection_id,
            kind=upload.kind,
            state=upload.state,
            created_at=upload.created_at.isoformat(),
            seen_at=upload.seen_at.isoformat(),
        )
    )
    connection.execute(
        insert(upload_files),
        [
            {
                "upload_id": upload.upload_id,
                "number": one.number,
                "name": one.name,
                "size": one.size,
                "received": one.received,
            }
            for one in files
        ],
    )


def load_upload(connection: Connection, upload_id: str) -> UploadRow | None:
    """The upload with this id, or None."""
    row = connection.execute(select(uploads).where(uploads.c.upload_id == upload_id)).first()
    return _upload(row) if row else None


def uploads_of(connection: Connection, account_id: str) -> list[UploadRow]:
    """Every upload of an account, newest first."""
    rows = connection.execute(
        select(uploads)
        .where(uploads.c.account_id == account_id)
        .order_by(uploads.c.created_at.desc(), uploads.c.upload_id)
    )
    return [_upload(row) for row in rows]


def files_of(connection: Connection, upload_id: str) -> list[UploadFile]:
    """The files of an upload, by number."""
    rows = connection.execute(
        select(upload_files)
        .where(upload_files.c.upload_id == upload_id)
        .order_by(upload_files.c.number)
    )
    return [_file(row) for row in rows]


def load_file(connection: Connection, upload_id: str, number: int) -> UploadFile | None:
    """One file of an upload, or None."""
    row = connection.execute(
        select(upload_files).where(
            upload_files.c.upload_id == upload_id, upload_files.c.number == number
        )
    ).first()
    return _file(row) if row else None


def set_received(
    connection: Connection, upload_id: str, number: int, *, received: int, at: datetime
) -> None:
    """Note how much of a file has arrived; it is on disk."""
    connection.execute(
        update(upload_files)
        .where(upload_files.c.upload_id == upload_id, upload_files.c.number == number)
        .values(received=received)
    )
    connection.execute(
        update(uploads).where(uploads.c.upload_id == upload_id).values(seen_at=at.isoformat())
    )


def set_state(connection: Connection, upload_id: str, state: UploadState, *, at: datetime) -> None:
    """Move an upload to another state. Once it is done the names of its files are forgotten."""
    connection.execute(
        update(uploads)
        .where(uploads.c.upload_id == upload_id)
        .values(state=state, seen_at=at.isoformat())
    )
    if state == "done":
        connection.execute(delete(upload_files).where(upload_files.c.upload_id == upload_id))


def delete_upload(connection: Connection, upload_id: str) -> None:
    """Forget an upload."""
    connection.execute(delete(upload_files).where(upload_files.c.upload_id == upload_id))
    connection.execute(delete(uploads).where(uploads.c.upload_id == upload_id))


def open_uploads(connection: Connection) -> frozenset[str]:
    """Ids of uploads whose files are still arriving, or wait to be taken in."""
    rows = connection.execute(select(uploads.c.upload_id).where(uploads.c.state != "done"))
    return frozenset(rows.scalars())


def seen_before(connection: Connection, moment: datetime) -> list[UploadRow]:
    """Uploads that nothing happened to since a moment."""
    rows = connection.execute(select(uploads).where(uploads.c.seen_at < moment.isoformat()))
    return [_upload(row) for row in rows]


def bytes_to_come(connection: Connection) -> int:
    """How many bytes all uploads that are arriving have yet to bring."""
    query = (
        select(func.coalesce(func.sum(upload_files.c.size - upload_files.c.received), 0))
        .join(uploads, uploads.c.upload_id == upload_files.c.upload_id)
        .where(uploads.c.state == "receiving")
    )
    return int(connection.execute(query).scalar_one())


def _upload(row: Row[*tuple[Any, ...]]) -> UploadRow:
    return UploadRow(
        upload_id=row.upload_id,
        account_id=row.account_id,
        collection_id=row.collection_id,
        kind=row.kind,
        state=row.state,
        created_at=datetime.fromisoformat(row.created_at),
        seen_at=datetime.fromisoformat(row.seen_at),
    )


def _file(row: Row[*tuple[Any, ...]]) -> UploadFile:
    return UploadFile(number=row.number, name=row.name, size=row.size, received=row.received)
