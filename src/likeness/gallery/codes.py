"""Codes of all references of a gallery, kept in step with the vectors that they are made from."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray

from likeness.gallery.blocks import VectorBlocks
from likeness.gallery.quantise import Quantiser, Tables, train
from likeness.gallery.scan import CodeBlock, scans_as_expected

_SAMPLE = 32_768
"""References that the quantiser learns from, evenly over the gallery."""

_AT_ONCE = 32_768


class Codes:
    """Codes from a certain size of gallery on; below it there are none and nothing is kept.

    They are made when the gallery reaches that size, and anew when it has grown fourfold, when as
    many references went as half of those that it had then, or when many no longer fit. Which
    references the axes were learnt from changes how many are proposed in vain, never which are
    found. Not safe for threads by itself.

    Parameters
    ----------
    vectors : VectorBlocks
    fewest : int
        References from which on there are codes; they go again below half of it.
    """

    def __init__(self, vectors: VectorBlocks, *, fewest: int) -> None:
        self._vectors = vectors
        self._fewest = fewest
        self._quantiser: Quantiser | None = None
        self._blocks: list[CodeBlock] = []
        self._loose: set[int] = set()
        self._learnt_at = 0
        self._gone = 0
        self._usable: bool | None = None

    @property
    def there(self) -> bool:
        """Whether there are codes now."""
        return self._quantiser is not None

    def tables(self, probes: NDArray[np.float32], threshold: float) -> Tables | None:
        """Tables for probes, or None without codes."""
        return self._quantiser.tables(probes, threshold) if self._quantiser else None

    def changed(self, numbers: AbstractSet[int]) -> None:
        """Make the codes of vectors that came or were overwritten; the new ones are last."""
        count = len(self._vectors)
        if self._quantiser is None or self._due(count):
            if count >= self._fewest:
                self._make_all()
            return
        self._hold(count)
        ordered = np.sort(np.fromiter(numbers, dtype=np.int64, count=len(numbers)))
        for start in range(0, len(ordered), _AT_ONCE):
            self._encode(ordered[start : start + _AT_ONCE])

    def remove(self, number: int, last: int) -> None:
        """Follow a vector that went: the last took its number, and its code is overwritten."""
        if self._quantiser is None:
            return
        rows = self._vectors.rows
        block, place = self._blocks[last // rows], np.array([last % rows])
        if number != last:
            code = block.read(place)
            self._blocks[number // rows].write(np.array([number % rows]), code)
            code.fill(0)
        block.write(place, np.zeros((1, self._quantiser.columns), dtype=np.uint8))
        self._loose.discard(number)
        if last in self._loose:
            self._loose.discard(last)
            self._loose.add(number)
        self._gone += 1
        self._hold(last)

    def settle(self) -> None:
        """After removals: learn anew where too many went of those that were learnt from."""
        if self._quantiser is None:
            return
        count = len(self._vectors)
        if 2 * count < self._fewest:
            self.clear()
        elif self._due(count):
            self._make_all()

    def block(self, index: int) -> CodeBlock:
        """The codes of the vectors' block of that index."""
        return self._blocks[index]

    def chosen(self, index: int, rows: NDArray[np.int64]) -> CodeBlock:
        """Copies of some codes of a block, in a block of their own; whoever asked wipes it."""
        block = CodeBlock(columns=self._blocks[index].columns, rows=len(rows))
        block.resize(len(rows))
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            codes = self._blocks[index].read(some)
            block.write(np.arange(start, start + len(some)), codes)
            codes.fill(0)
        return block

    def loose(self) -> NDArray[np.int64]:
        """Numbers of the vectors that no code bounds, ascending; to be compared always."""
        return np.sort(np.fromiter(self._loose, dtype=np.int64, count=len(self._loose)))

    def clear(self) -> None:
        """Overwrite everything and give the memory back."""
        for block in self._blocks:
            block.wipe()
        self._blocks.clear()
        self._loose.clear()
        if self._quantiser is not None:
            self._quantiser.wipe()
            self._quantiser = None

    def memory(self) -> tuple[NDArray[np.uint8], ...]:
        """Read-only views of all memory held for codes."""
        return tuple(block.memory() for block in self._blocks)

    def _due(self, count: int) -> bool:
        return (
            count >= 4 * self._learnt_at
            or 2 * self._gone >= self._learnt_at
            or (50 * len(self._loose) > count and 2 * count > 3 * self._learnt_at)
        )

    def _make_all(self) -> None:
        if self._usable is None:
            self._usable = scans_as_expected()
        if not self._usable:
            return
        self.clear()
        filled = self._vectors.filled()
        count = len(self._vectors)
        step = -(-count // _SAMPLE)
        numbers = np.arange(0, count, step)
        sample = np.empty((len(numbers), filled[0].shape[1]), dtype=np.float32)
        where = numbers // self._vectors.rows
        for index, block in enumerate(filled):
            here = where == index
            sample[here] = block[numbers[here] - index * self._vectors.rows]
        self._quantiser = train(sample)
        self._learnt_at, self._gone = count, 0
        self._hold(count)
        for start in range(0, count, _AT_ONCE):
            self._encode(np.arange(start, min(start + _AT_ONCE, count)))

    def _hold(self, count: int) -> None:
        """Have room for codes of that many vectors, and none for more."""
        assert self._quantiser is not None
        rows = self._vectors.rows
        wanted = -(-count // rows)
        while len(self._blocks) < wanted:
            self._blocks.append(CodeBlock(columns=self._quantiser.columns, rows=rows))
        for block in self._blocks[wanted:]:
            block.wipe()
        del self._blocks[wanted:]
        for index, block in enumerate(self._blocks):
            here = min(rows, count - index * rows)
            if len(block) != here:
                block.resize(here)

    def _encode(self, numbers: NDArray[np.int64]) -> None:
        """Write the codes of vectors, whose numbers are given in ascending order."""
        assert self._quantiser is not None
        rows = self._vectors.rows
        filled = self._vectors.filled()
        for index in np.unique(numbers // rows).tolist():
            mine = numbers[numbers // rows == index]
            vectors = filled[index][mine - index * rows]
            codes, loose = self._quantiser.encode(vectors)
            self._blocks[index].write(mine - index * rows, codes)
            self._loose.difference_update(mine.tolist())
            self._loose.update(mine[loose].tolist())
            vectors.fill(0)
            codes.fill(0)
