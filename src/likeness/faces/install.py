"""Install, verify and remove model packs. Nothing of a pack is ever run as a program."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from likeness.errors import ModelFileInvalid, NotFound, NotVerified, Refused, UsageError
from likeness.faces.download import Listener, Patience
from likeness.faces.install_record import forget_installed, installed_packs, note_installed
from likeness.faces.known_packs import known_pack, terms
from likeness.faces.obtain import How, obtain, require_sound
from likeness.faces.pack_store import (
    installed_manifest,
    manifest_place,
    one_at_a_time,
    own_manifests,
    storage_errors,
    stored_file,
    write_whole,
)
from likeness.faces.packs import Pack, PackFile, load_manifest, read_verified, shipped_manifests

WAITING = "Waiting for another process that changes the models"


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A pack that is installed now.

    Attributes
    ----------
    pack : Pack
    files : tuple of (PackFile, how)
        Those that do not come with a Python package, and how each came: it was here, it was copied,
        or it was downloaded.
    """

    pack: Pack
    files: tuple[tuple[PackFile, How], ...]


@dataclass(frozen=True, kw_only=True)
class Removal:
    """A pack that was taken away.

    Attributes
    ----------
    name : str
    deleted, kept : tuple of str
        Names of its files; those are kept that another pack needs.
    freed : int
        Bytes.
    """

    name: str
    deleted: tuple[str, ...]
    kept: tuple[str, ...]
    freed: int


def install(
    name_or_path: str | Path,
    *,
    folder: Path | None = None,
    accepted: frozenset[str] = frozenset(),
    listener: Listener | None = None,
    patience: Patience | None = None,
) -> Installation:
    """Install a pack, or mend an installed one; what is here and right is not fetched again.

    Parameters
    ----------
    name_or_path : str or Path
        The name of a pack that is known, or the path of a manifest (``.toml``) of one's own. The
        manifest is then kept, and the pack known by its name from there on.
    folder : Path or None
        Take files from there, by name or content, and fetch nothing.
    accepted : frozenset of str
        SPDX identifiers of the licences that the caller accepts.
    listener : callable or None
        Hears each file's name, and how many bytes of how many (or None) are here.
    patience : Patience or None

    Raises
    ------
    UsageError
        There is no such pack, or no such folder.
    Refused
        A licence is neither permissive nor accepted, or another pack has the name.
    ModelFileInvalid
        The manifest or a file cannot be used, or a file is not the one that it names.
    DownloadFailed
        A file could not be fetched.
    StorageError
        The disk is full, or cannot be written.
    """
    if folder is not None and not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", "Name one with --from.")
    hear = listener or _to_nobody
    path = _manifest_of_ones_own(name_or_path)
    content = _content(path) if path else b""
    pack = load_manifest(name_or_path)
    require_sound(pack)
    if path:
        _require_free_name(pack)
    needed = [file for file in pack.files if not file.package]
    _require_packages(pack)
    _require_accepted(name_or_path, pack, accepted)
    with one_at_a_time(lambda: hear(WAITING, 0, None)):
        how = [
            obtain(pack, file, folder=folder, listener=hear, patience=patience or Patience())
            for file in needed
        ]
        if path:
            # What lies beside the manifest now is not what will be used from here on.
            _require_usable(replace(pack, folder=manifest_place(pack.name).parent))
            _keep_manifest(pack, path, content)
        note_installed(pack.name, accepted=frozenset(a for a in accepted if _concerns(pack, a)))
    return Installation(pack=load_manifest(pack.name), files=tuple(zip(needed, how, strict=True)))


def verify(pack: Pack) -> None:
    """Read every file of a pack, and load its models.

    Raises
    ------
    NotVerified
        A file is missing or is not the one that the manifest names, or the models do not load.
    """
    for file in pack.files:
        try:
            read_verified(pack, file)
        except ModelFileInvalid as error:
            raise NotVerified(error.what, _mend(pack, file, error.fix)) from None
    try:
        _require_usable(pack)
    except ModelFileInvalid as error:
        raise NotVerified(error.what, error.fix) from None


def remove(name: str, *, in_use: str | None = None) -> Removal:
    """Delete the files of a pack that no other installed pack needs, and its manifest if one's own.

    Parameters
    ----------
    name : str
    in_use : str or None
        The pack that a library uses, as its settings name it: it is not removed, and its files are
        kept.

    Raises
    ------
    NotFound
        There is no such pack, or nothing of it is here.
    Refused
        It needs no download, or the library uses it.
    StorageError
        Something cannot be deleted.
    """
    _require_known(name)
    used = _pack_or_none(in_use) if in_use else None
    if name in {in_use, used.name if used else None}:
        raise Refused(
            f"The library uses the model pack {name!r}.",
            "Change the library to another first: likeness models use NAME",
        )
    with one_at_a_time(lambda: None):
        pack = _pack_or_none(name)
        files = [file for file in pack.files if not file.package] if pack else []
        if pack and not files and name in shipped_manifests():
            raise Refused(
                f"The model pack {name!r} needs no download: it comes with Likeness.",
                "Nothing has to be removed.",
            )
        needed = _needed_by_others(name, used)
        manifest = installed_manifest(name)
        here = [file for file in files if stored_file(file.sha256, file.name).parent.is_dir()]
        if not (manifest or here or name in installed_packs()):
            raise NotFound(f"The model pack {name!r} is not installed.", "Nothing to do.")
        if manifest:
            with storage_errors():
                manifest.unlink()
        forget_installed(name)
        freed = sum(_delete(file) for file in here if file.sha256 not in needed)
    return Removal(
        name=name,
        deleted=tuple(file.name for file in here if file.sha256 not in needed),
        kept=tuple(file.name for file in here if file.sha256 in needed),
        freed=freed,
    )


def _to_nobody(_name: str, _done: int, _total: int | None) -> None:
    pass


def _manifest_of_ones_own(name_or_path: str | Path) -> Path | None:
    is_path = isinstance(name_or_path, Path) or name_or_path.endswith(".toml")
    return Path(name_or_path) if is_path else None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelFileInvalid(
            f"The manifest {path.name} cannot be read ({error.strerror}).", "Check the path."
        ) from None


def _require_free_name(pack: Pack) -> None:
    if pack.name in shipped_manifests():
        raise Refused(
            f"The name {pack.name!r} is that of a pack that comes with Likeness.",
            "Choose another name in the manifest.",
        )
    if installed_manifest(pack.name):
        try:
            before = load_manifest(pack.name)
        except ModelFileInvalid:
            return
        if before.fingerprint != pack.fingerprint:
            raise Refused(
                f"Another model pack {pack.name!r} is installed, which makes other templates.",
                "Choose another name in the manifest, or remove that one first: "
                f"likeness models remove {pack.name}",
            )


def _require_packages(pack: Pack) -> None:
    for file in pack.files:
        if file.package:
            read_verified(pack, file)


def _require_accepted(name_or_path: str | Path, pack: Pack, accepted: frozenset[str]) -> None:
    known = installed_packs().get(pack.name)
    left = terms(pack, accepted | frozenset(known.accepted if known else ()))
    if left:
        options = " ".join(f"--accept-licence {shlex.quote(licence)}" for licence in left)
        what = shlex.quote(str(name_or_path))
        raise Refused(
            f"The model pack {pack.name!r} is licensed under {' and '.join(left)}, which sets "
            f"conditions{'' if pack.commercial_use else ' and rules out commercial use'}.",
            f"Read it, and if you accept it: likeness models install {what} {options}",
        )


def _concerns(pack: Pack, licence: str) -> bool:
    texts = [pack.licence, *(file.licence for file in pack.files)]
    return bool(licence) and any(licence.lower() in text.lower() for text in texts)


def _require_usable(pack: Pack) -> None:
    from likeness.faces.engine import FaceEngine

    FaceEngine.load(pack)


def _keep_manifest(pack: Pack, path: Path, content: bytes) -> None:
    if _content(path) != content:
        raise ModelFileInvalid(
            f"The manifest {path.name} changed while it was installed.", "Run it again."
        )
    with storage_errors():
        write_whole(manifest_place(pack.name), content)


def _mend(pack: Pack, file: PackFile, fix: str) -> str:
    if file.package:
        return fix
    again = f"Install it again: likeness models install {pack.name}"
    return again if file.urls else f"{again} --from DIR"


def _require_known(name: str) -> None:
    if name not in shipped_manifests() and name not in own_manifests():
        known_pack(name)


def _pack_or_none(name: str) -> Pack | None:
    """None where the manifest cannot be used: then nobody knows which files were its own."""
    try:
        return load_manifest(name)
    except (ModelFileInvalid, UsageError):
        return None


def _needed_by_others(name: str, used: Pack | None) -> frozenset[str]:
    others = [_pack_or_none(other) for other in {*installed_packs(), *own_manifests()} - {name}]
    known = [pack for pack in (*others, used) if pack]
    return frozenset(file.sha256 for pack in known for file in pack.files)


def _delete(file: PackFile) -> int:
    """Everything under a file's content; gives the bytes that are free again."""
    folder = stored_file(file.sha256, file.name).parent
    freed = 0
    with storage_errors():
        if folder.is_dir() and not folder.is_symlink():
            for path in folder.iterdir():
                freed += path.lstat().st_size
                path.unlink()
            folder.rmdir()
    return freed
