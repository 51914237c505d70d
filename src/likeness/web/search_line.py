"""Searches take turns: a few at once, the others in a line, first come first served, and no more.

A search holds two cores for a while and a photo in memory. Whoever waits holds no thread, so that
every other page stays quick.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread

from likeness.errors import LibraryBusy
from likeness.web.parts import Parts

AT_ONCE: Final = 2
MOST_WAITING: Final = 40

Answer = TypeVar("Answer")


class LineFull(LibraryBusy):
    """As many searches wait as may."""

    retry_after = 10


class SearchLine:
    """The line of one process.

    Parameters
    ----------
    at_once : int
        Searches that run at the same time.
    most_waiting : int
        Those that may wait beside them.
    """

    def __init__(self, at_once: int, most_waiting: int) -> None:
        self._most = at_once + most_waiting
        self._threads = CapacityLimiter(at_once)
        self._at_once = at_once
        self._inside = 0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return max(0, self._inside - self._at_once)

    def require_room(self) -> None:
        """Check that one more may wait.

        Raises
        ------
        LineFull
        """
        if self._inside >= self._most:
            raise LineFull("Too many searches wait already.", "Try again in a few seconds.")

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place in the line.

        Raises
        ------
        LineFull
        """
        self.require_room()
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    async def run(self, search: Callable[[], Answer]) -> Answer:
        """Run a search in a thread as soon as it is its turn; its place is held meanwhile."""
        return await to_thread.run_sync(search, limiter=self._threads)


def line_of(parts: Parts) -> SearchLine:
    """The line of this process."""
    return parts.kept("searches", lambda: SearchLine(AT_ONCE, MOST_WAITING))
