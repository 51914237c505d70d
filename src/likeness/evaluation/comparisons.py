"""One to one: every two photos compared; false matches and false non-matches over thresholds.

FMR is over the comparisons of two templates of different people. FNMR is over all pairs of photos
of one person, and a pair of which a photo gave no template is an error (the generalised FNMR of
NIST's FRTE), so that failing on hard photos never looks like accuracy. A score at the threshold is
a match. Source of the terms: ISO/IEC 19795-1:2021.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likeness.evaluation.intervals import PeopleBootstrap, Rate, pair_rate
from likeness.evaluation.subjects import Subjects

BINS_OF_ONE = 1 << 15
"""Scores are counted in steps of 2**-15, each edge of which float32 holds exactly."""

BINS = 2 * BINS_OF_ONE + 1
NO_COMPARISON = np.float32(-2.0)
ROWS_AT_ONCE = 1024

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Mated:
    """Pairs of photos of one person each.

    Attributes
    ----------
    scores : float32 array of shape (n,)
        Of pairs of templates.
    people : int array of shape (n,)
        Whose.
    trials : float array of shape (people,)
        All pairs of each person, those without a score too.
    """

    scores: NDArray[np.float32]
    people: NDArray[np.int64]
    trials: Floats

    def misses(self, threshold: float) -> Floats:
        """How many pairs of each person stay below a threshold, those without a score too."""
        hits = np.bincount(self.people[self.scores >= threshold], minlength=len(self.trials))
        return np.asarray(self.trials - hits, dtype=np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class NonMatedErrors:
    """Comparisons of different people at or above one threshold.

    Attributes
    ----------
    errors, trials : float array of shape (people,)
        Of all comparisons that a person is in.
    squares : float
        Sum over pairs of people of (errors - rate x trials)**2.
    person_pairs : float
    """

    errors: Floats
    trials: Floats
    squares: float
    person_pairs: float

    def rate(self, bootstrap: PeopleBootstrap) -> Rate:
        """The false match rate."""
        return pair_rate(
            bootstrap,
            errors=self.errors,
            trials=self.trials,
            squares=self.squares,
            person_pairs=self.person_pairs,
        )


def mated_of(subjects: Subjects) -> Mated:
    """Every pair of photos of one person."""
    scores, people = [np.zeros(0, np.float32)], [np.zeros(0, np.int64)]
    photos = np.bincount(subjects.people, minlength=subjects.count).astype(np.float64)
    for person, (first, end) in enumerate(_ranges(subjects.people)):
        own = subjects.templates[first:end][subjects.found[first:end]]
        if len(own) > 1:
            made = (own @ own.T)[np.triu_indices(len(own), 1)]
            scores.append(made)
            people.append(np.full(len(made), person))
    return Mated(
        scores=np.concatenate(scores),
        people=np.concatenate(people),
        trials=photos * (photos - 1) / 2,
    )


def non_mated_histogram(subjects: Subjects) -> NDArray[np.int64]:
    """How many comparisons of different people fall into each step of scores.

    Returns
    -------
    int64 array of shape (BINS,)
        Step k holds scores from k / 2**15 - 1 up to below the next.
    """
    counts = np.zeros(BINS, dtype=np.int64)
    for _, scores in _blocks(_with_templates(subjects)):
        made = scores[scores != NO_COMPARISON]
        counts += np.bincount(bins_of(made), minlength=BINS)
    return counts // 2


def non_mated_errors(subjects: Subjects, thresholds: Sequence[float]) -> list[NonMatedErrors]:
    """Comparisons of different people at or above each threshold."""
    seen = _with_templates(subjects)
    starts = np.array([first for first, _ in _ranges(seen.people)], dtype=np.intp)
    photos = np.bincount(seen.people).astype(np.float64) if len(starts) else np.zeros(0)
    people = len(photos)
    sums = np.zeros((len(thresholds), people))
    squared = np.zeros(len(thresholds))
    crossed = np.zeros(len(thresholds))
    for rows, scores in _blocks(seen):
        owners = seen.people[rows]
        inner = np.flatnonzero(np.diff(owners, prepend=-1))
        for place, threshold in enumerate(thresholds):
            by_person = np.add.reduceat(scores >= threshold, starts, axis=1, dtype=np.int32)
            between = np.add.reduceat(by_person, inner, axis=0).astype(np.float64)
            some = owners[inner]
            sums[place, some] += between.sum(axis=1)
            squared[place] += (between**2).sum()
            crossed[place] += photos[some] @ (between @ photos)
    trials = photos * (photos.sum() - photos)
    both = (photos**2).sum() ** 2 - (photos**4).sum()
    results = []
    for place in range(len(thresholds)):
        rate = sums[place].sum() / trials.sum() if trials.sum() else 0.0
        squares = squared[place] - 2 * rate * crossed[place] + rate**2 * both
        results.append(
            NonMatedErrors(
                errors=sums[place],
                trials=trials,
                squares=max(0.0, squares) / 2,
                person_pairs=people * (people - 1) / 2,
            )
        )
    return results


def errors_of_pairs(
    scores: NDArray[np.float32],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    people: int,
    threshold: float,
) -> NonMatedErrors:
    """The same over given pairs, of the people ``first`` and ``second``."""
    wrong = (scores >= threshold).astype(np.float64)
    errors, trials = np.zeros(people), np.zeros(people)
    for end in (first, second):
        errors += np.bincount(end, weights=wrong, minlength=people)
        trials += np.bincount(end, minlength=people)
    rate = wrong.mean() if len(wrong) else 0.0
    key = np.minimum(first, second) * people + np.maximum(first, second)
    place = np.unique(key, return_inverse=True)[1]
    residuals = np.bincount(place, weights=wrong - rate)
    return NonMatedErrors(
        errors=errors,
        trials=trials,
        squares=float(residuals @ residuals),
        person_pairs=float(len(residuals)),
    )


def closest_of_others(subjects: Subjects, most: int) -> list[tuple[str, str, float]]:
    """The comparisons of different people with the highest scores: where labels may be wrong."""
    seen = _with_templates(subjects)
    best: list[tuple[float, int, int]] = []
    for rows, scores in _blocks(seen):
        cut = best[-1][0] if len(best) == most else -1.0
        upper = np.where(np.arange(len(seen.people)) > rows[:, None], scores, NO_COMPARISON)
        if len(reached := np.argwhere(upper > cut)) > 50 * most:
            cut = float(np.partition(upper, -50 * most, axis=None)[-50 * most])
            reached = np.argwhere(upper > cut)
        best += [(float(upper[r, c]), int(rows[r]), int(c)) for r, c in reached]
        best = sorted(best, key=lambda found: (-found[0], found[1:]))[:most]
    return [(seen.items[first], seen.items[second], score) for score, first, second in best]


def bins_of(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """The step that each score falls into."""
    steps = np.floor((scores.astype(np.float64) + 1.0) * BINS_OF_ONE).astype(np.int64)
    return np.clip(steps, 0, BINS - 1)


def edge_of(step: int) -> float:
    """The lowest score of a step."""
    return step / BINS_OF_ONE - 1.0


def threshold_at(counts: NDArray[np.int64], rate: float) -> float:
    """The lowest edge which at most this share of the counted scores reach."""
    reached = np.cumsum(counts[::-1])[::-1]
    allowed = rate * counts.sum()
    return edge_of(int(np.argmax(np.append(reached, 0) <= allowed)))


def _with_templates(subjects: Subjects) -> Subjects:
    return subjects if subjects.found.all() else subjects.some(subjects.found)


def _ranges(people: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """First row and end of each person's photos."""
    if len(people):
        ends = [*np.flatnonzero(np.diff(people)) + 1, len(people)]
        yield from zip([0, *ends[:-1]], ends, strict=True)


def _blocks(subjects: Subjects) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
    """Rows of whole people, and their scores with everybody: NO_COMPARISON with their own."""
    ranges = list(_ranges(subjects.people))
    pending: list[tuple[int, int]] = []
    for place, (first, end) in enumerate(ranges):
        pending.append((first, end))
        last = place + 1 == len(ranges)
        if end - pending[0][0] < ROWS_AT_ONCE and not last:
            continue
        rows = np.arange(pending[0][0], end)
        scores = subjects.templates[rows] @ subjects.templates.T
        for own, own_end in pending:
            scores[own - rows[0] : own_end - rows[0], own:own_end] = NO_COMPARISON
        yield rows, scores
        pending = []
