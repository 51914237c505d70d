"""Measures a model pack's thresholds on labelled portraits and prints the table for its manifest.

    python bench/thresholds.py ../shared/eval/people.csv [--pack NAME_OR_MANIFEST]
        [--write MANIFEST]

Galleries of several sizes are drawn at random, again and again, and searched with faces of people
who are not in them. ``strong`` is the score that one such search in a thousand reaches (FPIR 0.1%)
while leading the next person by ``MARGIN``, ``review`` one in a hundred; both are the upper ends of
their bootstrap intervals. A person's score is the highest over three references (``--rule best``)
or that of their mean, which is how the gallery scores. People with five photos or more are left
out: what is reported of a pack is measured on them; here they only tell which rule misses fewer.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from likeness.evaluation.calibration import (
    REFERENCES,
    REVIEW,
    STRONG,
    Floats,
    Portraits,
    Rule,
    best_reference,
    mean_reference,
    measure_levels,
)
from likeness.faces.crops import REFERENCE_CROP_SIZE
from likeness.faces.engine import FaceEngine
from likeness.records.face import DetectedFace

SIZES = (1, 10, 50, 100, 300, 1000)
MARGIN = 0.02
DRAWS = 400
TRIALS = 20
REPORTED_FROM = 5
BATCH = 32


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path, help="CSV with photo and person; photos beside it")
    parser.add_argument("--photos", type=Path, help="folder of the photos; else the CSV's name")
    parser.add_argument("--pack", default="dlib", help="name, or path of a manifest")
    parser.add_argument("--rule", choices=("best", "mean"), default="mean", help="of references")
    parser.add_argument("--write", type=Path, help="manifest whose thresholds are replaced")
    parser.add_argument(
        "--same",
        nargs=2,
        action="append",
        default=[],
        metavar=("PERSON", "PERSON"),
        help="two labels that are one person",
    )
    parser.add_argument("--seed", type=int, default=20250101)
    options = parser.parse_args(arguments)
    photos = options.photos or options.labels.with_suffix("")
    engine = FaceEngine.load(options.pack)
    portraits = read_portraits(
        options.labels, photos, engine, same=[(one, other) for one, other in options.same]
    )
    counts = np.bincount(portraits.people)
    calibrated = portraits.of(counts[portraits.people] < REPORTED_FROM)
    random = np.random.default_rng(options.seed)
    source = (
        f"{options.labels.stem}, labels of one person merged"
        if options.same
        else options.labels.stem
    )
    table = thresholds_table(calibrated, RULES[options.rule], random, source=source)
    print(table)
    report_scoring(portraits, random)
    if options.write:
        replace_thresholds(options.write, table)
    return 0


def read_portraits(
    labels: Path, photos: Path, engine: FaceEngine, *, same: Sequence[tuple[str, str]]
) -> Portraits:
    """Templates of each photo's most central face, kept in the temporary folder."""
    rows = list(csv.DictReader(labels.open(encoding="utf-8")))
    key = hashlib.sha256(f"{labels.resolve()} {engine.fingerprint}".encode()).hexdigest()[:16]
    kept = Path(tempfile.gettempdir()) / f"likeness-thresholds-2-{key}.npz"
    if kept.exists():
        with np.load(kept) as stored:
            templates, references, found = (
                stored[name] for name in ("templates", "references", "found")
            )
    else:
        templates, references, found = _compute(rows, photos, engine)
        np.savez(kept, templates=templates, references=references, found=found)
    one_of = dict(same)
    labelled = [one_of.get(row["person"], row["person"]) for row in rows]
    people = np.unique(labelled, return_inverse=True)[1].astype(np.int64)
    return Portraits(
        templates=templates[found],
        references=references[found],
        people=people[found],
        skipped=int((~found).sum()),
    )


def _compute(
    rows: Sequence[dict[str, str]], photos: Path, engine: FaceEngine
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    templates = np.zeros((len(rows), engine.template_length), dtype=np.float32)
    references = templates.copy()
    found = np.zeros(len(rows), dtype=bool)
    for start in range(0, len(rows), BATCH):
        images = [_read(photos / row["photo"]) for row in rows[start : start + BATCH]]
        central = [
            _most_central(image, faces)
            for image, faces in zip(images, engine.find_many(images), strict=True)
        ]
        there = [offset for offset, faces in enumerate(central) if faces]
        crops = [
            engine.crops(images[offset], central[offset], size=REFERENCE_CROP_SIZE)
            for offset in there
        ]
        if crops:
            kept = np.array(there) + start
            found[kept] = True
            references[kept] = engine.reference_templates(np.concatenate(crops))
            templates[kept] = engine.templates_from_crops(np.concatenate(crops))
        print(f"\r{start + len(images)}/{len(rows)} photos", end="", file=sys.stderr)
    print(file=sys.stderr)
    return templates, references, found


def _read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _most_central(image: NDArray[np.uint8], faces: list[DetectedFace]) -> list[DetectedFace]:
    """The face nearest to the middle, as a list of at most one."""
    middle = np.array([image.shape[1], image.shape[0]]) / 2

    def distance(face: DetectedFace) -> float:
        left, top, right, bottom = face.box
        return float(np.hypot(*(np.array([(left + right) / 2, (top + bottom) / 2]) - middle)))

    return sorted(faces, key=distance)[:1]


RULES: dict[str, Rule] = {"best": best_reference, "mean": mean_reference}


def thresholds_table(
    portraits: Portraits, rule: Rule, random: np.random.Generator, *, source: str
) -> str:
    """The manifest's ``[[thresholds]]``, one for each size of gallery."""
    people = len(np.unique(portraits.people))
    full = int((np.bincount(portraits.people) >= REFERENCES).sum())
    measured = measure_levels(
        portraits,
        random,
        margin=MARGIN,
        rule=rule,
        sizes=SIZES,
        draws=DRAWS,
        fewest_for_strong=0,
    )
    parts = []
    for levels in measured:
        words = (
            f"LFW ({source}), people with fewer than {REPORTED_FROM} photos: "
            f"{len(portraits.people)} faces, {DRAWS} random galleries of "
            + (
                f"all {people} people, raised by what {REFERENCES} references add"
                if levels.raised
                else f"the {full} people with {REFERENCES} references"
            )
        )
        parts.append(
            "[[thresholds]]\n"
            f"gallery_size = {levels.gallery_size}\nstrong = {levels.strong}\n"
            f"review = {levels.review}\nmargin = {MARGIN}\n"
            f'measured_on = "{words}"\n'
        )
    return "\n".join(parts)


def report_scoring(portraits: Portraits, random: np.random.Generator) -> None:
    """Print the misses of both rules at equal false positives, on the people left out so far."""
    counts = np.bincount(portraits.people)
    enrolled = np.flatnonzero(counts >= REPORTED_FROM)
    strangers = portraits.templates[counts[portraits.people] < REPORTED_FROM]
    print(
        f"\n# {len(enrolled)} people with {REPORTED_FROM} photos or more, enrolled from "
        f"{REFERENCES} at random, searched with their others (mean of {TRIALS} trials)"
    )
    misses: dict[tuple[str, float], list[float]] = {}
    for _ in range(TRIALS):
        references, probes, owners = _enrol(portraits, enrolled, random)
        for name, rule in RULES.items():
            tops = rule(references, strangers).max(axis=0)
            mated = rule(references, probes)[owners, np.arange(len(owners))]
            for level in (STRONG, REVIEW):
                share = float(np.mean(mated < np.quantile(tops, 1 - level)))
                misses.setdefault((name, level), []).append(share)
    for (name, level), shares in misses.items():
        print(f"# {name} of the references: FNIR {np.mean(shares):.2%} at FPIR {level:.1%} a face")


def _enrol(
    portraits: Portraits, enrolled: NDArray[np.int64], random: np.random.Generator
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """References (persons, 3, d), templates of all other photos, and whose row they belong to."""
    references, probes, owners = [], [], []
    for row, person in enumerate(enrolled):
        mine = random.permutation(np.flatnonzero(portraits.people == person))
        references.append(portraits.enrolled[mine[:REFERENCES]])
        probes.append(portraits.templates[mine[REFERENCES:]])
        owners += [row] * len(probes[-1])
    return np.stack(references), np.concatenate(probes), np.array(owners)


def replace_thresholds(manifest: Path, table: str) -> None:
    """Put the table in the place of all thresholds, or of provisional ones, at a manifest's end."""
    text = manifest.read_text(encoding="utf-8")
    start = re.compile(r"^\[(\[thresholds\]|provisional)\]", flags=re.MULTILINE)
    before = start.split(text, maxsplit=1)[0]
    manifest.write_text(f"{before.rstrip()}\n\n{table.rstrip()}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
