"""One to one, summed up: error rates at some thresholds, curves and distributions of scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likeness.evaluation.comparisons import (
    BINS,
    Mated,
    bins_of,
    edge_of,
    errors_of_pairs,
    mated_of,
    non_mated_errors,
    non_mated_histogram,
    threshold_at,
)
from likeness.evaluation.dataset import Dataset
from likeness.evaluation.intervals import RULE_OF_30, PeopleBootstrap, Rate
from likeness.evaluation.subjects import Subjects

FMR_LEVELS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
GROUP_LEVEL = 1e-3
CURVE_POINTS = 60
SHOWN_BINS = 60

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class AtFmr:
    """Both error rates at the threshold that lets a share of other people's comparisons through."""

    level: float
    threshold: float
    fmr: Rate
    fnmr: Rate


@dataclass(frozen=True, kw_only=True, eq=False)
class Verification:
    """What comparing two photos at a time gives.

    Attributes
    ----------
    mated, non_mated : int
        How many comparisons; of the mated, also those of photos without a template.
    points : tuple of AtFmr
    thresholds, fmr, fnmr : float arrays of shape (k,)
        Curves; FNMR is nan where there is no mated pair.
    sure : bool array of shape (k,)
        Where both rates rest on at least 30 errors.
    edges : float array of shape (b + 1,)
    mated_share, non_mated_share : float arrays of shape (b,)
        How scores are spread.
    group_threshold, group_level : float
        Where groups are compared: at an overall FMR of 0.1%, or of 30 errors where that is more.
    """

    mated: int
    non_mated: int
    points: tuple[AtFmr, ...]
    thresholds: Floats
    fmr: Floats
    fnmr: Floats
    sure: NDArray[np.bool_]
    edges: Floats
    mated_share: Floats
    non_mated_share: Floats
    group_threshold: float
    group_level: float


def verify(
    subjects: Subjects, bootstrap: PeopleBootstrap, random: np.random.Generator
) -> Verification:
    """Compare every two photos."""
    counts = non_mated_histogram(subjects)
    mated = mated_of(subjects)
    levels = _levels(int(counts.sum()))
    thresholds = [threshold_at(counts, level) for level in levels]
    seen = subjects.some(subjects.found)
    of_seen = PeopleBootstrap(seen.count, random)
    points = tuple(
        AtFmr(
            level=level,
            threshold=threshold,
            fmr=errors.rate(of_seen),
            fnmr=bootstrap.rate(mated.misses(threshold), mated.trials),
        )
        for level, threshold, errors in zip(
            levels, thresholds, non_mated_errors(seen, thresholds), strict=True
        )
    )
    return _summed_up(counts, mated, points)


def verify_pairs(
    dataset: Dataset, subjects: Subjects, rows: NDArray[np.intp], bootstrap: PeopleBootstrap
) -> Verification:
    """Compare the pairs that a data set names, and no others."""
    row_of = np.empty(len(rows), dtype=np.int64)
    row_of[rows] = np.arange(len(rows))
    first, second, is_mated = (
        np.array([getattr(pair, name) for pair in dataset.pairs])
        for name in ("first", "second", "mated")
    )
    first, second = row_of[first.astype(int)], row_of[second.astype(int)]
    both = subjects.found[first] & subjects.found[second]
    scores = np.einsum("nd,nd->n", subjects.templates[first], subjects.templates[second])
    trials = np.bincount(subjects.people[first[is_mated]], minlength=subjects.count)
    mated = Mated(
        scores=scores[is_mated & both],
        people=subjects.people[first[is_mated & both]],
        trials=trials.astype(np.float64),
    )
    others = ~is_mated & both
    counts = np.bincount(bins_of(scores[others]), minlength=BINS)
    points = []
    for level in _levels(int(counts.sum())):
        threshold = threshold_at(counts, level)
        errors = errors_of_pairs(
            scores[others],
            subjects.people[first[others]],
            subjects.people[second[others]],
            subjects.count,
            threshold,
        )
        fnmr = bootstrap.rate(mated.misses(threshold), mated.trials)
        points.append(
            AtFmr(level=level, threshold=threshold, fmr=errors.rate(bootstrap), fnmr=fnmr)
        )
    return _summed_up(counts, mated, tuple(points))


def _levels(comparisons: int) -> list[float]:
    """Levels of FMR at which at least one error is to be expected."""
    return [level for level in FMR_LEVELS if level * comparisons >= 1]


def _summed_up(counts: NDArray[np.int64], mated: Mated, points: tuple[AtFmr, ...]) -> Verification:
    tried = float(mated.trials.sum())
    total = int(counts.sum())
    of_mated = np.bincount(bins_of(mated.scores), minlength=BINS)
    reached = np.append(np.cumsum(counts[::-1])[::-1], 0)
    matched = np.append(np.cumsum(of_mated[::-1])[::-1], 0)
    rates = np.geomspace(1.0, max(1.0, total) ** -1.0, CURVE_POINTS)
    steps = np.unique([int(np.argmax(reached <= rate * total)) for rate in rates])
    missed = tried - matched[steps]
    level = max(GROUP_LEVEL, RULE_OF_30 / max(total, 1))
    edges, mated_share, non_mated_share = _spread(counts, of_mated)
    return Verification(
        mated=int(tried),
        non_mated=total,
        points=points,
        thresholds=np.array([edge_of(int(step)) for step in steps]),
        fmr=reached[steps] / max(total, 1),
        fnmr=missed / tried if tried else np.full(len(steps), np.nan),
        sure=(reached[steps] >= RULE_OF_30) & (missed >= RULE_OF_30),
        edges=edges,
        mated_share=mated_share,
        non_mated_share=non_mated_share,
        group_threshold=threshold_at(counts, min(1.0, level)),
        group_level=min(1.0, level),
    )


def _spread(
    counts: NDArray[np.int64], of_mated: NDArray[np.int64]
) -> tuple[Floats, Floats, Floats]:
    """Both distributions over the same steps, from the lowest score that is not an outlier on."""
    both = counts + of_mated
    if not both.sum():
        return np.array([-1.0, 1.0]), np.zeros(1), np.zeros(1)
    shares = np.cumsum(counts) / max(1, counts.sum())
    low = int(np.argmax(shares >= 0.001)) if counts.sum() else int(np.argmax(of_mated > 0))
    high = int(np.flatnonzero(both)[-1]) + 1
    edges = np.unique(np.linspace(low, high, SHOWN_BINS + 1).astype(int))
    sums = [np.add.reduceat(part, edges[:-1]) / max(1, part.sum()) for part in (of_mated, counts)]
    return np.array([edge_of(int(edge)) for edge in edges]), sums[0], sums[1]
