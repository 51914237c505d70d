"""Open-set identification on labelled portraits: enrol some people, search for everybody.

The first k photos of a person, by their number, are the references, all others of that person mated
probes; people with one photo are strangers. Steps are chosen on the people of ``tuning`` and
reported on those of ``reporting``; which of the two somebody is in follows from a hash of the name.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Share = Literal["tuning", "reporting", "all"]
Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Score = Callable[[Places, Places], Floats]
"""Photos of references (people, k) and of probes (n,) to scores (people, n)."""

BAND = (0.003, 0.005, 0.007, 0.01, 0.014, 0.02, 0.03)
"""False positive rates whose misses are averaged to choose steps: one alone hangs on few faces."""

AT = 0.01
"""The false positive rate whose misses are reported."""

_SALT = "likeness"


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Which photo shows whom, in the order of the file.

    Attributes
    ----------
    photos : tuple of str
    person : int array of shape (n,)
    rank : int array of shape (n,)
        Which photo of that person it is, by its number, from 0.
    tuning : bool array of shape (people,)
    """

    photos: tuple[str, ...]
    person: Places
    rank: Places
    tuning: NDArray[np.bool_]

    @property
    def photos_of(self) -> Places:
        """How many photos each person has."""
        return np.bincount(self.person)


def read_labels(path: Path, same: Sequence[tuple[str, str]] = ()) -> Labels:
    """Read a CSV with ``photo`` and ``person``; a pair of ``same`` is two names of one person."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    one_of = dict(same)
    names, person = np.unique(
        [one_of.get(row["person"], row["person"]) for row in rows], return_inverse=True
    )
    numbers = [int((re.findall(r"\d+", Path(row["photo"]).stem) or ["0"])[-1]) for row in rows]
    rank = np.empty(len(rows), dtype=np.int64)
    for index in range(len(names)):
        mine = np.flatnonzero(person == index)
        ordered = sorted(mine.tolist(), key=lambda place: (numbers[place], rows[place]["photo"]))
        rank[ordered] = np.arange(len(mine))
    return Labels(
        photos=tuple(row["photo"] for row in rows),
        person=person.astype(np.int64),
        rank=rank,
        tuning=np.array([is_for_tuning(str(name)) for name in names]),
    )


def is_for_tuning(name: str) -> bool:
    """Whether somebody is among those that steps are chosen on."""
    return hashlib.sha256(f"{_SALT} {name}".encode()).digest()[3] % 2 == 0


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Who is enrolled and who is searched for.

    Attributes
    ----------
    references : int array of shape (people, k)
        Photos.
    mated, owners : int arrays of shape (m,)
        Photos of people who are enrolled, and which row of ``references`` is theirs.
    strangers : int array of shape (s,)
        Photos of people who are not.
    """

    references: Places
    mated: Places
    owners: Places
    strangers: Places

    def size(self) -> str:
        """In words."""
        people, k = self.references.shape
        return (
            f"{people} people with {k} reference{'s' if k > 1 else ''}, {len(self.mated):,} mated "
            f"probes, {len(self.strangers):,} strangers"
        )


def trial(labels: Labels, k: int, share: Share) -> Trial:
    """The trial with ``k`` references a person."""
    count = labels.photos_of
    within = {"tuning": labels.tuning, "reporting": ~labels.tuning}.get(
        share, np.ones(len(count), dtype=bool)
    )
    people = np.flatnonzero((count > k) & within)
    order = np.lexsort((labels.rank, labels.person))
    first = np.searchsorted(labels.person[order], people)
    mated = np.flatnonzero(np.isin(labels.person, people) & (labels.rank >= k))
    alone = np.flatnonzero((count == 1) & within)
    return Trial(
        references=order[first[:, None] + np.arange(k)],
        mated=mated,
        owners=np.searchsorted(people, labels.person[mated]),
        strangers=np.flatnonzero(np.isin(labels.person, alone)),
    )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What searching gave.

    Attributes
    ----------
    own : float array of shape (m,)
        The score of a mated probe's own person; minus infinity where somebody else scored as high.
    top : float array of shape (s,)
        The highest score of a stranger.
    """

    own: Floats
    top: Floats


def search(given: Trial, score: Score) -> Outcome:
    """Score every probe against everybody enrolled."""
    scores = score(given.references, given.mated)
    columns = np.arange(len(given.mated))
    own = scores[given.owners, columns]
    scores[given.owners, columns] = -np.inf
    return Outcome(
        own=np.where(scores.max(axis=0) >= own, -np.inf, own),
        top=score(given.references, given.strangers).max(axis=0),
    )


def misses(outcome: Outcome, rates: Sequence[float], mated: Floats, strangers: Floats) -> Floats:
    """FNIR at each FPIR, the probes counted with weights.

    A person is found who scores highest and above the threshold; the threshold is the lowest score
    of a stranger that leaves at most the wanted share of strangers above it.
    """
    falling = np.argsort(-outcome.top, kind="stable")
    above = np.cumsum(strangers[falling])
    at = np.searchsorted(above, np.asarray(rates) * above[-1] + 1e-9, side="right")
    thresholds = outcome.top[falling[np.minimum(at, len(falling) - 1)]]
    rising = np.argsort(outcome.own, kind="stable")
    below = np.concatenate([[0.0], np.cumsum(mated[rising])])
    missed: Floats = below[np.searchsorted(outcome.own[rising], thresholds, side="right")]
    shares: Floats = missed / below[-1]
    return shares


@dataclass(frozen=True, kw_only=True)
class Rates:
    """FNIR and its bootstrap replicates, which are the same people for every score compared.

    Attributes
    ----------
    measured : float array of shape (rates,)
    drawn : float array of shape (draws, rates)
    """

    measured: Floats
    drawn: Floats


def rates(given: Trial, outcome: Outcome, at: Sequence[float], *, draws: int, seed: int) -> Rates:
    """FNIR at each FPIR, and again with people drawn anew, those enrolled and strangers alike."""
    random = np.random.default_rng(seed)
    people, strangers = len(given.references), len(given.strangers)
    drawn = []
    for _ in range(draws):
        enrolled = np.bincount(random.integers(0, people, people), minlength=people)
        outside = np.bincount(random.integers(0, strangers, strangers), minlength=strangers)
        weights = enrolled[given.owners].astype(np.float64)
        drawn.append(misses(outcome, at, weights, outside.astype(np.float64)))
    whole = misses(outcome, at, np.ones(len(outcome.own)), np.ones(len(outcome.top)))
    return Rates(measured=whole, drawn=np.array(drawn))
