"""Scores of a detector where they matter: a rough look everywhere, the exact one at what it found.

The rough model is off by no more than ``ERROR`` where faces may be. So whatever it scores lower
than that below the threshold is no face, and of what overlaps a surer face only what comes near it
is of interest. The exact model sees the rest, in patches that hold all that their scores depend on:
what is found, and how surely, is what the exact model alone would have found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ERROR = 0.25
"""Well above the largest difference of both models' scores above -0.5, which is 0.13 over 80 press
photos (``bench/rough_scan.py``)."""

CORE = 6
"""Scores on a side of a patch that are sure not to depend on anything outside it."""

AT_ONCE = 8
MOST = 0.5
"""Share of the canvas from which on it is quicker to see it all with the exact model."""


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """How scores lie on a canvas: see ``onnx_graphs.detector_graph`` for the fields."""

    stride: int
    field: int
    reach: int


class RoughScan:
    """One canvas, seen roughly, on the way to exact scores where they matter.

    Parameters
    ----------
    rough : float32 array of shape (rows, columns)
        Scores of the rough model.
    canvas : float32 array of shape (1, 3, height, width)
    geometry : Geometry
    least : float
        The threshold of a face.
    exact : callable
        The exact model: (n, 3, h, w) to (n, 1, rows, columns).
    boxes : callable
        Of n rows and n columns of scores, what they are scores of: (n, 4).
    overlapping : callable
        Which boxes (..., 4) overlap others (..., 4) too much to be two faces: bool (...).
    """

    def __init__(
        self,
        rough: NDArray[np.float32],
        canvas: NDArray[np.float32],
        geometry: Geometry,
        *,
        least: float,
        exact: Callable[[NDArray[np.float32]], NDArray[np.float32]],
        boxes: Callable[[NDArray[np.intp], NDArray[np.intp]], NDArray[np.float64]],
        overlapping: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]],
    ) -> None:
        self._canvas, self._geometry, self._least = canvas, geometry, least
        self._exact, self._overlapping = exact, overlapping
        rows, columns = np.nonzero(rough > least - ERROR)
        order = np.argsort(-rough[rows, columns], kind="stable")
        self._rows, self._columns = rows[order], columns[order]
        self._rough = rough[self._rows, self._columns]
        self._boxes = boxes(self._rows, self._columns)
        self._scores: NDArray[np.float32] = np.full(rough.shape, -np.inf, dtype=np.float32)
        self._seen: NDArray[np.bool_] = np.zeros(rough.shape, dtype=bool)

    def scores(self) -> NDArray[np.float32] | None:
        """Exact scores of every face that stays when overlapping ones are left out.

        Returns
        -------
        float32 array of shape (rows, columns), or None
            Minus infinity where nobody looked. None where it is quicker to see all of the canvas
            with the exact model.
        """
        left = int(MOST * self._scores.size / self._side**2)
        while True:
            unclear = self._unclear()
            if not len(unclear):
                return self._scores
            heads = self._apart(unclear, most=left)
            if len(heads) > left:
                return None
            starts = list(dict.fromkeys(map(self._start, heads)))
            left -= len(starts)
            for first in range(0, len(starts), AT_ONCE):
                self._look(starts[first : first + AT_ONCE])

    @property
    def _side(self) -> int:
        """Scores on a side of a patch."""
        return CORE + 2 * self._geometry.reach

    def _unclear(self) -> NDArray[np.intp]:
        """Which candidates are unseen, and overlap none seen that is surer for certain."""
        seen = self._seen[self._rows, self._columns]
        exact = np.where(seen, self._scores[self._rows, self._columns], -np.inf)
        unclear = np.flatnonzero(~seen)
        order = np.argsort(-exact, kind="stable")
        kept = self._apart(order[: int((exact > self._least).sum())], most=len(order))
        for index in kept:
            far = self._rough[unclear] + ERROR > exact[index]
            unclear = unclear[far | ~self._overlapping(self._boxes[unclear], self._boxes[index])]
        return unclear

    def _apart(self, candidates: NDArray[np.intp], *, most: int) -> list[int]:
        """Those of the candidates, in order, that overlap none before them; at most one more."""
        chosen: list[int] = []
        while len(candidates) and len(chosen) <= most:
            index = int(candidates[0])
            chosen.append(index)
            rest = candidates[1:]
            candidates = rest[~self._overlapping(self._boxes[rest], self._boxes[index])]
        return chosen

    def _start(self, index: int) -> tuple[int, int]:
        """Where the patch around a candidate begins: row and column."""
        before = self._geometry.reach + CORE // 2
        height, width = self._scores.shape
        return (
            max(0, min(int(self._rows[index]) - before, height - self._side)),
            max(0, min(int(self._columns[index]) - before, width - self._side)),
        )

    def _look(self, starts: list[tuple[int, int]]) -> None:
        """See patches exactly, and keep the scores that do not depend on what is around them."""
        how = self._geometry
        height, width = self._scores.shape
        rows, columns = min(self._side, height), min(self._side, width)
        patches = [
            self._canvas[
                0,
                :,
                top * how.stride : (top + rows - 1) * how.stride + how.field,
                left * how.stride : (left + columns - 1) * how.stride + how.field,
            ]
            for top, left in starts
        ]
        for (top, left), scores in zip(starts, self._exact(np.stack(patches))[:, 0], strict=True):
            sure_rows = _sure(top, rows, height, how.reach)
            sure_columns = _sure(left, columns, width, how.reach)
            place = np.s_[
                top + sure_rows.start : top + sure_rows.stop,
                left + sure_columns.start : left + sure_columns.stop,
            ]
            self._scores[place] = scores[sure_rows, sure_columns]
            self._seen[place] = True


def _sure(start: int, length: int, whole: int, reach: int) -> slice:
    """The part of a patch that depends on nothing outside it; at an edge there is nothing."""
    first = 0 if start == 0 else reach
    last = length if start + length == whole else length - reach
    return slice(first, last)
