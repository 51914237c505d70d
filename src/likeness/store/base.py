"""The store: where the truth is kept. One Protocol, an adapter a database."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection


class Store(Protocol):
    """A database with the tables of :mod:`likeness.store.schema`.

    The functions in :mod:`likeness.store` that read and write take the connection that
    :meth:`transaction` or :meth:`snapshot` yields and never commit: that happens at the edge of a
    way through the house, where the ``with`` block ends.
    """

    def transaction(self) -> AbstractContextManager[Connection]:
        """One writing transaction, alone with the database; durable when the block has ended.

        Raises
        ------
        LibraryBusy
            Where another process keeps writing.
        StorageError
            Where the disk is full or fails; nothing of the block stays then.
        BadInput
            Where a text to be kept holds what is no character, such as half of a pair.
        """

    def snapshot(self) -> AbstractContextManager[Connection]:
        """One reading transaction: everything in the block sees the same committed state.

        Raises
        ------
        StorageError
            Where the block tries to write.
        """

    def overwrite_deleted(self) -> None:
        """Leave nothing of deleted rows in the files of the database (pages, write-ahead log)."""

    def close(self) -> None:
        """Let go of every connection."""
