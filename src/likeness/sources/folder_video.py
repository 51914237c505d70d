"""One video in a folder: how it is opened, and its link back."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from likeness.errors import PhotoUnreadable
from likeness.records.sighting import PageLink, Span
from likeness.sources.base import VideoEntry
from likeness.sources.extended_attributes import DownloadOrigin
from likeness.sources.links import LONGEST_ADDRESS, ListedLink, choose_link
from likeness.sources.media_fragments import with_moment
from likeness.sources.regular_files import open_folder, open_regular, reason_of


@dataclass(frozen=True, kw_only=True)
class FolderVideo(VideoEntry):
    """A video in a folder."""

    root: str = field(repr=False)
    folder: tuple[str, ...] = field(repr=False)
    name: str = field(repr=False)
    listed: ListedLink | None = field(repr=False)
    downloaded: DownloadOrigin = field(repr=False)

    def open(self) -> BinaryIO:
        try:
            with (
                open_folder(self.root, self.folder) as folder,
                open_regular(folder, self.name) as (descriptor, _),
            ):
                return open(os.dup(descriptor), "rb")
        except OSError as error:
            reason = reason_of(error)
            raise PhotoUnreadable(
                f"The video {self.item} cannot be read: {reason}.",
                "Check the file and the disk that it is on, then add the folder again.",
                reason=reason,
            ) from error

    def link(self, span: Span) -> PageLink:
        """Return the link of the file, its own addresses with the moment.

        A page of a link list or a download stays as it is: how it takes a moment is not known.
        """
        link = choose_link(
            file_uri=with_moment(Path(self.root, *self.folder, self.name).as_uri(), span),
            listed=self.listed,
            embedded=None,
            downloaded=self.downloaded,
        )
        media = link.media_url
        if "#" not in media:
            longer = with_moment(media, span)
            media = longer if len(longer) <= LONGEST_ADDRESS else media
        return replace(link, media_url=media, span=span)
