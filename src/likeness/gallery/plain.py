"""FAISS's own flat index, to be measured beside: nothing in it can be overwritten."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray


class PlainIndex:
    """``IndexFlatIP`` with as many threads as FAISS is told to use.

    Parameters
    ----------
    template_length : int
    threads : int
        For this index and whatever else runs FAISS's own threads in the process.
    """

    def __init__(self, *, template_length: int, threads: int) -> None:
        self._threads = threads
        self._index: Any = faiss.IndexFlatIP(template_length)

    def add(self, vectors: NDArray[np.float32]) -> None:
        """Add vectors, float32 (n, d), numbered in order from 0."""
        self._index.add(vectors)

    def search(self, probes: NDArray[np.float32], threshold: float) -> list[NDArray[np.int64]]:
        """Numbers of the vectors that score above the threshold, for each probe, float32 (n, d)."""
        faiss.omp_set_num_threads(self._threads)
        limits, _, numbers = self._index.range_search(probes, threshold)
        ends: list[int] = limits.tolist()
        return [numbers[start:end] for start, end in pairwise(ends)]
