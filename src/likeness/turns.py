"""Take turns: work that two processes must not do at the same time, held apart by a file lock."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from likeness.errors import StorageError
from likeness.house import House


@contextmanager
def taking_turns(house: House, name: str) -> Iterator[None]:
    """Wait until no other process or thread does the work of this name, and keep others waiting.

    A process that is killed has ended its turn.

    Raises
    ------
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
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
