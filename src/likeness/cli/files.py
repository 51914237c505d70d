"""Files that commands read and write. Nothing is ever overwritten."""

from __future__ import annotations

import os
from pathlib import Path

from likeness.errors import BadInput, StorageError, UsageError


def require_free(path: Path) -> None:
    """Refuse a place that is taken or cannot be, before anything is done.

    Raises
    ------
    UsageError
    """
    if path.exists() or path.is_symlink():
        raise UsageError(f"There is a file {path.name} already.", "Choose another name.")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"There is no folder for {path.name}.", "Make its folder first.")


def write_new(path: Path, data: bytes) -> None:
    """Write a file that was not there, which its owner alone can read.

    Raises
    ------
    UsageError
        There is a file already.
    StorageError
        It cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise UsageError(f"There is a file {path.name} already.", "Choose another name.") from None
    except OSError as error:
        raise StorageError(
            f"The file {path.name} cannot be written: {error.strerror}.",
            "Make room on the disk, or name another place.",
        ) from None


def read_small(path: Path, *, limit: int, what: str) -> bytes:
    """The bytes of a file of at most ``limit`` bytes.

    Parameters
    ----------
    path : Path
    limit : int
    what : str
        What it should be, such as ``"receipt"``.

    Raises
    ------
    BadInput
        It is not there, is larger, or cannot be read.
    """
    try:
        if not path.is_file():
            raise BadInput(f"There is no file {path.name}.", f"Give the file of the {what}.")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise BadInput(
            f"{path.name} cannot be read: {error.strerror}.", "Check its permissions."
        ) from None
    if len(data) > limit:
        raise BadInput(
            f"{path.name} is larger than any {what} is.", f"Give the file of the {what}."
        )
    return data
