"""The frames of a video in order of time, out of a container that may hold anything.

Runs in the child: nothing here is safe to run on hostile bytes elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from likeness.sources.video.asked_bytes import AskedBytes, ends_early
from likeness.sources.video.clock import FilmClock
from likeness.sources.video.limits import VideoLimits

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Formats that hold one video in one file. Lists, scripts, devices and pictures are not among them:
# some name further files or addresses.
_FORMATS = "mov,matroska,webm,avi,asf,flv,mpeg,mpegts,mpegvideo,ogg,dv,m4v"
_CODECS = (
    "h264,hevc,libdav1d,vp8,vp9,libvpx,libvpx-vp9,mpeg4,mpeg2video,mpeg1video,mjpeg,theora,vc1,"
    "wmv1,wmv2,wmv3,flv,h263,h263p,msmpeg4v1,msmpeg4v2,msmpeg4,prores,dvvideo,ffv1,rawvideo,"
    "cinepak,svq1,svq3,qtrle,huffyuv"
)
_BUFFER = 65_536
_MOST_BROKEN = 1_000
_LONGEST_FRAME_MS = 10_000
_USUAL_FRAME_MS = 40
_SPARSE_MS = 500
_SHORT_MS = 1_000
_MOST_AHEAD = 10_000
_Skip = Literal["NONREF", "DEFAULT"]


class FilmProblem(Exception):
    """There is no more of the video, for one of ``protocol.REASONS``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True, eq=False)
class Moment:
    """A decoded frame, seen from ``ms`` to ``end_ms``, with the width of its pixels by height."""

    ms: int
    end_ms: int
    frame: VideoFrame
    pixel_aspect: Fraction | None


class _SparseError(Exception):
    """Frames were left out between two that are far apart."""


def moments(file: AskedBytes, limits: VideoLimits) -> Iterator[Moment]:
    """Decode a video; times never go back.

    Frames that no other frame is made from (most B-frames) are left out, which halves the time. A
    video where that leaves nothing for half a second is begun anew with every frame.

    Raises
    ------
    FilmProblem
        Where it ends early, after the frames that could be decoded.
    """
    after = -1
    passes: tuple[_Skip, ...] = ("NONREF", "DEFAULT")
    for skip in passes:
        try:
            for moment in _pass(file, limits, skip):
                if moment.ms > after:
                    after = moment.ms
                    yield moment
            return
        except _SparseError:
            continue


def _pass(file: AskedBytes, limits: VideoLimits, skip: _Skip) -> Iterator[Moment]:
    container, stream = _opened(file, limits)
    with container:
        start_us: int | None = container.start_time
        start_ms = start_us // 1000 if start_us is not None else None
        clock = FilmClock(start_ms=start_ms, frame_ms=_frame_ms(stream))
        stream.codec_context.skip_frame = skip
        gaps = _Gaps()
        end_ms, broken = 0, _Broken()
        for frame in _decoded(container, stream, gaps, broken):
            if frame.is_corrupt:
                continue
            if frame.width * frame.height > limits.max_pixels:
                raise FilmProblem("too_large")
            stamp = _ms(frame.pts if frame.pts is not None else frame.dts, frame.time_base)
            if skip == "NONREF" and stamp is not None and gaps.left_out(stamp):
                raise _SparseError
            start = clock.at(stamp)
            if start > limits.max_ms:
                raise FilmProblem("too_long")
            end_ms = start + _duration(frame, stream)
            aspect = stream.sample_aspect_ratio
            yield Moment(ms=start, end_ms=end_ms, frame=frame, pixel_aspect=aspect)
        if skip == "NONREF" and gaps.left_out_at_end():
            raise _SparseError
        declared = _declared_ms(stream)
        cut = ends_early(file) or declared - end_ms > max(_SHORT_MS, declared // 50)
        if not end_ms and not gaps.met:
            raise FilmProblem("no video")
        if cut or broken.demuxing or not end_ms:
            raise FilmProblem("truncated" if cut else "broken")


class _Broken:
    """What could not be read of a video on the way."""

    def __init__(self) -> None:
        self.decoding = 0
        self.demuxing = False


class _Gaps:
    """Whether frames lie between two that were decoded, by the time stamps of the packets."""

    def __init__(self) -> None:
        self.met = False
        self._last: int | None = None
        self._ahead: deque[int] = deque(maxlen=_MOST_AHEAD)

    def meet(self, stamp: int | None) -> None:
        """Note a packet that goes to the decoder."""
        self.met = True
        if stamp is not None:
            self._ahead.append(stamp)

    def left_out(self, stamp: int) -> bool:
        """Whether frames were left out for too long before the frame of this time stamp."""
        last, self._last = self._last, stamp
        between = last is not None and any(last < each < stamp for each in self._ahead)
        self._ahead = deque((each for each in self._ahead if each > stamp), maxlen=_MOST_AHEAD)
        return last is not None and stamp - last > _SPARSE_MS and between

    def left_out_at_end(self) -> bool:
        """Whether frames were left out for too long after the last one, or there was none."""
        if self._last is None:
            return self.met
        return max(self._ahead, default=self._last) - self._last > _SPARSE_MS


def _opened(file: AskedBytes, limits: VideoLimits) -> tuple[InputContainer, VideoStream]:
    import av
    from av.error import ArgumentError, FFmpegError

    file.seek(0)
    options = {
        "format_whitelist": _FORMATS,
        "codec_whitelist": _CODECS,
        "protocol_whitelist": "none",
        "max_pixels": str(limits.max_pixels),
    }
    try:
        container = av.open(
            file,
            mode="r",
            options=options,
            buffer_size=_BUFFER,
            metadata_errors="replace",
            io_open=_nothing_else,
        )
    except ArgumentError as error:
        raise FilmProblem("unsupported") from error
    except FFmpegError as error:
        raise FilmProblem("truncated" if ends_early(file) else "broken") from error
    stream = _the_video(container)
    context = _context(stream)
    if context is None or context.codec.name not in _CODECS.split(","):
        raise FilmProblem("unsupported")
    if context.width * context.height > limits.max_pixels:
        raise FilmProblem("too_large")
    context.options = {"max_pixels": str(limits.max_pixels)}
    context.thread_type = "AUTO"
    context.thread_count = limits.threads
    return container, stream


def _context(stream: VideoStream) -> VideoCodecContext | None:
    """What decodes a stream; None where this PyAV has nothing that does."""
    return stream.codec_context


def _nothing_else(url: str, flags: int, options: dict[str, str]) -> object:
    raise PermissionError("a video may not name further files")


def _the_video(container: InputContainer) -> VideoStream:
    """The default stream of pictures that move, of several the largest."""
    from av.stream import Discard, Disposition

    covers = Disposition.attached_pic | Disposition.timed_thumbnails
    found = [stream for stream in container.streams.video if not stream.disposition & covers]
    if not found:
        raise FilmProblem("no video")
    best = max(
        found,
        key=lambda each: (
            bool(each.disposition & Disposition.default),
            context.width * context.height if (context := _context(each)) else 0,
            -each.index,
        ),
    )
    other: Stream
    for other in container.streams:
        if other is not best:
            other.discard = Discard.all
    return best


def _decoded(
    container: InputContainer, stream: VideoStream, gaps: _Gaps, broken: _Broken
) -> Iterator[VideoFrame]:
    from av.error import FFmpegError

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
        except FFmpegError:
            broken.demuxing, packet = True, None
        if packet is not None and packet.size:
            gaps.meet(_ms(packet.pts, packet.time_base))
        elif packet is not None and packet.dts is not None:
            # An empty packet amid others would tell the decoder that this is the end.
            continue
        try:
            # Without a packet it gives the frames that it still holds back.
            frames = stream.decode(packet)
        except FFmpegError as error:
            broken.decoding += 1
            if broken.decoding > _MOST_BROKEN:
                raise FilmProblem("broken") from error
            frames = []
        yield from frames
        if broken.demuxing:
            return


def _ms(stamp: int | None, base: Fraction | None) -> int | None:
    if stamp is None or base is None:
        return None
    return stamp * 1000 * base.numerator // base.denominator


def _frame_ms(stream: VideoStream) -> int:
    rate: Fraction | None = stream.guessed_rate or stream.average_rate
    return max(1, min(1000, round(1000 / rate))) if rate else _USUAL_FRAME_MS


def _duration(frame: VideoFrame, stream: VideoStream) -> int:
    told = _ms(frame.duration, frame.time_base) or 0
    return told if 0 < told <= _LONGEST_FRAME_MS else _frame_ms(stream)


def _declared_ms(stream: VideoStream) -> int:
    """How long the stream says that it is; 0 where it does not."""
    told = _ms(stream.duration, stream.time_base)
    if told is not None:
        return told
    # Matroska: "00:01:02.345000000".
    parts = stream.metadata.get("DURATION", "").split(":")
    try:
        hours, minutes, seconds = (float(part) for part in parts)
        return int((hours * 3600 + minutes * 60 + seconds) * 1000)
    except (ValueError, OverflowError):
        return 0
