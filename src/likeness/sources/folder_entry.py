"""One photo in a folder: how it is read, and what its link back is decided by."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from json import dumps
from pathlib import Path
from types import MappingProxyType

from likeness.errors import PhotoUnreadable
from likeness.records.photo import EmbeddedMetadata
from likeness.records.sighting import PageLink
from likeness.sources.base import SourceEntry, name_of
from likeness.sources.extended_attributes import DownloadOrigin
from likeness.sources.links import ListedLink, choose_link
from likeness.sources.regular_files import open_folder, read_regular, reason_of

_FIXES = MappingProxyType(
    {
        "gone": "Add the folder again, so that what moved is found where it is.",
        "permission denied": "Let the account that runs Likeness read it.",
        "too large": "Save a smaller copy, or raise the limit on the size of a photo.",
        "changing": "Add the folder again when nothing writes to the file any more.",
    }
)


@dataclass(frozen=True, kw_only=True)
class FolderEntry(SourceEntry):
    """A photo in a folder."""

    root: str = field(repr=False)
    folder: tuple[str, ...] = field(repr=False)
    name: str = field(repr=False)
    listed: ListedLink | None = field(repr=False)
    downloaded: DownloadOrigin = field(repr=False)

    def read(self, max_bytes: int) -> bytes:
        return _read(self.item, self.root, self.folder, self.name, max_bytes)

    def link(self, embedded: EmbeddedMetadata | None) -> PageLink:
        return choose_link(
            file_uri=Path(self.root, *self.folder, self.name).as_uri(),
            listed=self.listed,
            embedded=embedded,
            downloaded=self.downloaded,
        )


def read_item(address: str, item: str, max_bytes: int) -> bytes:
    """Return the bytes of a photo that a folder listed before, at most ``max_bytes`` of them.

    Parameters
    ----------
    address : str
        Of the source, as `FolderSource.address` gives it.
    item : str
        As the entry's ``item``. Only what lies in the folder or below it is read.

    Raises
    ------
    PhotoUnreadable
        As `SourceEntry.read`.
    """
    *folder, name = parts = [name_of(part) for part in item.split("/")]
    astray = any(part in ("", ".", "..") or "/" in part or "\0" in part for part in parts)
    root = name_of(address)
    if astray or "\0" in root or not Path(root).is_absolute():
        raise PhotoUnreadable(
            "A photo's place is not one that a file can have.",
            "Add its folder again.",
            reason="gone",
        )
    return _read(item, root, tuple(folder), name, max_bytes)


def _read(item: str, root: str, folder: tuple[str, ...], name: str, max_bytes: int) -> bytes:
    try:
        with open_folder(root, folder) as opened:
            return read_regular(opened, name, max_bytes)
    except OSError as error:
        reason = reason_of(error)
        raise PhotoUnreadable(
            f"The photo {item} cannot be read: {reason}.",
            _FIXES.get(reason, "Check the file and the disk that it is on."),
            reason=reason,
        ) from error


def link_mark_of(listed: ListedLink | None, downloaded: DownloadOrigin, openable: bool) -> str:
    """Return 32 hex digits over what decides a photo's link, its bytes apart (BLAKE2b).

    ``openable`` says whether the extended attributes could be asked for at all.
    """
    row = None
    if listed is not None:
        taken_at = listed.taken_at.isoformat() if listed.taken_at else ""
        row = [listed.page_url, listed.media_url, taken_at, listed.text]
    told = dumps(["links/1", row, downloaded.referrer, downloaded.origin, openable])
    return blake2b(told.encode(), digest_size=16).hexdigest()
