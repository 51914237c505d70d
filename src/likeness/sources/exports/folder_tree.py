"""An export that was unpacked already. No symbolic link in it is followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from likeness.errors import PhotoUnreadable, SourceUnreadable
from likeness.sources.base import item_of, text_of
from likeness.sources.exports.tree import Member
from likeness.sources.regular_files import open_folder, open_regular, read_regular, reason_of

_MAX_DEPTH = 100
_MAX_FILES = 2_000_000

_FIXES = MappingProxyType(
    {
        "gone": "Put the folder back as it was unpacked, and add it again.",
        "permission denied": "Let the account that runs Likeness read it.",
        "too large": "Save a smaller copy, or raise the limit on the size of a photo.",
        "changing": "Add the folder again when nothing writes to it any more.",
    }
)


@dataclass(frozen=True, kw_only=True)
class _Problem:
    item: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class _Level:
    """A folder on the way: its path from the top, and what is still to come of it, last first."""

    parts: tuple[str, ...]
    names: list[str] = field(repr=False)


class FolderTree:
    """The files in a folder and all folders below it (see `ExportTree`)."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Find the folder; it is not listed yet.

        Parameters
        ----------
        path : str or path
            May be a symbolic link itself; it is resolved once, here.

        Raises
        ------
        SourceUnreadable
            If there is no folder at the path.
        """
        fix = "Check the path; it has to name the folder of an export that was unpacked."
        try:
            self._root = os.path.realpath(path, strict=True)
            is_folder = stat.S_ISDIR(os.stat(self._root).st_mode)
        except (OSError, ValueError) as error:
            reason = reason_of(error) if isinstance(error, OSError) else "gone"
            told = "there is nothing there" if reason == "gone" else reason
            shown = item_of(os.fspath(path))
            raise SourceUnreadable(f"The folder {shown} cannot be added: {told}.", fix) from error
        self.address = item_of(self._root)
        if not is_folder:
            raise SourceUnreadable(f"{self.address} is not a folder.", fix)

    def members(self) -> Iterator[Member]:
        """List the files by rising item (see `ExportTree.members`).

        Raises
        ------
        SourceUnreadable
            If the folder itself cannot be listed, or holds more than two million files.
        """
        return (found for found in self._walk() if isinstance(found, Member))

    def problems(self) -> Iterator[tuple[str, str]]:
        """Tell what `members` leaves out, and why (see `ExportTree.problems`)."""
        return ((each.item, each.reason) for each in self._walk() if isinstance(each, _Problem))

    def find(self, name: str) -> Member | None:
        """Return the file with exactly this path, or None."""
        parts = _parts(name)
        if parts is None:
            return None
        try:
            with open_folder(self._root, parts[:-1]) as folder:
                status = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
        except (OSError, ValueError):
            return None
        return _member(name, status) if stat.S_ISREG(status.st_mode) else None

    def open(self, member: Member) -> BinaryIO:
        """Return a file's bytes as a stream (see `ExportTree.open`)."""
        parts = _parts(member.name)
        if parts is None:
            raise _refused(member, "gone")
        try:
            with (
                open_folder(self._root, parts[:-1]) as folder,
                open_regular(folder, parts[-1]) as (descriptor, _),
            ):
                return os.fdopen(os.dup(descriptor), "rb")
        except OSError as error:
            raise _refused(member, reason_of(error)) from error

    def read(self, member: Member, max_bytes: int) -> bytes:
        """Return a file whole (see `ExportTree.read`)."""
        parts = _parts(member.name)
        if parts is None:
            raise _refused(member, "gone")
        try:
            with open_folder(self._root, parts[:-1]) as folder:
                return read_regular(folder, parts[-1], max_bytes)
        except OSError as error:
            raise _refused(member, reason_of(error)) from error

    def uri(self, member: Member) -> str:
        """Return the address of a file (see `ExportTree.uri`)."""
        return Path(self._root, *(_parts(member.name) or ())).as_uri()

    def close(self) -> None:
        """Nothing is held open between two calls."""

    def _walk(self) -> Iterator[Member | _Problem]:
        try:
            levels = [self._enter(())]
        except OSError as error:
            raise SourceUnreadable(
                f"The folder {self.address} cannot be listed: {reason_of(error)}.",
                "Check that it is there and that the account that runs Likeness may read it.",
            ) from error
        told = 0
        while levels:
            level = levels[-1]
            if not level.names:
                levels.pop()
                continue
            name = level.names.pop()
            is_folder = name.endswith("/")
            found = self._below(level, name[:-1]) if is_folder else self._look(level, name)
            if isinstance(found, _Level):
                levels.append(found)
                continue
            if found is None:
                continue
            told += 1
            if told > _MAX_FILES:
                raise SourceUnreadable(
                    f"The folder {self.address} holds more than {_MAX_FILES:,} files.",
                    "Add the folder of one export.",
                )
            yield found

    def _enter(self, parts: tuple[str, ...]) -> _Level:
        with open_folder(self._root, parts) as folder, os.scandir(folder) as found:
            names = [
                each.name + "/" if each.is_dir(follow_symlinks=False) else each.name
                for each in found
            ]
        return _Level(parts=parts, names=sorted(names, key=item_of, reverse=True))

    def _below(self, level: _Level, name: str) -> _Level | _Problem:
        parts = (*level.parts, name)
        if len(parts) > _MAX_DEPTH:
            return _Problem(item=_item(parts), reason=f"more than {_MAX_DEPTH} folders deep")
        try:
            return self._enter(parts)
        except OSError as error:
            return _Problem(item=_item(parts), reason=reason_of(error))

    def _look(self, level: _Level, name: str) -> Member | _Problem | None:
        parts = (*level.parts, name)
        try:
            with open_folder(self._root, level.parts) as folder:
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:  # removed since the folder was listed
            return None
        except OSError as error:
            return _Problem(item=_item(parts), reason=reason_of(error))
        if stat.S_ISLNK(status.st_mode):
            return _Problem(item=_item(parts), reason="symbolic link")
        if not stat.S_ISREG(status.st_mode):
            return _Problem(item=_item(parts), reason="not a regular file")
        return _member(text_of("/".join(parts)), status)


def _item(parts: tuple[str, ...]) -> str:
    return item_of("/".join(parts))


def _parts(name: str) -> tuple[str, ...] | None:
    """Return the steps down to a file as the operating system takes them; None where it has none.

    A name comes from the records of the export and may be anything.
    """
    try:
        parts = tuple(os.fsdecode(name.encode("utf-8", "surrogateescape")).split("/"))
    except UnicodeError:
        return None
    astray = any(part in ("", ".", "..") or "\0" in part for part in parts)
    return None if astray or len(parts) > _MAX_DEPTH + 1 else parts


def _member(name: str, status: os.stat_result) -> Member:
    return Member(
        name=name,
        size=status.st_size,
        modified_ns=status.st_mtime_ns,
        mark=f"{status.st_size:x}-{status.st_mtime_ns:x}",
    )


def _refused(member: Member, reason: str) -> PhotoUnreadable:
    return PhotoUnreadable(
        f"{item_of(member.name)} in the export cannot be read: {reason}.",
        _FIXES.get(reason, "Check the file and the disk that it is on."),
        reason=reason,
    )
