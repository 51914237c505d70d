"""One piece of an uploaded file on its way to the disk."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from likeness.errors import LibraryBusy, StorageError
from likeness.store.master_key import sync_directory

_FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def make_folder(folder: Path) -> None:
    """Make the folder of an upload, where it is not there, for its owner alone.

    Raises
    ------
    OSError
    """
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def opened_piece(folder: Path, name: str) -> Iterator[int]:
    """Open a file of an upload, made where it is not there, and keep others from it.

    Raises
    ------
    StorageError
        It cannot be made.
    LibraryBusy
        Somebody else has it open.
    """
    try:
        make_folder(folder)
        descriptor = os.open(folder / name, _FILE, 0o600)
    except OSError as error:
        raise _unwritten(error) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_size == 0:
                # It may be new, and the folders too: see their names to the disk.
                for holder in (folder, *folder.parents[:2]):
                    sync_directory(holder)
        except BlockingIOError:
            raise LibraryBusy(
                "Another piece of this file is just arriving.", "Send it again in a moment."
            ) from None
        except OSError as error:
            raise _unwritten(error) from None
        yield descriptor
    finally:
        os.close(descriptor)


def write_piece(descriptor: int, offset: int, chunk: bytes) -> None:
    """Write a piece and see it to the disk; what a crash left beyond ``offset`` is overwritten.

    Raises
    ------
    StorageError
        The disk does not take it; the file ends at ``offset`` then.
    """
    try:
        os.ftruncate(descriptor, offset)
        left, place = memoryview(chunk), offset
        while left:
            count = os.pwrite(descriptor, left, place)
            left, place = left[count:], place + count
        os.fsync(descriptor)
    except OSError as error:
        with suppress(OSError):
            os.ftruncate(descriptor, offset)
        raise _unwritten(error) from None


def _unwritten(error: OSError) -> StorageError:
    return StorageError(
        f"What arrived cannot be written: {error.strerror}.",
        "Make room on the disk, then go on; what arrived before is kept.",
    )
