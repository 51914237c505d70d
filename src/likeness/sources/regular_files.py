"""Opening files below a folder without being led astray: by links, pipes, devices or sheer size.

Each step down is taken from the open folder above it, so that no part of the path can be swapped
for a symbolic link meanwhile, and no path is too long. What goes wrong is an `OSError`, put in
words by `reason_of`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_REASONS = MappingProxyType(
    {
        errno.ENOENT: "gone",
        errno.ENOTDIR: "gone",
        errno.EACCES: "permission denied",
        errno.EPERM: "permission denied",
        errno.ELOOP: "symbolic link",
        errno.ENXIO: "not a regular file",
        errno.EFBIG: "too large",
        errno.EBUSY: "changing",
    }
)


def reason_of(error: OSError) -> str:
    """Say in a few words why a file or folder could not be read."""
    return _REASONS.get(error.errno or 0, "could not be read")


@contextmanager
def open_folder(root: str, parts: tuple[str, ...]) -> Iterator[int]:
    """Open a folder some steps below another, and give its descriptor.

    Parameters
    ----------
    root : str
        Canonical path of the folder to start from.
    parts : tuple of str
        Names of the folders on the way down; none for the root itself.

    Raises
    ------
    OSError
        If a step is not there, is not a folder (a symbolic link to one is not) or may not be
        entered.
    """
    descriptor = os.open(root, _FOLDER)
    try:
        for part in parts:
            below = os.open(part, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def open_regular(folder: int, name: str) -> Iterator[tuple[int, os.stat_result]]:
    """Open a regular file of an open folder, and give its descriptor and status.

    Raises
    ------
    OSError
        If it is not there or may not be read; with ``ELOOP`` if it is a symbolic link, with
        ``ENXIO`` if it is no regular file, which is not opened then.
    """
    _require_regular(os.stat(name, dir_fd=folder, follow_symlinks=False))
    descriptor = os.open(name, _FILE, dir_fd=folder)
    try:
        status = os.fstat(descriptor)
        _require_regular(status)
        yield descriptor, status
    finally:
        os.close(descriptor)


def read_regular(folder: int, name: str, max_bytes: int) -> bytes:
    """Read a regular file of an open folder whole.

    Raises
    ------
    OSError
        As `open_regular`; with ``EFBIG`` if it holds more than ``max_bytes``, with ``EBUSY`` if its
        length changed while it was read.
    """
    with open_regular(folder, name) as (descriptor, status):
        if status.st_size > max_bytes:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(status.st_size + 1)
    if len(content) != status.st_size:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
    return content


def _require_regular(status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
