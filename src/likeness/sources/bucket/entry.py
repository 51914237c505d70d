"""One photo or video in a bucket: how it is read, and its way back."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from json import dumps
from typing import TYPE_CHECKING, BinaryIO

from likeness.records.photo import EmbeddedMetadata
from likeness.records.sighting import PageLink, Span
from likeness.sources.base import SourceEntry, VideoEntry
from likeness.sources.bucket.handle import Bucket
from likeness.sources.extended_attributes import DownloadOrigin
from likeness.sources.links import choose_link
from likeness.sources.media_fragments import with_moment

if TYPE_CHECKING:
    from obstore import ObjectMeta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_READ_AHEAD = 4 << 20


@dataclass(frozen=True, kw_only=True)
class BucketEntry(SourceEntry):
    """A photo in a bucket."""

    bucket: Bucket = field(repr=False)
    known: ObjectMeta = field(repr=False, hash=False)

    def read(self, max_bytes: int) -> bytes:
        """Return the photo's bytes, if it is still the object that was listed.

        Raises
        ------
        PhotoUnreadable
            See `SourceEntry.read`.
        SourceBlocked
            After the source was stopped.
        NotAuthorised
            If the bucket's holder no longer says yes.
        """
        return self.bucket.read(self.item, self.known, max_bytes)

    def link(self, embedded: EmbeddedMetadata | None) -> PageLink:
        return choose_link(
            file_uri=self.bucket.address.uri(self.known["path"]),
            listed=None,
            embedded=embedded,
            downloaded=DownloadOrigin(),
        )


@dataclass(frozen=True, kw_only=True)
class BucketVideo(VideoEntry):
    """A video in a bucket."""

    bucket: Bucket = field(repr=False)
    known: ObjectMeta = field(repr=False, hash=False)

    def open(self) -> BinaryIO:
        """Return the video's bytes as a stream that can seek; at most 4 MiB of it are held.

        Reading raises as this does where the video is no longer what was listed.

        Raises
        ------
        PhotoUnreadable, SourceBlocked, NotAuthorised
            As `BucketEntry.read`.
        """
        stream = io.BufferedReader(_Ranges(self), _READ_AHEAD)
        stream.peek(1)
        return stream

    def link(self, span: Span) -> PageLink:
        """Return the address of the object, with the moment."""
        address = with_moment(self.bucket.address.uri(self.known["path"]), span)
        return PageLink(
            page_url=address,
            media_url=address,
            taken_at=None,
            text="",
            confidence="exact",
            link_from="file",
            span=span,
        )


def link_mark_of(known: ObjectMeta) -> str:
    """Return 32 hex digits that change with the object, also where size and second stay (BLAKE2b).

    Its link is its address, which cannot change; what the store says of its content stands in, as
    its time of change has only seconds.
    """
    told = dumps(["bucket/1", known["e_tag"], known["version"]])
    return blake2b(told.encode(), digest_size=16).hexdigest()


def modified_ns_of(known: ObjectMeta) -> int:
    """Return when an object was last changed, in nanoseconds since 1970 UTC."""
    return (known["last_modified"] - _EPOCH) // timedelta(microseconds=1) * 1000


class _Ranges(io.RawIOBase):
    """An object read piece by piece, each asked for when it is wanted."""

    def __init__(self, video: BucketVideo) -> None:
        self._video = video
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._video.size}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        start = self._position
        end = min(start + len(buffer), self._video.size)
        if start >= end:
            return 0
        video = self._video
        piece = video.bucket.read_range(video.item, video.known, start, end)
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)
