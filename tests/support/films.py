"""Small videos, made on the spot: scenes that are told apart, in many formats, whole and broken."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from likeness.records.sighting import PageLink, Span
from likeness.sources.base import VideoEntry

Picture = NDArray[np.uint8]
"""uint8 (H, W, 3) RGB."""

WIDTH, HEIGHT = 320, 180
CODEC_OF = {"mp4": "libx264", "mov": "libx264", "matroska": "libx264", "webm": "libvpx-vp9"}


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A picture that is seen for some time."""

    picture: Picture
    seconds: float


def drawn(seed: int, *, width: int = WIDTH, height: int = HEIGHT) -> Picture:
    """Blocks of colour, drawn by a seed; two seeds share no more than chance."""
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.kron(blocks, np.ones((height // 6 + 1, width // 8 + 1, 1), np.uint8))[
        :height, :width
    ].copy()


def stills(shots: Sequence[Shot], *, rate: int = 24) -> Iterator[Picture]:
    """The frames of some shots, one after the other."""
    for shot in shots:
        for _ in range(round(shot.seconds * rate)):
            yield shot.picture


def film(
    pictures: Iterable[Picture],
    *,
    form: str = "mp4",
    codec: str | None = None,
    rate: int = 24,
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    set_up: Callable[[Any], None] | None = None,
    times: Callable[[int], Fraction | None] | None = None,
    sound_seconds: float = 0.0,
    cover: Picture | None = None,
    path: Path | None = None,
) -> bytes:
    """Encode a video and return it; one that is written to ``path`` is not returned.

    ``set_up`` is given the stream before anything is encoded; ``times`` says in seconds when the
    n-th frame is seen. ``form`` is a muxer's name.
    """
    pictures = iter(pictures)
    first = next(pictures)
    target: Any = str(path) if path is not None else io.BytesIO()
    with av.open(target, mode="w", format=form, options=container_options or {}) as container:
        sound = container.add_stream("pcm_s16le", rate=8000) if sound_seconds else None
        stream: Any = container.add_stream(
            codec or CODEC_OF.get(form, "mpeg4"), rate=rate, options=options or _quick(codec, form)
        )
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = pixel_format
        if times is not None:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        if set_up is not None:
            set_up(stream)
        if cover is not None:
            _add_cover(container, cover)
        for number, picture in enumerate(_chain(first, pictures)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            moment = times(number) if times is not None else None
            if moment is not None:
                frame.pts, frame.time_base = int(moment * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            container.mux(_sound(sound, sound_seconds))
    return target.getvalue() if isinstance(target, io.BytesIO) else b""


def _quick(codec: str | None, form: str) -> dict[str, str]:
    name = codec or CODEC_OF.get(form, "mpeg4")
    if name == "libx264":
        return {"preset": "ultrafast", "bf": "2", "crf": "20"}
    if name.startswith("libvpx"):
        return {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "0"}
    return {"q": "3"} if name == "mpeg4" else {}


def _chain(first: Picture, rest: Iterable[Picture]) -> Iterator[Picture]:
    yield first
    yield from rest


def _sound(stream: Any, seconds: float) -> list[Any]:
    samples = np.zeros((1, int(8000 * seconds)), np.int16)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate = 8000
    return [*stream.encode(frame), *stream.encode()]


def _add_cover(container: Any, cover: Picture) -> None:
    from av.stream import Disposition

    stream = container.add_stream("mjpeg", rate=1)
    stream.height, stream.width = cover.shape[:2]
    stream.pix_fmt = "yuvj420p"
    stream.disposition = Disposition.attached_pic
    frame = av.VideoFrame.from_ndarray(cover, format="rgb24").reformat(format="yuvj420p")
    container.mux([*stream.encode(frame), *stream.encode()])


def sound_only(*, form: str = "mov", seconds: float = 1.0, cover: Picture | None = None) -> bytes:
    """A file of a video format with nothing to see in it but perhaps a cover."""
    target = io.BytesIO()
    with av.open(target, mode="w", format=form) as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        if cover is not None:
            _add_cover(container, cover)
        container.mux(_sound(stream, seconds))
    return target.getvalue()


@dataclass(frozen=True, kw_only=True)
class HeldVideo(VideoEntry):
    """A video in memory, or whatever ``opener`` opens."""

    item: str = "film.mp4"
    size: int = 1
    modified_ns: int = 5
    link_mark: str = "ab" * 16
    data: bytes = field(default=b"", repr=False)
    opener: Callable[[], BinaryIO] | None = field(default=None, repr=False)

    def open(self) -> BinaryIO:
        return self.opener() if self.opener is not None else io.BytesIO(self.data)

    def link(self, span: Span) -> PageLink:
        address = f"https://example.org/{self.item}#t={span.start_ms / 1000:g}"
        return PageLink(
            page_url=address,
            media_url=address,
            taken_at=None,
            text="",
            confidence="exact",
            link_from="file",
            span=span,
        )


def held(data: bytes, item: str = "film.mp4") -> HeldVideo:
    """A video of these bytes."""
    return HeldVideo(item=item, size=len(data), data=data)


def on_disk(path: Path) -> HeldVideo:
    """A video in a file."""
    return HeldVideo(item=path.name, size=path.stat().st_size, opener=lambda: path.open("rb"))
