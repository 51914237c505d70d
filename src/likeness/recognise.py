"""Recognise what somebody wants to add."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from likeness.errors import UsageError
from likeness.house import House
from likeness.records.collection import Collection
from likeness.sources.base import Source
from likeness.sources.folder import FolderSource


@contextmanager
def recognised(house: House, what: str, *, collection: Collection) -> Iterator[Sequence[Source]]:
    """The sources that somebody's words mean."""
    if not what:
        raise UsageError("Nothing was named.", "Say what to add.")
    yield [FolderSource(Path(what).expanduser(), library=house.settings.path)]
