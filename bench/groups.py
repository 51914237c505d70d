"""Counts how often two different people of one group pass for one person, and prints a table.

    python bench/groups.py ../shared/eval/demographics.csv

The CSV names photo, group and sex, one photo a person; the photos lie in the folder of its name.
Each two people of one group and sex are compared; the share at or above the pack's ``strong`` for a
gallery of one is what its calibration puts at 0.1%.
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path)
    parser.add_argument("--pack", default="dlib")
    options = parser.parse_args(arguments)
    engine = FaceEngine.load(options.pack)
    strong = engine.pack.thresholds_for(1).strong
    rows = list(csv.DictReader(options.labels.open(encoding="utf-8")))
    groups: dict[tuple[str, str], list[NDArray[np.float32]]] = {}
    missed = 0
    for row in rows:
        template = template_of(engine, options.labels.with_suffix("") / row["photo"])
        if template is None:
            missed += 1
            continue
        groups.setdefault((row["group"], row["sex"]), []).append(template)
    print(f"strong = {strong}; {len(rows) - missed} of {len(rows)} photos have a face")
    for (group, sex), templates in sorted(groups.items()):
        scores = np.stack(templates) @ np.stack(templates).T
        pairs = scores[np.triu_indices(len(templates), 1)]
        print(
            f"{group:8} {sex:7} {len(templates):4} people  {100 * (pairs >= strong).mean():6.2f}%"
        )
    return 0


def template_of(engine: FaceEngine, path: Path) -> NDArray[np.float32] | None:
    """The template of the largest face, float32 of shape (d,), or None where there is none."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    faces = engine.find(pixels)
    if not faces:
        return None
    largest = max(faces, key=lambda face: (face.box[2] - face.box[0]) * (face.box[3] - face.box[1]))
    template: NDArray[np.float32] = engine.templates(pixels, [largest])[0]
    return template


if __name__ == "__main__":
    sys.exit(main())
