"""Puts one model file into its place: from what is here, from a folder, or from its addresses."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from likeness.errors import ModelFileInvalid
from likeness.faces.addresses import AddressRefused, checked_address
from likeness.faces.download import (
    LARGEST,
    LARGEST_UNSAID,
    Listener,
    Patience,
    fetch,
    is_file,
    require_room,
)
from likeness.faces.pack_store import put_in_place, storage_errors, stored_file
from likeness.faces.packs import Pack, PackFile

How = Literal["here", "copied", "downloaded"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}")
_PART = ".part"


def require_sound(pack: Pack) -> None:
    """Refuse a manifest that asks for what no model pack needs, before anything is fetched.

    Raises
    ------
    ModelFileInvalid
        A file has a name that is no plain one or a size that no model has, or an address is not
        one to fetch a model from.
    """
    for file in pack.files:
        if file.package:
            continue
        if not _NAME.fullmatch(file.name):
            raise ModelFileInvalid(
                f"The model pack {pack.name!r} names its {file.role} in a way that cannot be kept.",
                "Use letters, digits, dots, dashes and underscores.",
            )
        if file.size is not None and file.size > LARGEST:
            raise ModelFileInvalid(
                f"The model file {file.name} of the model pack {pack.name!r} would have "
                f"{file.size:,} bytes.",
                f"Correct its size: at most {LARGEST:,} can be used.",
            )
        for address in file.urls:
            try:
                checked_address(address)
            except AddressRefused as error:
                raise ModelFileInvalid(
                    f"An address of the model file {file.name} of the model pack {pack.name!r} "
                    f"{error}.",
                    "Give one that starts with https:// and carries neither name nor password, or "
                    "get the file another way and install it with --from DIR.",
                ) from None


def obtain(
    pack: Pack, file: PackFile, *, folder: Path | None, listener: Listener, patience: Patience
) -> How:
    """Put a file into its place, checked; nothing is fetched that is here.

    Parameters
    ----------
    pack : Pack
    file : PackFile
        One without a Python package.
    folder : Path or None
        Where to take it from, by its name or its content. Then nothing is fetched.
    listener : callable
    patience : Patience

    Raises
    ------
    ModelFileInvalid
        It is not where it should be, or it is another file.
    DownloadFailed
        No address gave it.
    StorageError
        The disk is full, or cannot be written.
    """
    place = stored_file(file.sha256, file.name)
    if is_file(place, file):
        return "here"
    with storage_errors():
        place.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _put(place, pack, file, folder=folder, listener=listener, patience=patience)
    finally:
        # Where nothing came, nothing stays; a part that came is for the next time.
        with contextlib.suppress(OSError):
            place.parent.rmdir()


def _put(
    place: Path,
    pack: Pack,
    file: PackFile,
    *,
    folder: Path | None,
    listener: Listener,
    patience: Patience,
) -> How:
    part = place.parent / _PART
    near = _found(file, place.parent) or _beside(pack, file)
    if near is None and folder is not None:
        near = _found(file, folder)
    if near is not None:
        _copy(near, part, file, listener)
        how: How = "copied"
    elif folder is None and file.urls:
        require_room(part, file.size)
        fetch(file, part, listener=listener, patience=patience)
        how = "downloaded"
    else:
        raise _missing(pack, file, folder)
    with storage_errors():
        put_in_place(part, place)
        for leftover in place.parent.glob(f"{_PART}*"):
            leftover.unlink()
    return how


def _beside(pack: Pack, file: PackFile) -> Path | None:
    path = pack.folder / file.path
    return path if path.is_file() and is_file(path, file) else None


def _found(file: PackFile, folder: Path) -> Path | None:
    """The file in a folder; the one of its name is looked at first."""
    return next((path for path in _candidates(file, folder) if is_file(path, file)), None)


def _candidates(file: PackFile, folder: Path) -> Iterator[Path]:
    named = folder / file.name
    if named.is_file():
        yield named
    most = file.size or LARGEST_UNSAID
    try:
        near = [p for p in sorted(folder.iterdir()) if p != named and not p.name.startswith(".")]
        near = [p for p in near if p.is_file() and p.stat().st_size <= most]
    except OSError as error:
        raise ModelFileInvalid(
            f"The folder {folder} cannot be read: {error.strerror}.", "Check its permissions."
        ) from None
    yield from near


def _copy(source: Path, part: Path, file: PackFile, listener: Listener) -> None:
    with storage_errors():
        size = source.stat().st_size
        part.unlink(missing_ok=True)
        require_room(part, size)
        try:
            shutil.copyfile(source, part)
        except OSError:
            part.unlink(missing_ok=True)
            raise
    if not is_file(part, file):
        part.unlink(missing_ok=True)
        raise ModelFileInvalid(
            f"The model file {source.name} changed while it was copied.", "Run it again."
        )
    listener(file.name, size, size)


def _missing(pack: Pack, file: PackFile, folder: Path | None) -> ModelFileInvalid:
    wanted = f"The model pack {pack.name!r} needs {file.name} (SHA-256 {file.sha256}"
    wanted += f", {file.size:,} bytes)" if file.size else ")"
    if folder is not None:
        if (folder / file.name).is_file():
            return ModelFileInvalid(
                f"{wanted}. The file of that name in {folder} is another: its content differs.",
                "Get the right one, or leave out --from to fetch it."
                if file.urls
                else "Get the right one.",
            )
        return ModelFileInvalid(
            f"{wanted}, and {folder} holds no file of that name or content.",
            "Put it there, or leave out --from to fetch it." if file.urls else "Put it there.",
        )
    return ModelFileInvalid(
        f"{wanted}, and its manifest does not say where to get it.",
        "Put it beside the manifest, or name its folder with --from DIR.",
    )
