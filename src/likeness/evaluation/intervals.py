"""Error rates with their uncertainty: bootstrap over people, exact intervals, rules of 3 and of 30.

What is drawn anew is people, never photos or comparisons, because those of one person err together.
A rate that rests on fewer than 30 errors gets an exact interval and no figure of its own.

Sources: ISO/IEC 19795-1:2021, 8.4 (rules of 3 and of 30); E. L. Korn and B. I. Graubard,
"Confidence intervals for proportions with small expected number of positive counts estimated from
survey data", Survey Methodology 24 (1998) (exact intervals on the effective number of trials);
P. M. Aronow, C. Samii and V. A. Assenova, "Cluster-robust variance estimation for dyadic data",
Political Analysis 23 (2015) (comparisons that share a person).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from likeness.evaluation.beta import beta_quantile

CONFIDENCE = 0.95
RULE_OF_30 = 30
REPLICATES = 1000
MOST_WEIGHTS = 20_000_000
FEWEST_REPLICATES = 200

Method = Literal["bootstrap", "exact", "rule of 3", "none"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Rate:
    """An error rate and what is known of it.

    Attributes
    ----------
    errors, trials : float
        Not whole where a photo was tried against many random galleries: each counts once, by the
        share of its trials that went wrong.
    people : int
        How many people the trials were of.
    low, high : float or None
        95% confidence interval; None where there was no trial. Where there was no error, ``high``
        is three over the number of people (the rule of 3), and of confidence 95% from one side.
    method : Method
        What made the interval; ``"none"`` where there was no trial.
    """

    errors: float
    trials: float
    people: int
    low: float | None
    high: float | None
    method: Method

    @property
    def observed(self) -> float | None:
        """Errors over trials, however few; None where there was no trial."""
        return self.errors / self.trials if self.trials else None

    @property
    def rate(self) -> float | None:
        """The same where at least 30 errors were seen (the rule of 30), else None."""
        return self.observed if self.errors >= RULE_OF_30 else None

    @property
    def too_few_errors(self) -> bool:
        """Whether there were trials, but fewer than 30 errors."""
        return self.method != "none" and self.errors < RULE_OF_30


NOT_MEASURABLE = Rate(errors=0.0, trials=0.0, people=0, low=None, high=None, method="none")


class PeopleBootstrap:
    """People drawn with replacement, again and again: how often each was drawn each time.

    Parameters
    ----------
    people : int
    random : numpy.random.Generator
    replicates : int, optional
        1,000, or fewer where there are more than 20,000 people, but never below 200.

    Attributes
    ----------
    weights : float32 array of shape (replicates, people)
    """

    def __init__(
        self, people: int, random: np.random.Generator, *, replicates: int | None = None
    ) -> None:
        if replicates is None:
            fitting = MOST_WEIGHTS // max(people, 1)
            replicates = max(FEWEST_REPLICATES, min(REPLICATES, fitting))
        self.weights = np.zeros((replicates, people), dtype=np.float32)
        for row in self.weights if people else ():
            row[:] = np.bincount(random.integers(0, people, people), minlength=people)

    def sums(self, of_people: NDArray[np.floating]) -> Floats:
        """Sums over each draw of people.

        Parameters
        ----------
        of_people : float array of shape (people,) or (people, k)

        Returns
        -------
        float64 array of shape (replicates,) or (replicates, k)
        """
        return np.asarray(self.weights @ of_people.astype(np.float32), dtype=np.float64)

    def rate(self, errors: NDArray[np.floating], trials: NDArray[np.floating]) -> Rate:
        """The rate of errors whose trials are of one person each.

        Parameters
        ----------
        errors, trials : float array of shape (people,)
            Of each person; people without trials count for nothing.
        """
        had = trials > 0
        total, tried = float(errors.sum()), float(trials.sum())
        if not tried:
            return NOT_MEASURABLE
        drawn = self.sums(trials)
        rates = self.sums(errors)[drawn > 0] / drawn[drawn > 0]
        return interval(
            errors=total,
            trials=tried,
            people=int(had.sum()),
            units=float(had.sum()),
            standard_error=float(np.std(rates)),
        )


def pair_rate(
    bootstrap: PeopleBootstrap,
    *,
    errors: NDArray[np.floating],
    trials: NDArray[np.floating],
    squares: float,
    person_pairs: float,
) -> Rate:
    """The rate of errors among comparisons of two different people each.

    A comparison depends on both its people, so each draw of people weighs it by both. What single
    comparisons add of their own is then counted more than once; the spread of the draws is scaled
    to the dyadic cluster-robust variance, in which it counts once.

    Parameters
    ----------
    bootstrap : PeopleBootstrap
    errors, trials : float array of shape (people,)
        Of all comparisons that a person is in; each comparison is in two persons' sums.
    squares : float
        Sum over pairs of people of (errors - rate x trials)**2 between the two.
    person_pairs : float
        How many pairs of people were compared.
    """
    twice_errors, twice = float(errors.sum()), float(trials.sum())
    if not twice:
        return NOT_MEASURABLE
    found, tried = twice_errors / 2, twice / 2
    rate = found / tried
    residuals = (errors - rate * trials).astype(np.float64)
    dyadic = max(float(residuals @ residuals) - squares, squares, 0.0) / tried**2
    linear = float(residuals @ residuals) / tried**2
    drawn = bootstrap.sums(trials)
    usable = drawn > 0
    spread = 2 * float(np.std(bootstrap.sums(errors)[usable] / drawn[usable]))
    scaled = spread * math.sqrt(dyadic / linear) if linear > 0 else 0.0
    return interval(
        errors=found,
        trials=tried,
        people=int((trials > 0).sum()),
        units=person_pairs,
        standard_error=scaled,
    )


def interval(
    *, errors: float, trials: float, people: int, units: float, standard_error: float
) -> Rate:
    """A rate with its 95% interval, by the method that its number of errors asks for.

    Parameters
    ----------
    errors, trials : float
    people : int
        How many people the trials were of.
    units : float
        How many trials would tell as much if none had anything to do with another, at most: people,
        or pairs of people.
    standard_error : float
        Of the rate, over draws of people.
    """
    rate = errors / trials
    method: Method
    if errors == 0:
        low, high, method = 0.0, min(1.0, 3 / max(units, 1.0)), "rule of 3"
    elif errors < RULE_OF_30 or trials - errors < RULE_OF_30:
        low, high = exact_interval(errors, trials, standard_error)
        method = "exact"
    else:
        low, high = _logit_interval(rate, standard_error)
        method = "bootstrap"
    return Rate(errors=errors, trials=trials, people=people, low=low, high=high, method=method)


def exact_interval(
    errors: float, trials: float, standard_error: float = 0.0
) -> tuple[float, float]:
    """The Clopper-Pearson interval, on as many trials as are worth that many independent ones.

    Parameters
    ----------
    errors, trials : float
    standard_error : float
        Of the rate over draws of people; where it is above that of independent trials, errors and
        trials count for less in proportion.

    Examples
    --------
    >>> low, high = exact_interval(4, 200)
    >>> print(f"{low:.4f} {high:.4f}")
    0.0055 0.0504
    """
    rate = errors / trials
    variance = rate * (1 - rate) / trials
    effect = max(1.0, standard_error**2 / variance) if variance > 0 else 1.0
    found, tried = errors / effect, trials / effect
    tail = (1 - CONFIDENCE) / 2
    low = beta_quantile(tail, found, tried - found + 1) if found > 0 else 0.0
    high = beta_quantile(1 - tail, found + 1, tried - found) if found < tried else 1.0
    return low, high


def _logit_interval(rate: float, standard_error: float) -> tuple[float, float]:
    """Symmetric on the scale of the logit, where small rates are not squeezed against 0."""
    middle = math.log(rate / (1 - rate))
    reach = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * standard_error / (rate * (1 - rate))
    low, high = middle - reach, middle + reach
    return 1 / (1 + math.exp(-low)), 1 / (1 + math.exp(-high))
