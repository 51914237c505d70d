"""Check what a library stands on: one finding a check, each with what to do about it."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from likeness import audit_check
from likeness.calibrate import standing
from likeness.errors import LikenessError
from likeness.faces.model_cache import cache_folder
from likeness.faces.packs import NOT_MEASURED, Pack, load_manifest, read_verified
from likeness.house import House
from likeness.operating import warning_of
from likeness.store import erasures
from likeness.store.master_key import MASTER_KEY_NAME, MASTER_KEY_VARIABLE
from likeness.store.redetected import count_found_otherwise, count_unread
from likeness.store.sqlite_version import require_safe_sqlite, sqlite

State = Literal["ok", "warn", "fail"]

LITTLE_SPACE = 1_000_000_000
"""Bytes free on a disk below which it is time to make room."""

NO_SPACE = 100_000_000
"""Bytes free below which nothing should be added."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    check : str
        Its name, such as ``"keyring place"``; stays the same between versions.
    state : State
    what : str
        One sentence: how it is.
    fix : str
        What to do; empty where all is well.
    """

    check: str
    state: State
    what: str
    fix: str = ""


def check_machine(pack: str = "dlib") -> list[Finding]:
    """What can be checked without a library: SQLite, models, thresholds, formats.

    Parameters
    ----------
    pack : str
        The model pack to look at.
    """
    return [
        _guarded("sqlite", _sqlite),
        _guarded("models", lambda: _models(pack)),
        _guarded("model cache", _model_cache),
        _guarded("thresholds", lambda: _thresholds(load_manifest(pack))),
        _guarded("heic", _heic),
    ]


def check(house: House) -> list[Finding]:
    """Everything, for one open library."""
    return [*check_machine(house.chosen.in_use.name), *_library(house)]


def _library(house: House) -> Iterator[Finding]:
    settings = house.settings
    yield _guarded("library permissions", lambda: _private(settings.path, settings.database))
    yield _guarded("keyring permissions", lambda: _private(settings.keyring_dir, settings.keyring))
    yield _guarded("keyring place", lambda: _keyring_place(settings.path, settings.keyring_dir))
    yield _guarded("master key", lambda: _master_key(settings.keyring_dir))
    yield _guarded("tombstones", lambda: _tombstones(house))
    yield _guarded("erasures", lambda: _erasures(house))
    yield _guarded("audit log", lambda: _audit_log(house))
    yield _guarded("database", lambda: _database(house))
    yield _guarded("pack", lambda: _pack(house))
    yield _guarded("calibration", lambda: _calibration(house))
    yield _guarded("disk", lambda: _disk(settings.path, settings.keyring_dir))


def _guarded(name: str, run: Callable[[], Finding]) -> Finding:
    """The finding of a check under its name; an error on the way is a finding too."""
    try:
        found = run()
    except LikenessError as error:
        return Finding(check=name, state="fail", what=error.what, fix=error.fix)
    except OSError as error:
        return Finding(
            check=name,
            state="fail",
            what=f"The check could not read what it needs: {error.strerror}.",
            fix="Check the disk, and who may read there.",
        )
    return Finding(check=name, state=found.state, what=found.what, fix=found.fix)


def _ok(what: str) -> Finding:
    return Finding(check="", state="ok", what=what)


def _warn(what: str, fix: str) -> Finding:
    return Finding(check="", state="warn", what=what, fix=fix)


def _fail(what: str, fix: str) -> Finding:
    return Finding(check="", state="fail", what=what, fix=fix)


def _sqlite() -> Finding:
    require_safe_sqlite()
    return _ok(f"SQLite {sqlite.sqlite_version} is safe for several processes.")


def _models(name: str) -> Finding:
    pack = load_manifest(name)
    for file in pack.files:
        read_verified(pack, file)
    return _ok(
        f"All {len(pack.files)} files of the model pack {pack.name!r} are what its manifest says."
    )


def _model_cache() -> Finding:
    folder = cache_folder()
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(nearest, os.W_OK):
        return _warn(
            f"The model cache {folder} cannot be written: models are built at every start.",
            "Set LIKENESS_CACHE to a folder that can be written.",
        )
    kept = sum(1 for place in folder.glob("*.onnx")) if folder.is_dir() else 0
    if not kept:
        return _ok(f"Nothing is in the model cache {folder} yet; the first use fills it.")
    return _ok(f"{kept} models are in the cache {folder}; each is checked whenever it is loaded.")


def _thresholds(pack: Pack) -> Finding:
    largest = pack.thresholds[-1] if pack.thresholds else pack.thresholds_for(1)
    if largest.measured_on == NOT_MEASURED:
        return _warn(
            f"The thresholds of the model pack {pack.name!r} were not measured.",
            "Measure them, or use a pack whose manifest says on what they were.",
        )
    return _ok(
        f"Thresholds hold for galleries of up to {largest.gallery_size:,} people; measured on "
        f"{largest.measured_on.rstrip('.')}."
    )


def _heic() -> Finding:
    if find_spec("pillow_heif") is None:
        return _warn("HEIC photos are skipped.", "Run: pip install 'likeness[heif]'")
    return _ok("HEIC photos can be read.")


def _private(folder: Path, file: Path) -> Finding:
    if os.name != "posix":
        return _ok("Permissions are the system's own here.")
    for path, wanted in ((folder, "700"), (file, "600")):
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            return _fail(
                f"{path} can be reached by others than its owner.", f"Run: chmod {wanted} '{path}'"
            )
    return _ok(f"Only its owner can reach {file}.")


def _keyring_place(library: Path, keyring: Path) -> Finding:
    library, keyring = library.resolve(), keyring.resolve()
    if keyring.is_relative_to(library):
        return _fail(
            "The keyring lies inside the library's folder, and so in its backups.",
            'Move it out, and name its new place in library.toml: keyring = "DIR"',
        )
    around = library.parent
    wide = {Path.home().resolve(), *Path.home().resolve().parents, Path(library.anchor)}
    if keyring.is_relative_to(around) and around not in wide:
        return _warn(
            f"The keyring lies under {around} as the library does: a backup of that folder holds "
            "both.",
            "Move the keyring elsewhere, or leave it out of that backup.",
        )
    return _ok(f"The keyring lies apart in {keyring}; keep it out of the library's backups.")


def _master_key(keyring: Path) -> Finding:
    named = os.environ.get(MASTER_KEY_VARIABLE)
    place = Path(named) if named else keyring / MASTER_KEY_NAME
    if place.resolve().parent == keyring.resolve():
        return _warn(
            "The master key lies beside the keyring: whoever copies that folder can open it.",
            f"Move {place} to another disk or a secret store, and name it in "
            f"{MASTER_KEY_VARIABLE}.",
        )
    return _ok(f"The master key lies apart from the keyring, at {place}.")


def _tombstones(house: House) -> Finding:
    with house.store.snapshot() as connection:
        count, digest = erasures.tombstone_head(connection)
    house.keyring.covers(count, digest)
    return _ok("The keyring carries every erasure that the library knows of.")


def _erasures(house: House) -> Finding:
    with house.store.snapshot() as connection:
        unfinished = erasures.unfinished(connection)
    if unfinished:
        return _fail(
            f"Erasures that were begun are not finished: {len(unfinished)}.",
            "Open the library again, such as with: likeness status",
        )
    return _ok("No erasure is pending.")


def _audit_log(house: House) -> Finding:
    verified = audit_check.verify(house)
    return _ok(f"All {verified.size:,} entries of the audit log are what was signed and witnessed.")


def _database(house: House) -> Finding:
    with house.store.snapshot() as connection:
        found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
        loose = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if found != "ok" or loose is not None:
        return _fail(
            "The library's database is damaged.", "Check the disk; restore the newest backup."
        )
    return _ok("The library's database is whole.")


def _pack(house: House) -> Finding:
    chosen = house.chosen
    if chosen.manifest is None:
        return _fail(chosen.problem, chosen.fix)
    with house.store.snapshot() as connection:
        house.require_pack(connection)
        waiting = count_found_otherwise(connection, chosen.in_use.fingerprint)
        unread = count_unread(connection, chosen.in_use.fingerprint)
    if waiting:
        return _warn(
            f"The faces of {waiting:,} photos have yet to be found with the model pack "
            f"{chosen.name!r}.",
            "Run: likeness rescan",
        )
    if unread:
        return _warn(
            f"The faces of {unread:,} photos are as a former model pack found them, since their "
            "files could not be read.",
            f"Connect their disk, then run: likeness models use {shlex.quote(chosen.in_use.name)}",
        )
    return _ok(f"Every face was found with the model pack {chosen.name!r}.")


def _calibration(house: House) -> Finding:
    found = standing(house)
    if found is None:
        return _fail(house.chosen.problem, house.chosen.fix)
    if warning := warning_of(found):
        return _warn(
            warning, "Calibrate on photos of more people: likeness calibrate DATASET; then rescan."
        )
    if not found.here:
        return _warn(
            f"Thresholds are not calibrated here: those of the model pack {house.pack.name!r} "
            "hold.",
            "Run: likeness calibrate DATASET, on labelled photos like yours.",
        )
    return _ok(
        f"Thresholds were calibrated here on {found.calibrated_at:%Y-%m-%d}, for up to "
        f"{found.gallery_size:,} people."
    )


def _disk(*folders: Path) -> Finding:
    free, folder = min((shutil.disk_usage(folder).free, folder) for folder in folders)
    if free < NO_SPACE:
        return _fail(f"Only {free / 1e6:,.0f} MB are free at {folder}.", "Free some space now.")
    if free < LITTLE_SPACE:
        return _warn(f"Only {free / 1e6:,.0f} MB are free at {folder}.", "Free some space.")
    return _ok(f"{free / 1e9:,.0f} GB are free at {folder}.")
