"""One to many: galleries drawn at random, searched with photos of people in them and of others.

Open-set identification as in ISO/IEC 19795-1 and NIST's FRTE: FPIR is the share of searches with
somebody outside the gallery that return anybody; FNIR(N, R, T) the share of searches with somebody
inside it that do not return them among the first R at threshold T. Whoever could not be enrolled,
and whoever's photo gave no template, is missed. A photo is tried against many galleries and counts
once, by the share of its trials that went wrong, so that repeating never adds errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likeness.evaluation.intervals import (
    NOT_MEASURABLE,
    RULE_OF_30,
    PeopleBootstrap,
    Rate,
    interval,
)
from likeness.evaluation.subjects import Subjects

GRID = 1024
MISSED = np.float32(-2.0)
LOWEST_RANK = 1 << 30

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Searches:
    """What all searches of galleries of one size gave.

    Attributes
    ----------
    gallery_size, references : int
        People in each gallery, and photos of each that they were enrolled with.
    repetitions : int
        How many galleries were drawn.
    mated_photo, mated_person : int arrays of shape (m,)
    mated_score : float32 array of shape (m,)
        Against their own reference; MISSED where either has no template.
    mated_rank : int array of shape (m,)
        1 for the best; whoever scores the same is counted ahead.
    other_photo, other_person : int arrays of shape (n,)
    other_top : float32 array of shape (n,)
        The best score of somebody outside the gallery; MISSED where there is no template.
    not_enrolled : float
        Share of people drawn whose photos gave no reference (failure to enrol).
    """

    gallery_size: int
    references: int
    repetitions: int
    mated_photo: NDArray[np.int64]
    mated_person: NDArray[np.int64]
    mated_score: NDArray[np.float32]
    mated_rank: NDArray[np.int64]
    other_photo: NDArray[np.int64]
    other_person: NDArray[np.int64]
    other_top: NDArray[np.float32]
    not_enrolled: float


@dataclass(frozen=True, kw_only=True)
class AtFpir:
    """What is missed where the threshold lets a share of other people's searches through.

    Attributes
    ----------
    fpir : float
        The share asked for.
    threshold : float
    fnir : Rate
        Their own person, as the best candidate; its interval holds the threshold's uncertainty too.
    false_positives : int
        Photos of other people that reached the threshold in any gallery.
    """

    fpir: float
    threshold: float
    fnir: Rate
    false_positives: int

    @property
    def too_few(self) -> bool:
        """Whether fewer than 30 photos say where the threshold has to be, or 30 what it misses."""
        return self.false_positives < RULE_OF_30 or self.fnir.too_few_errors


def draw_searches(
    subjects: Subjects,
    *,
    gallery_size: int,
    references: int,
    repetitions: int,
    random: np.random.Generator,
) -> Searches:
    """Draw galleries, enrol their people from photos drawn at random, and search with the others.

    A reference is the mean of a person's templates at unit length, as in the gallery of a library.

    Parameters
    ----------
    subjects : Subjects
    gallery_size : int
        At most as many as have ``references`` photos.
    references, repetitions : int
    random : numpy.random.Generator
    """
    photos = np.bincount(subjects.people, minlength=subjects.count)
    pool = np.flatnonzero(photos >= references)
    parts = [
        _search_once(subjects, random.choice(pool, gallery_size, replace=False), references, random)
        for _ in range(repetitions)
    ]
    mated, scores, ranks, others, tops, missing = (
        np.concatenate([part[column] for part in parts]) for column in range(6)
    )
    return Searches(
        gallery_size=gallery_size,
        references=references,
        repetitions=repetitions,
        mated_photo=mated,
        mated_person=subjects.people[mated],
        mated_score=scores,
        mated_rank=ranks,
        other_photo=others,
        other_person=subjects.people[others],
        other_top=tops,
        not_enrolled=float(missing.mean()),
    )


def _search_once(
    subjects: Subjects,
    gallery: NDArray[np.intp],
    references: int,
    random: np.random.Generator,
) -> tuple[NDArray[np.generic], ...]:
    people = subjects.people
    # In random order within each person, the first few are the references.
    order = np.lexsort((random.random(len(people)), people))
    turn = np.empty(len(people), dtype=np.int64)
    starts = np.searchsorted(people, people)
    turn[order] = np.arange(len(people)) - starts[order]
    row_of = np.full(subjects.count, -1, dtype=np.int64)
    row_of[gallery] = np.arange(len(gallery))
    row = row_of[people]
    enrolled = (row >= 0) & (turn < references)
    sums = np.zeros((len(gallery), subjects.templates.shape[1]), dtype=np.float32)
    np.add.at(sums, row[enrolled], subjects.enrolled[enrolled])
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    known = length[:, 0] > 0
    means = np.divide(sums, length, out=sums, where=length > 0)
    mated = np.flatnonzero((row >= 0) & ~enrolled)
    others = np.flatnonzero(row < 0)
    scores, ranks = _mated(subjects, means, known, mated, row[mated])
    tops = np.full(len(others), MISSED, dtype=np.float32)
    seen = subjects.found[others]
    if known.any():
        tops[seen] = (subjects.templates[others[seen]] @ means[known].T).max(axis=1)
    return mated, scores, ranks, others, tops, ~known


def _mated(
    subjects: Subjects,
    means: NDArray[np.float32],
    known: NDArray[np.bool_],
    mated: NDArray[np.intp],
    rows: NDArray[np.int64],
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    scores = np.full(len(mated), MISSED, dtype=np.float32)
    ranks = np.full(len(mated), LOWEST_RANK, dtype=np.int64)
    tried = np.flatnonzero(subjects.found[mated] & known[rows])
    if len(tried):
        every = subjects.templates[mated[tried]] @ means.T
        every[:, ~known] = MISSED
        own = every[np.arange(len(tried)), rows[tried]]
        scores[tried] = own
        ranks[tried] = (every >= own[:, None]).sum(axis=1)
    return scores, ranks


def shares(
    people: NDArray[np.int64], photos: NDArray[np.int64], count: int
) -> tuple[Floats, Floats]:
    """What each trial counts, so that a photo counts once; and how much that is a person."""
    weights = (1.0 / np.bincount(photos)[photos]) if len(photos) else np.zeros(0)
    each = np.bincount(people, weights=weights, minlength=count)
    return weights, each.astype(np.float64)


def miss_rate(
    searches: Searches, bootstrap: PeopleBootstrap, *, threshold: float, rank: int
) -> Rate:
    """FNIR at a threshold and rank."""
    people = bootstrap.weights.shape[1]
    weights, trials = shares(searches.mated_person, searches.mated_photo, people)
    missed = (searches.mated_score < threshold) | (searches.mated_rank > rank)
    errors = np.bincount(searches.mated_person, weights=weights * missed, minlength=people)
    return bootstrap.rate(errors.astype(np.float64), trials)


def curve(searches: Searches) -> tuple[Floats, Floats, Floats]:
    """Thresholds, and FPIR and FNIR (rank 1) at each, falling and rising."""
    table = _Table(searches, int(max(_most(searches.mated_person), _most(searches.other_person))))
    return table.thresholds, table.false.sum(0) / table.tried_others, table.missed_rates()


def at_fpir(
    searches: Searches, bootstrap: PeopleBootstrap, levels: tuple[float, ...]
) -> list[AtFpir]:
    """What is missed at some levels of FPIR; each draw of people sets its own threshold anew."""
    table = _Table(searches, bootstrap.weights.shape[1])
    return [table.at(level, bootstrap, searches) for level in levels]


def _most(people: NDArray[np.int64]) -> int:
    return int(people.max()) + 1 if len(people) else 0


class _Table:
    """Errors of each person over a grid of thresholds."""

    def __init__(self, searches: Searches, people: int) -> None:
        tops = searches.other_top
        scored = tops[tops > MISSED]
        low = float(np.quantile(scored, 0.5)) if len(scored) else 0.0
        high = float(np.nextafter(scored.max(), np.float32(2))) if len(scored) else 1.0
        self.thresholds: Floats = np.linspace(low, high, GRID)
        weights, self.others = shares(searches.other_person, searches.other_photo, people)
        self.false = self._counts(searches.other_person, tops, weights, people)
        # From the top down: how many reach each threshold.
        self.false = self.false[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
        weights, self.mated = shares(searches.mated_person, searches.mated_photo, people)
        found = np.where(searches.mated_rank == 1, searches.mated_score, MISSED)
        missed = self._counts(searches.mated_person, found, weights, people)
        self.missed = missed.cumsum(axis=1)[:, :-1]

    @property
    def tried_others(self) -> float:
        return float(self.others.sum())

    def missed_rates(self) -> Floats:
        tried = float(self.mated.sum())
        return self.missed.sum(axis=0) / tried if tried else np.full(GRID, np.nan)

    def _counts(
        self,
        owners: NDArray[np.int64],
        scores: NDArray[np.float32],
        weights: Floats,
        people: int,
    ) -> Floats:
        # Column k: at or above threshold k - 1, below threshold k.
        column = np.searchsorted(self.thresholds, scores.astype(np.float64), side="right")
        flat = np.bincount(
            owners * (GRID + 1) + column, weights=weights, minlength=people * (GRID + 1)
        )
        return np.asarray(flat, dtype=np.float64).reshape(people, GRID + 1)

    def at(self, level: float, bootstrap: PeopleBootstrap, searches: Searches) -> AtFpir:
        rates = self.false.sum(axis=0) / max(self.tried_others, 1e-9)
        place = int(np.argmax(rates <= level)) if (rates <= level).any() else GRID - 1
        threshold = float(self.thresholds[place])
        reached = np.unique(searches.other_photo[searches.other_top >= threshold])
        return AtFpir(
            fpir=level,
            threshold=threshold,
            fnir=self._missed_at(level, place, bootstrap),
            false_positives=len(reached),
        )

    def _missed_at(self, level: float, place: int, bootstrap: PeopleBootstrap) -> Rate:
        tried = float(self.mated.sum())
        if not tried:
            return NOT_MEASURABLE
        drawn = bootstrap.sums(self.others)
        allowed = bootstrap.sums(self.false) <= level * drawn[:, None] + 1e-6
        places = np.where(allowed.any(axis=1), allowed.argmax(axis=1), GRID - 1)
        mated = bootstrap.sums(self.mated)
        missed = bootstrap.sums(self.missed)[np.arange(len(places)), places]
        usable = mated > 0
        people = int((self.mated > 0).sum())
        return interval(
            errors=float(self.missed[:, place].sum()),
            trials=tried,
            people=people,
            units=people,
            standard_error=float(np.std(missed[usable] / mated[usable])),
        )
