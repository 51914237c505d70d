"""Which rows a set of eligible people means, remembered until the gallery changes."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from threading import Lock

import numpy as np

from likeness.gallery.blocks import VectorBlocks
from likeness.gallery.codes import Codes
from likeness.gallery.compare import Part
from likeness.gallery.names import ReferenceNames

_REMEMBERED = 4
"""Sets of eligible people whose rows are remembered."""

_NOBODY = np.zeros(0, dtype=np.int64)


@dataclass(kw_only=True, eq=False)
class _Selection:
    people: weakref.ref[frozenset[str]]
    parts: list[Part]
    rows: int
    everybody: bool
    coded: bool
    asked: int = 1


class Selections:
    """The parts of a gallery to compare for a set of people; safe for threads.

    The sets are the callers': none is kept alive here, and one that is gone is forgotten. People
    who are not eligible are in no part, neither by their vectors nor by their codes.

    Parameters
    ----------
    vectors : VectorBlocks
    names : ReferenceNames
    codes : Codes
    fewest : int
        Rows from which on a selection that is asked for again gets codes of its own, as long as
        all of these together are no more than the gallery's.
    """

    def __init__(
        self, vectors: VectorBlocks, names: ReferenceNames, codes: Codes, *, fewest: int
    ) -> None:
        self._vectors = vectors
        self._names = names
        self._codes = codes
        self._fewest = fewest
        self._lock = Lock()
        self._held: list[_Selection] = []
        self._everybody: weakref.ref[frozenset[str]] | None = None

    def everybody(self) -> frozenset[str]:
        """Ids of all persons; one object while somebody holds it and the gallery is the same."""
        with self._lock:
            held = None if self._everybody is None else self._everybody()
            if held is None:
                held = self._names.person_ids()
                self._everybody = weakref.ref(held)
            return held

    def parts(self, eligible: frozenset[str]) -> list[Part]:
        """What to compare for these people."""
        with self._lock:
            selection = self._find(eligible)
            if selection is None:
                selection = self._select(eligible)
            elif not selection.everybody and not selection.coded:
                selection.asked += 1
                self._give_codes(selection)
            return selection.parts

    def forget(self) -> None:
        """Forget everything and overwrite what was copied; nobody may be searching meanwhile."""
        with self._lock:
            for selection in self._held:
                if not selection.everybody:
                    for part in selection.parts:
                        if part.codes is not None:
                            part.codes.wipe()
            self._held.clear()
            self._everybody = None

    def _find(self, eligible: frozenset[str]) -> _Selection | None:
        for selection in self._held:
            if selection.people() is eligible:
                return selection
        return next((one for one in self._held if one.people() == eligible), None)

    def _select(self, eligible: frozenset[str]) -> _Selection:
        rows = self._names.eligible_rows(eligible)
        size = self._vectors.rows
        loose = self._codes.loose() if rows is None else _NOBODY
        parts = []
        edges = (
            None
            if rows is None
            else np.searchsorted(rows, np.arange(len(self._vectors.filled()) + 1) * size)
        )
        for index, vectors in enumerate(self._vectors.filled()):
            first = index * size
            mine = None
            if rows is not None and edges is not None:
                mine = rows[edges[index] : edges[index + 1]] - first
                if not len(mine):
                    continue
            here = loose[(loose >= first) & (loose < first + size)] - first
            codes = self._codes.block(index) if mine is None and self._codes.there else None
            parts.append(Part(first=first, vectors=vectors, rows=mine, codes=codes, loose=here))
        selection = _Selection(
            people=weakref.ref(eligible),
            parts=parts,
            rows=sum(map(len, parts)),
            everybody=rows is None,
            coded=rows is None,
        )
        self._remember(selection)
        return selection

    def _remember(self, selection: _Selection) -> None:
        # A search may be reading the codes of one that goes; whoever lets go last overwrites them.
        self._held = [one for one in self._held if one.people() is not None]
        self._held = [*self._held[-(_REMEMBERED - 1) :], selection]

    def _give_codes(self, selection: _Selection) -> None:
        coded = sum(one.rows for one in self._held if one.coded and not one.everybody)
        room = coded + selection.rows <= len(self._vectors)
        if not self._codes.there or selection.rows < self._fewest or not room:
            return
        loose, size = self._codes.loose(), self._vectors.rows
        parts = []
        for part in selection.parts:
            assert part.rows is not None
            here = np.flatnonzero(np.isin(part.rows, loose - part.first))
            codes = self._codes.chosen(part.first // size, part.rows)
            parts.append(
                Part(
                    first=part.first,
                    vectors=part.vectors,
                    rows=part.rows,
                    codes=codes,
                    loose=here,
                )
            )
        selection.parts, selection.coded = parts, True
