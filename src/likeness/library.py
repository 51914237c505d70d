"""The composition root and the public Python API: one open library, and who is acting.

    with Library.create("photos.likeness") as library:
        library.create_collection("party", controller="Tennis club")
        library.ingest("~/Pictures/party", collection="party")

Every way through the house is a method here; the command line and other edges call nothing else.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from likeness import (
    accounts,
    audience,
    audit_check,
    calibrate,
    collecting,
    desk,
    doctor,
    enrol,
    export,
    notices,
    relink,
    removal,
    renewal,
    rescan,
    retention,
    search,
    status,
    withdraw,
)
from likeness.audit.verify import VerifiedLog
from likeness.config import (
    Settings,
    default_keyring_dir,
    read_settings,
)
from likeness.doctor import Finding
from likeness.eligibility import Eligibility
from likeness.enrolling import Enrolled
from likeness.errors import (
    LibraryExists,
    StorageError,
)
from likeness.faces.sandbox import DecodeWorkers
from likeness.founding import chosen_pack, make_library, note_restored, open_keyring
from likeness.gallery.faiss import FaissGallery
from likeness.house import ChosenPack, EngineSource, House, ProgressListener, no_progress
from likeness.operating import Calibration
from likeness.people_and_review import PeopleAndReview
from likeness.probe import FaceChoice, Image
from likeness.records.collection import Account, Collection, Role
from likeness.records.consent import Consent, ConsentGiven, Purpose
from likeness.sources_and_notices import SourcesAndNotices
from likeness.status import Status
from likeness.store import collections as collection_rows
from likeness.store import receipts
from likeness.store.keyring import Keyring
from likeness.store.sqlite import SqliteStore

OWNER = "owner"
"""Name of the account that a new library starts with."""


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


class Library(PeopleAndReview, SourcesAndNotices):
    """One open library. Use it as a context manager, or call :meth:`close`.

    Made by :meth:`create` or :meth:`open`.
    """

    def __init__(self, house: House) -> None:
        self._house = house

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        *,
        keyring: str | os.PathLike[str] | None = None,
        pack: str = "dlib",
        clock: Callable[[], datetime] = utc_now,
    ) -> Library:
        """Make a library in a folder that is not there or empty, and open it.

        Parameters
        ----------
        path : path
        keyring : path, optional
            Folder for the keyring, outside ``path``; by default
            :func:`likeness.config.default_keyring_dir`.
        pack : str
            Model pack.
        clock : callable

        Raises
        ------
        LibraryExists
            Where the folder holds something already.
        StorageError
            Where it cannot be written, or the keyring would be inside it.
        """
        folder = Path(path).expanduser().absolute()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise LibraryExists(f"{folder} is there already and not empty.", "Choose a new folder.")
        library_id = secrets.token_hex(8)
        keyring_dir = (
            Path(keyring).expanduser().absolute() if keyring else default_keyring_dir(library_id)
        )
        if keyring_dir.resolve().is_relative_to(folder.resolve()):
            raise StorageError(
                "The keyring would be inside the library's folder, and so in its backups.",
                "Choose a folder elsewhere with --keyring.",
            )
        settings = Settings(path=folder, library_id=library_id, pack=pack, keyring_dir=keyring_dir)
        make_library(settings, owner=OWNER, keyring_chosen=keyring is not None, at=clock())
        return cls.open(folder, clock=clock)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        account: str = OWNER,
        clock: Callable[[], datetime] = utc_now,
    ) -> Library:
        """Open a library as one of its accounts; what a crash interrupted is finished first.

        Raises
        ------
        LibraryMissing
            Where there is no library, or its keyring is not where it should be.
        KeyMissing
            Where a person's key is neither in the keyring nor tombstoned.
        NotFound
            Where there is no such account, or it has ended.

        Where the library's model pack is not here, it opens all the same: people can leave, be
        shown and be given their data. Whatever compares raises PackMismatch.
        """
        settings = read_settings(Path(path).expanduser().absolute())
        # (1) The data, and the keyring that belongs to it with every tombstone it must carry.
        store = SqliteStore(settings.database)
        try:
            keyring = open_keyring(settings, store)
            house = _assemble(settings, store, keyring, account, clock)
        except BaseException:
            store.close()
            raise
        try:
            note_restored(house)
            # (2) What was begun, or undone by a backup, is finished: erasures, removals, notices.
            withdraw.finish_pending(house)
            removal.finish_removals(house)
            notices.finish_notices(house)
            # (3) The gallery, from references of people with a live consent.
            house.eligibility.refresh()
            # (4) Consents that ended more than 30 days ago are erased; then all is kept in step.
            withdraw.erase_expired(house)
            house.eligibility.start_polling()
        except BaseException:
            _close(house)
            raise
        return cls(house)

    def close(self) -> None:
        """Overwrite templates in memory, end the decoders and let go of the files."""
        _close(self._house)

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def acting_as(self, account: Account) -> Library:
        """The same open library with another account acting; closing it is up to this one."""
        return Library(replace(self._house, account=account))

    @property
    def house(self) -> House:
        """The parts that the ways through the house work with."""
        return self._house

    @property
    def keyring_path(self) -> Path:
        """The keyring's file. Back it up apart from the library, or not at all."""
        return self._house.settings.keyring

    @property
    def verifier_key(self) -> str:
        """What receipts and checkpoints of this library are verified with (C2SP vkey)."""
        return self._house.keyring.verifier_key().text

    def create_account(self, name: str, *, role: Role = "member") -> Account:
        """Add somebody who works with the library; see :func:`likeness.accounts.create`."""
        return accounts.create(self._house, name, role=role)

    def accounts(self) -> list[Account]:
        """Every account, by name."""
        return accounts.all_accounts(self._house)

    def set_role(self, account: str, role: Role) -> Account:
        """Give an account another role; see :func:`likeness.accounts.set_role`."""
        return accounts.set_role(self._house, account, role)

    def end_account(self, account: str) -> Account:
        """End an account; see :func:`likeness.accounts.end`."""
        return accounts.end(self._house, account)

    def set_up_link(self, account: str) -> str:
        """The secret of a link to choose how to sign in; see :func:`likeness.accounts.link`."""
        return accounts.link(self._house, account)

    def collections(self) -> list[Collection]:
        """Every collection, by name."""
        with self._house.store.snapshot() as connection:
            return collection_rows.all_collections(connection)

    def set_audience(
        self, collection: str, *, add: Sequence[str] = (), drop: Sequence[str] = ()
    ) -> Collection:
        """Change who may search a collection; see :func:`likeness.audience.set_audience`."""
        return audience.set_audience(self._house, collection, add=add, drop=drop)

    def create_collection(
        self,
        name: str,
        *,
        controller: str,
        purpose_text: str = "",
        audience: Iterable[str] | None = None,
        retention_days: int | None = None,
        ask_purpose: bool = False,
    ) -> Collection:
        """Add a collection.

        Parameters
        ----------
        name : str
        controller : str
            Who answers for its photos.
        purpose_text : str
        audience : iterable of str, optional
            Names of the accounts allowed to search it; the acting account alone by default.
        retention_days : int, optional
            Photos go this many days after they were added; without it they stay.
        ask_purpose : bool
            Whether whoever searches has to say what for.
        """
        return desk.create_collection(
            self._house,
            name,
            controller=controller,
            purpose_text=purpose_text,
            audience=[self._house.account.name] if audience is None else list(audience),
            retention_days=retention_days,
            ask_purpose=ask_purpose,
        )

    def change_collection(
        self,
        collection: str,
        *,
        purpose_text: str | None = None,
        retention_days: int | None = None,
        ask_purpose: bool | None = None,
    ) -> Collection:
        """Change a collection's rules; see :func:`likeness.collecting.change_collection`."""
        return collecting.change_collection(
            self._house,
            collection,
            purpose_text=purpose_text,
            retention_days=retention_days,
            ask_purpose=ask_purpose,
        )

    def apply_retention(self, *, progress: ProgressListener = no_progress) -> retention.Retained:
        """Take out what collections have held for long enough; see :mod:`likeness.retention`."""
        return retention.apply_retention(self._house, progress=progress)

    def enrol(
        self,
        name: str,
        photos: Sequence[Image],
        *,
        consent: ConsentGiven,
        different_person: bool = False,
        progress: ProgressListener = no_progress,
    ) -> Enrolled:
        """Enrol a person who said yes; see :func:`likeness.enrol.enrol`."""
        return enrol.enrol(
            self._house,
            name,
            photos,
            consent=consent,
            different_person=different_person,
            progress=progress,
        )

    def search(
        self,
        image: Image,
        *,
        purpose: Purpose | None = None,
        as_person: str | None = None,
        collection: str | None = None,
        face: FaceChoice = None,
        stated_purpose: str = "",
    ) -> search.SearchAnswer:
        """Find who this is among people who said yes; see :func:`likeness.search.search`."""
        return search.search(
            self._house,
            image,
            purpose=purpose,
            as_person=as_person,
            collection=collection,
            face=face,
            stated_purpose=stated_purpose,
        )

    def withdraw(self, person_id: str, *, requested_by: str | None = None) -> withdraw.Withdrawn:
        """Stop, erase and give a receipt; see :func:`likeness.withdraw.withdraw`."""
        return withdraw.withdraw(self._house, person_id, requested_by=requested_by)

    def use_pack(
        self, name_or_path: str, *, progress: ProgressListener = no_progress
    ) -> relink.PackUsed:
        """Change the library over to another model pack; see :func:`likeness.relink.use_pack`."""
        return relink.use_pack(
            self._house, name_or_path, reopened=self._reopened, progress=progress
        )

    def calibrate(self, report: Mapping[str, Any]) -> calibrate.Calibrated:
        """Take the thresholds of an evaluation; see :func:`likeness.calibrate.calibrate`."""
        return calibrate.calibrate(self._house, report)

    def calibration(self) -> Calibration | None:
        """Where the thresholds come from; see :func:`likeness.calibrate.standing`."""
        return calibrate.standing(self._house)

    def rescan(self, *, progress: ProgressListener = no_progress) -> rescan.RescanReport:
        """Go on comparing photos with people who enrolled since; see :mod:`likeness.rescan`."""
        return rescan.rescan(self._house, progress=progress)

    def consents(self, person_id: str) -> tuple[Consent, ...]:
        """Every consent record of one person, oldest first."""
        return renewal.consents_of_person(self._house, person_id)

    def renew(self, person_id: str, *, expires_at: datetime, statement: str = "") -> Consent:
        """Record that they said yes again; see :func:`likeness.renewal.renew`."""
        return renewal.renew(self._house, person_id, expires_at=expires_at, statement=statement)

    def narrow(
        self,
        person_id: str,
        *,
        drop_purposes: Sequence[str] = (),
        drop_collections: Sequence[str] = (),
        drop_accounts: Sequence[str] = (),
    ) -> Consent:
        """Take something out of a consent; see :func:`likeness.renewal.narrow`."""
        return renewal.narrow(
            self._house,
            person_id,
            drop_purposes=drop_purposes,
            drop_collections=drop_collections,
            drop_accounts=drop_accounts,
        )

    def export_person(self, person_id: str) -> dict[str, Any]:
        """Everything held about one person; see :mod:`likeness.export`."""
        return export.export_person(self._house, person_id)

    def status(self) -> Status:
        """How the library stands; see :mod:`likeness.status`."""
        return status.status(self._house)

    def doctor(self) -> list[Finding]:
        """Check what the library stands on; see :mod:`likeness.doctor`."""
        return doctor.check(self._house)

    def verify_audit(self, *, kept: Sequence[str] = ()) -> VerifiedLog:
        """Verify the whole audit log; see :func:`likeness.audit_check.verify`."""
        return audit_check.verify(self._house, kept=kept)

    def checkpoint(self) -> str:
        """The newest signed checkpoint of the audit log; see :mod:`likeness.audit_check`."""
        return audit_check.checkpoint(self._house)

    def receipt(self, serial: str) -> bytes:
        """A receipt's document, as it was issued.

        Raises
        ------
        NotFound
        """
        with self._house.store.snapshot() as connection:
            return receipts.load(connection, serial)

    def receipts(self) -> list[tuple[str, str, str]]:
        """(serial, kind, time of issue) of every receipt, newest first."""
        with self._house.store.snapshot() as connection:
            return receipts.all_receipts(connection)

    def _reopened(self, chosen: ChosenPack, engines: EngineSource) -> House:
        """Go on with another pack; whoever is still at work with the former finds nobody."""
        before = self._house
        eligibility = Eligibility(before.store, before.keyring, _gallery(chosen), before.clock)
        eligibility.refresh()
        eligibility.start_polling()
        self._house = replace(before, chosen=chosen, engines=engines, eligibility=eligibility)
        before.eligibility.close()
        return self._house


def _assemble(
    settings: Settings,
    store: SqliteStore,
    keyring: Keyring,
    account: str,
    clock: Callable[[], datetime],
) -> House:
    with store.snapshot() as connection:
        acting = collection_rows.active_account_named(connection, account)
    chosen = chosen_pack(store)
    return House(
        settings=settings,
        chosen=chosen,
        store=store,
        keyring=keyring,
        eligibility=Eligibility(store, keyring, _gallery(chosen), clock),
        engines=EngineSource(chosen),
        decoders=DecodeWorkers(2, limits=settings.limits),
        account=acting,
        clock=clock,
    )


def _gallery(chosen: ChosenPack) -> FaissGallery | None:
    pack = chosen.manifest
    if pack is None:
        return None
    return FaissGallery(fingerprint=pack.fingerprint, template_length=pack.template_length)


def _close(house: House) -> None:
    house.eligibility.close()
    house.decoders.close()
    house.store.close()
