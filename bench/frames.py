"""Measures where YuNet's landmarks lie, on average, in the squares that dlib's landmarks cut.

    python bench/frames.py ../shared/eval/people.csv

Each photo's most central face is found by dlib and by YuNet; where both agree, YuNet's landmarks
are carried into dlib's 150 px square. The means are the points of the frame ``dlib-5-by-five``.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from likeness.bench.photos import intersection_over_union
from likeness.faces.align import chip_places
from likeness.faces.engine import FaceEngine
from likeness.faces.frames import dlib_5, mean_places
from likeness.records.face import DetectedFace

SAME = 0.4
BATCH = 64

Places = NDArray[np.float64]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path, help="CSV with photo; photos beside it")
    parser.add_argument("--most", type=int, default=1500, help="photos to look at")
    options = parser.parse_args(arguments)
    rows = list(csv.DictReader(options.labels.open(encoding="utf-8")))
    step = max(1, len(rows) // options.most)
    paths = [options.labels.with_suffix("") / row["photo"] for row in rows[::step]]
    places = measured(paths, FaceEngine.load("dlib"), FaceEngine.load("yunet-dlib"))
    frame = mean_places("features", dlib_5())
    print(f"{len(places)} of {len(paths)} photos: mean places, spread, and the frame's points")
    for mean, spread, point in zip(places.mean(axis=0), places.std(axis=0), frame, strict=True):
        print(
            f"[{mean[0]:.2f}, {mean[1]:.2f}]  ±[{spread[0]:.2f}, {spread[1]:.2f}]  "
            f"[{point[0]:.2f}, {point[1]:.2f}]"
        )
    return 0


def measured(paths: Sequence[Path], dlib: FaceEngine, yunet: FaceEngine) -> Places:
    """Places in dlib's inner square, (n, 5, 2), of the photos where both find the same face."""
    places = []
    for start in range(0, len(paths), BATCH):
        images = [_read(path) for path in paths[start : start + BATCH]]
        for image, ours, theirs in zip(
            images, dlib.find_many(images), yunet.find_many(images), strict=True
        ):
            one, other = _most_central(image, ours), _most_central(image, theirs)
            if one and other and intersection_over_union(one.box, other.box) >= SAME:
                places.append(_in_chip(one, other))
        print(f"\r{start + len(images)}/{len(paths)} photos", end="", file=sys.stderr)
    print(file=sys.stderr)
    return np.stack(places)


def _in_chip(face: DetectedFace, given: DetectedFace) -> Places:
    """The landmarks of one face, in the square that those of the other cut."""
    place = chip_places(face.landmarks[None])[0]
    # The place of a pixel's middle is half a pixel from its corner.
    return (given.landmarks - place[:, 2]) @ np.linalg.inv(place[:, :2]).T + 0.5


def _most_central(image: NDArray[np.uint8], faces: Sequence[DetectedFace]) -> DetectedFace | None:
    middle = np.array([image.shape[1], image.shape[0]]) / 2

    def distance(face: DetectedFace) -> float:
        left, top, right, bottom = face.box
        return float(np.hypot(*(np.array([(left + right) / 2, (top + bottom) / 2]) - middle)))

    return min(faces, key=distance, default=None)


def _read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


if __name__ == "__main__":
    sys.exit(main())
