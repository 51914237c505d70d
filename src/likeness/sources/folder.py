"""Photos and videos of a folder as a source. Nothing is changed, and no symbolic link followed."""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from likeness.errors import SourceUnreadable
from likeness.sources.base import (
    Entry,
    SkippedEntry,
    SourceEntry,
    VideoEntry,
    item_of,
    stopped,
    text_of,
)
from likeness.sources.extended_attributes import DownloadOrigin, download_origin
from likeness.sources.file_kinds import (
    LINK_LIST,
    VIDEO_NEEDS_EXTRA,
    can_read_videos,
    file_kind,
    folder_reason,
)
from likeness.sources.folder_entry import FolderEntry, link_mark_of
from likeness.sources.folder_video import FolderVideo
from likeness.sources.link_list import (
    MAX_LIST_BYTES,
    LinkList,
    LinkListProblem,
    read_link_list,
    too_large,
)
from likeness.sources.links import ListedLink
from likeness.sources.regular_files import open_folder, open_regular, read_regular, reason_of

_MAX_DEPTH = 500
_MAX_LISTS_BYTES = 3 * MAX_LIST_BYTES
_BATCH = 256


@dataclass(frozen=True, kw_only=True)
class _Level:
    """A folder on the way: what is still to come of it, and the link lists that hold in it."""

    parts: tuple[str, ...]
    item: str
    status: os.stat_result
    names: deque[str]  # in order; a folder's ends in "/"
    lists: tuple[tuple[int, LinkList], ...]  # nearest first, each with the depth of its folder

    def next_files(self) -> list[str]:
        files: list[str] = []
        while self.names and not self.names[0].endswith("/") and len(files) < _BATCH:
            files.append(self.names.popleft())
        return files

    def listed(self, name: str) -> ListedLink | None:
        for depth, links in self.lists:
            found = links.find(text_of("/".join((*self.parts[depth:], name))))
            if found is not None:
                return found
        return None


class FolderSource:
    """The photos and videos in a folder and all folders below it, or one such file.

    Attributes
    ----------
    kind : str
        ``"folder"``.
    address : str
        Canonical absolute path of the folder, as `item_of` writes it; of the folder that holds the
        file where the source is one file.
    whole : bool
        False where the source is one file: what else the folder holds is not told then.
    """

    def __init__(self, path: str | os.PathLike[str], *, library: Path | None = None) -> None:
        """Find the folder or file; it is not listed yet.

        Parameters
        ----------
        path : str or path
            May be a symbolic link itself; it is resolved once, here.
        library : Path or None
            Folder of the library, which is never read as photos.

        Raises
        ------
        SourceUnreadable
            If there is nothing at the path, or neither a folder nor a regular file, or if it is the
            library's own folder or lies inside it.
        """
        place, status = _resolved(path)
        only = stat.S_ISREG(status.st_mode)
        self._only = place.name if only else None
        self._root = str(place.parent if only else place)
        self._library = _status_of(library)
        self._stopped = Event()
        self.kind = "folder"
        self.address = item_of(self._root)
        self.whole = not only
        if self._library is not None:
            _refuse_inside(Path(self._root), self._library)

    def recognised(self) -> str:
        """Say what this is."""
        what = "One file of the folder" if self._only is not None else "A folder"
        return f"{what}: {self.address}"

    def count(self) -> int:
        """How many photos and videos there are, by listing them."""
        return sum(isinstance(entry, SourceEntry | VideoEntry) for entry in self.entries())

    def remarks(self) -> Mapping[str, int]:
        """Nothing had to be matched."""
        return {}

    def stop(self) -> None:
        """End a listing under way before its next entry."""
        self._stopped.set()

    def entries(self) -> Iterator[Entry]:
        """List the folder, each time anew (see `Source.entries`), by strictly rising item."""
        for entry in self._entries():
            if self._stopped.is_set():
                raise stopped()
            yield entry

    def _entries(self) -> Iterator[Entry]:
        try:
            top, skipped = self._enter((), "", ())
        except OSError as error:
            raise self._unlisted(error) from error
        yield from skipped
        levels = [top]
        while levels:
            level = levels[-1]
            files = level.next_files()
            if files:
                yield from self._files(level, files)
            elif level.names:
                below, skipped = self._go_down(level, level.names.popleft().removesuffix("/"))
                yield from skipped
                if below is not None:
                    levels.append(below)
            else:
                levels.pop()

    def _unlisted(self, error: OSError) -> SourceUnreadable:
        return SourceUnreadable(
            f"The folder {self.address} cannot be listed: {reason_of(error)}.",
            "Check that it is there and that the account that runs Likeness may read it.",
        )

    def _go_down(self, level: _Level, name: str) -> tuple[_Level | None, list[SkippedEntry]]:
        item = level.item + item_of(name)
        reason = folder_reason(name)
        if reason:
            return None, [SkippedEntry(item=item, reason=reason)]
        if len(level.parts) == _MAX_DEPTH:
            reason = f"more than {_MAX_DEPTH} folders deep"
            return None, [SkippedEntry(item=item, reason=reason, hides=True)]
        parts = (*level.parts, name)
        try:
            if self._is_library(parts):
                return None, [SkippedEntry(item=item, reason="the library's own folder")]
            return self._enter(parts, item + "/", level.lists)
        except OSError as error:
            return None, [SkippedEntry(item=item, reason=reason_of(error), hides=True)]

    def _is_library(self, parts: tuple[str, ...]) -> bool:
        if self._library is None:
            return False
        with open_folder(self._root, parts) as folder:
            return os.path.samestat(os.fstat(folder), self._library)

    def _enter(
        self, parts: tuple[str, ...], item: str, lists: tuple[tuple[int, LinkList], ...]
    ) -> tuple[_Level, list[SkippedEntry]]:
        with open_folder(self._root, parts) as folder:
            status = os.fstat(folder)
            names = [self._only] if self._only is not None else _names(folder)
            links, problems = _link_list(folder, sum(links.size for _, links in lists))
        if links is not None:
            lists = ((len(parts), links), *lists)
        level = _Level(parts=parts, item=item, status=status, names=deque(names), lists=lists)
        return level, [_problem_entry(item + LINK_LIST, problem) for problem in problems]

    def _files(self, level: _Level, names: list[str]) -> list[Entry]:
        """Look at some files of a folder, which is closed again before any is handed on."""
        try:
            with open_folder(self._root, level.parts) as folder:
                if not os.path.samestat(os.fstat(folder), level.status):
                    # Such as a disk that was taken away: its files are not to be taken for deleted.
                    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
                found = (self._look(level, folder, name) for name in names)
                return [entry for entry in found if entry is not None]
        except OSError as error:
            if not level.parts:
                raise self._unlisted(error) from error
            level.names.clear()
            item = level.item.removesuffix("/")
            return [SkippedEntry(item=item, reason=reason_of(error), hides=True)]

    def _look(self, level: _Level, folder: int, name: str) -> Entry | None:
        item = level.item + item_of(name)
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:  # removed since the folder was listed: it was never there
            return None
        except OSError as error:
            return SkippedEntry(item=item, reason=reason_of(error), hides=True)
        if stat.S_ISLNK(status.st_mode):
            return SkippedEntry(item=item, reason="symbolic link")
        if stat.S_ISDIR(status.st_mode):
            return SkippedEntry(item=item, reason="changing", hides=True)
        if not stat.S_ISREG(status.st_mode):
            return SkippedEntry(item=item, reason="not a regular file")
        kind = file_kind(name)
        if kind.video and not can_read_videos():
            return SkippedEntry(item=item, reason=VIDEO_NEEDS_EXTRA)
        if not kind.photo and not kind.video:
            told = kind.reported or self._only is not None
            return SkippedEntry(item=item, reason=kind.reason) if told else None
        made = FolderVideo if kind.video else FolderEntry
        return self._entry(made, level, folder, name, status)

    def _entry(
        self,
        made: type[FolderEntry] | type[FolderVideo],
        level: _Level,
        folder: int,
        name: str,
        status: os.stat_result,
    ) -> FolderEntry | FolderVideo:
        downloaded, openable = DownloadOrigin(), True
        try:
            with open_regular(folder, name) as (descriptor, opened):
                downloaded, status = download_origin(descriptor), opened
        except OSError:  # told when the photo is read
            openable = False
        listed = level.listed(name)
        return made(
            item=level.item + item_of(name),
            size=status.st_size,
            modified_ns=status.st_mtime_ns,
            link_mark=link_mark_of(listed, downloaded, openable),
            root=self._root,
            folder=level.parts,
            name=name,
            listed=listed,
            downloaded=downloaded,
        )


def _resolved(path: str | os.PathLike[str]) -> tuple[Path, os.stat_result]:
    fix = "Check the path; it has to name a folder of photos or one photo."
    try:
        place = Path(os.path.realpath(path, strict=True))
        status = os.stat(place)
    except ValueError as error:
        raise SourceUnreadable("That path is not one that a folder can have.", fix) from error
    except OSError as error:
        reason = reason_of(error)
        told = "there is nothing there" if reason == "gone" else reason
        raise SourceUnreadable(
            f"The folder {item_of(os.fspath(path))} cannot be added: {told}.", fix
        ) from error
    if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
        raise SourceUnreadable(
            f"{item_of(str(place))} is neither a folder nor a regular file.", fix
        )
    return place, status


def _status_of(library: Path | None) -> os.stat_result | None:
    if library is None:
        return None
    try:
        return os.stat(library)
    except OSError:  # what cannot be found holds nothing that could be taken for photos
        return None


def _refuse_inside(root: Path, library: os.stat_result) -> None:
    # Compared by what the file system says is one folder: names may differ in case or by a mount.
    for folder in (root, *root.parents):
        if os.path.samestat(os.stat(folder), library):
            raise SourceUnreadable(
                f"The folder {item_of(str(root))} belongs to the library itself.",
                "Add the folder that the photos are kept in, outside the library.",
            )


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as found:
        names = [
            each.name + "/" if each.is_dir(follow_symlinks=False) else each.name for each in found
        ]
    return sorted(names, key=item_of)


def _link_list(folder: int, held: int) -> tuple[LinkList | None, tuple[LinkListProblem, ...]]:
    try:
        raw = read_regular(folder, LINK_LIST, MAX_LIST_BYTES)
    except FileNotFoundError:
        return None, ()
    except OSError as error:
        if error.errno == errno.EFBIG:
            return None, (too_large(),)
        return None, (LinkListProblem(line=0, reason=f"link list not used: {reason_of(error)}"),)
    links, problems = read_link_list(raw)
    if links is not None and held + links.size > _MAX_LISTS_BYTES:
        reason = "link list not used: with those of the folders above it, it is too large"
        return None, (LinkListProblem(line=0, reason=reason),)
    return links, problems


def _problem_entry(item: str, problem: LinkListProblem) -> SkippedEntry:
    place = f"{item}:{problem.line}" if problem.line else item
    return SkippedEntry(item=place, reason=problem.reason)
