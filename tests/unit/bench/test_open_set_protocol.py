"""The protocols of bench/accuracy.py and bench/detection.py, on cases whose answer is known."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

BENCH = Path(__file__).resolve().parents[3] / "bench"


def _module(name: str) -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCH))
        yield importlib.import_module(name)


@pytest.fixture(scope="module")
def open_set() -> Iterator[Any]:
    yield from _module("open_set")


@pytest.fixture(scope="module")
def detection() -> Iterator[Any]:
    yield from _module("detection")


def labels_of(open_set: Any, folder: Path, rows: list[tuple[str, str]], **options: Any) -> Any:
    path = folder / "people.csv"
    lines = ["photo,person", *(f"{photo},{person}" for photo, person in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return open_set.read_labels(path, **options)


def test_the_first_photos_by_number_are_references_and_the_others_probes(
    open_set: Any, tmp_path: Path
) -> None:
    rows = [("a_10.jpg", "Ann"), ("a_2.jpg", "Ann"), ("b_1.jpg", "Ben"), ("a_1.jpg", "Ann")]
    labels = labels_of(open_set, tmp_path, rows)
    trial = open_set.trial(labels, 2, "all")
    assert trial.references.tolist() == [[3, 1]]
    assert trial.mated.tolist() == [0] and trial.owners.tolist() == [0]
    assert trial.strangers.tolist() == [2]


def test_two_names_of_one_person_are_merged(open_set: Any, tmp_path: Path) -> None:
    rows = [("a_1.jpg", "Ann"), ("b_2.jpg", "Anna"), ("c_1.jpg", "Cid")]
    labels = labels_of(open_set, tmp_path, rows, same=[("Anna", "Ann")])
    trial = open_set.trial(labels, 1, "all")
    assert trial.references.tolist() == [[0]] and trial.mated.tolist() == [1]
    assert trial.strangers.tolist() == [2]


def test_nobody_is_both_tuned_on_and_reported_on(open_set: Any, tmp_path: Path) -> None:
    rows = [(f"{n}_{i}.jpg", f"Person {n}") for n in range(200) for i in range(1 + n % 3)]
    labels = labels_of(open_set, tmp_path, rows)
    seen = {}
    for share in ("tuning", "reporting", "all"):
        trial = open_set.trial(labels, 1, share)
        photos = np.concatenate([trial.references.ravel(), trial.mated, trial.strangers])
        seen[share] = set(labels.person[photos].tolist())
    assert not seen["tuning"] & seen["reporting"]
    assert seen["tuning"] | seen["reporting"] == seen["all"] and len(seen["all"]) == 200
    assert 70 < len(seen["tuning"]) < 130


def test_misses_are_those_at_or_below_the_score_that_so_many_strangers_exceed(
    open_set: Any,
) -> None:
    top = np.arange(100) / 100
    own = np.array([0.5, 0.98, 0.985, 0.995, -np.inf])
    outcome = open_set.Outcome(own=own, top=top)
    ones = np.ones(5), np.ones(100)
    # One in a hundred may be above: the threshold is the second highest score, 0.98.
    assert open_set.misses(outcome, [0.01], *ones).tolist() == [3 / 5]
    assert open_set.misses(outcome, [0.0], *ones).tolist() == [4 / 5]
    weights = np.array([0.0, 0.0, 2.0, 1.0, 1.0])
    assert open_set.misses(outcome, [0.01], weights, ones[1]).tolist() == [1 / 4]


def test_a_probe_that_resembles_somebody_else_more_is_a_miss(open_set: Any) -> None:
    trial = open_set.Trial(
        references=np.array([[0], [1]]),
        mated=np.array([2, 3]),
        owners=np.array([0, 1]),
        strangers=np.array([4]),
    )
    scores = {2: [0.9, 0.8], 3: [0.9, 0.8], 4: [0.1, 0.3]}

    def score(_: Any, probes: Any) -> Any:
        return np.array([scores[int(probe)] for probe in probes]).T

    outcome = open_set.search(trial, score)
    assert outcome.own.tolist() == [0.9, -np.inf] and outcome.top.tolist() == [0.3]


@given(
    seed=st.integers(0, 1000),
    allowed=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=5),
)
def test_more_false_positives_never_miss_more(
    open_set: Any, seed: int, allowed: list[float]
) -> None:
    random = np.random.default_rng(seed)
    outcome = open_set.Outcome(own=random.normal(1, 1, 40), top=random.normal(0, 1, 30))
    found = open_set.misses(outcome, sorted(allowed), np.ones(40), np.ones(30))
    assert (np.diff(found) <= 0).all() and (found >= 0).all() and (found <= 1).all()


def test_replicates_of_two_scores_draw_the_same_people(open_set: Any) -> None:
    random = np.random.default_rng(1)
    trial = open_set.Trial(
        references=np.arange(20)[:, None],
        mated=np.arange(20, 60),
        owners=np.repeat(np.arange(20), 2),
        strangers=np.arange(60, 160),
    )
    outcome = open_set.Outcome(own=random.normal(1, 1, 40), top=random.normal(0, 1, 100))
    once = open_set.rates(trial, outcome, [0.1], draws=50, seed=3)
    again = open_set.rates(trial, outcome, [0.1], draws=50, seed=3)
    assert np.array_equal(once.drawn, again.drawn) and once.drawn.std() > 0


def test_boxes_are_counted_once_each_and_surest_first(detection: Any) -> None:
    photo = detection.Photo(path=Path("a.jpg"), faces=np.array([[0.0, 0, 10, 10], [50, 0, 60, 10]]))
    boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [80, 0, 90, 10]])
    counted = detection.count([(boxes, np.array([0.5, 0.9, 0.7]))], [photo])
    assert counted.right[0].tolist() == [0.9] and sorted(counted.false[0].tolist()) == [0.5, 0.7]
    assert counted.recall(0.0) == 0.5 and counted.recall(0.95) == 0.0
    assert counted.false_a_photo(0.6) == 1.0
    assert counted.level(1.0) == 0.5 and counted.level(0.0) == 0.7


def test_the_labels_convention_is_recovered_from_moved_and_stretched_boxes(
    detection: Any,
) -> None:
    random = np.random.default_rng(5)
    photos, found = [], []
    for _ in range(30):
        corner, side = random.uniform(0, 400, 2), random.uniform(40, 90)
        box = np.concatenate([corner, corner + side])[None]
        face = detection.moved(box, np.array([0.05, -0.1, 1.1, 1.5]))
        photos.append(detection.Photo(path=Path("a.jpg"), faces=face))
        found.append((box, np.ones(1)))
    assert detection.fitted(found, photos) == pytest.approx([0.05, -0.1, 1.1, 1.5])
