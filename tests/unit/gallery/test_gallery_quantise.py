"""The bound that codes rest on: what their tables add up to is never below the cosine."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from likeness.gallery import quantise
from likeness.gallery.quantise import Quantiser, train

Floats = NDArray[np.float32]


@cache
def some_axes(length: int) -> NDArray[np.float64]:
    axes: NDArray[np.float64]
    axes = np.linalg.qr(np.random.default_rng(1).standard_normal((length, length)))[0]
    return axes


def spread_like_templates(count: int, length: int, seed: int, *, apart: float = 0.4) -> Floats:
    """Unit vectors around a mean, more along some axes than along others."""
    random = np.random.default_rng(seed)
    axes = some_axes(length)
    sizes = 0.94 ** np.arange(length)
    wide = (random.standard_normal((count, length)) * sizes) @ axes.T
    wide *= apart / np.linalg.norm(sizes)
    wide += axes[:, -1] * np.sqrt(1 - apart**2)
    return (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(np.float32)


def unit(numbers: NDArray[np.float64]) -> Floats:
    return (numbers / np.linalg.norm(numbers)).astype(np.float32)


def proposed(quantiser: Quantiser, vectors: Floats, probe: Floats, threshold: float) -> set[int]:
    """What a scan proposes, added up here."""
    codes, loose = quantiser.encode(vectors)
    tables = quantiser.tables(probe[None], threshold)
    if not len(tables.scanned):
        return set(range(len(vectors)))
    sums = tables.entries[0][np.arange(quantiser.columns), codes].sum(axis=1)
    return set(np.flatnonzero((sums > 0) | loose).tolist())


@pytest.mark.parametrize("length", [6, 128, 170])
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    learnt_from=st.sampled_from(["the same", "elsewhere", "one alone", "equal ones"]),
    threshold=st.floats(-1, 1),
    near=st.floats(0, 1),
)
def test_whatever_reaches_the_threshold_is_proposed_whatever_was_learnt_from(
    length: int, seed: int, learnt_from: str, threshold: float, near: float
) -> None:
    vectors = spread_like_templates(200, length, seed)
    sample = {
        "the same": vectors.copy(),
        "elsewhere": -spread_like_templates(300, length, seed + 1, apart=0.05),
        "one alone": vectors[:1].copy(),
        "equal ones": np.repeat(vectors[:1], 50, axis=0),
    }[learnt_from]
    quantiser = train(sample)
    stranger = np.random.default_rng(seed).standard_normal(length)
    probe = unit(near * vectors[7].astype(np.float64) + (1 - near) * unit(stranger))
    scores = vectors.astype(np.float64) @ probe
    # At a score that is there as well as anywhere.
    for edge in (threshold, float(np.float32(scores[7])), float(np.sort(scores)[-5])):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(quantise, "HOPELESS", -1e9)
            found = proposed(quantiser, vectors, probe, edge)
        assert found >= set(np.flatnonzero(scores.astype(np.float32) >= edge).tolist())


def test_of_templates_spread_like_real_ones_hardly_any_is_proposed_in_vain() -> None:
    vectors = spread_like_templates(12_000, 128, 3)
    quantiser = train(vectors[:4000].copy())
    probes = spread_like_templates(10, 128, 4)
    assert float(np.mean(probes @ vectors.T)) == pytest.approx(0.84, abs=0.01)
    counts = [len(proposed(quantiser, vectors, probe, 0.96)) for probe in probes]
    assert np.mean(counts) < 0.02 * len(vectors)


def test_a_probe_whose_threshold_rules_out_little_gets_no_table() -> None:
    vectors = spread_like_templates(2000, 128, 5)
    quantiser = train(vectors.copy())
    probes = spread_like_templates(4, 128, 6)
    assert quantiser.tables(probes, 0.96).scanned.tolist() == [0, 1, 2, 3]
    assert quantiser.tables(probes, 0.80).scanned.tolist() == []
    assert quantiser.tables(probes, -1e300).scanned.tolist() == []
    assert quantiser.tables(probes, 1e300).scanned.tolist() == [0, 1, 2, 3]


def test_a_reference_far_from_all_others_is_compared_always() -> None:
    vectors = spread_like_templates(2000, 128, 7)
    quantiser = train(vectors.copy())
    assert not quantiser.encode(vectors)[1].any()
    codes, loose = quantiser.encode(-vectors[:3])
    assert loose.all()
    assert codes.max() <= 15


def test_the_sample_is_overwritten_and_what_was_learnt_can_be() -> None:
    sample = spread_like_templates(100, 16, 8)
    quantiser = train(sample)
    assert not sample.any()
    quantiser.wipe()
    assert not any(
        numbers.any()
        for numbers in (quantiser.centre, quantiser.axes, quantiser.deviations, quantiser.steps)
    )


def test_entries_are_whole_and_sums_fit_in_sixteen_bits() -> None:
    vectors = spread_like_templates(2000, 600, 9)
    quantiser = train(vectors.copy())
    assert quantiser.columns == quantise.MOST_COLUMNS
    tables = quantiser.tables(vectors[:5], 0.97)
    entries = tables.entries.copy()
    entries[:, 0] -= entries[:, 0].min(axis=1, keepdims=True)
    assert (entries == np.rint(entries)).all()
    assert entries.min() == 0
    assert (entries.max(axis=(1, 2)) == 255).all()
    assert entries.max(axis=2).sum(axis=1).max() <= 65_535
