"""Who may be compared and found, in step with the store.

The references of people with a live consent stand decrypted in the gallery, fused to one a person.
Every process reads the change number before it compares, and at least each second also when idle;
what went from the store is then overwritten in memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, islice
from types import MappingProxyType

from sqlalchemy import Connection

from likeness.consent.policy import live, permit, permit_comparison
from likeness.errors import ConsentRefused, PackMismatch
from likeness.gallery.base import Gallery
from likeness.matching import NOBODY_MERGED, fuse
from likeness.records.consent import Consent, Purpose
from likeness.records.operating_point import OperatingPoint
from likeness.store import operating_points
from likeness.store.base import Store
from likeness.store.changes import gallery_change, people_changed_since
from likeness.store.keyring import Keyring
from likeness.store.packs import pack_in_use
from likeness.store.people import consents_of_many, references_of_many
from likeness.store.same_people import all_groups

REFERENCES_AT_ONCE = 10_000
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Eligible:
    """People whose references a comparison may use, and how long that holds.

    Attributes
    ----------
    person_ids : frozenset of str
    change : int
        The gallery change number that it was read at.
    until : datetime
        When the first of the consents looked at begins or ends.
    """

    person_ids: frozenset[str]
    change: int
    until: datetime

    def holds(self, *, change: int, now: datetime) -> bool:
        """Whether nothing has changed since."""
        return self.change == change and now < self.until


class Eligibility:
    """Keeps a gallery and the consents behind it equal to the latest committed state.

    Parameters
    ----------
    store : Store
    keyring : Keyring
    gallery : Gallery or None
        Of the pack that the library uses; None where that pack is not here. Consents are kept in
        step then, and nobody is compared.
    clock : callable
        Returns the time, aware.
    """

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        gallery: Gallery | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._gallery = gallery
        self._clock = clock
        self._consents: dict[str, tuple[Consent, ...]] = {}
        self._operating_points: tuple[OperatingPoint, ...] = ()
        self._groups: Mapping[str, str] = NOBODY_MERGED
        self._change = -1
        self._lock = threading.RLock()
        self._cache: dict[tuple[str, ...], Eligible] = {}
        self._stop = threading.Event()
        self._poller: threading.Thread | None = None

    @property
    def gallery(self) -> Gallery:
        """The references in memory.

        Raises
        ------
        PackMismatch
            Where the library's pack is not here.
        """
        if self._gallery is None:
            raise PackMismatch(
                "The model pack that this library uses is not here.",
                "Change over to one that is, such as with: likeness models use dlib",
            )
        return self._gallery

    @property
    def operating_points(self) -> tuple[OperatingPoint, ...]:
        """Thresholds calibrated for this library and its pack, as last taken in."""
        with self._lock:
            return self._operating_points

    @property
    def groups(self) -> Mapping[str, str]:
        """The group of each enrolment that is said to be one human being with another.

        As last taken in, by person id. It says nothing about who may be found.
        """
        with self._lock:
            return self._groups

    def refresh(self, connection: Connection | None = None) -> int:
        """Take in what was committed since the last time; returns the change number now held.

        Parameters
        ----------
        connection : Connection, optional
            Read through this transaction, so that what it is about to write rests on what it sees.

        Raises
        ------
        KeyMissing
            Where a person's key is neither kept nor tombstoned.
        """
        if connection is None:
            with self._store.snapshot() as own:
                return self.refresh(own)
        with self._lock:
            change = gallery_change(connection)
            # A reader whose snapshot is older than what is held has nothing to add.
            if change > self._change:
                self._take(connection, people_changed_since(connection, self._change))
                self._groups = MappingProxyType(all_groups(connection))
                if self._gallery is not None:
                    self._operating_points = operating_points.load(
                        connection, self._gallery.fingerprint
                    )
                self._change = change
                self._cache.clear()
            return self._change

    def comparable(self, collection_ids: Iterable[str]) -> Eligible:
        """Everybody with whom photos of these collections are compared as they arrive."""

        def rule(consent: Consent, collection_id: str, now: datetime) -> None:
            permit_comparison(consent, collection_id=collection_id, now=now)

        return self._eligible(("comparable",), rule, sorted(set(collection_ids)))

    def findable(
        self, collection_ids: Iterable[str], *, purpose: Purpose, searcher: str
    ) -> Eligible:
        """Everybody whom this searcher may find in these collections for this purpose."""

        def rule(consent: Consent, collection_id: str, now: datetime) -> None:
            permit(
                consent, purpose=purpose, collection_id=collection_id, searcher=searcher, now=now
            )

        return self._eligible((purpose, searcher), rule, sorted(set(collection_ids)))

    def people_with_consent(self) -> frozenset[str]:
        """Ids of everybody who has a consent that has not ended by now, as last taken in."""
        now = self._clock()
        with self._lock:
            return frozenset(
                person_id
                for person_id, records in self._consents.items()
                if any(now < consent.ends_at for consent in records)
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep what is held as it is in the block, but for :meth:`refresh` by the same thread.

        Whoever stamps a photo as compared needs it: a comparison with a gallery that was given up
        half-way would read as if nobody had matched.
        """
        with self._lock:
            yield

    def start_polling(self, seconds: float = 1.0) -> None:
        """Read the change number in the background from now on, until :meth:`close`."""

        def poll() -> None:
            while not self._stop.wait(seconds):
                try:
                    self.refresh()
                except Exception:
                    # Nobody is found by what cannot be checked, whatever the reason; the next
                    # comparison says why.
                    self._give_up()

        self._poller = threading.Thread(target=poll, name="likeness-eligibility", daemon=True)
        self._poller.start()

    def close(self) -> None:
        """Stop polling and overwrite every template in memory."""
        self._stop.set()
        if self._poller is not None:
            self._poller.join(timeout=10)
        self._give_up()

    def _eligible(
        self,
        key: tuple[str, ...],
        rule: Callable[[Consent, str, datetime], None],
        collection_ids: list[str],
    ) -> Eligible:
        with self._lock:
            now = self._clock()
            cached = self._cache.get((*key, *collection_ids))
            if cached is not None and cached.holds(change=self._change, now=now):
                return cached
            found = _ruled(self._consents, rule, collection_ids, now)
            eligible = Eligible(
                person_ids=frozenset(found),
                change=self._change,
                until=_next_turn(self._consents, now),
            )
            self._cache[(*key, *collection_ids)] = eligible
            return eligible

    def _take(self, connection: Connection, person_ids: list[str]) -> None:
        now = self._clock()
        gallery = self._gallery
        if gallery is not None:
            gallery.remove(person_ids)
        for person_id in person_ids:
            self._consents.pop(person_id, None)
        keys = self._keyring.keys(person_ids)
        given = {
            person_id: tuple(c for c in records if c.state == "given" and now < c.ends_at)
            for person_id, records in consents_of_many(connection, keys).items()
        }
        live_keys = {person_id: keys[person_id] for person_id, some in given.items() if some}
        if gallery is not None:
            if pack_in_use(connection).fingerprint == gallery.fingerprint:
                _fill(gallery, connection, live_keys)
            else:
                # Another process changed the pack: nobody is compared here any more.
                gallery.clear()
        self._consents.update({person_id: given[person_id] for person_id in live_keys})

    def _give_up(self) -> None:
        with self._lock:
            if self._gallery is not None:
                self._gallery.clear()
            self._consents.clear()
            self._cache.clear()
            self._change = -1


def _fill(gallery: Gallery, connection: Connection, keys: Mapping[str, bytes]) -> None:
    arriving = references_of_many(connection, keys, pack_fingerprint=gallery.fingerprint)
    fused = (fuse(list(own)) for _, own in groupby(arriving, key=lambda r: r.person_id))
    while some := list(islice(fused, REFERENCES_AT_ONCE)):
        gallery.add(some)


def _ruled(
    consents: Mapping[str, tuple[Consent, ...]],
    rule: Callable[[Consent, str, datetime], None],
    collection_ids: list[str],
    now: datetime,
) -> set[str]:
    found = set()
    for person_id, given in consents.items():
        for consent in live(given, now=now):
            for collection_id in collection_ids:
                try:
                    rule(consent, collection_id, now)
                except ConsentRefused:
                    continue
                found.add(person_id)
    return found


def _next_turn(consents: Mapping[str, tuple[Consent, ...]], now: datetime) -> datetime:
    turns = (at for given in consents.values() for c in given for at in (c.given_at, c.ends_at))
    return min((at for at in turns if at > now), default=NEVER)
