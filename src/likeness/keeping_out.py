"""What a collection's retention rule took out is not taken in again while the rule holds.

Like the block list it holds keyed hashes alone: of a photo in a collection, and of an item as it
was, so that a file which has not changed is not even read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from sqlalchemy import Connection

from likeness.blocking import BlockList
from likeness.records.collection import SourceRecord
from likeness.store.retention import any_marks, marked


class AsItWas(Protocol):
    """An item with what tells whether it has changed."""

    @property
    def item(self) -> str: ...

    @property
    def size(self) -> int: ...

    @property
    def modified_ns(self) -> int: ...

    @property
    def link_mark(self) -> str: ...


def mark_of_item(blocks: BlockList, source_id: str, one: AsItWas) -> bytes:
    """The mark of an item of a source as it is."""
    told = (one.item, str(one.size), str(one.modified_ns), one.link_mark)
    return blocks.mark("retained item", source_id, *told)


def mark_of_photo(blocks: BlockList, collection_id: str, sha256: str) -> bytes:
    """The mark of a photo in a collection."""
    return blocks.mark("retained photo", collection_id, sha256)


def items_kept_out(
    connection: Connection, blocks: BlockList, record: SourceRecord, items: Iterable[AsItWas]
) -> frozenset[str]:
    """Those of some items that went by their collection's rule and have not changed since."""
    if not any_marks(connection, record.collection_id):
        return frozenset()
    by_mark = {mark_of_item(blocks, record.source_id, one): one.item for one in items}
    return frozenset(by_mark[mark] for mark in marked(connection, by_mark))


def photos_kept_out(
    connection: Connection, blocks: BlockList, collection_id: str, hashes: Sequence[str]
) -> frozenset[int]:
    """Places in a list of SHA-256 of those photos that went by their collection's rule."""
    if not any_marks(connection, collection_id):
        return frozenset()
    marks = [mark_of_photo(blocks, collection_id, sha256) for sha256 in hashes]
    out = marked(connection, marks)
    return frozenset(place for place, mark in enumerate(marks) if mark in out)
