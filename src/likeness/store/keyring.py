"""The keyring: one key a subject, wrapped by the master key, in a file outside the library.

Erasing somebody rests on this file: their key is overwritten and a tombstone takes its place. The
tombstones form a chain, each with a running hash over all before it, so that a library can tell a
keyring that was restored from before an erasure.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from likeness.audit.signed_note import VerifierKey
from likeness.errors import (
    KeyErased,
    KeyMissing,
    LogRolledBack,
    StorageError,
    UsageError,
)
from likeness.store.envelope import KEY_BYTES
from likeness.store.keyring_file import APPLICATION_ID, BUSY_SECONDS, FORMAT, KeyringFile, new_file
from likeness.store.keyring_notices import KeptNotice, keep_lifted, keep_notice, kept_notices
from likeness.store.master_key import MasterKey
from likeness.store.sqlite_version import require_safe_sqlite, sqlite
from likeness.store.tombstones import (
    add_tombstone,
    all_tombstones,
    has_tombstone,
    require_tombstones,
    tombstone_head,
)

KEPT_WITNESSES = 8
"""How many of the last witnessed checkpoints are kept."""

_CHECK_VALUE = b"likeness.keyring/1"
_MAX_SUBJECT_LETTERS = 200
_BULK_FROM = 1000


class Keyring:
    """Keys of subjects (people and accounts), the key that signs the audit log, and tombstones.

    Holds no subject's key in memory: each call reads the file, so that a key destroyed by another
    process is gone for this one at once. Safe for threads, forks and processes.
    """

    def __init__(self, file: KeyringFile, *, master: MasterKey, origin: str) -> None:
        """Use ``create`` or ``open``."""
        self._file = file
        self._master = master
        self._origin = origin
        self._signing_key: Ed25519PrivateKey | None = None

    def __repr__(self) -> str:
        """Return a text without any key."""
        return f"Keyring({str(self._file.path)!r})"

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        master: MasterKey,
        origin: str | None = None,
        busy_seconds: float = BUSY_SECONDS,
    ) -> Keyring:
        """Make a keyring; it is at ``path`` whole, or not at all.

        Parameters
        ----------
        path : Path
            The file to make (0600). Its folder is made (0700) or has to be its owner's alone.
        master : MasterKey
        origin : str, optional
            Name of the audit log that its key signs, such as ``likeness/<library id>``; a random
            one where absent.
        busy_seconds : float
            How long to wait for another process, in seconds.

        Raises
        ------
        LibraryExists
            There is a file at the path.
        StorageUnsafe
            The SQLite in use is too old.
        StorageError
            The folder is open to others, or cannot be written.
        UsageError
            The origin is not a name that a signer can have.
        """
        require_safe_sqlite()
        origin = f"likeness/{secrets.token_hex(8)}" if origin is None else origin
        signing = Ed25519PrivateKey.generate()
        VerifierKey.of(origin, signing)
        with new_file(path) as draft:
            file = KeyringFile(path=draft, busy_seconds=busy_seconds)
            file.initialise()
            facts = {
                "origin": origin.encode(),
                "check": master.envelope.seal(_CHECK_VALUE, context=_context("check", origin)),
                "signing": master.envelope.seal(
                    signing.private_bytes_raw(), context=_context("signing", origin)
                ),
            }
            with file.writing() as connection:
                connection.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())
        return cls.open(path, master=master, busy_seconds=busy_seconds)

    @classmethod
    def open(cls, path: Path, *, master: MasterKey, busy_seconds: float = BUSY_SECONDS) -> Keyring:
        """Open a keyring.

        Raises
        ------
        LibraryMissing
            There is no file at the path.
        StorageUnsafe
            The SQLite in use is too old.
        StorageError
            The file is not a keyring, can be reached by others, or has another master key.
        """
        require_safe_sqlite()
        file = KeyringFile(path=path, busy_seconds=busy_seconds)
        file.require_present()
        with file.reading() as connection:
            marks = [
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("application_id", "user_version")
            ]
            if marks != [APPLICATION_ID, FORMAT]:
                raise StorageError(
                    f"The file {path} is not a keyring that this version can read.",
                    "Put the right keyring there, or use the version that made it.",
                )
            facts = dict(connection.execute("SELECT name, value FROM facts"))
        if not facts.keys() >= {"origin", "check", "signing"}:
            raise StorageError(f"The keyring {path} is damaged.", "Restore its newest copy.")
        origin = facts["origin"].decode()
        try:
            opened = master.envelope.unseal(facts["check"], context=_context("check", origin))
        except StorageError:
            opened = b""
        if opened != _CHECK_VALUE:
            raise StorageError(
                f"The keyring {path} was made with another master key.",
                "Give the master key that belongs to it.",
            )
        return cls(file, master=master, origin=origin)

    @property
    def origin(self) -> str:
        """Name of the audit log that ``signing_key`` signs."""
        return self._origin

    def create_key(self, subject_id: str) -> None:
        """Make a key for a subject; it is on disk when this returns.

        Raises
        ------
        KeyErased
            The subject's key was destroyed; the id can never have a key again.
        StorageError
            The subject has a key already, or the disk fails.
        UsageError
            The id is empty, too long or not printable.
        """
        self.create_keys((subject_id,))

    def create_keys(self, subject_ids: Iterable[str]) -> None:
        """Make keys for several subjects in one transaction: all of them, or none.

        Raises
        ------
        KeyErased, StorageError, UsageError
            As for ``create_key``.
        """
        wanted = [_checked(subject_id) for subject_id in subject_ids]
        with self._file.writing() as connection:
            for subject_id in wanted:
                if has_tombstone(connection, subject_id):
                    raise _erased(subject_id)
                wrapped = self._master.envelope.seal(
                    os.urandom(KEY_BYTES), context=_context("subject", subject_id)
                )
                added = connection.execute(
                    "INSERT INTO subject_keys (subject_id, wrapped) VALUES (?, ?)"
                    " ON CONFLICT (subject_id) DO NOTHING",
                    (subject_id, wrapped),
                )
                if added.rowcount != 1:
                    raise StorageError(
                        f"There is a key for {subject_id} already.",
                        "Use a new id for a new subject.",
                    )

    def key(self, subject_id: str) -> bytes:
        """Return a subject's key, 32 bytes.

        Raises
        ------
        KeyErased
            It was destroyed.
        KeyMissing
            It is neither there nor destroyed: this is not the keyring of the library.
        StorageError
            It does not open under the master key.
        """
        with self._file.reading() as connection:
            if has_tombstone(connection, subject_id):
                raise _erased(subject_id)
            row = connection.execute(
                "SELECT wrapped FROM subject_keys WHERE subject_id = ?", (subject_id,)
            ).fetchone()
        if row is None:
            raise _missing((subject_id,))
        return self._unwrap(subject_id, row[0])

    def keys(self, subject_ids: Iterable[str]) -> dict[str, bytes]:
        """Return the keys (32 bytes each) of many subjects at once; who was erased is left out.

        About 3 seconds for a million (two cores); their keys then take about 200 MB of memory.

        Raises
        ------
        KeyMissing
            A subject has neither a key nor a tombstone; the first few are named.
        StorageError
            A key does not open under the master key.
        """
        wanted = set(subject_ids)
        with self._file.reading() as connection:
            live = wanted - all_tombstones(connection)
            rows = _read_wrapped(connection, live)
        if len(rows) < len(live):
            found = {subject_id for subject_id, _ in rows}
            raise _missing(sorted(live - found))
        return {subject_id: self._unwrap(subject_id, wrapped) for subject_id, wrapped in rows}

    def destroy(self, subject_id: str) -> None:
        """Overwrite a subject's key and set a tombstone; both are on disk when this returns.

        An id that never had a key gets a tombstone too, and one that has a tombstone keeps it.

        Raises
        ------
        StorageError
            The disk fails; the key is as it was.
        UsageError
            The id is empty, too long or not printable.
        """
        _checked(subject_id)
        with self._file.writing() as connection:
            if has_tombstone(connection, subject_id):
                return
            connection.execute(
                "UPDATE subject_keys SET wrapped = zeroblob(length(wrapped)) WHERE subject_id = ?",
                (subject_id,),
            )
            add_tombstone(connection, subject_id)

    def is_erased(self, subject_id: str) -> bool:
        """Tell whether a subject's key was destroyed."""
        with self._file.reading() as connection:
            return has_tombstone(connection, subject_id)

    def tombstones(self) -> frozenset[str]:
        """Return the ids of all subjects whose key was destroyed."""
        with self._file.reading() as connection:
            return all_tombstones(connection)

    def tombstone_head(self) -> tuple[int, str]:
        """Return how many tombstones there are and the running hash over them, in hex."""
        with self._file.reading() as connection:
            return tombstone_head(connection)

    def covers(self, count: int, digest: str) -> None:
        """Check that this keyring has every tombstone that a library saw: the first ``count``.

        Parameters
        ----------
        count, digest : int, str
            What ``tombstone_head`` returned when the library noted it.

        Raises
        ------
        StorageError
            It lacks some, as a copy from before an erasure does, or has others.
        """
        with self._file.reading() as connection:
            require_tombstones(connection, count, digest)

    def signing_key(self) -> Ed25519PrivateKey:
        """Return the key that signs the audit log; it is made with the keyring and never changes.

        Raises
        ------
        StorageError
            It does not open under the master key.
        """
        if self._signing_key is None:
            with self._file.reading() as connection:
                wrapped = connection.execute(
                    "SELECT value FROM facts WHERE name = 'signing'"
                ).fetchone()[0]
            private = self._master.envelope.unseal(
                wrapped, context=_context("signing", self._origin)
            )
            self._signing_key = Ed25519PrivateKey.from_private_bytes(private)
        return self._signing_key

    def verifier_key(self) -> VerifierKey:
        """Return the public half of the signing key under the log's name; ``.text`` is its vkey."""
        return VerifierKey.of(self._origin, self.signing_key())

    def witness(self, size: int, root: bytes) -> None:
        """Note a signed state of the audit log; see ``witness_current``.

        Only for a caller that is alone with the log: where another process appends at the same
        time, the later state can arrive first, and this one is then refused.

        Parameters
        ----------
        size : int
            Number of leaves.
        root : bytes
            Root over them, 32 bytes.

        Raises
        ------
        LogRolledBack
            A longer log was witnessed, or another root at this size.
        """
        self.witness_current(lambda: (size, root))

    def witness_current(self, read_head: Callable[[], tuple[int, bytes]]) -> None:
        """Note the state that the audit log has now; it is on disk when this returns.

        Parameters
        ----------
        read_head : callable returning (size, root)
            Reads the committed state of the log (number of leaves, root of 32 bytes). It is called
            while no other process can witness, so states arrive in the order in which they came to
            be.

        Raises
        ------
        LogRolledBack
            A longer log was witnessed, or another root at this size.
        """
        with self._file.writing() as connection:
            size, root = read_head()
            last = _last_witness(connection)
            if last == (size, root):
                return
            if last is not None and size < last[0]:
                raise LogRolledBack(
                    f"The audit log has {size} entries, and {last[0]} were witnessed.",
                    "It was rolled back, as by restoring an old backup; restore a newer one.",
                )
            if last is not None and size == last[0]:
                raise LogRolledBack(
                    f"The audit log forked: another history of {size} entries was witnessed.",
                    "It went on from an old backup; restore one that holds what was witnessed.",
                )
            connection.execute("INSERT INTO witnesses VALUES (?, ?)", (size, root))
            connection.execute(
                "DELETE FROM witnesses WHERE size NOT IN"
                " (SELECT size FROM witnesses ORDER BY size DESC LIMIT ?)",
                (KEPT_WITNESSES,),
            )

    def set_aside_lost(self, root_at: Callable[[int], bytes | None]) -> int:
        """Set aside witnessed states that the audit log no longer has, as after a restored backup.

        They are kept for good, so that verification goes on saying that the log was rolled back;
        the log itself can be written again.

        Parameters
        ----------
        root_at : callable
            Takes a number of leaves and returns the log's root at that size, or None where it is
            shorter.

        Returns
        -------
        int
            How many states were set aside now.
        """
        with self._file.reading() as connection:
            seen = connection.execute("SELECT size, root FROM witnesses ORDER BY size").fetchall()
        lost = [(size, root) for size, root in seen if root_at(size) != root]
        if lost:
            with self._file.writing() as connection:
                for state in lost:
                    connection.execute("INSERT OR IGNORE INTO lost_witnesses VALUES (?, ?)", state)
                    connection.execute("DELETE FROM witnesses WHERE size = ? AND root = ?", state)
        return len(lost)

    def lost_witnesses(self) -> list[tuple[int, bytes]]:
        """Return every (size, root) that was witnessed and then lost, shortest first."""
        with self._file.reading() as connection:
            return connection.execute(
                "SELECT size, root FROM lost_witnesses ORDER BY size, root"
            ).fetchall()

    def witnessed(self) -> tuple[int, bytes] | None:
        """Return the newest (size, root) that was witnessed, or None."""
        with self._file.reading() as connection:
            return _last_witness(connection)

    def witnesses(self) -> list[tuple[int, bytes]]:
        """Return the last few (size, root) that were witnessed, oldest first."""
        with self._file.reading() as connection:
            return connection.execute("SELECT size, root FROM witnesses ORDER BY size").fetchall()

    def keep_notice(self, notice_id: str, sealed: bytes) -> None:
        """Keep a notice beside the keys; see :mod:`likeness.store.keyring_notices`."""
        keep_notice(self._file, _checked(notice_id), sealed)

    def keep_lifted(self, notice_id: str) -> None:
        """Note that a notice was lifted; it is on disk when this returns."""
        keep_lifted(self._file, _checked(notice_id))

    def notices(self) -> dict[str, KeptNotice]:
        """What is kept of each notice, by its id."""
        return kept_notices(self._file)

    def _unwrap(self, subject_id: str, wrapped: bytes) -> bytes:
        return self._master.envelope.unseal(wrapped, context=_context("subject", subject_id))


def _read_wrapped(connection: sqlite.Connection, live: set[str]) -> list[tuple[str, bytes]]:
    if len(live) >= _BULK_FROM:
        rows = connection.execute("SELECT subject_id, wrapped FROM subject_keys")
        return [row for row in rows if row[0] in live]
    found = []
    for subject_id in live:
        found += connection.execute(
            "SELECT subject_id, wrapped FROM subject_keys WHERE subject_id = ?", (subject_id,)
        ).fetchall()
    return found


def _last_witness(connection: sqlite.Connection) -> tuple[int, bytes] | None:
    row = connection.execute(
        "SELECT size, root FROM witnesses ORDER BY size DESC LIMIT 1"
    ).fetchone()
    return None if row is None else (row[0], row[1])


def _context(kind: str, subject_id: str) -> str:
    return f"likeness.keyring/1\n{kind}\n{subject_id}"


def _checked(subject_id: str) -> str:
    if not 0 < len(subject_id) <= _MAX_SUBJECT_LETTERS or not subject_id.isprintable():
        raise UsageError("The id of a subject is empty, too long or not printable.")
    return subject_id


def _erased(subject_id: str) -> KeyErased:
    return KeyErased(f"The key of {subject_id} was destroyed; what it opened is gone.")


def _missing(subject_ids: Iterable[str]) -> KeyMissing:
    named = list(subject_ids)
    rest = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return KeyMissing(
        f"The keyring has no key for {', '.join(named[:3])}{rest}, and no sign"
        " that it was destroyed. Nothing was deleted.",
        "Put the keyring back that belongs to this library.",
    )
