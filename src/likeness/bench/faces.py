"""Measures face analysis: a pass of the embedding network, a detection, a template.

Times are medians over photos and repeats. Beside dlib, the same photos and the same chips are given to
both in turn, so that whatever else the machine does meets both alike.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from likeness.bench.peer import DlibFaces
from likeness.errors import BadInput, PhotoUnreadable, SourceUnreadable, UsageError
from likeness.faces.components import load_detector, load_embedder
from likeness.faces.decode import decode
from likeness.faces.detect import FoundBox
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
        Faces found that the peer did not find. Those within 0.1 of the detector's threshold are left
        out here and in ``recall``.
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
        Milliseconds from a face found in a photo to its template: alignment, the network over the chip
        and its mirror image, many faces at once.
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
    peer = DlibFaces.load(engine.pack) if against == "dlib" else None
    images = _read_photos(photos)
    detect, found = _detection(engine, images, peer, repeats, threads)
    chips = np.concatenate(
        [engine.crops(image, faces, size=150) for image, faces in found if faces] or [_no_face()]
    )
    chips = np.concatenate([chips] * (CHIPS // len(chips) + 1))[:CHIPS]
    many = [image for image, faces in found if faces], [faces for _, faces in found if faces]
    count = sum(map(len, many[1]))
    template_ms = _median_ms(lambda: engine.templates_many(*many), repeats) / count
    return FacesReport(
        against=against,
        photos=len(images),
        repeats=repeats,
        threads=threads or usable_cores(),
        machine=f"{platform.system()} {platform.machine()}, {_processor()}",
        cores=os.cpu_count() or 1,
        template_ms=round(template_ms, 3),
        embed=_embedding(engine, chips, peer, repeats, threads),
        detect=detect,
    )
