"""Notices in the keyring, so that a restored backup of the data cannot undo them."""

from __future__ import annotations

from likeness.store.keyring_file import KeyringFile

_BEFORE = "notice:"
_LIFTED = b"lifted"


def keep_notice(file: KeyringFile, notice_id: str, sealed: bytes) -> None:
    """Keep what a notice says, as ciphertext under its own key; on disk when this returns."""
    _put(file, notice_id, sealed)


def keep_lifted(file: KeyringFile, notice_id: str) -> None:
    """Note that a notice was lifted, in place of what it says; on disk when this returns."""
    _put(file, notice_id, _LIFTED)


def kept_notices(file: KeyringFile) -> dict[str, bytes | None]:
    """What each notice says, as ciphertext, by its id; None for one that was lifted."""
    with file.reading() as connection:
        rows = connection.execute(
            "SELECT name, value FROM facts WHERE name >= ? AND name < ?", (_BEFORE, "notice;")
        ).fetchall()
    return {
        name.removeprefix(_BEFORE): None if bytes(value) == _LIFTED else bytes(value)
        for name, value in rows
    }


def _put(file: KeyringFile, notice_id: str, value: bytes) -> None:
    with file.writing() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO facts VALUES (?, ?)", (_BEFORE + notice_id, value)
        )
