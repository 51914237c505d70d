"""Planes made smaller by onnxruntime, against numpy."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.faces.pyramid import _shrunk
from likeness.faces.shrink import Shrink, shrink_graph

SHRINK = Shrink(shrink_graph())


@settings(max_examples=50, deadline=None)
@given(
    rows=st.integers(2, 90),
    columns=st.integers(2, 90),
    step=st.floats(0.5, 0.95),
    seed=st.integers(0, 99),
)
def test_planes_are_made_as_numpy_makes_them(
    rows: int, columns: int, step: float, seed: int
) -> None:
    planes = np.random.default_rng(seed).normal(0, 0.3, (3, rows, columns)).astype(np.float32)
    height, width = max(1, int(rows * step)), max(1, int(columns * step))
    made = SHRINK(planes, height, width)
    assert made.dtype == np.float32 and made.shape == (3, height, width)
    assert np.abs(made - _shrunk(planes, height, width)).max() < 1e-4
