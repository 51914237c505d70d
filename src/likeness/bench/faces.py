"""Measures face analysis: a pass of the embedding network, a detection, a template.

Times are medians over photos and repeats. Beside dlib, the same photos and the same chips are given
to both in turn, so that whatever else the machine does meets both alike.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from likeness.bench.peer import DlibFaces
from likeness.errors import BadInput, PhotoUnreadable, SourceUnreadable, UsageError
from likeness.faces.components import load_detector, load_embedder
from likeness.faces.decode import decode
from likeness.faces.detect import Detector, FoundBox
from likeness.faces.embed import Embedder
from likeness.faces.engine import FaceEngine
from likeness.faces.runtime import usable_cores
from likeness.records.face import Box
from likeness.records.photo import ReadLimits

CHIPS = 16
"""Chips in a batch of the embedding network."""

MOST_PHOTOS = 8
"""Photos that are taken where the folder holds more, evenly from its names in order."""

LONG_SIDE = 1024
"""Larger photos are reduced to this many pixels on their longer side."""

SAME_BOX = 0.8
SAME_SCORE = 0.1

Image = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class EmbedReport:
    """A pass of the embedding network over one chip, in batches.

    Attributes
    ----------
    ours_ms, peer_ms : float
        Milliseconds a chip; the peer's is the faster of one by one and in batches.
    ratio : float or None
        How many times as fast as the peer.
    max_abs : float or None
        Largest difference of any number of any embedding.
    """

    ours_ms: float
    peer_ms: float | None = None
    ratio: float | None = None
    max_abs: float | None = None


@dataclass(frozen=True, kw_only=True)
class DetectReport:
    """Finding the boxes of the faces of one photo.

    Attributes
    ----------
    ours_ms, peer_ms : float
        Milliseconds a photo, one photo at a time.
    ours_many_ms : float
        Milliseconds a photo where many are given at once.
    ratio : float or None
        How many times as fast as the peer, one photo at a time.
    recall : float or None
        Share of the peer's faces that were found with IoU >= 0.8 and score within 0.1.
    extra : int or None
        Faces found that the peer did not find. Those within 0.1 of the detector's threshold are
        left out here and in ``recall``.
    faces : int
    """

    ours_ms: float
    ours_many_ms: float
    faces: int
    peer_ms: float | None = None
    ratio: float | None = None
    recall: float | None = None
    extra: int | None = None


@dataclass(frozen=True, kw_only=True)
class FacesReport:
    """What was measured, and where.

    Attributes
    ----------
    template_ms : float
        Milliseconds from a face found in a photo to its template: alignment, the network over the
        chip and its mirror image, many faces at once.
    """

    against: str | None
    photos: int
    repeats: int
    threads: int
    machine: str
    cores: int
    template_ms: float
    embed: EmbedReport
    detect: DetectReport

    def as_json(self) -> dict[str, Any]:
        """The report as ``likeness.bench.faces/1``."""
        return {"schema": "likeness.bench.faces/1", **asdict(self)}


def run(
    photos: Path,
    *,
    against: Literal["dlib"] | None = None,
    repeats: int = 3,
    threads: int | None = None,
) -> FacesReport:
    """Measure face analysis on the photos of a folder.

    Parameters
    ----------
    photos : Path
        A folder; up to eight of its photos are taken.
    against : "dlib" or None
        What to compare with. dlib needs seconds a photo.
    repeats : int
        How often each photo and batch is timed, after one run that is not.
    threads : int or None
        How many cores to use; all that this process may use where None.

    Raises
    ------
    UsageError
        ``repeats`` is below 1, or dlib is not installed.
    SourceUnreadable
        The folder is not there.
    BadInput
        It holds no photo that can be read, or no photo with a face.
    """
    if repeats < 1:
        raise UsageError(f"{repeats} repeats measure nothing.", "Give 1 or more.")
    engine = FaceEngine.load(threads=threads)
    peer = DlibFaces(engine.pack) if against == "dlib" else None
    images = _read_photos(photos)
    faces = engine.find_many(images)
    if not any(faces):
        raise BadInput(
            "None of the photos shows a face, so nothing can be measured.",
            "Give a folder with photos of people.",
        )
    size = engine.pack.preprocessing.chip
    chips = np.concatenate(
        [engine.crops(image, found, size=size) for image, found in zip(images, faces, strict=True)]
    )
    (templates,) = _medians_ms([lambda: engine.templates_many(images, faces)], repeats)
    batch = np.concatenate([chips] * -(-CHIPS // len(chips)))[:CHIPS]
    return FacesReport(
        against=against,
        photos=len(images),
        repeats=repeats,
        threads=threads or usable_cores(),
        cores=os.cpu_count() or 1,
        machine=_machine(),
        template_ms=round(templates / len(chips), 3),
        embed=_embedding(load_embedder(engine.pack, threads), batch, peer, repeats),
        detect=_detection(load_detector(engine.pack, threads), images, peer, repeats),
    )


def _read_photos(folder: Path) -> list[Image]:
    """Some of the folder's photos, evenly from its names in order."""
    if not folder.is_dir():
        raise SourceUnreadable(
            f"There is no folder {folder.name!r}.", "Give a folder that holds photos."
        )
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    step = max(len(paths) // MOST_PHOTOS, 1)
    images: list[Image] = []
    for path in dict.fromkeys([*paths[::step], *paths]):
        if len(images) == min(MOST_PHOTOS, len(paths)):
            break
        try:
            photo = decode(path.read_bytes(), limits=ReadLimits(), long_side=LONG_SIDE)
        except (PhotoUnreadable, OSError):
            continue
        images.append(photo.pixels)
    if not images:
        raise BadInput(
            "The folder holds no photo that can be read.", "Give a folder with photos of people."
        )
    return images


def _embedding(
    embedder: Embedder, chips: Image, peer: DlibFaces | None, repeats: int
) -> EmbedReport:
    if peer is None:
        (ours,) = _medians_ms([lambda: embedder.embeddings(chips)], repeats)
        return EmbedReport(ours_ms=round(ours / len(chips), 3))
    apart = list(chips)
    ours, one_by_one, at_once = _medians_ms(
        [
            lambda: embedder.embeddings(chips),
            lambda: [peer.embedding(chip) for chip in apart],
            lambda: peer.embeddings(apart),
        ],
        repeats,
    )
    theirs = min(one_by_one, at_once)
    difference = np.abs(embedder.embeddings(chips) - peer.embeddings(apart))
    return EmbedReport(
        ours_ms=round(ours / len(chips), 3),
        peer_ms=round(theirs / len(chips), 3),
        ratio=round(theirs / ours, 2),
        max_abs=float(difference.max()),
    )


def _detection(
    detector: Detector, images: Sequence[Image], peer: DlibFaces | None, repeats: int
) -> DetectReport:
    (many,) = _medians_ms([lambda: detector.find_many(images)], repeats)
    works = [detector.find] if peer is None else [detector.find, peer.find]
    times = [_medians_ms([partial(work, image) for work in works], repeats) for image in images]
    ours, *theirs = (statistics.median(column) for column in zip(*times, strict=True))
    found = [detector.find(image) for image in images]
    plain = DetectReport(
        ours_ms=round(ours, 3),
        ours_many_ms=round(many / len(images), 3),
        faces=sum(map(len, found)),
    )
    if peer is None:
        return plain
    recall, extra = _agreement(found, [peer.find(image) for image in images])
    return replace(
        plain,
        peer_ms=round(theirs[0], 3),
        ratio=round(theirs[0] / ours, 2),
        recall=recall,
        extra=extra,
    )


def _agreement(
    ours: Sequence[Sequence[FoundBox]], theirs: Sequence[Sequence[FoundBox]]
) -> tuple[float, int]:
    """Share of their faces that are ours too, and how many of ours are not theirs."""
    sure, met, extra = 0, 0, 0
    for mine, others in zip(ours, theirs, strict=True):
        left = list(mine)
        for other in others:
            same = next((one for one in left if _same(one, other)), None)
            if same is not None:
                left.remove(same)
            if other.score >= SAME_SCORE:
                sure += 1
                met += same is not None
        extra += sum(one.score >= SAME_SCORE for one in left)
    return (met / sure if sure else 1.0), extra


def _same(one: FoundBox, other: FoundBox) -> bool:
    close = abs(one.score - other.score) <= SAME_SCORE
    return close and intersection_over_union(one.box, other.box) >= SAME_BOX


def intersection_over_union(one: Box, other: Box) -> float:
    """Common area of two boxes by the area that either covers, 0 to 1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return common / (sum(areas) - common)


def _medians_ms(works: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Milliseconds that each work takes, done in turn; the first round is not counted."""
    rounds = []
    for _ in range(repeats + 1):
        times = []
        for work in works:
            start = time.perf_counter()
            work()
            times.append((time.perf_counter() - start) * 1000)
        rounds.append(times)
    return [statistics.median(column) for column in zip(*rounds[1:], strict=True)]


def _machine() -> str:
    """The processor's name where it can be told, and the system."""
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name}, {platform.system()}"
