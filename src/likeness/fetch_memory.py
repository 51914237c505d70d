"""What a crawl remembers, kept in the library's store."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection

from likeness.errors import NotAuthorised
from likeness.house import House
from likeness.records.collection import Collection
from likeness.sources.base import stopped
from likeness.sources.website.memory import Remembered
from likeness.store import collections as collection_rows
from likeness.store.authorisations import authorisation_of
from likeness.store.fetched import delete_fetched, fetched_of, put_fetched

AT_ONCE = 50


class StoredMemory:
    """Keeps what a source fetched; a crash costs the last few, which are then fetched again.

    Parameters
    ----------
    house : House
    collection : Collection
    """

    def __init__(self, house: House, collection: Collection) -> None:
        self._house = house
        self._collection_id = collection.collection_id
        self._place = ("", "")
        self._hosts: tuple[str, ...] = ()
        self._new: dict[str, Remembered] = {}

    def belongs_to(self, *, kind: str, address: str, hosts: tuple[str, ...] = ()) -> None:
        """Say which source of the collection it is of, and which hosts are asked for it."""
        self._place = (kind, address)
        self._hosts = hosts

    def require_active(self) -> str:
        """The id of the source, which may be asked for more, as the store says now.

        Raises
        ------
        SourceBlocked
            It may not.
        NotAuthorised
            A host's authorisation was ended meanwhile, as by a notice about that host.
        """
        with self._house.store.snapshot() as connection:
            source_id = self._active(connection)
            ended = [h for h in self._hosts if authorisation_of(connection, h) is None]
        if source_id is None:
            raise stopped()
        if ended:
            raise NotAuthorised(
                f"The authorisation for {ended[0]} was ended while photos were taken from there.",
                "See: likeness source list, and likeness notices. What was taken in before stays, "
                "but for what a notice is about.",
            )
        return source_id

    def recall(self, url: str) -> Remembered | None:
        """What is known of an address."""
        if url in self._new:
            return self._new[url]
        with self._house.store.snapshot() as connection:
            source = self._active(connection)
            found = fetched_of(connection, source, url) if source else None
        return Remembered(**found) if found else None

    def remember(self, fetched: Remembered) -> None:
        """Keep what is known of an address."""
        self._new[fetched.url] = fetched
        if len(self._new) >= AT_ONCE:
            self.flush()

    def forget(self, url: str) -> None:
        """Forget an address."""
        self._new.pop(url, None)
        with self._house.store.transaction() as connection:
            source = self._active(connection)
            if source is not None:
                delete_fetched(connection, source, url)

    def flush(self) -> None:
        """Write what is new; nothing is kept of a source that was stopped meanwhile."""
        new, self._new = self._new, {}
        if not new:
            return
        with self._house.store.transaction() as connection:
            source = self._active(connection)
            if source is not None:
                put_fetched(connection, source, [asdict(one) for one in new.values()])

    def _active(self, connection: Connection) -> str | None:
        source = collection_rows.source_at(
            connection, self._collection_id, kind=self._place[0], address=self._place[1]
        )
        return source.source_id if source is not None and source.state == "active" else None
