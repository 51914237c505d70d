"""Vectors in blocks of fixed size that never move, so that removing one leaves no copy behind.

A growing array is copied to a larger place each time it is full, and what it leaves is freed as it
is: vectors in clear that nobody can reach to overwrite. Here a block is allocated once and stays
where it is until it holds nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class VectorBlocks:
    """Float32 vectors of one length, numbered from 0 without gaps.

    Not safe for threads by itself: whoever owns it holds a lock.

    Parameters
    ----------
    length : int
        Numbers in one vector (d).
    rows : int
        Vectors in one block. Memory of a block is taken page by page as it fills.
    """

    def __init__(self, *, length: int, rows: int) -> None:
        self.rows = rows
        self._length = length
        self._blocks: list[NDArray[np.float32]] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, vector: NDArray[np.float32]) -> int:
        """Copy a vector of shape (d,) in and return its number."""
        number = self._count
        if number == len(self._blocks) * self.rows:
            self._blocks.append(np.zeros((self.rows, self._length), dtype=np.float32))
        self._count += 1
        self.write(number, vector)
        return number

    def write(self, number: int, vector: NDArray[np.float32]) -> None:
        """Overwrite the vector of that number."""
        self._row(number)[:] = vector

    def remove(self, number: int) -> None:
        """Take a vector out: the last one takes its number, and the last one's row is zeroed."""
        last = self._count - 1
        freed = self._row(last)
        if number != last:
            self.write(number, freed)
        freed.fill(0.0)
        self._count = last
        if last == (len(self._blocks) - 1) * self.rows:
            self._blocks.pop()

    def clear(self) -> None:
        """Zero every vector and give the memory back."""
        for block in self.filled():
            block.fill(0.0)
        self._blocks.clear()
        self._count = 0

    def filled(self) -> list[NDArray[np.float32]]:
        """The vectors as views of shape (m, d), one a block; only the last may have m < rows."""
        return [
            block[: self._count - index * self.rows] for index, block in enumerate(self._blocks)
        ]

    def memory(self) -> tuple[NDArray[np.float32], ...]:
        """Read-only views of all memory held, unused rows too: for checking what is left in it."""
        views = tuple(block[:] for block in self._blocks)
        for view in views:
            view.flags.writeable = False
        return views

    def _row(self, number: int) -> NDArray[np.float32]:
        row: NDArray[np.float32] = self._blocks[number // self.rows][number % self.rows]
        return row
