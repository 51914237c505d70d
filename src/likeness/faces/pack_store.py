"""Where installed model files and the manifests of one's own packs lie on this machine.

<models>/files/<sha256>/<name>    a model file, by its content
<models>/packs/<name>.toml        the manifest of a pack of one's own
<models>/installed.json           which packs were installed, and which licences were accepted
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from likeness.errors import StorageError

MODELS_VARIABLE = "LIKENESS_MODELS"

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def models_folder() -> Path:
    """``LIKENESS_MODELS``, else ``likeness/models`` in the user's data folder."""
    chosen = os.environ.get(MODELS_VARIABLE)
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "likeness" / "models"


def stored_file(sha256: str, name: str) -> Path:
    """Where a model file with this content lies once it is installed; it may not be there."""
    return models_folder() / "files" / sha256 / name


def manifest_place(name: str) -> Path:
    """Where the manifest of an installed pack of one's own lies; it may not be there."""
    return models_folder() / "packs" / f"{name}.toml"


def installed_manifest(name: str) -> Path | None:
    """The manifest of an installed pack of one's own; None where there is none of this name."""
    # A name with a separator in it would lead out of the folder.
    if not name or name != Path(name).name:
        return None
    path = manifest_place(name)
    return path if path.is_file() else None


def own_manifests() -> dict[str, Path]:
    """The manifests of all installed packs of one's own, by name."""
    folder = models_folder() / "packs"
    try:
        found = sorted(folder.glob("[!.]*.toml"))
    except OSError:
        return {}
    return {path.stem: path for path in found if path.is_file()}


@contextmanager
def one_at_a_time(waiting: Callable[[], None]) -> Iterator[None]:
    """Keep other processes from changing the models folder; a killed one keeps nobody waiting.

    Parameters
    ----------
    waiting : callable
        Called once where another process is at it.

    Raises
    ------
    StorageError
        The folder cannot be made or written.
    """
    with storage_errors():
        models_folder().mkdir(parents=True, exist_ok=True)
        lock = (models_folder() / ".lock").open("a")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def storage_errors() -> Iterator[None]:
    """What the system says against the models folder, as a :class:`StorageError` with a fix."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise no_room() from None
        raise StorageError(
            f"The models folder {models_folder()} cannot be used: {error.strerror}.",
            f"Check its permissions, or name another folder with {MODELS_VARIABLE}.",
        ) from None


def no_room() -> StorageError:
    """The error for a disk that is full."""
    return StorageError(
        f"There is no room left for models in {models_folder()}.",
        f"Make room on that disk, or name a folder on another one with {MODELS_VARIABLE}.",
    )


def write_whole(path: Path, data: bytes) -> None:
    """Put a small file in its place so that readers see all of it or what was there before.

    Raises
    ------
    OSError
        It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        put_in_place(Path(beside), path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def put_in_place(written: Path, path: Path) -> None:
    """Rename a file that is complete into its place, durably.

    Raises
    ------
    OSError
        It cannot be renamed.
    """
    with written.open("rb") as file:
        os.fsync(file.fileno())
    # Temporary files are made for their owner alone; a model may be read by every account.
    written.chmod(0o644)
    os.replace(written, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
