"""What the child that decodes a video and its parent say to each other over two pipes.

The child says that it is ready. From then on it asks for bytes of the video, which the parent
sends, tells how far it is, hands over frames, and at last says why it ended. The parent trusts
none of it, because a child may have been taken over by what it decodes: each message has a fixed
header, and lengths are checked before anything is allocated.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from likeness.sources.video.limits import VideoLimits

READY = b"LKV1"
HEADER = struct.Struct("!4sQQI")
"""Mark, two times in milliseconds or an offset and nothing, and a number of bytes or a reason."""
ANSWER = struct.Struct("!I")
"""How many bytes follow: as many as were asked for, fewer at the end of the video only."""
BLOCK = 262_144
"""Most bytes that are asked for at a time."""

REASONS = (
    "",
    "empty",
    "no video",
    "unsupported",
    "truncated",
    "broken",
    "too_large",
    "too_long",
    "too_many_frames",
)
"""Why the child ended, by number; the first where it got to the end of the video."""

_READ, _AT, _FRAME, _END = b"LKVr", b"LKVa", b"LKVf", b"LKVe"


class ProtocolBroken(Exception):
    """The other side said something that it may not say."""


@dataclass(frozen=True, kw_only=True)
class Read:
    """The child asks for bytes of the video."""

    offset: int
    size: int


@dataclass(frozen=True, kw_only=True)
class At:
    """How far the child is in the video, in milliseconds."""

    ms: int


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A frame that was kept, seen from ``start_ms`` to ``end_ms``; a JPEG of ``size`` bytes."""

    start_ms: int
    end_ms: int
    size: int


@dataclass(frozen=True, kw_only=True)
class End:
    """The child is through, for one of `REASONS`."""

    reason: str


Message = Read | At | Frame | End


def pack(message: Message) -> bytes:
    """The header of a message; of a frame, its JPEG follows."""
    match message:
        case Read(offset=offset, size=size):
            return HEADER.pack(_READ, offset, 0, size)
        case At(ms=ms):
            return HEADER.pack(_AT, ms, 0, 0)
        case Frame(start_ms=start, end_ms=end, size=size):
            return HEADER.pack(_FRAME, start, end, size)
        case End(reason=reason):
            return HEADER.pack(_END, 0, 0, REASONS.index(reason))


def unpack(header: bytes, limits: VideoLimits) -> Message:
    """Read the header of a message, each figure within bounds.

    Raises
    ------
    ProtocolBroken
        Where it does not fit.
    """
    mark, first, second, number = HEADER.unpack(header)
    if mark == _READ and second == 0 and 0 < number <= BLOCK:
        return Read(offset=first, size=number)
    if mark == _AT and second == number == 0 and first <= limits.max_ms + 1:
        return At(ms=first)
    if mark == _FRAME and first < second <= limits.max_ms + 1 and 0 < number <= limits.max_jpeg:
        return Frame(start_ms=first, end_ms=second, size=number)
    if mark == _END and first == second == 0 and number < len(REASONS):
        return End(reason=REASONS[number])
    raise ProtocolBroken("malformed message")
