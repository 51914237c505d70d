"""Take turns: work that two processes must not do at the same time, held apart by a file lock."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from likeness.errors import LibraryBusy, StorageError
from likeness.house import House


@contextmanager
def taking_turns(house: House, name: str, *, wait: bool = True) -> Iterator[None]:
    """Wait until no other process or thread does the work of this name, and keep others waiting.

    A process that is killed has ended its turn.

    Raises
    ------
    LibraryBusy
        Where somebody does and ``wait`` is off.
    StorageError
        The lock's file cannot be made in the library's folder.
    """
    try:
        lock = (house.settings.path / f"{name}.lock").open("a")
    except OSError as error:
        raise StorageError(
            f"The library's folder cannot be written: {error.strerror}.",
            "Make room on the disk, or check the folder's permissions.",
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise LibraryBusy(
                "Another process is at this work already.", "Wait for it to end."
            ) from None
        yield
