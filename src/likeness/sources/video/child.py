"""The child that decodes a video for ``frames.frames_of``; run with ``python -m``.

It takes its limits first: memory, no files written, no new descriptors (so no file and no
connection can be opened), no core dumps, processor time, a timer for each step. Then it decodes
one video, whose bytes it asks its parent for.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import resource
import signal
import sys
import time
from collections.abc import Callable
from typing import BinaryIO

from likeness.sources.video import protocol
from likeness.sources.video.asked_bytes import AskedBytes
from likeness.sources.video.film import FilmProblem, Moment, moments
from likeness.sources.video.frame_choice import FrameChoice
from likeness.sources.video.limits import VideoLimits
from likeness.sources.video.picture import Pictures
from likeness.sources.video.protocol import At, End, Frame, Read

GRACE_SECONDS = 5.0
"""How much longer than its parent a child waits before it ends itself."""

_TELL_SECONDS = 1.0
_NEEDED_LATER = ("encodings.idna", "encodings.latin_1", "encodings.utf_16", "PIL.JpegImagePlugin")
_FIXED_MEMORY = 1_200_000_000
_MEMORY_A_PIXEL = 60


def main(arguments: list[str]) -> int:
    """Decode one video. Arguments: the limits as a JSON object, and its size in bytes."""
    limits, size = VideoLimits(**json.loads(arguments[0])), int(arguments[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _load_everything(limits)
    _take_limits(limits)
    parent = _Parent(sys.stdin.buffer, sys.stdout.buffer, limits)
    try:
        parent.say(protocol.READY)
        parent.say(protocol.pack(End(reason=_decode(parent, size, limits))))
    except BrokenPipeError:
        return 1
    return 0


class _Parent:
    """The parent at the other end of the pipes. The timer runs between what is said."""

    def __init__(self, source: BinaryIO, sink: BinaryIO, limits: VideoLimits) -> None:
        self._source, self._sink, self._seconds = source, sink, limits.idle_seconds + GRACE_SECONDS
        self._told_ms, self._told_at = -1, time.monotonic()

    def say(self, *parts: bytes) -> None:
        # A parent that is in no hurry to take frames is no reason to end; one that is gone closes
        # the pipe. The default action of the alarm ends the process even inside a decoder in C.
        signal.setitimer(signal.ITIMER_REAL, 0)
        for part in parts:
            self._sink.write(part)
        self._sink.flush()
        signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def ask(self, offset: int, size: int) -> bytes:
        self.say(protocol.pack(Read(offset=offset, size=size)))
        signal.setitimer(signal.ITIMER_REAL, 0)
        answer = self._source.read(protocol.ANSWER.size)
        if len(answer) < protocol.ANSWER.size:
            raise BrokenPipeError
        (given,) = protocol.ANSWER.unpack(answer)
        data = self._source.read(min(given, size))
        if len(data) < given:
            raise BrokenPipeError
        signal.setitimer(signal.ITIMER_REAL, self._seconds)
        return data

    def tell(self, ms: int) -> None:
        """Say how far it is, not too often."""
        now = time.monotonic()
        if ms > self._told_ms and now - self._told_at >= _TELL_SECONDS:
            self._told_ms, self._told_at = ms, now
            self.say(protocol.pack(At(ms=ms)))


def _decode(parent: _Parent, size: int, limits: VideoLimits) -> str:
    """Hand the frames of a video over; returns why that ended."""
    spans = _Spans(parent, limits)
    try:
        _look_through(AskedBytes(size, parent.ask), spans, limits)
        reason = ""
    except FilmProblem as problem:
        reason = problem.reason
    except MemoryError:
        reason = "too_large"
    # What was seen before a video turned out to be broken was seen.
    spans.end()
    return reason


def _look_through(file: AskedBytes, spans: _Spans, limits: VideoLimits) -> None:
    choice, pictures = FrameChoice(), Pictures(long_side=limits.long_side)
    for moment in moments(file, limits):
        spans.reach(moment)
        if not choice.samples(moment.ms, pictures.scene(moment.frame)):
            continue
        if choice.keeps(pictures.thumbnail(moment.frame)):
            spans.begin(moment.ms, pictures.jpeg(moment.frame, moment.pixel_aspect))


class _Spans:
    """Hands each kept frame over once it is known until when it stands for what is seen."""

    def __init__(self, parent: _Parent, limits: VideoLimits) -> None:
        self._parent, self._limits = parent, limits
        self._kept: tuple[int, bytes] | None = None
        self._number = 0
        self._end_ms = 0

    def reach(self, moment: Moment) -> None:
        self._end_ms = max(self._end_ms, moment.end_ms)
        self._parent.tell(moment.ms)

    def begin(self, ms: int, jpeg: bytes) -> None:
        self._hand_over(ms)
        if self._number == self._limits.max_frames:
            raise FilmProblem("too_many_frames")
        self._kept = ms, jpeg

    def end(self) -> None:
        self._hand_over(min(self._end_ms, self._limits.max_ms))

    def _hand_over(self, until_ms: int) -> None:
        if self._kept is None:
            return
        start, jpeg = self._kept
        self._kept = None
        self._number += 1
        frame = Frame(start_ms=start, end_ms=max(start + 1, until_ms), size=len(jpeg))
        self._parent.say(protocol.pack(frame), jpeg)


def _load_everything(limits: VideoLimits) -> None:
    """Import and use what decoding needs once, while files can still be opened."""
    for name in _NEEDED_LATER:
        importlib.import_module(name)
    import av
    from av.error import FFmpegError

    # Whatever the libraries would print goes nowhere.
    av.logging.set_level(None)
    file = io.BytesIO()
    with av.open(file, mode="w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        packets = [*stream.encode(av.VideoFrame(64, 64, "yuv420p")), *stream.encode()]
        container.mux(packets)
    pictures = Pictures(long_side=limits.long_side)
    for data in (file.getvalue(), bytes(64), b"RIFF\0\0\0\0AVI LIST"):
        with contextlib.suppress(FilmProblem, FFmpegError):
            for moment in moments(AskedBytes(len(data), _slices(data)), limits):
                pictures.scene(moment.frame)
                pictures.thumbnail(moment.frame)
                pictures.jpeg(moment.frame, None)


def _slices(data: bytes) -> Callable[[int, int], bytes]:
    return lambda offset, size: data[offset : offset + size]


def _take_limits(limits: VideoLimits) -> None:
    memory = _FIXED_MEMORY + _MEMORY_A_PIXEL * limits.max_pixels
    # macOS refuses a limit on address space; the timer and the parent's clock still hold there.
    if sys.platform != "darwin":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    processor = int(limits.seconds * (limits.threads + 1)) + 60
    resource.setrlimit(resource.RLIMIT_CPU, (processor, processor))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
