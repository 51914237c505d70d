"""All pairs of templates at or above a threshold: FAISS proposes, one fixed sum decides.

A float32 sum is rounded by its order, and FAISS's order changes with the number of rows. So FAISS
proposes a little more than asked, and each pair proposed is scored again by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

TOGETHER = 8192
"""Rows compared in one call: many enough for FAISS, few enough for the processor's cache."""

_RESCORE = 4096
"""Pairs scored again at a time."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Vectors that are compared in one call.

    Attributes
    ----------
    first : int
        Number of the first row of ``vectors`` in the gallery.
    vectors : float32 array of shape (m, d), C-contiguous
    rows : int64 array of shape (k,) or None
        The rows of ``vectors`` to compare, at most `TOGETHER`; None for all of them.
    """

    first: int
    vectors: NDArray[np.float32]
    rows: NDArray[np.int64] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Hits:
    """Pairs at or above a threshold.

    Attributes
    ----------
    probes : int64 array of shape (m,)
        Rows of the templates searched with.
    numbers : int64 array of shape (m,)
        Numbers of the vectors in the gallery.
    scores : float64 array of shape (m,)
        Cosines, rounded to float32.
    """

    probes: NDArray[np.int64]
    numbers: NDArray[np.int64]
    scores: NDArray[np.float64]


class Comparer:
    """Threads that compare templates with parts of a gallery, one part a thread at a time.

    FAISS's own threads spin while they wait for one another, and where something else keeps a
    processor busy a search takes many times as long; here each call stays in one thread.

    Parameters
    ----------
    threads : int
        At least 1; they start when first needed.
    """

    def __init__(self, *, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(
            threads, thread_name_prefix="likeness-gallery", initializer=_stay_in_one_thread
        )

    def compare(
        self, probes: NDArray[np.float32], parts: Sequence[Part], threshold: float
    ) -> list[Hits]:
        """Find all pairs that score at least the threshold, in no particular order.

        Parameters
        ----------
        probes : float32 array of shape (n, d), C-contiguous, unit length
        parts : sequence of Part
            Of unit length too. They may change again once this has returned or raised.
        threshold : float
            Finite.
        """
        shares = [parts[thread :: self._threads] for thread in range(self._threads)]
        tasks = [
            self._pool.submit(_compare_share, probes, share, threshold) for share in shares if share
        ]
        try:
            wait(tasks)
        finally:
            # After Ctrl-C too: whoever called may change the vectors as soon as this is over.
            wait(tasks)
        return [hits for task in tasks for hits in task.result()]


def _stay_in_one_thread() -> None:
    faiss.omp_set_num_threads(1)


def _compare_share(
    probes: NDArray[np.float32], parts: Sequence[Part], threshold: float
) -> list[Hits]:
    most = max((len(part.rows) for part in parts if part.rows is not None), default=0)
    room = np.empty((most, probes.shape[1]), dtype=np.float32)
    try:
        return [_compare_part(probes, part, threshold, room) for part in parts]
    finally:
        room.fill(0.0)


def _compare_part(
    probes: NDArray[np.float32], part: Part, threshold: float, room: NDArray[np.float32]
) -> Hits:
    vectors = part.vectors
    if part.rows is not None:
        # Gathered, so that FAISS never sees the others. Any mode but "clip" would copy through a
        # buffer that is not ours to overwrite.
        vectors = room[: len(part.rows)]
        np.take(part.vectors, part.rows, axis=0, out=vectors, mode="clip")
    proposed, rows = _propose(probes, vectors, threshold)
    scores = np.empty(len(rows), dtype=np.float64)
    for start in range(0, len(rows), _RESCORE):
        some = slice(start, start + _RESCORE)
        scores[some] = _scores(probes, proposed[some], vectors, rows[some])
    keep = scores >= threshold
    rows = rows[keep]
    numbers = part.first + (rows if part.rows is None else part.rows[rows])
    return Hits(probes=proposed[keep], numbers=numbers, scores=scores[keep])


def _propose(
    probes: NDArray[np.float32], vectors: NDArray[np.float32], threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    count, length = probes.shape
    # A float32 sum of d products of unit vectors is off by d * eps / 2 at most (Higham 2002, 3.1).
    margin = (length + 8) * float(np.finfo(np.float32).eps)
    # No two unit vectors reach 2, and what lies far outside float32 must not overflow in C.
    radius = min(max(threshold, -2.0), 2.0) - margin
    result = faiss.RangeSearchResult(count)
    faiss.range_search_inner_product(
        faiss.swig_ptr(probes),
        faiss.swig_ptr(vectors),
        length,
        count,
        len(vectors),
        radius,
        result,
    )
    limits = faiss.rev_swig_ptr(result.lims, count + 1).astype(np.int64)
    rows = faiss.rev_swig_ptr(result.labels, int(limits[-1])).astype(np.int64)
    return np.repeat(np.arange(count, dtype=np.int64), np.diff(limits)), rows


def _scores(
    probes: NDArray[np.float32],
    proposed: NDArray[np.int64],
    vectors: NDArray[np.float32],
    rows: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Score pairs: exact products in float64, summed in an order that d alone sets, rounded."""
    right = vectors[rows]
    products = right.astype(np.float64)
    scores = np.empty(len(rows), dtype=np.float32)
    try:
        products *= probes[proposed]
        scores[:] = products.sum(axis=1)
    finally:
        # Copies of references: a withdrawal cannot reach them, so they do not outlive the call.
        right.fill(0.0)
        products.fill(0.0)
    return scores.astype(np.float64)
