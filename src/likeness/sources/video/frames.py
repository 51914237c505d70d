"""A video as the photos that its frames become, decoded in a child that can do no harm.

A video that crashes, fills or stalls its decoder costs that child, not this process: the child is
ended and the video ends with a ``PhotoUnreadable``, after the frames that came before. POSIX only.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from types import MappingProxyType
from typing import BinaryIO
from zipfile import BadZipFile

from likeness.errors import PhotoUnreadable
from likeness.records.sighting import Span
from likeness.sources.base import VideoEntry, stopped
from likeness.sources.file_kinds import VIDEO_NEEDS_EXTRA, can_read_videos
from likeness.sources.regular_files import reason_of
from likeness.sources.video.decoder import VideoDecoder
from likeness.sources.video.entry import FrameEntry, frame_entry
from likeness.sources.video.limits import VideoLimits
from likeness.sources.video.protocol import At, End, Frame, ProtocolBroken, Read

_LEAST_COUNTED = 65_536
_OTHERWISE = "Check that a player shows it to the end."
_FIXES = MappingProxyType(
    {
        VIDEO_NEEDS_EXTRA: "Run: pip install 'likeness[video]'",
        "empty": "Copy it again from where it came from.",
        "no video": "Nothing has to be done: it holds sound, or no picture that moves.",
        "unsupported": "Convert it to MP4 with H.264.",
        "truncated": "Copy it again from where it came from.",
        "too_large": "Convert it to a smaller picture.",
        "too_long": "Cut it into parts.",
        "too_many_frames": "Cut it into parts.",
        "too_slow": "Convert it to a smaller picture, or try again when the machine is idle.",
    }
)


def frames_of(
    entry: VideoEntry, *, stop: threading.Event, limits: VideoLimits | None = None
) -> Iterator[FrameEntry]:
    """Tell the frames of a video that become photos, in order of time.

    The same video gives the same frames each time. Nothing is decoded ahead beyond what fits into
    a pipe. To end early, close the iterator; that ends the child too.

    Parameters
    ----------
    entry : VideoEntry
    stop : threading.Event
        Set by another thread, it ends the child and this iterator within a moment.
    limits : VideoLimits or None
        The usual ones where None.

    Raises
    ------
    PhotoUnreadable
        Perhaps after some frames, with a reason of `VideoEntry.open`, of ``protocol.REASONS``, or
        ``"too_slow"``, ``"crashed_decoder"``, ``"could not be read"`` or `VIDEO_NEEDS_EXTRA`.
    SourceBlocked
        Once ``stop`` is set.
    LikenessError
        Where no child can be started.
    """
    if stop.is_set():
        raise stopped()
    if not can_read_videos():
        raise _unreadable(entry, VIDEO_NEEDS_EXTRA)
    limits = limits or VideoLimits()
    with closing(entry.open()) as stream:
        bytes_of = _Stream(entry, stream)
        if bytes_of.size == 0:
            raise _unreadable(entry, "empty")
        with VideoDecoder(bytes_of.size, limits=limits, stop=stop) as decoder:
            frames = _frames(decoder, bytes_of, limits)
            while True:
                try:
                    found = next(frames, None)
                except TimeoutError as error:
                    raise _unreadable(entry, "too_slow") from error
                except (ProtocolBroken, OSError) as error:
                    raise _unreadable(entry, "crashed_decoder") from error
                if found is None:
                    return
                span, jpeg = found
                given = time.monotonic()
                yield frame_entry(entry, span, jpeg)
                decoder.was_left_for(time.monotonic() - given)


def _frames(
    decoder: VideoDecoder, bytes_of: _Stream, limits: VideoLimits
) -> Iterator[tuple[Span, bytes]]:
    """Answer what the child asks for; checks what it says against what it said before."""
    left, at_ms, end_ms, number = limits.bytes_to_read(bytes_of.size), -1, 0, 0
    while True:
        message = decoder.next()
        match message:
            case Read(offset=offset, size=size):
                left -= max(size, _LEAST_COUNTED)
                if left < 0:
                    raise ProtocolBroken("it reads without end")
                decoder.answer(bytes_of.read(offset, size))
            case At(ms=ms):
                if ms <= at_ms:
                    raise ProtocolBroken("it goes back in time")
                at_ms = ms
                decoder.got_further()
            case Frame(start_ms=start, end_ms=end, size=size):
                number += 1
                if start < end_ms or number > limits.max_frames:
                    raise ProtocolBroken("a frame before the last, or one too many")
                end_ms = end
                jpeg = decoder.receive(size)
                if not jpeg.startswith(b"\xff\xd8\xff"):
                    raise ProtocolBroken("a frame that is no JPEG")
                decoder.got_further()
                yield Span(start_ms=start, end_ms=end), jpeg
            case End(reason=reason):
                if reason:
                    raise bytes_of.unreadable(reason)
                return


class _Stream:
    """The bytes of a video, with its problems in this package's words."""

    def __init__(self, entry: VideoEntry, stream: BinaryIO) -> None:
        self._entry, self._stream = entry, stream
        try:
            self.size = stream.seek(0, 2)
        except (OSError, ValueError, EOFError, zlib.error, BadZipFile) as error:
            raise self._problem(error) from error

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes from a place on; fewer than asked for at the end only."""
        if offset >= self.size:
            return b""
        parts, wanted = [], min(size, self.size - offset)
        try:
            self._stream.seek(offset)
            while wanted and (part := self._stream.read(wanted)):
                parts.append(part[:wanted])
                wanted -= len(parts[-1])
        except (OSError, ValueError, EOFError, zlib.error, BadZipFile) as error:
            raise self._problem(error) from error
        return b"".join(parts)

    def unreadable(self, reason: str) -> PhotoUnreadable:
        """The error of this video."""
        return _unreadable(self._entry, reason)

    def _problem(self, error: Exception) -> PhotoUnreadable:
        known = reason_of(error) if isinstance(error, OSError) else "could not be read"
        return self.unreadable(known)


def _unreadable(entry: VideoEntry, reason: str) -> PhotoUnreadable:
    return PhotoUnreadable(
        f"The video {entry.item} is not read, or not to its end: {reason}.",
        _FIXES.get(reason, _OTHERWISE),
        reason=reason,
    )
