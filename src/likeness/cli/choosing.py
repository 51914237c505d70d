"""What the words of a command mean: which collection, which source, which day."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from likeness.errors import NotFound, UsageError
from likeness.records.address import address_key

if TYPE_CHECKING:
    from likeness.library import Library
    from likeness.records.collection import SourceRecord
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
    """The id of the source that an id, its address, or the path that was added means.

    Raises
    ------
    NotFound
        No source that is still taken in has this id or address.
    UsageError
        Several are meant: in several collections, or in one archive.
    """
    sources = library.sources()
    if any(source.source_id == word for source in sources):
        return word
    wanted = {c.collection_id for c in library.collections() if collection in (None, c.name)}
    found = _meant([s for s in sources if s.state != "removed" and s.collection_id in wanted], word)
    if len(found) == 1:
        return found[0].source_id
    if found:
        ids = ", ".join(source.source_id for source in found)
        if len({source.collection_id for source in found}) == 1:
            raise UsageError("Several sources come from there.", f"Give one of them: {ids}")
        raise UsageError(
            "Several collections take this in.",
            f"Name one with --collection, or give a source: {ids}",
        )
    raise _no_source(word)


def source_anywhere(library: Library, word: str) -> str:
    """The id of a source, whichever collection it is in and whether it was removed or not.

    Raises
    ------
    NotFound
        There is none.
    UsageError
        Several that are not the same are meant.
    """
    sources = library.sources()
    if any(source.source_id == word for source in sources):
        return word
    found = _meant(sources, word)
    if not found:
        raise _no_source(word)
    if len({(source.kind, source.address) for source in found}) > 1:
        ids = ", ".join(source.source_id for source in found)
        raise UsageError("Several sources come from there.", f"Give one of them: {ids}")
    return found[0].source_id


def _no_source(word: str) -> NotFound:
    # An address is not repeated: there may be a password in it.
    what = "No source has that address." if "://" in word else f"No source is {word!r}."
    return NotFound(what, "List the sources with: likeness source list")


def _meant(sources: Sequence[SourceRecord], word: str) -> list[SourceRecord]:
    """Those that an address or a path means; an archive means the account that it is of."""
    from likeness.recognise import exports_at

    if not word:  # as a path it would be the folder that one is in
        return []
    addresses = _addresses(word)
    found = [source for source in sources if source.address in addresses]
    if not found and "://" in word:
        # An account's page is one page however it is written; a site is one host exactly.
        key = address_key(word)
        found = [s for s in sources if key and _of_account(s) and address_key(s.address) == key]
    elif not found and any(_of_account(source) for source in sources):
        exports = exports_at(word)
        found = [source for source in sources if (source.kind, source.address) in exports]
    return found


def _of_account(source: SourceRecord) -> bool:
    return source.kind.startswith("export-")


def _addresses(word: str) -> set[str]:
    """The forms in which a source may keep an address or a path."""
    from likeness.sources.base import item_of
    from likeness.sources.bucket.address import bucket_address

    scheme, separator, rest = word.partition("://")
    if separator and scheme.lower() in ("http", "https"):
        host, slash, path = rest.partition("/")
        return {word, f"https://{host.lower()}{slash + path if path else ''}"}
    if separator:
        with suppress(UsageError):
            address = bucket_address(word)
            place = address.prefix if address.remote else os.path.realpath(address.prefix)
            return {replace(address, prefix=place).text}
        return set()
    # A site that is named by its host alone; every address of a folder begins with a slash.
    forms = {f"https://{word.lower()}"}
    with suppress(OSError, RuntimeError, ValueError):
        forms.add(item_of(os.path.realpath(Path(word).expanduser())))
    return forms


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
