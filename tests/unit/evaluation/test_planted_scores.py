"""Scores with known rates are reproduced: one to one, one to many, by group, and thresholds."""

from __future__ import annotations

from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest

from likeness.evaluation import calibration
from likeness.evaluation.comparisons import (
    bins_of,
    closest_of_others,
    edge_of,
    mated_of,
    non_mated_errors,
    non_mated_histogram,
    threshold_at,
)
from likeness.evaluation.groups import Grouping, rates_by_group, ratio_of
from likeness.evaluation.identification import (
    MISSED,
    at_fpir,
    curve,
    draw_searches,
    miss_rate,
)
from likeness.evaluation.intervals import PeopleBootstrap, Rate
from likeness.evaluation.subjects import Subjects
from likeness.evaluation.verification import verify

LENGTH = 64


def _subjects(photos: list[int], *, noise: float, seed: int = 1, base: float = 0.0) -> Subjects:
    """People whose templates lie around a direction of their own; ``base`` brings all nearer."""
    random = np.random.default_rng(seed)
    common = random.standard_normal(LENGTH)
    templates, people = [], []
    for person, count in enumerate(photos):
        own = random.standard_normal(LENGTH) + base * common
        for _ in range(count):
            made = own + noise * random.standard_normal(LENGTH)
            templates.append(made / np.linalg.norm(made))
            people.append(person)
    return Subjects(
        templates=np.array(templates, dtype=np.float32),
        found=np.ones(len(people), dtype=bool),
        people=np.array(people),
        items=tuple(f"p{person}/{n}.jpg" for n, person in enumerate(people)),
    )


def _pairs(subjects: Subjects) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, who is first and who is second, of every pair: the slow and obvious way."""
    first, second = np.triu_indices(len(subjects.people), 1)
    scores = np.einsum("nd,nd->n", subjects.templates[first], subjects.templates[second])
    return scores, subjects.people[first], subjects.people[second]


def _without(subjects: Subjects, lost: np.ndarray) -> Subjects:
    return Subjects(
        templates=np.where(lost[:, None], 0, subjects.templates).astype(np.float32),
        found=~lost,
        people=subjects.people,
        items=subjects.items,
    )


@pytest.fixture(scope="module")
def subjects() -> Subjects:
    return _subjects([1] * 60 + [3] * 30 + [7] * 5, noise=0.5)


def test_every_comparison_of_two_people_is_counted_once(subjects: Subjects) -> None:
    counts = non_mated_histogram(subjects)
    scores, first, second = _pairs(subjects)
    others = scores[first != second]
    assert counts.sum() == len(others)
    for step in (32768, 36000, 40000):
        assert counts[step:].sum() == pytest.approx((others >= edge_of(step)).sum(), abs=2)


def test_errors_of_each_person_are_those_of_counting_pair_by_pair(subjects: Subjects) -> None:
    scores, first, second = _pairs(subjects)
    threshold = 0.3
    [found] = non_mated_errors(subjects, [threshold])
    wrong = (scores >= threshold) & (first != second)
    count = subjects.count
    expected = np.bincount(first[wrong], minlength=count) + np.bincount(
        second[wrong], minlength=count
    )
    np.testing.assert_array_equal(found.errors, expected)
    assert found.trials.sum() == 2 * (first != second).sum()
    # The squares between two people, by brute force.
    rate = wrong.sum() / (first != second).sum()
    residual = np.zeros((count, count))
    np.add.at(residual, (first, second), np.where(first != second, wrong - rate, 0.0))
    residual += residual.T
    assert found.squares == pytest.approx((np.triu(residual, 1) ** 2).sum())


def test_mated_pairs_without_a_template_are_missed_at_every_threshold(subjects: Subjects) -> None:
    lost = np.zeros(len(subjects.people), dtype=bool)
    lost[60] = True
    mated = mated_of(_without(subjects, lost))
    assert mated.trials.sum() == 30 * 3 + 5 * 21
    assert mated.misses(-1.0).sum() == 2
    assert len(mated.scores) == mated.trials.sum() - 2


def test_a_planted_false_match_rate_is_reproduced_with_the_truth_in_its_interval() -> None:
    """Cosines of random directions are normal with variance 1/d, nearly: the truth is known."""
    subjects = _subjects([2] * 400, noise=0.8, seed=3)
    random = np.random.default_rng(4)
    threshold = 0.3
    truth = 1 - NormalDist().cdf(threshold * np.sqrt(LENGTH))
    [errors] = non_mated_errors(subjects, [threshold])
    found = errors.rate(PeopleBootstrap(subjects.count, random))
    assert found.rate == pytest.approx(truth, rel=0.15)
    assert found.low is not None and found.high is not None and found.low < truth * 1.15
    assert found.low < found.rate < found.high


def test_a_score_at_the_threshold_is_a_match_and_ties_are_all_counted() -> None:
    scores = np.array([0.25, 0.25, 0.25, 0.5], dtype=np.float32)
    counts = np.bincount(bins_of(scores), minlength=65537)
    assert threshold_at(counts, 0.25) == edge_of(int(bins_of(scores[:1])[0]) + 1)
    assert threshold_at(counts, 0.75) > 0.25
    assert threshold_at(counts, 1.0) <= 0.25


def test_the_threshold_of_a_rate_lets_through_no_more_than_it(subjects: Subjects) -> None:
    found = verify(
        subjects,
        PeopleBootstrap(subjects.count, np.random.default_rng(1)),
        np.random.default_rng(1),
    )
    assert found.points
    for point in found.points:
        assert point.fmr.errors / point.fmr.trials <= point.level
    assert (np.diff(found.fmr) <= 0).all() and (np.diff(found.fnmr) >= 0).all()
    assert found.mated_share.sum() == pytest.approx(1)
    assert found.non_mated_share.sum() == pytest.approx(1, abs=0.01)


def test_the_closest_photos_of_different_people_come_first(subjects: Subjects) -> None:
    scores, first, second = _pairs(subjects)
    best = np.sort(scores[first != second])[::-1][:5]
    found = closest_of_others(subjects, 5)
    np.testing.assert_allclose([score for _, _, score in found], best, atol=1e-6)


def test_galleries_are_searched_with_everybody_elses_photos_and_the_rest_of_theirs() -> None:
    subjects = _subjects([1] * 60 + [3] * 30 + [7] * 5, noise=1.5)
    searches = draw_searches(
        subjects,
        gallery_size=20,
        references=1,
        repetitions=3,
        random=np.random.default_rng(5),
    )
    assert len(searches.other_photo) + len(searches.mated_photo) == 3 * (len(subjects.people) - 20)
    assert (searches.mated_rank >= 1).all() and (searches.mated_rank <= 20).all()
    assert (searches.mated_score <= 1 + 1e-6).all()
    first = searches.mated_rank == 1
    assert searches.mated_score[first].mean() > searches.mated_score[~first].mean()


def test_rank_one_misses_nobody_where_people_are_far_apart() -> None:
    subjects = _subjects([4] * 40, noise=0.05)
    bootstrap = PeopleBootstrap(40, np.random.default_rng(1))
    searches = draw_searches(
        subjects, gallery_size=20, references=3, repetitions=20, random=np.random.default_rng(2)
    )
    found = miss_rate(searches, bootstrap, threshold=-1.0, rank=1)
    assert (found.errors, found.method) == (0, "rule of 3")


def test_a_photo_counts_once_however_many_galleries_it_is_searched_in() -> None:
    subjects = _subjects([3] * 50, noise=0.9)
    bootstrap = PeopleBootstrap(50, np.random.default_rng(1))
    rates = [
        miss_rate(
            draw_searches(
                subjects,
                gallery_size=25,
                references=1,
                repetitions=repetitions,
                random=np.random.default_rng(3),
            ),
            bootstrap,
            threshold=0.4,
            rank=1,
        )
        for repetitions in (30, 300)
    ]
    for rate in rates:
        assert rate.trials <= 150.001
    assert rates[0].observed == pytest.approx(rates[1].observed, rel=0.2)


def test_failures_to_acquire_and_to_enrol_are_misses_and_never_false_positives() -> None:
    subjects = _subjects([2] * 40, noise=0.02)
    lost = np.zeros(80, dtype=bool)
    lost[::8] = True
    damaged = _without(subjects, lost)
    searches = draw_searches(
        damaged, gallery_size=20, references=1, repetitions=200, random=np.random.default_rng(1)
    )
    assert searches.not_enrolled == pytest.approx(1 / 8, abs=0.03)
    missed = searches.mated_score == MISSED
    # A pair with one lost photo is always missed: as reference, or as probe.
    assert missed.mean() == pytest.approx(1 / 4, abs=0.05)
    assert (searches.other_top[np.isin(searches.other_photo, np.flatnonzero(lost))] == MISSED).all()


def test_fpir_is_what_was_asked_for_and_fnir_rises_as_it_falls() -> None:
    subjects = _subjects([3] * 300, noise=0.7, base=1.0)
    bootstrap = PeopleBootstrap(300, np.random.default_rng(1))
    searches = draw_searches(
        subjects, gallery_size=50, references=1, repetitions=40, random=np.random.default_rng(2)
    )
    loose, strict = at_fpir(searches, bootstrap, (0.05, 0.005))
    for point in (loose, strict):
        assert (searches.other_top >= point.threshold).mean() == pytest.approx(point.fpir, rel=0.15)
        assert point.fnir.low is not None and point.fnir.observed is not None
        assert point.fnir.low <= point.fnir.observed <= (point.fnir.high or 0)
    assert strict.threshold > loose.threshold
    assert strict.fnir.errors > loose.fnir.errors
    thresholds, fpir, fnir = curve(searches)
    assert (np.diff(fpir) <= 1e-12).all() and (np.diff(fnir) >= -1e-12).all()
    assert len(thresholds) == len(fpir) == len(fnir)


def test_groups_that_resemble_one_another_more_have_the_higher_false_match_rate() -> None:
    near = _subjects([2] * 80, noise=0.5, seed=1, base=1.0)
    far = _subjects([2] * 80, noise=0.5, seed=2, base=0.0)
    both = Subjects(
        templates=np.concatenate([near.templates, far.templates]),
        found=np.ones(320, dtype=bool),
        people=np.concatenate([near.people, far.people + 80]),
        items=(*near.items, *far.items),
    )
    labels = np.array(["near"] * 160 + ["far"] * 150 + [""] * 10)
    grouping = Grouping(column="kind", labels=labels)
    rates = {
        one.value: one for one in rates_by_group(both, grouping, 0.3, np.random.default_rng(1))
    }
    assert set(rates) == {"near", "far"}
    assert (rates["near"].photos, rates["far"].photos) == (160, 150)
    assert (rates["near"].fmr.rate or 0) > 5 * (rates["far"].fmr.rate or 0) > 0
    ratio = ratio_of({name: one.fmr for name, one in rates.items()})
    assert ratio is not None and ratio.worst == "near" and not ratio.at_least
    assert 1 < ratio.to_arithmetic < 2 and ratio.to_geometric > ratio.to_arithmetic


def _rate(errors: float, trials: float, high: float) -> Rate:
    return Rate(errors=errors, trials=trials, people=100, low=0.0, high=high, method="bootstrap")


def test_a_group_with_too_few_errors_makes_a_ratio_smaller_and_says_so() -> None:
    told = {"a": _rate(400, 1000, 0.5), "b": _rate(100, 1000, 0.2)}
    sure = ratio_of(told)
    assert sure is not None and sure.to_geometric == 2.0 and sure.to_arithmetic == 1.6
    unsure = ratio_of({**told, "c": _rate(2, 1000, 0.1)})
    assert unsure is not None and unsure.at_least
    assert unsure.to_arithmetic == pytest.approx(0.4 / ((0.4 + 0.1 + 0.1) / 3))
    assert ratio_of({"a": _rate(400, 1000, 0.5)}) is None
    assert ratio_of({"a": _rate(3, 1000, 0.1), "b": _rate(2, 1000, 0.1)}) is None


def test_a_planted_level_lies_below_the_upper_end_and_not_far() -> None:
    random = np.random.default_rng(1)
    tops = random.random((40, 3000)).astype(np.float32)
    people = np.repeat(np.arange(1000), 3)
    level = calibration.upper_level(tops, people, 0.01, random)
    assert 0.99 < level < 0.995
    tops[:, 2500:] = np.nan
    assert 0.99 < calibration.upper_level(tops, people, 0.01, random) < 0.995


def test_thresholds_rise_with_the_gallery_and_reach_as_far_as_the_photos_do() -> None:
    subjects = _subjects([1] * 900 + [3] * 200, noise=0.6, base=1.0)
    portraits = calibration.portraits_of(subjects)
    levels = calibration.measure_levels(portraits, np.random.default_rng(1), margin=0.0, draws=40)
    assert [level.gallery_size for level in levels] == [1, 10, 50, 100, 300]
    for before, after in pairwise(levels):
        assert after.review >= before.review
        assert (after.strong or 0) >= (before.strong or 0)
    assert all(level.strong is not None and level.strong >= level.review for level in levels)
    assert [level.raised for level in levels] == [False] * 4 + [True]


def test_too_few_photos_give_no_strong_threshold_and_fewer_give_none() -> None:
    some = calibration.portraits_of(_subjects([2] * 250, noise=0.5))
    levels = calibration.measure_levels(some, np.random.default_rng(1), margin=0.0, draws=10)
    assert levels and all(level.strong is None for level in levels)
    few = calibration.portraits_of(_subjects([2] * 100, noise=0.5))
    assert calibration.measure_levels(few, np.random.default_rng(1), margin=0.0, draws=10) == []


def test_the_margin_costs_at_most_one_in_a_hundred_of_the_right_links() -> None:
    leads = np.linspace(0, 1, 1001).astype(np.float32)
    margin = calibration.choose_margin(leads, np.full(1001, 0.9, np.float32), 0.5)
    assert margin == pytest.approx(0.01)
    assert (leads < margin).mean() <= 0.01
    assert calibration.choose_margin(leads, np.full(1001, 0.4, np.float32), 0.5) == 0.0


def test_a_margin_lowers_the_score_that_strangers_reach_with_a_lead() -> None:
    portraits = calibration.portraits_of(_subjects([3] * 500, noise=0.6, base=1.0))
    plain, led = (
        calibration.measure_levels(
            portraits, np.random.default_rng(1), margin=margin, sizes=(100,), draws=60
        )[0]
        for margin in (0.0, 0.1)
    )
    assert (led.strong or 0) < (plain.strong or 0)


def test_more_people_than_fit_into_memory_are_drawn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    portraits = calibration.portraits_of(_subjects([2] * 100, noise=0.5))
    assert calibration.fitting(portraits, np.random.default_rng(1)) is portraits
    monkeypatch.setattr(calibration, "MOST_SCORES", 100 * 200 // 4)
    fewer = calibration.fitting(portraits, np.random.default_rng(1))
    assert len(np.unique(fewer.people)) == 50
