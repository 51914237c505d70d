"""All pairs of templates at or above a threshold: FAISS proposes, one fixed sum decides.

A float32 sum is rounded by its order, and FAISS's order changes with the number of rows. So FAISS
proposes a little more than asked, and each pair proposed is scored again by itself. What proposes
is a product with every vector, or, where there are codes, a scan of these that leaves out only
what cannot reach the threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from likeness.gallery.quantise import Tables
from likeness.gallery.scan import CodeBlock

TOGETHER = 8192
"""Rows compared in one call: many enough for FAISS, few enough for the processor's cache."""

_faiss: Any = faiss
"""FAISS's stubs leave out what it has beside indices."""

_RESCORE = 4096
"""Pairs scored again at a time."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Vectors of one block that are compared.

    Attributes
    ----------
    first : int
        Number of the first row of ``vectors`` in the gallery.
    vectors : float32 array of shape (m, d), C-contiguous
    rows : int64 array of shape (k,) or None
        The rows of ``vectors`` to compare; None for all of them.
    codes : CodeBlock or None
        Codes of exactly the rows to compare, in their order.
    loose : int64 array
        Places in that order of those that their codes do not bound.
    """

    first: int
    vectors: NDArray[np.float32]
    rows: NDArray[np.int64] | None
    codes: CodeBlock | None
    loose: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.vectors) if self.rows is None else len(self.rows)


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


@dataclass(frozen=True, kw_only=True, eq=False)
class _Piece:
    """What one thread does in one go: scan a part's codes, or compare some of its vectors."""

    part: Part
    chosen: NDArray[np.int64]
    entries: NDArray[np.float32] | None
    start: int
    stop: int


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
        self,
        probes: NDArray[np.float32],
        parts: Sequence[Part],
        threshold: float,
        tables: Tables | None = None,
    ) -> list[Hits]:
        """Find all pairs that score at least the threshold, in no particular order.

        Parameters
        ----------
        probes : float32 array of shape (n, d), C-contiguous, unit length
        parts : sequence of Part
            Of unit length too. They may change again once this has returned or raised.
        threshold : float
            Finite.
        tables : Tables or None
            Of these probes and this threshold; without them, and for probes that have none, every
            vector is compared.
        """
        pieces = _pieces(len(probes), parts, tables)
        shares = [pieces[thread :: self._threads] for thread in range(self._threads)]
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


def _pieces(count: int, parts: Sequence[Part], tables: Tables | None) -> list[_Piece]:
    everyone = np.arange(count)
    pieces = []
    for part in parts:
        flat = everyone
        if tables is not None and part.codes is not None:
            flat = np.setdiff1d(everyone, tables.scanned, assume_unique=True)
            if len(tables.scanned):
                pieces.append(
                    _Piece(
                        part=part,
                        chosen=tables.scanned,
                        entries=tables.entries,
                        start=0,
                        stop=len(part),
                    )
                )
        if len(flat):
            pieces += [
                _Piece(
                    part=part,
                    chosen=flat,
                    entries=None,
                    start=start,
                    stop=min(start + TOGETHER, len(part)),
                )
                for start in range(0, len(part), TOGETHER)
            ]
    return pieces


def _compare_share(
    probes: NDArray[np.float32], pieces: Sequence[_Piece], threshold: float
) -> list[Hits]:
    most = max(
        (p.stop - p.start for p in pieces if p.entries is None and p.part.rows is not None),
        default=0,
    )
    room = np.empty((most, probes.shape[1]), dtype=np.float32)
    try:
        return [
            _scan_piece(probes, piece, threshold)
            if piece.entries is not None
            else _compare_piece(probes, piece, threshold, room)
            for piece in pieces
        ]
    finally:
        room.fill(0.0)


def _compare_piece(
    probes: NDArray[np.float32], piece: _Piece, threshold: float, room: NDArray[np.float32]
) -> Hits:
    part = piece.part
    rows = np.arange(piece.start, piece.stop)
    if part.rows is None:
        vectors = part.vectors[piece.start : piece.stop]
    else:
        # Gathered, so that FAISS never sees the others. Any mode but "clip" would copy through a
        # buffer that is not ours to overwrite.
        rows = part.rows[piece.start : piece.stop]
        vectors = room[: len(rows)]
        np.take(part.vectors, rows, axis=0, out=vectors, mode="clip")
    chosen = probes if len(piece.chosen) == len(probes) else probes[piece.chosen]
    proposed, places = _propose(chosen, vectors, threshold)
    return _scored(probes, piece.chosen[proposed], part, rows[places], threshold)


def _scan_piece(probes: NDArray[np.float32], piece: _Piece, threshold: float) -> Hits:
    part = piece.part
    assert part.codes is not None and piece.entries is not None
    limits, places = part.codes.find(piece.entries)
    near = threshold - _margin(probes.shape[1])
    proposed, found = [], []
    for probe, start, stop in zip(
        piece.chosen.tolist(), limits[:-1].tolist(), limits[1:].tolist(), strict=True
    ):
        mine = places[start:stop]
        if len(part.loose):
            mine = np.union1d(mine, part.loose)
        rows = mine if part.rows is None else part.rows[mine]
        if len(rows):
            scores = np.empty(len(rows), dtype=np.float32)
            _faiss.fvec_inner_products_by_idx(
                faiss.swig_ptr(scores),
                faiss.swig_ptr(probes[probe]),
                faiss.swig_ptr(part.vectors),
                faiss.swig_ptr(rows),
                probes.shape[1],
                1,
                len(rows),
            )
            rows = rows[scores >= near]
        found.append(rows)
        proposed.append(np.full(len(rows), probe, dtype=np.int64))
    return _scored(probes, np.concatenate(proposed), part, np.concatenate(found), threshold)


def _margin(length: int) -> float:
    # A float32 sum of d products of unit vectors is off by d * eps / 2 at most (Higham 2002, 3.1).
    return (length + 8) * float(np.finfo(np.float32).eps)


def _propose(
    probes: NDArray[np.float32], vectors: NDArray[np.float32], threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    count, length = probes.shape
    # No two unit vectors reach 2, and what lies far outside float32 must not overflow in C.
    radius = min(max(threshold, -2.0), 2.0) - _margin(length)
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


def _scored(
    probes: NDArray[np.float32],
    proposed: NDArray[np.int64],
    part: Part,
    rows: NDArray[np.int64],
    threshold: float,
) -> Hits:
    scores = np.empty(len(rows), dtype=np.float64)
    for start in range(0, len(rows), _RESCORE):
        some = slice(start, start + _RESCORE)
        scores[some] = _scores(probes, proposed[some], part.vectors, rows[some])
    keep = scores >= threshold
    return Hits(probes=proposed[keep], numbers=part.first + rows[keep], scores=scores[keep])


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
