"""The similarity index inside the process: FAISS's exact inner product over vectors that we own.

FAISS's own flat index keeps its vectors in a growing C++ array, where neither a removal nor a
growth overwrites what it leaves. So the vectors live in `VectorBlocks`, and FAISS compares them
where they are. In a large gallery it first scans their `Codes`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

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
from likeness.gallery.codes import Codes
from likeness.gallery.compare import Comparer, Hits
from likeness.gallery.lock import ReadWriteLock
from likeness.gallery.names import ReferenceNames
from likeness.gallery.selection import Selections
from likeness.records.reference import Match, Reference

_PROBES_AT_ONCE = 256
"""Templates compared together; what they need of memory grows with them."""


class FaissGallery:
    """A `likeness.gallery.base.Gallery` in memory; exact at any size.

    A search costs one pass over the eligible vectors or, in a large gallery, over their codes,
    which are far shorter and rule out only what cannot reach the threshold. A change waits for the
    searches that run, and searches that come after it wait for the change. Make a new one after a
    fork: threads and locks do not survive it.

    Parameters
    ----------
    fingerprint : str
        Fingerprint of the pack that makes the templates.
    template_length : int
        Numbers in one template (d).
    rows_per_block : int
        Vectors allocated together. Memory is taken page by page as they fill.
    scanned_from : int
        References from which on codes of four bits a number are kept and scanned, and only what
        they cannot rule out is compared. It makes no difference to what is found.
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
        scanned_from: int = 32_768,
        threads: int = 0,
    ) -> None:
        sizes = (template_length, rows_per_block, scanned_from)
        if not fingerprint or min(sizes) < 1 or threads < 0:
            raise UsageError(
                "A gallery needs a pack's fingerprint, and sizes of at least 1.",
                "Take the fingerprint and the template length from the model pack.",
            )
        self._fingerprint = fingerprint
        self._template_length = template_length
        self._lock = ReadWriteLock()
        self._vectors = VectorBlocks(length=template_length, rows=rows_per_block)
        self._names = ReferenceNames()
        self._codes = Codes(self._vectors, fewest=scanned_from)
        self._selections = Selections(self._vectors, self._names, self._codes, fewest=scanned_from)
        self._comparer = Comparer(threads=threads or os.cpu_count() or 1)

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
            self._selections.forget()
            self._codes.changed({self._put(reference) for reference in references})

    def remove(self, person_ids: Iterable[str]) -> int:
        """Remove and overwrite every reference of these persons; see `Gallery.remove`."""
        wanted = check_person_ids(person_ids)
        removed = 0
        with self._lock.writing():
            self._selections.forget()
            for person_id in wanted:
                # From the end: so the row that moves into a gap is never one that is about to go.
                numbers = sorted(self._names.rows_of(person_id), reverse=True)
                for number in numbers:
                    self._drop(number)
                removed += len(numbers)
            self._codes.settle()
        return removed

    def clear(self) -> None:
        """Remove and overwrite everything."""
        with self._lock.writing():
            self._selections.forget()
            self._codes.clear()
            self._vectors.clear()
            self._names.clear()

    def person_ids(self) -> frozenset[str]:
        """Ids of all persons who have a reference here, made for the caller and not kept.

        While somebody holds it and the gallery is the same, the same object is returned.
        """
        with self._lock.reading():
            return self._selections.everybody()

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

    def code_memory(self) -> tuple[NDArray[np.uint8], ...]:
        """As `memory`, of the codes that vectors are found by; empty where there are none."""
        with self._lock.reading():
            return self._codes.memory()

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
            parts = self._selections.parts(eligible)
            scans = any(part.codes is not None for part in parts)
            for start in range(0, len(probes), _PROBES_AT_ONCE):
                some = probes[start : start + _PROBES_AT_ONCE]
                tables = self._codes.tables(some, threshold) if scans else None
                for hits in self._comparer.compare(some, parts, threshold, tables):
                    self._match(hits, found[start : start + _PROBES_AT_ONCE])
        for matches in found:
            matches.sort(key=lambda match: (-match.score, match.reference_id))
        return found

    def _match(self, hits: Hits, found: Sequence[list[Match]]) -> None:
        for row, number, score in zip(
            hits.probes.tolist(), hits.numbers.tolist(), hits.scores.tolist(), strict=True
        ):
            found[row].append(
                Match(
                    person_id=self._names.person(number),
                    reference_id=self._names.reference(number),
                    score=score,
                )
            )

    def _put(self, reference: Reference) -> int:
        number = self._names.row_of(reference.reference_id)
        if number < 0:
            number = self._vectors.append(reference.template)
            self._names.append(reference.reference_id, reference.person_id)
        else:
            self._vectors.write(number, reference.template)
            self._names.reassign(number, reference.person_id)
        return number

    def _drop(self, number: int) -> None:
        last = len(self._vectors) - 1
        self._names.remove(number)
        self._vectors.remove(number)
        self._codes.remove(number, last)
