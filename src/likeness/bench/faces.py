"""Measures face analysis: a pass of the embedding network, a detection, a template.

Times are medians over photos and repeats. Beside dlib, the same photos and the same chips are given
to both in turn, so that whatever else the machine does meets both alike.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from likeness.bench.peer import DlibFaces
from likeness.bench.peer_package import FaceRecognitionPackage
from likeness.bench.photos import (
    SAME_FACE,
    LabelledBox,
    PhotoFile,
    Recall,
    intersection_over_union,
    read_labels,
    read_photos,
    recall_of,
)
from likeness.bench.timing import medians_ms, this_machine, times_as_fast
from likeness.bench.whole import CurvePoint, WholeReport, measure_curve, measure_whole
from likeness.errors import BadInput, UsageError
from likeness.faces.components import load_detector, load_embedder
from likeness.faces.detect import Detector, FoundBox, PyramidDetector
from likeness.faces.embed import Embedder
from likeness.faces.engine import FaceEngine
from likeness.faces.runtime import usable_cores
from likeness.faces.sampling import resized
from likeness.records.face import scaled_box

Against = Literal["dlib", "face_recognition"]
PEERS: tuple[Against, ...] = get_args(Against)

CHIPS = 16
"""Chips in a batch of the embedding network."""

MOST_PHOTOS = 48
MOST_BESIDE_DLIB = 8
"""Photos that are taken where the folder holds more, evenly from its names in order. dlib's network
takes seconds for one."""

LONG_SIDE = 1024
"""Larger photos are reduced to this many pixels on their longer side."""

CURVE_COPIES = 2
"""Photos at each point of the cost curve."""

SAME_BOX = 0.5
SURE = 0.1
"""A face that dlib scores lower is not asked for: whoever cuts levels otherwise may miss it."""

Image = NDArray[np.uint8]
_Found = list[list[FoundBox]]


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
        Share of the peer's faces that were found, by boxes with IoU >= 0.5 beside dlib, 0.3 beside
        another detector. Faces that dlib scores below 0.1 are left out.
    extra : int or None
        Faces found that the peer did not find; of scores from 0.1 on beside dlib.
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
class LabelledReport:
    """What was found of the faces that people labelled in the same photos."""

    ours: Recall
    peer: Recall | None


@dataclass(frozen=True, kw_only=True)
class FacesReport:
    """What was measured, and where.

    Attributes
    ----------
    against : str or None
    measured : str or None
        What exactly the peer is, with its version.
    pack : str
    template_ms : float
        Milliseconds from a face found in a photo to its template: alignment, the network over the
        chip and its mirror image, many faces at once.
    whole : WholeReport
    labelled : LabelledReport or None
        None where no labels were given.
    curve : list of CurvePoint
    """

    against: str | None
    measured: str | None
    pack: str
    photos: int
    repeats: int
    threads: int
    machine: str
    cores: int
    template_ms: float
    embed: EmbedReport
    detect: DetectReport
    whole: WholeReport
    labelled: LabelledReport | None
    curve: list[CurvePoint]

    def as_json(self) -> dict[str, Any]:
        """The report as ``likeness.bench.faces/1``."""
        return {"schema": "likeness.bench.faces/1", **asdict(self)}


class _Finds(Protocol):
    """A peer that finds faces."""

    def find(self, image: Image) -> list[FoundBox]:
        """The faces of an image."""
        ...


def run(
    photos: Path,
    *,
    against: Against | None = None,
    pack: str | Path = "dlib",
    labels: Path | None = None,
    most: int | None = None,
    repeats: int = 3,
    threads: int | None = None,
) -> FacesReport:
    """Measure face analysis on the photos of a folder.

    Parameters
    ----------
    photos : Path
        A folder.
    against : "dlib", "face_recognition" or None
        What to compare with. dlib needs seconds a photo.
    pack : str or Path
        The model pack to measure.
    labels : Path or None
        Boxes of the faces (see :func:`likeness.bench.photos.read_labels`), for recall.
    most : int or None
        Photos to take; 48 where None, 8 beside dlib.
    repeats : int
        How often each photo and batch is timed, after one run that is not.
    threads : int or None
        How many cores to use; all that this process may use where None.

    Raises
    ------
    UsageError
        ``repeats`` or ``most`` is below 1, or the peer is not installed or cannot run the pack.
    SourceUnreadable
        The folder is not there.
    BadInput
        It holds no photo that can be read, or no photo with a face; or the labels are malformed.
    """
    if repeats < 1 or (most is not None and most < 1):
        raise UsageError(f"{min(repeats, most or 1)} repeats measure nothing.", "Give 1 or more.")
    known = read_labels(labels) if labels else None
    engine = FaceEngine.load(pack, threads=threads)
    detector = load_detector(engine.pack, threads)
    peer = _dlib(engine, detector) if against == "dlib" else None
    package = FaceRecognitionPackage() if against == "face_recognition" else None
    taken = most or (MOST_BESIDE_DLIB if peer else MOST_PHOTOS)
    files = read_photos(photos, most=taken, long_side=LONG_SIDE)
    report, found = _measure(
        engine, detector, files, peer, package, repeats=repeats, threads=threads
    )
    labelled = _labelled(files, *found, known) if known is not None else None
    return replace(report, against=against, labelled=labelled)


def _measure(
    engine: FaceEngine,
    detector: Detector,
    files: Sequence[PhotoFile],
    peer: DlibFaces | None,
    package: FaceRecognitionPackage | None,
    *,
    repeats: int,
    threads: int | None,
) -> tuple[FacesReport, tuple[_Found, _Found | None]]:
    """The report without labels, and what ours and the peer found in each photo."""
    images = [file.pixels for file in files]
    template_ms, embed = _templates(engine, images, peer, threads=threads, repeats=repeats)
    machine, finder = this_machine(), peer or package
    detect, ours, theirs = _detection(detector, images, finder, repeats)
    cores = threads or usable_cores()
    report = FacesReport(
        against=None,
        measured=finder.measured if finder else None,
        pack=engine.pack.name,
        photos=len(images),
        repeats=repeats,
        threads=cores,
        cores=machine.cores,
        machine=machine.name,
        template_ms=template_ms,
        embed=embed,
        detect=detect,
        whole=measure_whole(engine, files, package, threads=cores, repeats=repeats),
        labelled=None,
        curve=measure_curve(engine, files, package, copies=CURVE_COPIES, repeats=repeats),
    )
    return report, (ours, theirs)


def _dlib(engine: FaceEngine, detector: Detector) -> DlibFaces:
    """dlib, given images as large as ours are made before they are searched."""
    return DlibFaces(
        engine.pack, detector.settings if isinstance(detector, PyramidDetector) else None
    )


def _templates(
    engine: FaceEngine,
    images: Sequence[Image],
    peer: DlibFaces | None,
    *,
    threads: int | None,
    repeats: int,
) -> tuple[float, EmbedReport]:
    """Milliseconds a template, and a pass of the network over a chip."""
    faces = engine.find_many(images)
    if not any(faces):
        raise BadInput(
            "None of the photos shows a face, so nothing can be measured.",
            "Give a folder with photos of people.",
        )
    (all_ms,) = medians_ms([lambda: engine.templates_many(images, faces)], repeats)
    squares = [
        engine.crops(image, found, size=engine.frame.inner)
        for image, found in zip(images, faces, strict=True)
    ]
    chips = resized(np.concatenate(squares), engine.pack.preprocessing.chip)
    batch = np.concatenate([chips] * -(-CHIPS // len(chips)))[:CHIPS]
    embed = _embedding(load_embedder(engine.pack, threads), batch, peer, repeats)
    return round(all_ms / len(chips), 3), embed


def _embedding(
    embedder: Embedder, chips: Image, peer: DlibFaces | None, repeats: int
) -> EmbedReport:
    if peer is None:
        (ours,) = medians_ms([lambda: embedder.embeddings(chips)], repeats)
        return EmbedReport(ours_ms=round(ours / len(chips), 3))
    apart = list(chips)
    ours, one_by_one, at_once = medians_ms(
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
    detector: Detector, images: Sequence[Image], peer: _Finds | None, repeats: int
) -> tuple[DetectReport, list[list[FoundBox]], list[list[FoundBox]] | None]:
    """The report, what ours found in each image and what the peer found."""
    (many,) = medians_ms([lambda: detector.find_many(images)], repeats)
    works = [detector.find] if peer is None else [detector.find, peer.find]
    times = [medians_ms([partial(work, image) for work in works], repeats) for image in images]
    ours, *theirs = (statistics.median(column) for column in zip(*times, strict=True))
    found = [detector.find(image) for image in images]
    plain = DetectReport(
        ours_ms=round(ours, 3),
        ours_many_ms=round(many / len(images), 3),
        faces=sum(map(len, found)),
    )
    if peer is None:
        return plain, found, None
    others = [peer.find(image) for image in images]
    as_dlib = isinstance(peer, DlibFaces)
    recall, extra = _agreement(
        found,
        others,
        least=SAME_BOX if as_dlib else SAME_FACE,
        sure=SURE if as_dlib else 0.0,
    )
    report = replace(
        plain,
        peer_ms=round(theirs[0], 3),
        ratio=times_as_fast(ours, theirs[0]),
        recall=recall,
        extra=extra,
    )
    return report, found, others


def _labelled(
    files: Sequence[PhotoFile],
    ours: Sequence[Sequence[FoundBox]],
    theirs: Sequence[Sequence[FoundBox]] | None,
    labels: Mapping[str, Sequence[LabelledBox]],
) -> LabelledReport:
    """What each found of the labelled faces."""

    def of(found: Sequence[Sequence[FoundBox]]) -> Recall:
        boxes = {
            file.name: [scaled_box(one.box, file.scale) for one in some]
            for file, some in zip(files, found, strict=True)
        }
        return recall_of(boxes, labels)

    return LabelledReport(ours=of(ours), peer=of(theirs) if theirs is not None else None)


def _agreement(
    ours: Sequence[Sequence[FoundBox]],
    theirs: Sequence[Sequence[FoundBox]],
    *,
    least: float,
    sure: float,
) -> tuple[float, int]:
    """Share of their faces that are ours too, and how many of ours are not theirs.

    Boxes are of one face from an IoU of ``least`` on; faces are counted from a score of ``sure``.
    """
    wanted, met, extra = 0, 0, 0
    for mine, others in zip(ours, theirs, strict=True):
        left = list(mine)
        for other in others:
            fits = [intersection_over_union(one.box, other.box) for one in left]
            same = max(range(len(left)), key=fits.__getitem__, default=None)
            found = same is not None and fits[same] >= least
            if same is not None and found:
                del left[same]
            wanted += other.score >= sure
            met += found and other.score >= sure
        extra += sum(one.score >= sure for one in left)
    return (met / wanted if wanted else 1.0), extra
