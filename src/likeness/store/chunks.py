"""Long lists of ids or marks in pieces: a statement takes a bounded number of values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Id = TypeVar("Id", int, str, bytes)

IDS_AT_ONCE = 500


def in_chunks(ids: Iterable[Id]) -> Iterator[list[Id]]:
    """Each of the ids once, in order, at most :data:`IDS_AT_ONCE` at a time."""
    ordered = iter(sorted(set(ids)))
    while some := list(islice(ordered, IDS_AT_ONCE)):
        yield some
