"""What the ways through the house work with: the parts of one open library, and who is acting."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from likeness.config import Settings
from likeness.eligibility import Eligibility
from likeness.errors import PackMismatch
from likeness.faces.packs import Pack, Thresholds
from likeness.faces.sandbox import DecodeWorkers
from likeness.gallery.base import require_same_pack
from likeness.operating import thresholds_for
from likeness.records.collection import Account
from likeness.sources.website.network import Network, PublicNetwork
from likeness.store import audit_log
from likeness.store import collections as collection_rows
from likeness.store.audit_log import Concerned
from likeness.store.base import Store
from likeness.store.keyring import Keyring
from likeness.store.packs import PackInUse, pack_in_use

if TYPE_CHECKING:
    from likeness.faces.engine import FaceEngine

_ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far long work has come.

    Attributes
    ----------
    phase : str
        What is being done, such as ``"photos"``.
    done : int
    total : int or None
        None where it is not known.
    """

    phase: str
    done: int
    total: int | None


ProgressListener = Callable[[Progress], None]


def no_progress(_progress: Progress) -> None:
    """Listen to nothing."""


@dataclass(frozen=True, kw_only=True)
class ChosenPack:
    """The model pack that a library uses, and whether it is here.

    Attributes
    ----------
    in_use : PackInUse
        As the library knows it.
    manifest : Pack or None
        None where it is not here, or only in another version.
    problem, fix : str
        Why it is None, and what to do about it.
    """

    in_use: PackInUse
    manifest: Pack | None
    problem: str = ""
    fix: str = ""

    @property
    def name(self) -> str:
        """What to call it."""
        return self.manifest.name if self.manifest else self.in_use.name

    def require(self) -> Pack:
        """The pack.

        Raises
        ------
        PackMismatch
            Where it is not here.
        """
        if self.manifest is None:
            raise PackMismatch(self.problem, self.fix)
        return self.manifest


class EngineSource:
    """Loads the face engine when it is first needed: withdrawing must not wait for networks.

    Parameters
    ----------
    chosen : ChosenPack
    """

    def __init__(self, chosen: ChosenPack) -> None:
        self._chosen = chosen
        self._engine: FaceEngine | None = None
        self._lock = threading.Lock()

    def get(self) -> FaceEngine:
        """The engine of the library's pack.

        Raises
        ------
        PackMismatch
            The pack is not here.
        ModelFileInvalid
            One of its files is missing or damaged.
        """
        with self._lock:
            if self._engine is None:
                from likeness.faces.engine import FaceEngine

                self._engine = FaceEngine.load(self._chosen.require())
            return self._engine

    def of(self, chosen: ChosenPack) -> EngineSource:
        """The same for another pack."""
        return EngineSource(chosen)


@dataclass(frozen=True, kw_only=True)
class House:
    """The parts of one open library.

    Attributes
    ----------
    settings : Settings
    chosen : ChosenPack
    store : Store
    keyring : Keyring
    eligibility : Eligibility
    engines : EngineSource
    decoders : DecodeWorkers
    account : Account
        Who is acting.
    clock : callable
        Returns the time, aware.
    network : Network
        How sites and their proofs are reached.
    """

    settings: Settings
    chosen: ChosenPack
    store: Store
    keyring: Keyring
    eligibility: Eligibility
    engines: EngineSource
    decoders: DecodeWorkers
    account: Account
    clock: Callable[[], datetime]
    network: Network = field(default_factory=PublicNetwork)

    @property
    def pack(self) -> Pack:
        """The model pack that this process compares with.

        Raises
        ------
        PackMismatch
            Where it is not here.
        """
        return self.chosen.require()

    def require_pack(self, connection: Connection) -> None:
        """Check that the library uses this process's pack, as of this transaction.

        Whatever keeps or answers what was made of templates asks for it first.

        Raises
        ------
        PackMismatch
            Where it does not, or the pack is not here.
        """
        if pack_in_use(connection).fingerprint != self.pack.fingerprint:
            raise PackMismatch("The library changed its model pack meanwhile.", "Open it again.")

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One writing transaction; once durable, the keyring witnesses the audit log's head."""
        with self.store.transaction() as connection:
            before = audit_log.head(connection)
            yield connection
            after = audit_log.head(connection)
        if after != before:
            self.keyring.witness_current(self._log_head)

    def audit_deed(
        self,
        connection: Connection,
        *,
        kind: str,
        details: Mapping[str, Any],
        commitments: Sequence[str] = (),
    ) -> None:
        """Append an audit entry about what the acting account does, sealed under its key alone."""
        now = self.clock()
        audit_log.append(
            connection,
            self.keyring,
            kind=kind,
            at=now,
            concerned=[
                Concerned(
                    subject_id=self.account.account_id,
                    details={"at": now.isoformat(), **details},
                )
            ],
            commitments=commitments,
        )

    def _log_head(self) -> tuple[int, bytes]:
        with self.store.snapshot() as connection:
            return audit_log.head(connection)

    def engine(self) -> FaceEngine:
        """The face engine, checked against the pack that the references were made with.

        Raises
        ------
        PackMismatch
        ModelFileInvalid
        """
        engine = self.engines.get()
        require_same_pack(self.eligibility.gallery.fingerprint, engine.fingerprint)
        return engine

    def may_find(self, connection: Connection, collection_ids: Iterable[str]) -> frozenset[str]:
        """Ids of people whom the acting account may find in these collections, as last taken in."""
        allowed = {
            collection.collection_id
            for collection in collection_rows.collections_for(
                connection, self.account.account_id, name=None
            )
        }
        found = self.eligibility.findable(
            allowed.intersection(collection_ids),
            purpose="be_found",
            searcher=self.account.account_id,
        )
        return found.person_ids

    def thresholds(self, gallery_size: int) -> Thresholds:
        """The decision thresholds for a gallery of this many people, as last taken in.

        Those calibrated for this library, else those that its pack ships.
        """
        points = self.eligibility.operating_points
        return thresholds_for(self.pack, points, max(1, gallery_size))


def new_id(prefix: str) -> str:
    """An opaque id: the prefix and 16 letters and digits that cannot be taken for one another."""
    return f"{prefix}_" + "".join(secrets.choice(_ID_ALPHABET) for _ in range(16))
