"""Adding up tables over four-bit codes, which FAISS does for 32 references in a few instructions.

FAISS's own index would train, encode and round in its own ways, and its codes move when it grows.
So codes are written here into one list of fixed size, with as many sub-quantisers as a code has
columns, and a "query" is the table itself: its product with a unit centroid is the entry.
"""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from likeness.gallery.quantise import LEVELS

_faiss: Any = faiss
"""FAISS's stubs leave out much of what is used here."""

LANES = 32
"""References whose codes lie interleaved."""

TOGETHER = 16
"""Tables added up in one pass; FAISS's own choice is slower, and from 24 on it loses rows."""

_PLACES = np.array([0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15])
"""Where lane n and lane n + 16 lie in each 16 bytes: the one in the low bits, the other in the
high ones (the order of ``pq4_pack_codes`` in FAISS)."""


class CodeBlock:
    """Codes of references, numbered from 0 without gaps, in memory that never moves.

    Not safe for threads by itself, but several may :meth:`find` at once.

    Parameters
    ----------
    columns : int
        Four-bit numbers in a code; even.
    rows : int
        Most references that it holds.
    """

    def __init__(self, *, columns: int, rows: int) -> None:
        groups = -(-rows // LANES)
        self.columns = columns
        self._count = 0
        self._quantizer = faiss.IndexFlatIP(columns * LEVELS)
        self._quantizer.add(np.zeros((1, columns * LEVELS), dtype=np.float32))
        self._index: Any = _faiss.IndexIVFPQFastScan(
            self._quantizer, columns * LEVELS, 1, columns, 4, faiss.METRIC_INNER_PRODUCT
        )
        self._index.by_residual = False
        self._index.qbs2 = TOGETHER
        units = np.tile(np.eye(LEVELS, dtype=np.float32), (columns, 1))
        faiss.copy_array_to_vector(units.ravel(), self._index.pq.centroids)
        self._index.is_trained = True
        self._list: Any = _faiss.downcast_InvertedLists(self._index.invlists)
        self._list.resize(0, groups * LANES)
        numbers = faiss.rev_swig_ptr(self._list.get_ids(0), groups * LANES)
        numbers[:] = np.arange(groups * LANES)
        size = groups * self._list.block_size
        owned = _Owned(faiss.rev_swig_ptr(self._list.get_codes(0), size), self._index)
        flat: NDArray[np.uint8] = np.asarray(owned)
        flat.fill(0)
        self._codes = flat.reshape(groups, columns // 2, 2, LANES // 2)
        self._numbers: NDArray[np.int64] = numbers
        self.resize(0)

    def __len__(self) -> int:
        return self._count

    def __del__(self) -> None:
        codes = getattr(self, "_codes", None)
        if codes is not None:
            codes.fill(0)

    def resize(self, count: int) -> None:
        """Set how many references are looked at; whoever makes it larger writes their codes."""
        numbers = self._list.ids.data()
        numbers.resize(count)
        # FAISS sets numbers that come anew to 0.
        if count > self._count:
            self._numbers[self._count : count] = np.arange(self._count, count)
        self._count = count

    def write(self, rows: NDArray[np.int64], codes: NDArray[np.uint8]) -> None:
        """Overwrite the codes of some rows.

        Parameters
        ----------
        rows : int64 array of shape (n,)
            Each once.
        codes : uint8 array of shape (n, columns)
            0 to 15.
        """
        lanes = rows % LANES
        for lane in range(LANES):
            chosen = np.flatnonzero(lanes == lane)
            if chosen.size:
                new = codes[chosen].reshape(len(chosen), -1, 2)
                high, place = lane >= LANES // 2, _PLACES[lane % (LANES // 2)]
                groups = rows[chosen] // LANES
                old = self._codes[groups, :, :, place]
                self._codes[groups, :, :, place] = (
                    (old & 0x0F) | (new << 4) if high else (old & 0xF0) | new
                )

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The codes of some rows, uint8 (n, columns); a copy, for the caller to overwrite."""
        lanes = rows % LANES
        both = self._codes[rows // LANES, :, :, _PLACES[lanes % (LANES // 2)]]
        high = (lanes >= LANES // 2)[:, None, None]
        codes = np.where(high, both >> 4, both & 0x0F)
        both.fill(0)
        return codes.reshape(len(rows), -1)

    def wipe(self) -> None:
        """Overwrite all codes and hold nothing."""
        self._codes.fill(0)
        self.resize(0)

    def memory(self) -> NDArray[np.uint8]:
        """A read-only view of all memory for codes, for checking what is left in it."""
        view = self._codes[:]
        view.flags.writeable = False
        return view

    def find(self, entries: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows whose sum is above 0, for each of some tables.

        Parameters
        ----------
        entries : float32 array of shape (n, columns, 16), C-contiguous
            Whole numbers; see `likeness.gallery.quantise.Tables`.

        Returns
        -------
        int64 array of shape (n + 1,)
            Where the rows of each table begin and end.
        int64 array of shape (m,)
        """
        count = len(entries)
        result = faiss.RangeSearchResult(count)
        self._index.range_search_c(count, faiss.swig_ptr(entries), 0.0, result)
        limits = faiss.rev_swig_ptr(result.lims, count + 1).astype(np.int64)
        return limits, faiss.rev_swig_ptr(result.labels, int(limits[-1])).astype(np.int64)


class _Owned:
    """Memory that lasts as long as an array looks at it, which FAISS's own does not."""

    def __init__(self, memory: NDArray[np.uint8], owner: object) -> None:
        self.__array_interface__ = memory.__array_interface__
        self.owner = owner


def scans_as_expected() -> bool:
    """Whether the FAISS at hand adds tables up exactly; the gallery stays flat where it does not.

    The scan rests on how FAISS lays codes out and rounds tables, which it does not promise.
    """
    random = np.random.default_rng(7)
    rows, columns = 3 * LANES - 5, 6
    block = CodeBlock(columns=columns, rows=4 * LANES)
    codes = random.integers(0, LEVELS, (rows, columns), dtype=np.uint8)
    block.resize(rows)
    block.write(np.arange(rows), codes)
    # It has another way through for each number of tables, up to those of one pass.
    for count in (*range(1, TOGETHER + 1), 2 * TOGETHER + 5):
        entries = random.integers(0, 256, (count, columns, LEVELS)).astype(np.float32)
        entries[:, :, 0], entries[:, 2, 5] = 0, 255
        sums = entries[:, np.arange(columns), codes].sum(axis=2)
        edges = np.sort(sums, axis=1)[:, rows // 2]
        entries[:, 0] -= (edges - 1)[:, None]
        limits, found = block.find(entries)
        for mine, edge, start, stop in zip(sums, edges, limits[:-1], limits[1:], strict=True):
            if not np.array_equal(np.sort(found[start:stop]), np.flatnonzero(mine >= edge)):
                return False
    return True
