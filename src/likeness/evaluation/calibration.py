"""From which score on a face is linked, or proposed, at several gallery sizes: an operating point.

``strong`` is the score that one search in a thousand with somebody outside the gallery reaches
(FPIR 0.1%) while leading the next person by the margin; ``review`` one in a hundred. Both are the
upper ends of their 98% bootstrap intervals over people, since a rate of one in a thousand rests on
a few of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likeness.evaluation.subjects import Subjects

SIZES = (1, 10, 50, 100, 300, 1000, 3000, 10_000)
STRONG, REVIEW = 0.001, 0.01
REFERENCES = 3
FULL = 100
DRAWS = 200
BOOTSTRAPS = 200
FEWEST_FOR_STRONG, FEWEST_FOR_REVIEW = 1000, 300
"""Photos of people outside the gallery: fewer say nothing of one in a thousand, or a hundred."""

LARGEST_SHARE = 0.7
"""Of the people, at most these make a gallery: the others are searched for."""

MOST_SCORES = 200_000_000
LOST_BY_MARGIN = 0.01
MARGIN_STEP = 0.005

Floats = NDArray[np.float32]
Rule = Callable[[Floats, Floats], Floats]
"""References (persons, r, d) and templates (n, d) to scores (persons, n)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Portraits:
    """Templates of one face a photo, and whose it is.

    Attributes
    ----------
    templates : float32 array of shape (n, d)
    people : int array of shape (n,)
        A number for each person.
    skipped : int
        Photos without a face.
    references : float32 array of shape (n, d), or None
        The same faces as a reference has them; as ``templates`` where None.
    """

    templates: Floats
    people: NDArray[np.int64]
    skipped: int
    references: Floats | None = None

    @property
    def enrolled(self) -> Floats:
        """The templates that people are enrolled with."""
        return self.templates if self.references is None else self.references

    def of(self, chosen: NDArray[np.bool_]) -> Portraits:
        """Those photos alone."""
        return Portraits(
            templates=self.templates[chosen],
            people=self.people[chosen],
            skipped=self.skipped,
            references=self.enrolled[chosen],
        )


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Thresholds at one gallery size.

    Attributes
    ----------
    gallery_size : int
    strong : float or None
        None where there are too few faces to say what one in a thousand reaches.
    review : float
    raised : bool
        Whether it was measured with single references for most, and raised by what more add.
    """

    gallery_size: int
    strong: float | None
    review: float
    raised: bool


def portraits_of(subjects: Subjects) -> Portraits:
    """The photos with a template."""
    return Portraits(
        templates=subjects.templates[subjects.found],
        people=subjects.people[subjects.found],
        skipped=int((~subjects.found).sum()),
        references=subjects.enrolled[subjects.found],
    )


def mean_reference(references: Floats, given: Floats) -> Floats:
    """Scores (persons, n): against the mean of a person's references, scaled to unit length."""
    means = references.mean(axis=1)
    scores: Floats = (means / np.linalg.norm(means, axis=1, keepdims=True)) @ given.T
    return scores


def best_reference(references: Floats, given: Floats) -> Floats:
    """Scores (persons, n): the highest of a person's references."""
    scores: Floats = np.einsum("prd,nd->prn", references, given).max(axis=1)
    return scores


def person_scores(portraits: Portraits, rule: Rule) -> tuple[Floats, NDArray[np.int64]]:
    """The score of each photo (columns) against each person (rows), and the persons' numbers.

    A person's first three photos are their references.
    """
    persons = np.unique(portraits.people)
    rows = []
    for person in persons:
        own = portraits.enrolled[portraits.people == person][:REFERENCES]
        rows.append(rule(own[None], portraits.templates)[0])
    return np.stack(rows), persons


def fitting(portraits: Portraits, random: np.random.Generator) -> Portraits:
    """As many of the people, drawn at random, as can be compared with one another in memory."""
    persons = np.unique(portraits.people)
    share = math.sqrt(MOST_SCORES / max(1, len(persons) * len(portraits.people)))
    if share >= 1:
        return portraits
    chosen = random.choice(persons, int(share * len(persons)), replace=False)
    return portraits.of(np.isin(portraits.people, chosen))


def measure_levels(
    portraits: Portraits,
    random: np.random.Generator,
    *,
    margin: float,
    rule: Rule = mean_reference,
    sizes: tuple[int, ...] = SIZES,
    draws: int = DRAWS,
    fewest_for_strong: int = FEWEST_FOR_STRONG,
) -> list[Levels]:
    """Thresholds at every gallery size that the photos can tell of.

    Where too few people have three photos to fill a gallery, it takes everybody, and what three
    references make of a difference is measured at a size that both can fill and added.

    Parameters
    ----------
    margin : float
        By how much a face has to lead its next person to be linked.
    fewest_for_strong : int
        Photos of people outside the gallery without which there is no ``strong``.

    Returns
    -------
    list of Levels
        By rising size. Empty where there are too few photos for any.
    """
    scores, persons = person_scores(portraits, rule)
    row = np.searchsorted(persons, portraits.people)
    full = np.flatnonzero(np.bincount(row, minlength=len(persons)) >= REFERENCES)
    everybody = np.arange(len(persons))

    def at(pool: NDArray[np.intp], size: int) -> NDArray[np.float64]:
        tops, leads = _searched(scores, row, pool, size, draws, random)
        clear = np.where(leads >= margin, tops, np.where(np.isnan(tops), np.nan, -1.0))
        strong = upper_level(clear, row, STRONG, random)
        return np.array([strong, upper_level(tops, row, REVIEW, random)])

    largest_full = max((size for size in sizes if size <= min(FULL, len(full))), default=0)
    lift = at(full, largest_full) - at(everybody, largest_full) if largest_full else np.zeros(2)
    measured: list[Levels] = []
    strong = review = -1.0
    for size in sizes:
        outside = len(portraits.people) * (1 - size / len(persons))
        if size > LARGEST_SHARE * len(persons) or outside < FEWEST_FOR_REVIEW:
            break
        raised = size > largest_full
        levels = at(everybody, size) + lift if raised else at(full, size)
        # A larger gallery never gets a lower threshold, even where the margin would allow it.
        review = max(review, levels[1])
        strong = max(strong, levels[0], review)
        measured.append(
            Levels(
                gallery_size=size,
                strong=_up(strong) if outside >= fewest_for_strong else None,
                review=_up(review),
                raised=raised and largest_full > 0,
            )
        )
    return measured


def _searched(
    scores: Floats,
    row: NDArray[np.intp],
    pool: NDArray[np.intp],
    size: int,
    draws: int,
    random: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Best score and lead over the next person (draws, photos) of everybody outside a gallery."""
    tops = np.full((draws, scores.shape[1]), np.nan, dtype=np.float32)
    leads = tops.copy()
    for draw in range(draws):
        gallery = random.choice(pool, size, replace=False)
        outside = np.flatnonzero(~np.isin(row, gallery))
        searched = scores[gallery][:, outside]
        if size == 1:
            tops[draw, outside], leads[draw, outside] = searched[0], 1.0
            continue
        ordered = np.partition(searched, size - 2, axis=0)
        tops[draw, outside] = ordered[-1]
        leads[draw, outside] = ordered[-1] - ordered[-2]
    return tops, leads


def upper_level(
    tops: Floats, people: NDArray[np.intp], rate: float, random: np.random.Generator
) -> float:
    """The score that a share ``rate`` of ``tops`` (draws, photos; nan: no probe) reaches.

    The upper end of its 98% bootstrap interval over the people probed with.
    """
    persons, of_photo = np.unique(people, return_inverse=True)
    held = ~np.isnan(tops)
    mass = np.bincount(of_photo, weights=held.sum(axis=0), minlength=len(persons))
    flat = np.where(held, tops, -np.inf).ravel()
    # What decides lies near the top; the rest counts by its mass alone.
    most = min(int(held.sum()), max(1000, int(20 * rate * held.sum())))
    places = np.argpartition(-flat, most - 1)[:most]
    places = places[np.argsort(-flat[places], kind="stable")]
    owner = of_photo[places % tops.shape[1]]
    levels = []
    for _ in range(BOOTSTRAPS):
        drawn = random.integers(0, len(persons), len(persons))
        weights = np.bincount(drawn, minlength=len(persons))
        reached = np.searchsorted(np.cumsum(weights[owner]), rate * float(weights @ mass))
        levels.append(flat[places[min(int(reached), most - 1)]])
    return float(np.quantile(levels, 0.99))


def choose_margin(leads: Floats, scores: Floats, strong: float) -> float:
    """The largest margin that costs at most one in a hundred of the right links.

    Parameters
    ----------
    leads, scores : float arrays of shape (n,)
        Of searches that returned the right person first: by how much that person led the next one,
        and with which score.
    strong : float
        The score from which on they would be linked without a margin.
    """
    sure = np.sort(leads[scores >= strong])
    if not len(sure):
        return 0.0
    allowed = float(sure[int(LOST_BY_MARGIN * len(sure))])
    return max(0.0, math.floor(allowed / MARGIN_STEP + 1e-3) * MARGIN_STEP)


def mated_leads(
    portraits: Portraits, size: int, random: np.random.Generator, *, draws: int = 50
) -> tuple[Floats, Floats]:
    """Lead and score of searches that return the right person first, in galleries of one size.

    People with more than three photos are searched with those beyond their third.
    """
    scores, persons = person_scores(portraits, mean_reference)
    row = np.searchsorted(persons, portraits.people)
    first = np.searchsorted(row, row)
    turn = np.arange(len(row)) - first
    full = np.flatnonzero(np.bincount(row, minlength=len(persons)) > REFERENCES)
    size = min(size, len(full))
    leads, right = [np.zeros(0, np.float32)], [np.zeros(0, np.float32)]
    for _ in range(draws if size > 1 else 0):
        gallery = random.choice(full, size, replace=False)
        probes = np.flatnonzero(np.isin(row, gallery) & (turn >= REFERENCES))
        every = scores[gallery][:, probes]
        own = scores[row[probes], probes]
        ordered = np.partition(every, size - 2, axis=0)
        correct = ordered[-1] <= own
        leads.append((own - ordered[-2])[correct])
        right.append(own[correct])
    return np.concatenate(leads), np.concatenate(right)


def _up(score: float) -> float:
    """Rounded up to three decimals."""
    return float(np.ceil(score * 1000) / 1000)
