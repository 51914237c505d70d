"""The files of an upload as a source: a folder that is the library's own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from likeness.records.photo import EmbeddedMetadata
from likeness.records.sighting import PageLink, Span
from likeness.sources.base import Entry
from likeness.sources.folder import FolderSource
from likeness.sources.folder_entry import FolderEntry
from likeness.sources.folder_video import FolderVideo


def _of_upload(link: PageLink, root: str, upload_id: str) -> PageLink:
    """The same link; where it is the file itself, it tells no path of the server."""
    own = Path(root).as_uri() + "/"

    def told(address: str) -> str:
        if not address.startswith(own):
            return address
        return f"upload:{quote(upload_id)}/{address.removeprefix(own)}"

    return replace(link, page_url=told(link.page_url), media_url=told(link.media_url))


@dataclass(frozen=True, kw_only=True)
class UploadedPhoto(FolderEntry):
    """A photo that was uploaded."""

    upload_id: str = field(repr=False)

    def link(self, embedded: EmbeddedMetadata | None) -> PageLink:
        return _of_upload(super().link(embedded), self.root, self.upload_id)


@dataclass(frozen=True, kw_only=True)
class UploadedVideo(FolderVideo):
    """A video that was uploaded."""

    upload_id: str = field(repr=False)

    def link(self, span: Span) -> PageLink:
        return _of_upload(super().link(span), self.root, self.upload_id)


class UploadSource:
    """The photos and videos of one upload.

    Attributes
    ----------
    kind : str
        ``"upload"``.
    address : str
        The upload's id, so that the library's folder can be moved.
    whole : bool
    """

    kind = "upload"
    whole = True

    def __init__(self, folder: str | os.PathLike[str], *, upload_id: str) -> None:
        """Find the folder; it is not listed yet.

        Raises
        ------
        SourceUnreadable
            There is no such folder.
        """
        self._folder = FolderSource(folder)
        self.address = upload_id

    def recognised(self) -> str:
        """Say what this is."""
        return f"Files that were uploaded: {self.address}"

    def count(self) -> int:
        """How many photos and videos there are, by listing them."""
        return self._folder.count()

    def remarks(self) -> Mapping[str, int]:
        """Nothing had to be matched."""
        return {}

    def stop(self) -> None:
        """End a listing under way before its next entry."""
        self._folder.stop()

    def entries(self) -> Iterator[Entry]:
        """List the files, each time anew (see `Source.entries`)."""
        for entry in self._folder.entries():
            if isinstance(entry, FolderEntry):
                yield UploadedPhoto(upload_id=self.address, **_fields(entry))
            elif isinstance(entry, FolderVideo):
                yield UploadedVideo(upload_id=self.address, **_fields(entry))
            else:
                yield entry


def _fields(entry: FolderEntry | FolderVideo) -> dict[str, Any]:
    return {one.name: getattr(entry, one.name) for one in fields(entry)}
