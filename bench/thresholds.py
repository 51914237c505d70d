"""Measures a model pack's thresholds on labelled portraits and prints the table for its manifest.

    python bench/thresholds.py ../shared/eval/people.csv [--write src/likeness/faces/manifests/dlib.toml]

Galleries of several sizes are drawn at random, again and again, and searched with faces of people who
are not in them. A person's score is the highest over up to three references. ``strong`` is the score
that one such search in a thousand reaches (FPIR 0.1%), ``review`` one in a hundred. People with five
photos or more are left out: what is reported of a pack is measured on them. For that report the
script compares two ways to score a person with several references.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from likeness.faces.engine import FaceEngine
from likeness.records.face import DetectedFace

SIZES = (1, 10, 50, 100, 300, 1000)
STRONG, REVIEW = 0.001, 0.01
REFERENCES = 3
DRAWS = 400
REPORTED_FROM = 5
BATCH = 32

Floats = NDArray[np.float32]
Scorer = Callable[[Floats], Floats]
"""Templates (n, d) to scores (persons, n)."""


@dataclass(frozen=True, kw_only=True)
class Portraits:
    """Templates of one face a photo, and whose it is.

    Attributes
    ----------
    templates : float32 array of shape (n, d)
    people : int array of shape (n,)
        A number for each person.
    skipped : int
        Photos without a face.
    """

    templates: Floats
    people: NDArray[np.int64]
    skipped: int

    def of(self, chosen: NDArray[np.bool_]) -> Portraits:
        """Those photos alone."""
        return Portraits(
            templates=self.templates[chosen], people=self.people[chosen], skipped=self.skipped
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path, help="CSV with photo and person; photos beside it")
    parser.add_argument("--photos", type=Path, help="folder of the photos; else the CSV's name")
    parser.add_argument("--pack", default="dlib")
    parser.add_argument("--write", type=Path, help="manifest whose thresholds are replaced")
    parser.add_argument("--seed", type=int, default=20250101)
    options = parser.parse_args(arguments)
    photos = options.photos or options.labels.with_suffix("")
    portraits = read_portraits(options.labels, photos, FaceEngine.load(options.pack))
    counts = np.bincount(portraits.people)
    calibrated = portraits.of(counts[portraits.people] < REPORTED_FROM)
    random = np.random.default_rng(options.seed)
    table = thresholds_table(calibrated, random, source=options.labels.stem)
    print(table)
    report_scoring(portraits, random)
    if options.write:
        replace_thresholds(options.write, table)
    return 0


def read_portraits(labels: Path, photos: Path, engine: FaceEngine) -> Portraits:
    """Templates of the most central face of each photo, kept in the temporary folder for next time."""
    rows = list(csv.DictReader(labels.open(encoding="utf-8")))
    key = hashlib.sha256(f"{labels.resolve()} {engine.fingerprint}".encode()).hexdigest()[:16]
    kept = Path(tempfile.gettempdir()) / f"likeness-thresholds-{key}.npz"
    if kept.exists():
        with np.load(kept) as stored:
            templates, found = stored["templates"], stored["found"]
    else:
        templates, found = _compute(rows, photos, engine)
        np.savez(kept, templates=templates, found=found)
    names = sorted({row["person"] for row in rows})
    numbers = {name: number for number, name in enumerate(names)}
    people = np.array([numbers[row["person"]] for row in rows], dtype=np.int64)
    return Portraits(templates=templates[found], people=people[found], skipped=int((~found).sum()))


def _compute(
    rows: Sequence[dict[str, str]], photos: Path, engine: FaceEngine
) -> tuple[Floats, NDArray[np.bool_]]:
    templates = np.zeros((len(rows), engine.template_length), dtype=np.float32)
    found = np.zeros(len(rows), dtype=bool)
    for start in range(0, len(rows), BATCH):
        images = [_read(photos / row["photo"]) for row in rows[start : start + BATCH]]
        central = [
            _most_central(image, faces)
            for image, faces in zip(images, engine.find_many(images), strict=True)
        ]
        for offset, made in enumerate(engine.templates_many(images, central)):
            if len(made):
                templates[start + offset], found[start + offset] = made[0], True
        print(f"\r{start + len(images)}/{len(rows)} photos", end="", file=sys.stderr)
    print(file=sys.stderr)
    return templates, found


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


def person_scores(portraits: Portraits) -> tuple[Floats, NDArray[np.int64]]:
    """The score of each photo (columns) against each person (rows), and the persons' numbers.

    The highest over the person's first three photos.
    """
    persons = np.unique(portraits.people)
    similar = portraits.templates @ portraits.templates.T
    rows = []
    for person in persons:
        references = np.flatnonzero(portraits.people == person)[:REFERENCES]
        rows.append(similar[references].max(axis=0))
    return np.stack(rows), persons


def false_positive_scores(
    portraits: Portraits, size: int, random: np.random.Generator, *, draws: int = DRAWS
) -> Floats:
    """Top scores of searches with faces of people outside galleries of ``size`` persons."""
    scores, persons = person_scores(portraits)
    if size == 1:
        return scores[portraits.people[None, :] != persons[:, None]]
    tops = []
    for _ in range(draws):
        gallery = random.choice(len(persons), size, replace=False)
        outside = ~np.isin(portraits.people, persons[gallery])
        tops.append(scores[gallery][:, outside].max(axis=0))
    return np.concatenate(tops)


def thresholds_table(portraits: Portraits, random: np.random.Generator, *, source: str) -> str:
    """The manifest's ``[[thresholds]]``, one for each size of gallery."""
    persons = len(np.unique(portraits.people))
    parts = []
    for size in SIZES:
        if size >= persons:
            break
        tops = false_positive_scores(portraits, size, random)
        strong, review = np.quantile(tops, [1 - STRONG, 1 - REVIEW])
        words = (
            f"{len(portraits.people)} faces of {persons} people of LFW with fewer than "
            f"{REPORTED_FROM} photos ({source}), up to {REFERENCES} references each, "
            f"{'all pairs' if size == 1 else f'{DRAWS} random galleries'}"
        )
        parts.append(
            "[[thresholds]]\n"
            f"gallery_size = {size}\nstrong = {_up(strong)}\nreview = {_up(review)}\n"
            f'measured_on = "{words}"\n'
        )
    return "\n".join(parts)


def _up(score: float) -> float:
    """Rounded up to three decimals."""
    return float(np.ceil(score * 1000) / 1000)


def report_scoring(portraits: Portraits, random: np.random.Generator) -> None:
    """Print FNIR at FPIR 0.1% for two ways to score a person: best reference, or their mean."""
    counts = np.bincount(portraits.people)
    enrolled = np.flatnonzero(counts >= REPORTED_FROM)
    strangers = portraits.of(counts[portraits.people] < REPORTED_FROM)
    print(
        f"\n# {len(enrolled)} people with {REPORTED_FROM} photos or more enrolled from "
        f"{REFERENCES}, searched with their other photos; FNIR at FPIR {STRONG:.1%} a face"
    )
    misses: dict[str, list[float]] = {"best reference": [], "mean of references": []}
    for _ in range(20):
        ways, probes, owners = _enrol(portraits, enrolled, random)
        for name, score in ways.items():
            threshold = np.quantile(score(strangers.templates).max(axis=0), 1 - STRONG)
            of_owner = score(probes)[owners, np.arange(len(owners))]
            misses[name].append(float(np.mean(of_owner < threshold)))
    for name, shares in misses.items():
        print(f"# {name}: {np.mean(shares):.2%} (from {min(shares):.2%} to {max(shares):.2%})")


def _enrol(
    portraits: Portraits, enrolled: NDArray[np.int64], random: np.random.Generator
) -> tuple[dict[str, Scorer], Floats, NDArray[np.int64]]:
    """Two ways to score people enrolled from three random photos each, and their other photos."""
    references, probes, owners = [], [], []
    for row, person in enumerate(enrolled):
        mine = random.permutation(np.flatnonzero(portraits.people == person))
        references.append(portraits.templates[mine[:REFERENCES]])
        probes.append(portraits.templates[mine[REFERENCES:]])
        owners += [row] * len(probes[-1])
    stacked = np.stack(references)
    means = stacked.mean(axis=1)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    ways: dict[str, Scorer] = {
        "best reference": lambda given: np.einsum("prd,nd->prn", stacked, given).max(axis=1),
        "mean of references": lambda given: means @ given.T,
    }
    return ways, np.concatenate(probes), np.array(owners)


def replace_thresholds(manifest: Path, table: str) -> None:
    """Put the table in the place of all thresholds at the end of a manifest."""
    text = manifest.read_text(encoding="utf-8")
    before = re.split(r"^\[\[thresholds\]\]", text, maxsplit=1, flags=re.MULTILINE)[0]
    manifest.write_text(f"{before.rstrip()}\n\n{table.rstrip()}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
