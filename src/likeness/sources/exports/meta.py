"""What Facebook's and Instagram's exports have in common: how a file is stated, and found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from likeness.errors import SourceUnreadable
from likeness.sources.base import SkippedEntry
from likeness.sources.exports.records import item_of_path, json_items, repaired, text_at
from likeness.sources.exports.source import NOT_HERE
from likeness.sources.exports.tree import ExportTree, Member

_MAX_NODES = 500_000


def words(value: Any, *path: str | int) -> str:
    """Return the text under a path, repaired."""
    return repaired(text_at(value, *path))


def placed(
    tree: ExportTree, top: str, uri: str, reasons: Mapping[str, str]
) -> Member | SkippedEntry:
    """Find the file that a record names by its path, or say why it is not to be taken.

    Parameters
    ----------
    tree : ExportTree
    top : str
        What stands before the path in the export, empty or with ``/`` at its end.
    uri : str
        The path; it may have been misread as text is.
    reasons : mapping of str to str
        Why nothing is taken from a folder, by its name.
    """
    if "://" in uri[:20]:
        # It may let whoever has it see the photo: nothing of it is kept.
        return SkippedEntry(item=item_of_path(f"{top}(address)"), reason="an address, not a file")
    member = _file(tree, top, uri)
    item = item_of_path(member.name if member else top + repaired(uri))
    for part in uri.split("/")[:-1]:
        if part in reasons:
            return SkippedEntry(item=item, reason=reasons[part])
    return member or SkippedEntry(item=item, reason=NOT_HERE)


def _file(tree: ExportTree, top: str, uri: str) -> Member | None:
    return tree.find(top + uri) or tree.find(top + repaired(uri))


def ended(tree: ExportTree, top: str, records: list[Member], reason: str) -> Iterator[SkippedEntry]:
    """Tell every file that records of what is hidden or deleted name, as no longer to be held.

    Raises
    ------
    SourceUnreadable
        If such a record cannot be read: what it holds would be taken as posted.
    """
    for record in records:
        for found in json_items(tree, record):
            if isinstance(found, SkippedEntry):
                raise SourceUnreadable(
                    f"What is no longer shown cannot be told: {found.item}, {found.reason}.",
                    "Download the export from the platform again.",
                )
            for uri in uris(found.value):
                if "://" in uri[:20]:
                    continue
                member = _file(tree, top, uri)
                item = item_of_path(member.name if member else top + repaired(uri))
                yield SkippedEntry(item=item, reason=reason, ends=True)


def uris(value: Any) -> Iterator[str]:
    """Find every ``"uri"`` in an item, however deep."""
    waiting, seen = [value], 0
    while waiting and seen < _MAX_NODES:
        seen += 1
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            if isinstance(node.get("uri"), str):
                yield node["uri"]
            waiting += node.values()


def pages_in(value: Any, pattern: re.Pattern[str]) -> set[str]:
    """Find what a pattern's first group matches in the texts of an item, however deep."""
    waiting, seen, found = [value], 0, set[str]()
    while waiting and seen < _MAX_NODES:
        seen += 1
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            waiting += node.values()
        elif isinstance(node, str) and (match := pattern.fullmatch(node)):
            found.add(match[1])
    return found
