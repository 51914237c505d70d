"""Make a library's files, and open its keyring: what comes before any way through the house."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert

from likeness.config import DATABASE_FILE, Settings, write_settings
from likeness.errors import LibraryMissing, LikenessError, LogTampered, StorageError
from likeness.faces.packs import load_manifest
from likeness.house import ChosenPack, House, new_id
from likeness.records.collection import Account
from likeness.store import audit_log, erasures
from likeness.store import collections as collection_rows
from likeness.store.audit_log import Concerned
from likeness.store.keyring import Keyring
from likeness.store.master_key import MasterKey
from likeness.store.packs import pack_in_use
from likeness.store.schema import library as library_table
from likeness.store.sqlite import SqliteStore

DEFAULT_PACK = "dlib"


def make_library(settings: Settings, *, owner: str, keyring_chosen: bool, at: datetime) -> None:
    """Make the keyring, the database and, last of all, the settings of a new library.

    Raises
    ------
    StorageError
        Where a folder cannot be written; nothing of a new one stays.
    """
    pack = load_manifest(settings.pack)
    name = lasting_name(settings.pack)
    made = [path for path in (settings.path, settings.keyring_dir) if not path.exists()]
    try:
        settings.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"{settings.path} cannot be made: {error.strerror}.", "Choose another folder."
        ) from None
    try:
        settings.keyring_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        master = MasterKey.load_or_create(keyring_dir=settings.keyring_dir)
        keyring = Keyring.create(
            settings.keyring, master=master, origin=audit_log.log_origin(settings.library_id)
        )
        account = Account(account_id=new_id("a"), name=owner, role="owner")
        keyring.create_key(account.account_id)
        store = SqliteStore.create(settings.database)
        with store.transaction() as connection:
            count, digest = keyring.tombstone_head()
            connection.execute(
                insert(library_table).values(
                    row=1,
                    library_id=settings.library_id,
                    created_at=at.isoformat(),
                    pack=name,
                    pack_fingerprint=pack.fingerprint,
                    gallery_change=0,
                    audit_tree=audit_log.EMPTY_TREE,
                    tombstone_count=count,
                    tombstone_digest=digest,
                )
            )
            collection_rows.insert_account(connection, account, at=at)
            audit_log.append(
                connection,
                keyring,
                kind="create",
                at=at,
                concerned=[Concerned(subject_id=account.account_id, details={"did": "create"})],
            )
        store.close()
        # The settings come last: without them there is no library here, and nothing half-made
        # opens.
        write_settings(replace(settings, pack=name), keyring_chosen=keyring_chosen)
    except BaseException:
        for path in made:
            shutil.rmtree(path, ignore_errors=True)
        if settings.path not in made:
            for left in settings.path.glob(f"{DATABASE_FILE}*"):
                left.unlink(missing_ok=True)
        raise


def lasting_name(name_or_path: str) -> str:
    """A pack's name, or the path of its manifest, as it holds from any folder."""
    if name_or_path.endswith(".toml"):
        return str(Path(name_or_path).absolute())
    return name_or_path


def chosen_pack(store: SqliteStore) -> ChosenPack:
    """The pack that a library uses, read from its manifest where that is here."""
    with store.snapshot() as connection:
        in_use = pack_in_use(connection)
    try:
        pack = load_manifest(in_use.name)
    except LikenessError as error:
        what = f"{error.what[:1].lower()}{error.what[1:]}"
        return ChosenPack(
            in_use=in_use,
            manifest=None,
            problem=f"This library uses the model pack {in_use.name!r}, which is not here: {what}",
            fix="Put it back, or change over to a pack that is here: likeness models use "
            f"{DEFAULT_PACK}",
        )
    if pack.fingerprint != in_use.fingerprint:
        return ChosenPack(
            in_use=in_use,
            manifest=None,
            problem=f"This library uses another version of the model pack {in_use.name!r} than the "
            "one that is here.",
            fix=f"Change over to it: likeness models use {shlex.quote(in_use.name)}",
        )
    return ChosenPack(in_use=in_use, manifest=pack)


def open_keyring(settings: Settings, store: SqliteStore) -> Keyring:
    """The library's own keyring, with every tombstone that it must carry.

    Raises
    ------
    LibraryMissing
        Where there is none, or it is another library's.
    StorageError
        Where it lacks an erasure.
    """
    master = MasterKey.load(keyring_dir=settings.keyring_dir)
    keyring = Keyring.open(settings.keyring, master=master)
    if keyring.origin != audit_log.log_origin(settings.library_id):
        raise LibraryMissing(
            f"The keyring at {settings.keyring} belongs to another library.",
            "Put this library's own keyring there.",
        )
    with store.snapshot() as connection:
        keyring.covers(*erasures.tombstone_head(connection))
    return keyring


def note_restored(house: House) -> None:
    """Say in the log itself that it was rolled back, where a backup was restored."""
    with house.store.snapshot() as connection:
        lost = house.keyring.set_aside_lost(lambda size: audit_log.root_at(connection, size))
    if not lost:
        return
    try:
        with house.transaction() as connection:
            house.audit_deed(
                connection,
                kind="restored",
                details={
                    "lost_checkpoints": lost,
                },
            )
    except LogTampered:
        # Nothing is written after a tampered end, and only an open library can be verified.
        return
