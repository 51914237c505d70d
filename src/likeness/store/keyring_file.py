"""The keyring's SQLite file: its tables, how it is opened, and what its errors mean."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from likeness.errors import LibraryBusy, LibraryExists, LibraryMissing, StorageError
from likeness.store.master_key import require_private, sync_directory
from likeness.store.sqlite_version import sqlite

BUSY_SECONDS = 30.0
"""How long to wait for another process, in seconds."""

APPLICATION_ID = 0x4C6B4B72
"""Marks the file as a keyring: the letters LkKr."""

FORMAT = 1
"""Version of the tables."""

# A row of subject_keys is only ever appended, and overwritten in place by as many bytes: so SQLite
# never moves a wrapped key between pages, which could leave a copy in a page's unused part.
SCHEMA = f"""
PRAGMA page_size = 4096;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
BEGIN EXCLUSIVE;
CREATE TABLE facts (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE subject_keys (
    key_id INTEGER NOT NULL PRIMARY KEY,
    subject_id TEXT NOT NULL UNIQUE,
    wrapped BLOB NOT NULL
);
CREATE TABLE tombstones (
    position INTEGER NOT NULL PRIMARY KEY,
    subject_id TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL
);
CREATE TABLE witnesses (
    size INTEGER NOT NULL PRIMARY KEY,
    root BLOB NOT NULL
);
CREATE TABLE lost_witnesses (
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    PRIMARY KEY (size, root)
) WITHOUT ROWID;
COMMIT;
"""

_PRAGMAS = (
    "PRAGMA secure_delete = ON",
    # A rollback journal, not a write-ahead log: once a transaction is over no file holds old pages.
    "PRAGMA journal_mode = DELETE",
    # EXTRA also waits until the journal's removal, which is the commit, is on disk.
    "PRAGMA synchronous = EXTRA",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_spill = OFF",
    "PRAGMA trusted_schema = OFF",
)

_FULL_CODES = frozenset({13})
_BUSY_CODES = frozenset({5, 6})
_OPEN_CODES = frozenset({14})
_DAMAGED_CODES = frozenset({11, 26})


@dataclass(frozen=True, kw_only=True)
class KeyringFile:
    """Opens one connection an operation, so that threads, forks and processes never share one.

    Attributes
    ----------
    path : Path
    busy_seconds : float
        How long to wait for another process, in seconds.
    """

    path: Path
    busy_seconds: float = BUSY_SECONDS

    def require_present(self) -> None:
        """Refuse a file that is not there, or that others than its owner can reach.

        Raises
        ------
        LibraryMissing
            There is no file.
        StorageError
            The group or the world has rights to it.
        """
        try:
            mode = self.path.stat().st_mode
        except OSError as error:
            raise self._missing() from error
        if not self.path.is_file():
            raise self._missing()
        require_private(self.path, mode, what="keyring", mode_wanted="600")

    @contextmanager
    def reading(self) -> Iterator[sqlite.Connection]:
        """One reading transaction: everything in the block sees the same state."""
        with self._errors_named(), closing(self._connect()) as connection:
            connection.execute("BEGIN")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite.Connection]:
        """One writing transaction, on disk when the block has ended, undone where it raised."""
        with self._errors_named(), closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def initialise(self) -> None:
        """Make the tables in a new, empty file."""
        with self._errors_named(), closing(self._connect()) as connection:
            connection.executescript(SCHEMA)

    def _connect(self) -> sqlite.Connection:
        connection = sqlite.connect(
            f"file:{quote(os.fspath(self.path.absolute()))}?mode=rw",
            uri=True,
            isolation_level=None,
            timeout=self.busy_seconds,
        )
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        """Say what a failing database means."""
        try:
            yield
        except sqlite.Error as error:
            raise self._named(error) from error

    def _named(self, error: sqlite.Error) -> StorageError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _BUSY_CODES:
            return LibraryBusy(
                f"Another process kept the keyring for more than {self.busy_seconds:.0f} seconds.",
                "Wait for it to end, then try again.",
            )
        if code in _OPEN_CODES and not self.path.exists():
            return self._missing()
        if code in _FULL_CODES:
            return StorageError(
                "The disk that holds the keyring is full; nothing was changed.",
                "Free some space, then try again.",
            )
        if code in _DAMAGED_CODES:
            return StorageError(
                f"The file {self.path} is not a keyring, or is damaged.",
                "Put the right keyring there, or restore its newest copy.",
            )
        return StorageError(
            f"The keyring {self.path} could not be read or written; nothing was changed ({error}).",
            "Check the disk, and who may write in the keyring's folder.",
        )

    def _missing(self) -> LibraryMissing:
        return LibraryMissing(
            f"There is no keyring at {self.path}.",
            "Put it back, or say where it is; without it the library cannot be opened.",
        )


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield an empty file to fill, and give it its name only once it is whole and on disk.

    Raises
    ------
    LibraryExists
        There is a file at the path.
    StorageError
        Its folder is open to others, or cannot be written.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    try:
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        require_private(
            path.parent, path.parent.stat().st_mode, what="keyring's folder", mode_wanted="700"
        )
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield draft
        os.link(draft, path)
        sync_directory(path.parent)
        sync_directory(path.parent.parent)
    except FileExistsError as error:
        raise LibraryExists(
            f"There is a keyring at {path} already.", "Open it, or choose another place."
        ) from error
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise StorageError(
            f"The keyring {path} cannot be made: {reason}.",
            "Make room on the disk, or check who may write there.",
        ) from error
    finally:
        draft.unlink(missing_ok=True)
        Path(f"{draft}-journal").unlink(missing_ok=True)
