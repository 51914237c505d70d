"""Notices in the keyring, so that a restored backup of the data cannot undo them."""

from __future__ import annotations

from dataclasses import dataclass

from likeness.store.keyring_file import KeyringFile

_BEFORE = "notice:"
_LIFTED = b"lifted:"


@dataclass(frozen=True, kw_only=True)
class KeptNotice:
    """A notice as the keyring keeps it.

    Attributes
    ----------
    sealed : bytes
        What it says, as ciphertext under its own key.
    lifted : bool
        Its block was taken back. What it purged stays gone, also by this.
    """

    sealed: bytes
    lifted: bool


def keep_notice(file: KeyringFile, notice_id: str, sealed: bytes) -> None:
    """Keep what a notice says, as ciphertext under its own key; on disk when this returns."""
    with file.writing() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO facts VALUES (?, ?)", (_BEFORE + notice_id, sealed)
        )


def keep_lifted(file: KeyringFile, notice_id: str) -> None:
    """Note that a notice was lifted; on disk when this returns."""
    with file.writing() as connection:
        row = connection.execute(
            "SELECT value FROM facts WHERE name = ?", (_BEFORE + notice_id,)
        ).fetchone()
        sealed = bytes(row[0]).removeprefix(_LIFTED) if row else b""
        connection.execute(
            "INSERT OR REPLACE INTO facts VALUES (?, ?)", (_BEFORE + notice_id, _LIFTED + sealed)
        )


def kept_notices(file: KeyringFile) -> dict[str, KeptNotice]:
    """Every notice by its id."""
    with file.reading() as connection:
        rows = connection.execute(
            "SELECT name, value FROM facts WHERE name >= ? AND name < ?", (_BEFORE, "notice;")
        ).fetchall()
    return {
        name.removeprefix(_BEFORE): KeptNotice(
            sealed=bytes(value).removeprefix(_LIFTED), lifted=bytes(value).startswith(_LIFTED)
        )
        for name, value in rows
    }
