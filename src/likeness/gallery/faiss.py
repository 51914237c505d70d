"""The similarity index inside the process: FAISS's exact inner product over vectors that we own.

FAISS's own flat index keeps its vectors in a growing C++ array, where neither a removal nor a
growth overwrites what it leaves. So the vectors live in `VectorBlocks`, and FAISS compares them
where they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from likeness.errors import UsageError
from likeness.gallery.base import (
    check_person_ids,
    check_references,
    check_templates,
    check_threshold,
)
from likeness.gallery.blocks import VectorBlocks
from likeness.gallery.compare import TOGETHER, Comparer, Part
from likeness.gallery.lock import ReadWriteLock
from likeness.records.reference import Match, Reference

_SELECTIONS = 4
"""Sets of eligible persons whose rows are remembered until the gallery changes."""


class FaissGallery:
    """A `likeness.gallery.base.Gallery` in memory; exact at any size.

    A search costs one pass over the eligible vectors. A change waits for the searches that run, and
    searches that come after it wait for the change. Make a new one after a fork: threads and locks
    do not survive it.

    Parameters
    ----------
    fingerprint : str
        Fingerprint of the pack that makes the templates.
    template_length : int
        Numbers in one template (d).
    rows_per_block : int
        Vectors allocated together. Memory is taken page by page as they fill.
    threads : int
        Threads that compare, for all searches together; 0 for one a processor.

    Raises
    ------
    UsageError
        The fingerprint is empty, a size is below 1, or ``threads`` is below 0.
    """

    def __init__(
        self,
        *,
        fingerprint: str,
        template_length: int,
        rows_per_block: int = 65_536,
        threads: int = 0,
    ) -> None:
        if not fingerprint or template_length < 1 or rows_per_block < 1 or threads < 0:
            raise UsageError(
                "A gallery needs a pack's fingerprint, and sizes of at least 1.",
                "Take the fingerprint and the template length from the model pack.",
            )
        self._fingerprint = fingerprint
        self._template_length = template_length
        self._lock = ReadWriteLock()
        self._vectors = VectorBlocks(length=template_length, rows=rows_per_block)
        self._reference_ids: list[str] = []
        self._person_ids: list[str] = []
        self._number_of: dict[str, int] = {}
        self._numbers_of: dict[str, list[int]] = {}
        self._comparer = Comparer(threads=threads or os.cpu_count() or 1)
        self._remembered = Lock()
        self._selections: dict[frozenset[str], list[Part]] = {}
        self._everybody: frozenset[str] | None = None

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the pack that made the templates."""
        return self._fingerprint

    @property
    def template_length(self) -> int:
        """Numbers in one template (d)."""
        return self._template_length

    def add(self, references: Sequence[Reference]) -> None:
        """Add references; see `Gallery.add`. The caller's templates are copied and not kept."""
        check_references(references, self._template_length)
        with self._lock.writing():
            self._forget_selections()
            for reference in references:
                self._put(reference)

    def remove(self, person_ids: Iterable[str]) -> int:
        """Remove and overwrite every reference of these persons; see `Gallery.remove`."""
        wanted = check_person_ids(person_ids)
        removed = 0
        with self._lock.writing():
            self._forget_selections()
            for person_id in wanted:
                # From the end: so the row that moves into a gap is never one that is about to go.
                numbers = sorted(self._numbers_of.pop(person_id, ()), reverse=True)
                for number in numbers:
                    self._drop(number)
                removed += len(numbers)
        return removed

    def clear(self) -> None:
        """Remove and overwrite everything."""
        with self._lock.writing():
            self._forget_selections()
            self._vectors.clear()
            self._reference_ids.clear()
            self._person_ids.clear()
            self._number_of.clear()
            self._numbers_of.clear()

    def person_ids(self) -> frozenset[str]:
        """Ids of all persons who have a reference here; one object until the gallery changes."""
        with self._lock.reading(), self._remembered:
            if self._everybody is None:
                self._everybody = frozenset(self._numbers_of)
            return self._everybody

    def __len__(self) -> int:
        """How many references are here."""
        with self._lock.reading():
            return len(self._vectors)

    def memory(self) -> tuple[NDArray[np.float32], ...]:
        """All memory that this gallery keeps vectors in, unused rows too, as read-only views.

        For checks that nothing of a removed person is left; not for comparing.
        """
        with self._lock.reading():
            return self._vectors.memory()

    def search(
        self, templates: NDArray[np.float32], *, eligible: frozenset[str], threshold: float
    ) -> list[list[Match]]:
        """Find every eligible reference at or above the threshold; see `Gallery.search`."""
        probes = check_templates(templates, self._template_length)
        check_threshold(threshold)
        found: list[list[Match]] = [[] for _ in probes]
        if not found or not eligible:
            return found
        with self._lock.reading():
            for hits in self._comparer.compare(probes, self._parts(eligible), threshold):
                for row, number, score in zip(
                    hits.probes.tolist(), hits.numbers.tolist(), hits.scores.tolist(), strict=True
                ):
                    found[row].append(
                        Match(
                            person_id=self._person_ids[number],
                            reference_id=self._reference_ids[number],
                            score=score,
                        )
                    )
        for matches in found:
            matches.sort(key=lambda match: (-match.score, match.reference_id))
        return found

    def _parts(self, eligible: frozenset[str]) -> list[Part]:
        with self._remembered:
            parts = self._selections.get(eligible)
            if parts is None:
                parts = self._select(eligible)
                if len(self._selections) == _SELECTIONS:
                    del self._selections[next(iter(self._selections))]
                self._selections[eligible] = parts
            return parts

    def _select(self, eligible: frozenset[str]) -> list[Part]:
        size, blocks = self._vectors.rows, self._vectors.filled()
        parts: list[Part] = []
        if self._numbers_of.keys() <= eligible:
            for index, block in enumerate(blocks):
                for start in range(0, len(block), TOGETHER):
                    vectors = block[start : start + TOGETHER]
                    parts.append(Part(first=index * size + start, vectors=vectors, rows=None))
            return parts
        here = [person_id for person_id in eligible if person_id in self._numbers_of]
        numbers = np.fromiter(
            (number for person_id in here for number in self._numbers_of[person_id]),
            dtype=np.int64,
        )
        numbers.sort()
        edges = np.searchsorted(numbers, np.arange(len(blocks) + 1) * size)
        for index, block in enumerate(blocks):
            rows = numbers[edges[index] : edges[index + 1]] - index * size
            for start in range(0, len(rows), TOGETHER):
                some = rows[start : start + TOGETHER]
                parts.append(Part(first=index * size, vectors=block, rows=some))
        return parts

    def _forget_selections(self) -> None:
        with self._remembered:
            self._selections.clear()
            self._everybody = None

    def _put(self, reference: Reference) -> None:
        number = self._number_of.get(reference.reference_id)
        if number is None:
            number = self._vectors.append(reference.template)
            self._number_of[reference.reference_id] = number
            self._reference_ids.append(reference.reference_id)
            self._person_ids.append(reference.person_id)
        else:
            self._vectors.write(number, reference.template)
            before = self._person_ids[number]
            self._numbers_of[before].remove(number)
            if not self._numbers_of[before]:
                del self._numbers_of[before]
            self._person_ids[number] = reference.person_id
        self._numbers_of.setdefault(reference.person_id, []).append(number)

    def _drop(self, number: int) -> None:
        """Take a reference out whose person is out of `_numbers_of` already."""
        del self._number_of[self._reference_ids[number]]
        moved_reference, moved_person = self._reference_ids.pop(), self._person_ids.pop()
        last = len(self._reference_ids)
        if number != last:
            self._reference_ids[number] = moved_reference
            self._person_ids[number] = moved_person
            self._number_of[moved_reference] = number
            numbers = self._numbers_of[moved_person]
            numbers[numbers.index(last)] = number
        self._vectors.remove(number)
