"""Keeps models that were built once on this machine, and hands out none that is damaged.

A cached file is one line with the SHA-256 of what follows, then the model. It is written beside its
place and renamed into it, so that a reader sees all of it or nothing, and two processes that build
the same model at once leave a whole one. A file that is not what its first line says is built
again.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

_MARK = b"likeness-model-1 "
_HEADER = len(_MARK) + 64 + 1

_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """``LIKENESS_CACHE``, else ``likeness`` in the user's cache folder."""
    chosen = os.environ.get("LIKENESS_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "likeness"


def cached_model(name: str, build: Callable[[], bytes], *, folder: Path | None = None) -> bytes:
    """A model from the cache, or built now and kept.

    Parameters
    ----------
    name : str
        The file's name in the cache. Has to say all that the model depends on, such as the checksum
        of the file that it is built from and the version of the builder.
    build : callable
        Makes the model's bytes; called where the cache holds none, or a damaged one.
    folder : Path or None
        Instead of :func:`cache_folder`.

    Returns
    -------
    bytes
        The model. Where the cache cannot be written, it is built for this process alone and a
        warning is logged.
    """
    path = (folder or cache_folder()) / name
    known = _read(path)
    if known is not None:
        return known
    model = build()
    try:
        _write(path, model)
    except OSError as error:
        _log.warning(
            "The model cache cannot be written (%s): the model is built again at every start. "
            "Set LIKENESS_CACHE to a folder that can be written.",
            error.strerror,
        )
    return model


def _read(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    header, model = data[:_HEADER], data[_HEADER:]
    if header != _header(model):
        _log.warning("The cached model %s is damaged and is built again.", path.name)
        return None
    return model


def _header(model: bytes) -> bytes:
    return _MARK + hashlib.sha256(model).hexdigest().encode("ascii") + b"\n"


def _write(path: Path, model: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_header(model))
            file.write(model)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
