"""Counts which labelled faces a detector finds in group photos, and how long a photo takes it.

    python bench/detection.py ../shared/eval/groups.jsonl --pack dlib --settings --hog --cnn \
        --into docs/reference/accuracy.md

Each line of the labels is ``{"photo": ..., "boxes": [[left, top, right, bottom], ...]}``, the
photos lie in the folder of its name. The labels frame heads up to the hair and detectors frame
faces, each in its own way, so boxes are compared after one fixed move and stretch a detector: the
medians over the first, third and so on photo. What is reported is counted on the others. A face
is found by a box with IoU >= 0.5, surest boxes first, one each; any other box is a false positive.
Recall is given where a detector's threshold makes 0.1 false positives a photo, and at its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from generated import put_into
from numpy.typing import NDArray
from PIL import Image

from likeness.faces.components import load_detector
from likeness.faces.packs import Detection, Pack, load_manifest, locate

SAME = 0.5
NEAR = 0.3
FALSE_A_PHOTO = 0.1
LEAST = -0.9
DRAWS = 1000
SEED = 20250101
TIMED = 16
"""Each so manyth photo is timed."""

SETTINGS = (
    (1.0, 5 / 6),
    (1.0, 3 / 4),
    (1.5, 5 / 6),
    (1.5, 3 / 4),
    (2.0, 5 / 6),
    (2.0, 3 / 4),
    (1.65, 0.7),
    (2.0, 2 / 3),
)
"""How often enlarged, and by which step, of dlib's detector."""

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]
Found = tuple[Floats, Floats]
"""Boxes (n, 4) and their scores (n,)."""
Find = Callable[[Pixels], Found]


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A photo and its labelled faces, float64 (n, 4)."""

    path: Path
    faces: Floats

    def read(self) -> Pixels:
        """uint8 (H, W, 3), RGB."""
        with Image.open(self.path) as image:
            return np.asarray(image.convert("RGB"))


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Of each photo: how many faces it has, and the scores of right and of false boxes."""

    faces: Sequence[int]
    right: Sequence[Floats]
    false: Sequence[Floats]

    def level(self, a_photo: float) -> float:
        """The lowest threshold with at most so many false positives a photo."""
        falling = np.sort(np.concatenate(self.false))[::-1]
        allowed = int(a_photo * len(self.faces) + 1e-9)
        return float(falling[allowed]) if allowed < len(falling) else -np.inf

    def recall(self, threshold: float, weights: Floats | None = None) -> float:
        """Share of the faces that have a right box above the threshold."""
        weight = np.ones(len(self.faces)) if weights is None else weights
        hits = np.array([(scores > threshold).sum() for scores in self.right])
        return float((weight * hits).sum() / (weight * np.array(self.faces)).sum())

    def false_a_photo(self, threshold: float) -> float:
        """False positives a photo above the threshold."""
        return float(np.mean([(scores > threshold).sum() for scores in self.false]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path)
    parser.add_argument("--pack", action="append", help="dlib where none is given")
    parser.add_argument("--settings", action="store_true", help="try those of dlib's detector")
    parser.add_argument("--hog", action="store_true", help="dlib's HOG detector beside it")
    parser.add_argument("--cnn", action="store_true", help="dlib's own run of the same network")
    parser.add_argument("--most", type=int, help="photos to take")
    parser.add_argument("--into", type=Path, help="page that takes the table")
    options = parser.parse_args(arguments)
    photos = read_photos(options.labels)[: options.most]
    rows = [
        f"| detector | recall at {FALSE_A_PHOTO} false a photo | at its threshold | ms a photo |",
        "|---|---|---|---|",
    ]
    packs = options.pack or ["dlib"]
    measured = contenders(packs, settings=options.settings, hog=options.hog, cnn=options.cnn)
    for one in measured:
        rows.append(row_of(one, photos))
        print(rows[-1], flush=True)
    if options.into:
        put_into(options.into, "detection", "\n".join(rows))
    return 0


@dataclass(frozen=True, kw_only=True)
class Contender:
    """What is measured.

    Attributes
    ----------
    name : str
    find : callable or None
        All that it sees above a low threshold; None where only its time is of interest.
    timed : callable
        As it is used.
    threshold : float
        From which score on it counts a face.
    """

    name: str
    find: Find | None
    timed: Find
    threshold: float


def contenders(
    packs: Sequence[str], *, settings: bool, hog: bool, cnn: bool
) -> Iterator[Contender]:
    """Everything that is measured, in order."""
    for name in packs:
        pack = load_manifest(name)
        yield pack_contender(f"pack `{name}`", pack)
        pyramid = pack.file("detector").kind == "dlib-mmod"
        for enlarge, step in SETTINGS if settings and pyramid else ():
            options = (("enlarge", enlarge), ("step", step))
            tried = replace(pack, detection=Detection(threshold=0.0, options=options))
            yield pack_contender(f"enlarged {enlarge:g} times, step {step:.3f}", tried)
    if hog:
        found = hog_finder()
        name = "dlib's HOG detector, enlarged twice"
        yield Contender(name=name, find=found, timed=found, threshold=0.0)
    if cnn:
        name = "dlib's run of the same network, enlarged twice, step 0.833"
        yield Contender(name=name, find=None, timed=cnn_finder(), threshold=0.0)


def read_photos(labels: Path) -> list[Photo]:
    """The labelled photos, in the order of the file."""
    folder = labels.with_suffix("")
    rows = [json.loads(line) for line in labels.read_text(encoding="utf-8").splitlines()]
    return [
        Photo(
            path=folder / row["photo"],
            faces=np.array(row["boxes"], dtype=np.float64).reshape(-1, 4),
        )
        for row in rows
    ]


def pack_contender(name: str, pack: Pack) -> Contender:
    """The detector of a pack as its manifest sets it, and from a low threshold on."""
    detection = pack.detection or Detection()
    low = LEAST if pack.file("detector").kind == "dlib-mmod" else 0.1
    return Contender(
        name=name,
        find=_finder(replace(pack, detection=replace(detection, threshold=low))),
        timed=_finder(pack),
        threshold=detection.threshold or 0.0,
    )


def _finder(pack: Pack) -> Find:
    detector = load_detector(pack, None)

    def find(image: Pixels) -> Found:
        found = detector.find(image)
        boxes = np.array([one.box for one in found], dtype=np.float64).reshape(-1, 4)
        return boxes, np.array([one.score for one in found], dtype=np.float64)

    return find


def hog_finder() -> Find:
    """The older detector of dlib, as the package face_recognition uses it."""
    import dlib

    detector = dlib.get_frontal_face_detector()

    def find(image: Pixels) -> Found:
        rects, scores, _ = detector.run(image, 1, -0.5)
        boxes = [[one.left(), one.top(), one.right() + 1, one.bottom() + 1] for one in rects]
        return np.array(boxes, dtype=np.float64).reshape(-1, 4), np.array(scores, dtype=np.float64)

    return find


def cnn_finder() -> Find:
    """The same network as the pack ``dlib`` has, run by dlib."""
    import dlib

    pack = load_manifest("dlib")
    detector = dlib.cnn_face_detection_model_v1(str(locate(pack, pack.file("detector"))))

    def find(image: Pixels) -> Found:
        found = detector(image, 1)
        rects = [one.rect for one in found]
        boxes = [[one.left(), one.top(), one.right() + 1, one.bottom() + 1] for one in rects]
        scores = [one.confidence for one in found]
        return np.array(boxes, dtype=np.float64).reshape(-1, 4), np.array(scores, dtype=np.float64)

    return find


def row_of(one: Contender, photos: Sequence[Photo]) -> str:
    """One row of the table."""
    times = []
    for photo in photos[::TIMED]:
        image = photo.read()
        began = time.perf_counter()
        one.timed(image)
        times.append((time.perf_counter() - began) * 1000)
    took = f"{statistics.median(times):.1f}"
    if one.find is None:
        return f"| {one.name} | as ours, so set | | {took} |"
    found = [one.find(photo.read()) for photo in photos]
    convention = fitted(found[::2], photos[::2])
    counted = count(
        [(moved(boxes, convention), scores) for boxes, scores in found[1::2]], photos[1::2]
    )
    level = counted.level(FALSE_A_PHOTO)
    low, high = interval(counted, level)
    own = f"{counted.recall(one.threshold):.3f}, {counted.false_a_photo(one.threshold):.3f} false"
    return f"| {one.name} | {counted.recall(level):.3f} [{low:.3f}, {high:.3f}] | {own} | {took} |"


def fitted(found: Sequence[Found], photos: Sequence[Photo]) -> Floats:
    """How labels lie to a detector's boxes, in sides of them: right, down, width, height."""
    seen = []
    for (boxes, _), photo in zip(found, photos, strict=True):
        if not len(boxes) or not len(photo.faces):
            continue
        overlap = intersection_over_union(photo.faces, boxes)
        for face, row in zip(photo.faces, overlap, strict=True):
            box = boxes[row.argmax()]
            if row.max() >= NEAR:
                side = np.sqrt((box[2] - box[0]) * (box[3] - box[1]))
                apart = (face[:2] + face[2:] - box[:2] - box[2:]) / 2
                seen.append(np.concatenate([apart, face[2:] - face[:2]]) / side)
    convention: Floats = np.median(seen, axis=0) if seen else np.array([0.0, 0.0, 1.0, 1.0])
    return convention


def moved(boxes: Floats, convention: Floats) -> Floats:
    """Boxes as the labels would frame what they frame."""
    sides = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))[:, None]
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 + sides * convention[:2]
    half = sides * convention[2:] / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def count(found: Sequence[Found], photos: Sequence[Photo]) -> Counted:
    """Which boxes are right, surest first, and which are false."""
    right, false = [], []
    for (boxes, scores), photo in zip(found, photos, strict=True):
        overlap = intersection_over_union(boxes, photo.faces)
        hits = np.zeros(len(boxes), dtype=bool)
        for index in np.argsort(-scores, kind="stable"):
            if len(photo.faces) and overlap[index].max() >= SAME:
                hits[index] = True
                overlap[:, overlap[index].argmax()] = -1.0
        right.append(scores[hits])
        false.append(scores[~hits])
    return Counted(faces=[len(photo.faces) for photo in photos], right=right, false=false)


def interval(counted: Counted, threshold: float) -> tuple[float, float]:
    """The 95% interval of recall, by drawing photos anew."""
    random = np.random.default_rng(SEED)
    photos = len(counted.faces)
    drawn = [
        counted.recall(
            threshold,
            np.bincount(random.integers(0, photos, photos), minlength=photos).astype(np.float64),
        )
        for _ in range(DRAWS)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def intersection_over_union(one: Floats, other: Floats) -> Floats:
    """(n, 4) and (m, 4) to (n, m)."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (one, other)]
    shared: Floats = common / np.maximum(areas[0][:, None] + areas[1][None] - common, 1e-9)
    return shared


if __name__ == "__main__":
    sys.exit(main())
