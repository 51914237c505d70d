"""The master key: 32 random bytes in a file of their own, which wrap every key of a keyring."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from likeness.errors import LibraryExists, LibraryMissing, StorageError
from likeness.store.envelope import KEY_BYTES, Envelope

MASTER_KEY_VARIABLE = "LIKENESS_MASTER_KEY_FILE"
"""Environment variable that names the file."""

MASTER_KEY_NAME = "master.key"
"""Name of the file beside the keyring where nothing else is said."""

_MAX_FILE_BYTES = 1024


class MasterKey:
    """The key that wraps all others. It is never shown, compared, pickled or logged."""

    __slots__ = ("_envelope",)

    def __init__(self, secret: bytes) -> None:
        """Take 32 bytes.

        Raises
        ------
        UsageError
            There are fewer or more.
        """
        self._envelope = Envelope(secret)

    def __repr__(self) -> str:
        """Return a text without the key."""
        return "MasterKey(hidden)"

    @property
    def envelope(self) -> Envelope:
        """What wraps and unwraps."""
        return self._envelope

    @classmethod
    def create(cls, path: Path) -> MasterKey:
        """Make a new key in a new file that only its owner can read, and wait until it is on disk.

        Raises
        ------
        LibraryExists
            There is a file already; it is not touched.
        StorageError
            The file cannot be written.
        """
        secret = os.urandom(KEY_BYTES)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise LibraryExists(
                f"There is a master key at {path} already.", "Use it, or choose another place."
            ) from error
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.b64encode(secret) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            sync_directory(path.parent)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise _unwritable(path, error) from error
        return cls(secret)

    @classmethod
    def load(
        cls,
        path: Path | None = None,
        *,
        keyring_dir: Path,
        environ: Mapping[str, str] = os.environ,
    ) -> MasterKey:
        """Read the key from ``path``, else where the environment says, else beside the keyring.

        Raises
        ------
        LibraryMissing
            There is no file.
        StorageError
            The file is not a master key, or others than its owner can read it.
        """
        return cls._read(_place(path, keyring_dir, environ))

    @classmethod
    def load_or_create(
        cls,
        path: Path | None = None,
        *,
        keyring_dir: Path,
        environ: Mapping[str, str] = os.environ,
    ) -> MasterKey:
        """Like ``load``, and makes the key beside the keyring where nothing is there.

        A file that was named and does not exist stays an error: a slip in the name would otherwise
        leave the library's only key in a place that nobody looks after.

        Raises
        ------
        LibraryMissing
            A file was named and is not there.
        StorageError
            The file is not a master key, others can read it, or it cannot be written.
        """
        place = _place(path, keyring_dir, environ)
        if place == keyring_dir / MASTER_KEY_NAME and not place.exists():
            return cls.create(place)
        return cls._read(place)

    @classmethod
    def _read(cls, path: Path) -> MasterKey:
        try:
            mode = path.stat().st_mode
            if not stat.S_ISREG(mode):
                raise StorageError(
                    f"The master key {path} is not a regular file.", "Name the file itself."
                )
            require_private(path, mode, what="master key", mode_wanted="600")
            with path.open("rb") as file:
                text = file.read(_MAX_FILE_BYTES)
        except FileNotFoundError as error:
            raise LibraryMissing(
                f"There is no master key at {path}.",
                f"Put it back, or name its file in {MASTER_KEY_VARIABLE}.",
            ) from error
        except OSError as error:
            reason = error.strerror or "unknown reason"
            raise StorageError(f"The master key {path} cannot be read: {reason}.") from error
        try:
            secret = base64.b64decode(text.strip(), validate=True)
        except binascii.Error:
            secret = b""
        if len(secret) != KEY_BYTES:
            raise StorageError(
                f"The file {path} is not a master key: it needs {KEY_BYTES} bytes in base64.",
                f"Put the right file there, or name it in {MASTER_KEY_VARIABLE}.",
            )
        return cls(secret)


def require_private(path: Path, mode: int, *, what: str, mode_wanted: str) -> None:
    """Refuse a file or folder that others than its owner can reach.

    Raises
    ------
    StorageError
        The mode gives the group or the world any right.
    """
    if os.name == "posix" and mode & 0o077:
        raise StorageError(
            f"The {what} {path} can be reached by others than its owner.",
            f"Run: chmod {mode_wanted} '{path}'",
        )


def sync_directory(path: Path) -> None:
    """Wait until the names in a folder are on disk."""
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _place(path: Path | None, keyring_dir: Path, environ: Mapping[str, str]) -> Path:
    if path is not None:
        return path
    named = environ.get(MASTER_KEY_VARIABLE, "")
    return Path(named) if named else keyring_dir / MASTER_KEY_NAME


def _unwritable(path: Path, error: OSError) -> StorageError:
    reason = error.strerror or "unknown reason"
    return StorageError(
        f"The master key {path} cannot be written: {reason}.",
        "Make room on the disk, or check who may write there.",
    )
