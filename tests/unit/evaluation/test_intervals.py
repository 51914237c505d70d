"""Intervals cover the truth as often as they say, and few errors are never dressed up as a rate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.evaluation.beta import beta_quantile, beta_share
from likeness.evaluation.intervals import (
    NOT_MEASURABLE,
    PeopleBootstrap,
    Rate,
    exact_interval,
    interval,
    pair_rate,
)

SIMULATIONS = 1000
NEEDED = 0.93


def _random() -> np.random.Generator:
    return np.random.default_rng(7)


def _clustered(
    random: np.random.Generator, sizes: np.ndarray, rate: float, alike: float
) -> np.ndarray:
    """Errors of each person, who err more or less often than others: beta-binomial."""
    if not alike:
        return random.binomial(sizes, rate).astype(float)
    spread = 1 / alike - 1
    of_people = random.beta(rate * spread, (1 - rate) * spread, len(sizes))
    return random.binomial(sizes, of_people).astype(float)


@pytest.mark.parametrize("expected", [30, 60, 200])
@pytest.mark.parametrize("alike", [0.0, 0.2])
def test_over_a_thousand_simulations_intervals_of_people_cover_the_truth(
    expected: int, alike: float
) -> None:
    random = _random()
    sizes = 1 + random.geometric(0.35, 400)
    rate = expected / sizes.sum()
    bootstrap = PeopleBootstrap(len(sizes), random, replicates=500)
    covered = 0
    for _ in range(SIMULATIONS):
        found = bootstrap.rate(_clustered(random, sizes, rate, alike), sizes.astype(float))
        assert found.low is not None and found.high is not None
        covered += found.low <= rate <= found.high
    assert covered / SIMULATIONS >= NEEDED


@pytest.mark.parametrize("expected", [2, 8, 20])
def test_with_fewer_than_thirty_expected_errors_intervals_are_exact_and_cover_the_truth(
    expected: int,
) -> None:
    random = _random()
    sizes = 1 + random.geometric(0.35, 400)
    rate = expected / sizes.sum()
    bootstrap = PeopleBootstrap(len(sizes), random, replicates=500)
    covered, methods = 0, set()
    for _ in range(SIMULATIONS):
        errors = _clustered(random, sizes, rate, 0.1)
        found = bootstrap.rate(errors, sizes.astype(float))
        assert found.low is not None and found.high is not None
        covered += found.low <= rate <= found.high
        if errors.sum() < 30:
            assert found.rate is None and found.too_few_errors
            methods.add(found.method)
    assert covered / SIMULATIONS >= NEEDED
    assert methods <= {"exact", "rule of 3"}


@pytest.mark.parametrize("alike", [0.0, 0.6])
@pytest.mark.parametrize("expected", [40, 400])
def test_intervals_of_comparisons_cover_the_truth_where_some_people_resemble_many(
    alike: float, expected: int
) -> None:
    """Each person brings an effect of their own to every comparison that they are in."""
    random = _random()
    people = 120
    first, second = np.triu_indices(people, 1)
    rate = expected / len(first)
    bootstrap = PeopleBootstrap(people, random, replicates=400)
    trials = np.full(people, people - 1.0)
    factor = math.exp(alike**2 / 2)
    covered = 0
    for _ in range(SIMULATIONS):
        effect = np.exp(random.normal(0, alike, people)) / factor
        wrong = random.random(len(first)) < rate * effect[first] * effect[second]
        errors = np.bincount(first[wrong], minlength=people) + np.bincount(
            second[wrong], minlength=people
        )
        observed = wrong.mean()
        found = pair_rate(
            bootstrap,
            errors=errors.astype(float),
            trials=trials,
            squares=float(wrong.sum() * (1 - observed) ** 2 + (~wrong).sum() * observed**2),
            person_pairs=float(len(first)),
        )
        assert found.low is not None and found.high is not None
        covered += found.low <= rate <= found.high
    assert covered / SIMULATIONS >= NEEDED


def test_people_who_err_together_make_the_interval_wider_than_photos_alone_would() -> None:
    bootstrap = PeopleBootstrap(200, _random())
    trials = np.full(200, 10.0)
    together, apart = np.zeros(200), np.ones(200)
    together[:20] = 10.0
    wide, narrow = bootstrap.rate(together, trials), bootstrap.rate(apart, trials)
    assert wide.observed == narrow.observed == 0.1
    assert None not in (wide.low, wide.high, narrow.low, narrow.high)
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)  # type: ignore[operator]


def test_no_error_gives_the_rule_of_three_over_people() -> None:
    found = PeopleBootstrap(300, _random()).rate(np.zeros(300), np.full(300, 5.0))
    assert (found.low, found.method, found.rate) == (0.0, "rule of 3", None)
    assert found.high == pytest.approx(3 / 300)


def test_twenty_nine_errors_are_too_few_and_thirty_are_enough() -> None:
    few = interval(errors=29, trials=1000, people=500, units=500, standard_error=0.005)
    enough = interval(errors=30, trials=1000, people=500, units=500, standard_error=0.005)
    assert (few.rate, few.too_few_errors, few.method) == (None, True, "exact")
    assert (enough.rate, enough.too_few_errors, enough.method) == (0.03, False, "bootstrap")


def test_where_nothing_was_tried_nothing_is_measurable() -> None:
    bootstrap = PeopleBootstrap(5, _random())
    assert bootstrap.rate(np.zeros(5), np.zeros(5)) == NOT_MEASURABLE
    assert NOT_MEASURABLE.observed is None and not NOT_MEASURABLE.too_few_errors


def test_a_rate_of_almost_all_has_an_exact_interval_that_reaches_it() -> None:
    low, high = exact_interval(100, 100)
    assert (low, high) == (pytest.approx(0.025 ** (1 / 100), abs=1e-9), 1.0)


@given(share=st.floats(0.001, 0.999), a=st.floats(0.05, 5000), b=st.floats(0.05, 5000))
def test_a_quantile_of_the_beta_distribution_has_its_share_below_it(
    share: float, a: float, b: float
) -> None:
    value = beta_quantile(share, a, b)
    assert 0 <= value <= 1
    if 1e-12 < value < 1 - 1e-12:
        assert beta_share(value, a, b) == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize(
    ("share", "a", "b", "value"),
    [
        # Of SciPy 1.17 (scipy.stats.beta.ppf).
        (0.025, 4, 197, 0.005475565879556455),
        (0.975, 30.3, 1e6, 4.200105799151421e-05),
        (0.5, 0.3, 2, 0.04276750690589215),
        (0.975, 1, 1e7, 3.688878788543626e-07),
    ],
)
def test_quantiles_are_those_of_a_reference(share: float, a: float, b: float, value: float) -> None:
    assert beta_quantile(share, a, b) == pytest.approx(value, rel=1e-9)


@given(errors=st.integers(0, 400), more=st.integers(1, 4000))
def test_an_interval_always_holds_what_was_observed(errors: int, more: int) -> None:
    found: Rate = interval(
        errors=errors,
        trials=errors + more,
        people=more,
        units=more,
        standard_error=math.sqrt(errors * more / (errors + more) ** 3),
    )
    assert found.low is not None and found.high is not None and found.observed is not None
    assert 0 <= found.low <= found.observed <= found.high <= 1
