"""What the words of a command mean: which collection, which source, which day."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from likeness.errors import NotFound, UsageError

if TYPE_CHECKING:
    from likeness.library import Library
    from likeness.records.stored import LinkedPhoto
    from likeness.review import OpenProposal

Seen = TypeVar("Seen", "LinkedPhoto", "OpenProposal")


def one_collection(library: Library, name: str | None) -> str:
    """The collection named, or the only one that there is.

    Raises
    ------
    UsageError
        None was named, and there are several or none.
    """
    if name:
        return name
    names = [collection.name for collection in library.collections()]
    if len(names) == 1:
        return names[0]
    if not names:
        raise UsageError(
            "There is no collection yet.", "Make one with: likeness collection create NAME"
        )
    raise UsageError(
        "There are several collections.", f"Name one with --collection: {', '.join(names)}"
    )


def one_source(library: Library, word: str, collection: str | None) -> str:
    """The id of the source that an id or a folder's path means.

    Raises
    ------
    NotFound
        No source that is still taken in has this id or path.
    UsageError
        Several collections take this folder in, and none was named.
    """
    from likeness.sources.base import item_of

    sources = library.sources()
    if any(source.source_id == word for source in sources):
        return word
    wanted = {c.collection_id for c in library.collections() if collection in (None, c.name)}
    address = item_of(os.path.realpath(Path(word).expanduser()))
    found = [
        source.source_id
        for source in sources
        if source.address == address
        and source.state != "removed"
        and source.collection_id in wanted
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            "Several collections take this folder in.",
            f"Name one with --collection, or give a source: {', '.join(found)}",
        )
    raise NotFound(f"No source is {word!r}.", "List the sources with: likeness status")


def within(library: Library, collection: str | None, found: Sequence[Seen]) -> list[Seen]:
    """Those of the photos or proposals that a collection has, with their sightings there alone.

    Raises
    ------
    NotFound
        There is no such collection.
    """
    if collection is None:
        return list(found)
    ids = {c.collection_id for c in library.collections() if c.name == collection}
    if not ids:
        raise NotFound(
            f"There is no collection {collection!r}.", "List them with: likeness collection list"
        )
    sources = {s.source_id for s in library.sources() if s.collection_id in ids}
    kept = [
        replace(one, sightings=tuple(s for s in one.sightings if s.source_id in sources))
        for one in found
    ]
    return [one for one in kept if one.sightings]


def day(text: str, option: str) -> date:
    """A day as written after an option.

    Raises
    ------
    UsageError
        It is no day.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} is not a day.", "Write it as YYYY-MM-DD.") from None


def end_of_day(text: str, option: str) -> datetime:
    """The moment at which a day ends, in UTC: a consent holds through its last day."""
    try:
        following = day(text, option) + timedelta(days=1)
    except OverflowError:
        raise UsageError(f"{option} {text!r} is too far away.", "Give an earlier day.") from None
    return datetime.combine(following, time(), tzinfo=UTC)
