"""Tells pairs of portraits of one person from pairs of two, with several model packs beside.

    python bench/pairs.py ../shared/eval/pairs.csv --photos ../shared/eval/people \\
        --pack dlib --pack yunet-dlib

The CSV names photo_a, photo_b and mated (1 or 0). Only pairs whose photos all packs find a face in
count. For each pack: the share of pairs told right at the best threshold, the rate at which both
errors are equal, and how far the scores of both kinds of pairs are apart (d').
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

from likeness.faces.engine import FaceEngine
from likeness.records.face import DetectedFace

BATCH = 32

Templates = dict[str, NDArray[np.float32]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--pack", action="append", required=True)
    options = parser.parse_args(arguments)
    rows = list(csv.DictReader(options.pairs.open(encoding="utf-8")))
    names = sorted({row[side] for row in rows for side in ("photo_a", "photo_b")})
    made = {
        pack: templates_of(FaceEngine.load(pack), options.photos, names) for pack in options.pack
    }
    found = set.intersection(*(set(templates) for templates in made.values()))
    rows = [row for row in rows if {row["photo_a"], row["photo_b"]} <= found]
    mated = np.array([row["mated"] == "1" for row in rows])
    print(f"{mated.sum()} mated and {(~mated).sum()} non-mated pairs")
    for pack, templates in made.items():
        scores = np.array(
            [float(templates[row["photo_a"]] @ templates[row["photo_b"]]) for row in rows]
        )
        right, equal, apart = told_apart(scores[mated], scores[~mated])
        print(f"{pack:20} right {right:.4f}  equal errors {equal:.4f}  d' {apart:.2f}")
    return 0


def told_apart(
    mated: NDArray[np.float64], others: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Share told right at the best threshold, equal error rate, and d'."""
    thresholds = np.unique(np.concatenate([mated, others]))
    missed = (mated[None] < thresholds[:, None]).mean(axis=1)
    passed = (others[None] >= thresholds[:, None]).mean(axis=1)
    wrong = (missed * len(mated) + passed * len(others)) / (len(mated) + len(others))
    spread = np.sqrt((mated.var() + others.var()) / 2)
    return (
        1 - float(wrong.min()),
        float(np.maximum(missed, passed).min()),
        float((mated.mean() - others.mean()) / spread),
    )


def templates_of(engine: FaceEngine, folder: Path, names: Sequence[str]) -> Templates:
    """The template of each photo's most central face."""
    made: Templates = {}
    for start in range(0, len(names), BATCH):
        batch = names[start : start + BATCH]
        images = [_read(folder / name) for name in batch]
        faces = [
            _most_central(image, found)
            for image, found in zip(images, engine.find_many(images), strict=True)
        ]
        for name, templates in zip(batch, engine.templates_many(images, faces), strict=True):
            if len(templates):
                made[name] = templates[0]
        print(f"\r{start + len(batch)}/{len(names)} photos", end="", file=sys.stderr)
    print(file=sys.stderr)
    return made


def _most_central(image: NDArray[np.uint8], faces: list[DetectedFace]) -> list[DetectedFace]:
    """The face nearest to the middle, as a list of at most one."""
    middle = np.array([image.shape[1], image.shape[0]]) / 2

    def distance(face: DetectedFace) -> float:
        left, top, right, bottom = face.box
        return float(np.hypot(*(np.array([(left + right) / 2, (top + bottom) / 2]) - middle)))

    return sorted(faces, key=distance)[:1]


def _read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


if __name__ == "__main__":
    sys.exit(main())
