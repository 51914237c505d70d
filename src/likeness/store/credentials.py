"""Passkeys and passwords, each sealed under the key of whoever signs in with it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from likeness.records.credential import Passkey, Password
from likeness.store.envelope import seal, unseal
from likeness.store.schema_accounts import credentials


def insert_passkey(connection: Connection, passkey: Passkey, *, key: bytes) -> None:
    """Keep a passkey."""
    _insert(
        connection,
        passkey,
        kind="passkey",
        sealed=_sealed_passkey(passkey, key=key),
        sign_count=passkey.sign_count,
    )


def rename_passkey(connection: Connection, passkey: Passkey, *, key: bytes) -> None:
    """Keep a passkey under the label that it has now."""
    connection.execute(
        update(credentials)
        .where(credentials.c.credential_id == passkey.credential_id)
        .values(sealed=_sealed_passkey(passkey, key=key))
    )


def put_password(connection: Connection, password: Password, *, key: bytes) -> None:
    """Keep a password in place of the one that its subject had."""
    connection.execute(
        delete(credentials).where(
            credentials.c.subject_id == password.subject_id, credentials.c.kind == "password"
        )
    )
    sealed = _seal(key, password.credential_id, {"hashed": password.hashed})
    _insert(connection, password, kind="password", sealed=sealed)


def subject_of_passkey(connection: Connection, credential_id: str) -> str | None:
    """Id of the account or person whose passkey this is, or None."""
    found = connection.execute(
        select(credentials.c.subject_id).where(
            credentials.c.credential_id == credential_id, credentials.c.kind == "passkey"
        )
    )
    return found.scalar_one_or_none()


def passkeys_of(connection: Connection, subject_id: str, *, key: bytes) -> list[Passkey]:
    """The passkeys of one subject, oldest first."""
    rows = connection.execute(
        select(credentials)
        .where(credentials.c.subject_id == subject_id, credentials.c.kind == "passkey")
        .order_by(credentials.c.created_at, credentials.c.credential_id)
    )
    return [_passkey(row, key) for row in rows]


def password_of(connection: Connection, subject_id: str, *, key: bytes) -> Password | None:
    """The password of one subject, or None."""
    row = connection.execute(
        select(credentials).where(
            credentials.c.subject_id == subject_id, credentials.c.kind == "password"
        )
    ).first()
    if row is None:
        return None
    return Password(
        credential_id=row.credential_id,
        subject_id=row.subject_id,
        hashed=_unseal(key, row.credential_id, row.sealed)["hashed"],
        created_at=datetime.fromisoformat(row.created_at),
        used_at=_moment(row.used_at),
    )


def mark_used(
    connection: Connection, credential_id: str, *, at: datetime, sign_count: int = 0
) -> None:
    """Note when a credential was used, and what its device counted."""
    connection.execute(
        update(credentials)
        .where(credentials.c.credential_id == credential_id)
        .values(used_at=at.isoformat(), sign_count=sign_count)
    )


def count_credentials(connection: Connection, subject_id: str) -> int:
    """How many ways a subject has to sign in."""
    query = select(func.count()).where(credentials.c.subject_id == subject_id)
    return int(connection.execute(query).scalar_one())


def subjects_with_credentials(connection: Connection) -> frozenset[str]:
    """Ids of everybody who can sign in by themself."""
    return frozenset(connection.execute(select(credentials.c.subject_id).distinct()).scalars())


def is_used(connection: Connection, kind: str) -> bool:
    """Whether anybody signs in with a ``"passkey"`` or a ``"password"``."""
    found = connection.execute(
        select(credentials.c.credential_id).where(credentials.c.kind == kind).limit(1)
    )
    return found.first() is not None


def delete_credential(connection: Connection, subject_id: str, credential_id: str) -> bool:
    """Delete one credential of a subject; returns whether it was theirs."""
    gone = connection.execute(
        delete(credentials).where(
            credentials.c.subject_id == subject_id, credentials.c.credential_id == credential_id
        )
    )
    return gone.rowcount > 0


def delete_credentials_of(connection: Connection, subject_id: str) -> None:
    """Delete every credential of a subject."""
    connection.execute(delete(credentials).where(credentials.c.subject_id == subject_id))


def _insert(
    connection: Connection,
    credential: Passkey | Password,
    *,
    kind: str,
    sealed: bytes,
    sign_count: int = 0,
) -> None:
    connection.execute(
        insert(credentials).values(
            credential_id=credential.credential_id,
            subject_id=credential.subject_id,
            kind=kind,
            sealed=sealed,
            sign_count=sign_count,
            created_at=credential.created_at.isoformat(),
            used_at=credential.used_at.isoformat() if credential.used_at else None,
        )
    )


def _sealed_passkey(passkey: Passkey, *, key: bytes) -> bytes:
    fields = {
        "raw_id": base64.b64encode(passkey.raw_id).decode(),
        "public_key": base64.b64encode(passkey.public_key).decode(),
        "site": passkey.site,
        "label": passkey.label,
    }
    return _seal(key, passkey.credential_id, fields)


def _passkey(row: Row[*tuple[Any, ...]], key: bytes) -> Passkey:
    fields = _unseal(key, row.credential_id, row.sealed)
    return Passkey(
        credential_id=row.credential_id,
        subject_id=row.subject_id,
        raw_id=base64.b64decode(fields["raw_id"]),
        public_key=base64.b64decode(fields["public_key"]),
        site=fields["site"],
        label=fields["label"],
        sign_count=row.sign_count,
        created_at=datetime.fromisoformat(row.created_at),
        used_at=_moment(row.used_at),
    )


def _seal(key: bytes, credential_id: str, fields: Mapping[str, str]) -> bytes:
    plain = json.dumps(fields, ensure_ascii=False, sort_keys=True).encode()
    return seal(key, plain, context=f"credential/{credential_id}")


def _unseal(key: bytes, credential_id: str, sealed: bytes) -> dict[str, str]:
    fields: dict[str, str] = json.loads(unseal(key, sealed, context=f"credential/{credential_id}"))
    return fields


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
