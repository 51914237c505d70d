"""Measures what the thresholds for frames of videos rest on, and how fast and large decoding is.

    python bench/video.py thresholds ../shared/eval/people
    python bench/video.py speed FILM [FILM ...]

``thresholds`` makes films out of photos: scenes that stand still (noise, three qualities, three
sizes), a new face of a twentieth of the height in them, a camera that moves, and cuts. It prints
the largest difference of a cell (`NEAR`) and the mean difference of neighbouring frames (`SCENE`).
``speed`` prints frames decoded and photos made a second, and the peak memory of child and parent.
"""

from __future__ import annotations

import argparse
import io
import random
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from likeness.sources.base import VideoEntry
from likeness.sources.folder import FolderSource
from likeness.sources.video.asked_bytes import AskedBytes
from likeness.sources.video.film import moments
from likeness.sources.video.frame_choice import mean_difference
from likeness.sources.video.frames import frames_of
from likeness.sources.video.limits import VideoLimits
from likeness.sources.video.picture import Pictures

RATE = 24
FACE = 0.05
Picture = NDArray[np.uint8]
Frames = Iterator[Picture]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="what", required=True)
    one = parts.add_parser("thresholds")
    one.add_argument("photos", type=Path, help="folder of photos with a face in the middle")
    one.add_argument("--films", type=int, default=12, help="films of each sort")
    other = parts.add_parser("speed")
    other.add_argument("films", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    if options.what == "speed":
        for path in options.films:
            speed(path)
        return 0
    found = sorted(path for path in options.photos.rglob("*") if path.suffix.lower() == ".jpg")
    thresholds(Studio(found), options.films)
    return 0


class Studio:
    """Makes moving pictures out of photos, drawn at random, the same each time."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths, self._dice = paths, random.Random(1)
        self._grain = np.random.default_rng(1)

    def photo(self, width: int, height: int) -> Picture:
        """A photo that covers a size."""
        with Image.open(self._dice.choice(self._paths)) as image:
            scale = max(width / image.width, height / image.height)
            large = image.convert("RGB").resize(
                (round(image.width * scale) + 1, round(image.height * scale) + 1)
            )
        return np.asarray(large)[:height, :width]

    def face(self, height: int) -> Picture:
        """The middle of a photo, as high as a face."""
        with Image.open(self._dice.choice(self._paths)) as image:
            w, h = image.size
            middle = image.convert("RGB").crop((w * 3 // 10, h // 4, w * 7 // 10, h * 3 // 4))
        return np.asarray(middle.resize((max(2, round(0.8 * height)), height)))

    def noisy(self, picture: Picture, amount: float = 4.0) -> Picture:
        """A picture with the grain of a sensor."""
        grain = self._grain.normal(0, amount, picture.shape)
        return np.clip(picture + grain, 0, 255).astype(np.uint8)

    def still(self, width: int, height: int) -> Frames:
        """Three seconds of one scene."""
        picture = self.photo(width, height)
        return (self.noisy(picture) for _ in range(3 * RATE))

    def entered(self, width: int, height: int) -> Frames:
        """A scene that a face comes into after half a second."""
        picture, face = self.photo(width, height), self.face(round(FACE * height))
        with_face = picture.copy()
        top = self._dice.randrange(height - face.shape[0])
        left = self._dice.randrange(width - face.shape[1])
        with_face[top : top + face.shape[0], left : left + face.shape[1]] = face
        return (self.noisy(picture if n < RATE // 2 else with_face) for n in range(RATE))

    def moved(self, width: int, height: int, *, widths_a_second: float, shake: float) -> Frames:
        """A camera that pans steadily, or shakes."""
        wide = self.photo(2 * width, 2 * height)
        for number in range(RATE):
            swing = shake * width * np.sin([0.9 * number, 0.7 * number + 1])
            left = int(width / 2 + swing[0] + widths_a_second * width * number / RATE)
            top = int(height / 2 + swing[1])
            left = max(0, min(width, left))
            yield self.noisy(wide[top : top + height, left : left + width])

    def cut(self, width: int, height: int) -> Frames:
        """Two scenes of half a second each."""
        both = self.photo(width, height), self.photo(width, height)
        return (self.noisy(both[n >= RATE // 2]) for n in range(RATE))


def thresholds(studio: Studio, films: int) -> None:
    """Print how far frames differ that should be told apart, and that should not."""
    print("largest difference of a cell: a still scene (most), a new face (least, lowest tenth)")
    for size in ((320, 180), (640, 360), (1280, 720)):
        for quality in (23, 30, 36):
            count = max(2, films // (1 + size[0] // 640))
            still = [_largest(encoded(studio.still(*size), quality)) for _ in range(count)]
            new = [_largest(encoded(studio.entered(*size), quality)) for _ in range(count)]
            told = f"{size[0]}x{size[1]} crf {quality}"
            print(f"  {told:18} {max(still):4} {min(new):6} {np.percentile(new, 10):6.0f}")
    print("mean difference of neighbouring frames: median, most; of that at a cut: least")
    sorts: dict[str, Callable[[], Frames]] = {
        "still": lambda: studio.still(640, 360),
        "pan, 0.2 widths/s": lambda: studio.moved(640, 360, widths_a_second=0.2, shake=0),
        "pan, 0.6 widths/s": lambda: studio.moved(640, 360, widths_a_second=0.6, shake=0),
        "shake by 1%": lambda: studio.moved(640, 360, widths_a_second=0, shake=0.01),
        "shake by 3%": lambda: studio.moved(640, 360, widths_a_second=0, shake=0.03),
    }
    for name, make in sorts.items():
        steps = [step for _ in range(films) for step in _steps(encoded(make(), 28))]
        print(f"  {name:18} {np.median(steps):6.1f} {max(steps):6.1f}")
    cuts = [max(_steps(encoded(studio.cut(640, 360), 28))) for _ in range(4 * films)]
    print(f"  {'cut':18} {np.median(cuts):6.1f} {min(cuts):6.1f} (least)")


def encoded(frames: Frames, quality: int) -> bytes:
    """An H.264 film of some frames."""
    file = io.BytesIO()
    with av.open(file, mode="w", format="mp4") as container:
        options = {"preset": "veryfast", "crf": str(quality)}
        stream = container.add_stream("libx264", rate=RATE, options=options)
        stream.pix_fmt = "yuv420p"
        for number, picture in enumerate(frames):
            if number == 0:
                stream.height, stream.width = picture.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def _thumbnails(data: bytes, *, scenes: bool) -> list[Picture]:
    pictures = Pictures(long_side=1920)
    file = AskedBytes(len(data), lambda offset, size: data[offset : offset + size])
    make = pictures.scene if scenes else pictures.thumbnail
    return [make(moment.frame) for moment in moments(file, VideoLimits())]


def _largest(data: bytes) -> int:
    """Of the cells of the last frame against the first."""
    first, *_, last = _thumbnails(data, scenes=False)
    return int(np.abs(first.astype(int) - last).max())


def _steps(data: bytes) -> list[float]:
    return [mean_difference(a, b) for a, b in pairwise(_thumbnails(data, scenes=True))]


def speed(path: Path) -> None:
    """Print what one film takes."""
    (video,) = (entry for entry in FolderSource(path).entries() if isinstance(entry, VideoEntry))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        size, count = f"{stream.width}x{stream.height}", stream.frames
    began = time.perf_counter()
    made = sum(1 for _ in frames_of(video, stop=threading.Event()))
    took = time.perf_counter() - began
    unit = 1 if sys.platform == "darwin" else 1024
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e6
    print(
        f"{path.name}: {size}, {count} frames in {took:.1f} s ({count / took:.0f} a second), "
        f"{made} photos; child at most {theirs:.0f} MB, parent {ours:.0f} MB"
    )


if __name__ == "__main__":
    raise SystemExit(main())
