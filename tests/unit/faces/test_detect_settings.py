"""Settings of the pyramid detector: enlarging, steps, thresholds, and what a manifest may say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from likeness.bench.faces import intersection_over_union
from likeness.errors import ModelFileInvalid
from likeness.faces.components import load_detector
from likeness.faces.detect import Detector, PyramidSettings
from likeness.faces.packs import Detection, load_manifest
from likeness.faces.pyramid import lay_out


def set_to(threshold: float | None = None, **options: float) -> Detector:
    given = tuple(sorted(options.items()))
    pack = load_manifest("dlib")
    return load_detector(
        replace(pack, detection=Detection(threshold=threshold, options=given)), None
    )


@pytest.fixture
def small_collins(portraits: tuple[NDArray[np.uint8], ...]) -> NDArray[np.uint8]:
    """The portrait with a face of about 50 px, which is smaller than the detector's window."""
    image = Image.fromarray(portraits[0]).resize((256, 256), Image.Resampling.LANCZOS)
    return np.asarray(image)


def test_a_face_too_small_for_the_window_is_found_where_it_is_once_enlarged(
    small_collins: NDArray[np.uint8],
) -> None:
    assert set_to().find(small_collins) == []
    (found,) = set_to(enlarge=2.0).find(small_collins)
    assert intersection_over_union(found.box, (84, 35, 132, 83)) > 0.8


def test_an_image_is_enlarged_no_further_than_to_the_limit(
    small_collins: NDArray[np.uint8],
) -> None:
    assert set_to(enlarge=2.0, enlarge_to=256).find(small_collins) == []
    assert set_to(enlarge=2.0, enlarge_to=512).find(small_collins)


@given(
    height=st.integers(1, 5000),
    width=st.integers(1, 5000),
    enlarge=st.floats(1.0, 4.0),
    limit=st.integers(1, 8192),
)
def test_no_image_is_reduced_or_enlarged_beyond_either_limit(
    height: int, width: int, enlarge: float, limit: int
) -> None:
    factor = PyramidSettings(enlarge=enlarge, enlarge_to=limit).factor(height, width)
    assert 1.0 <= factor <= enlarge
    assert factor == 1.0 or factor * max(height, width) <= limit * (1 + 1e-9)


def test_coarser_steps_are_less_to_look_at_and_find_the_same_face(
    portraits: tuple[NDArray[np.uint8], ...],
) -> None:
    def area(step: float) -> int:
        layout = lay_out(600, 512, padding=10, outer_padding=11, step=step)
        return layout.width * layout.height

    assert area(2 / 3) < area(3 / 4) < area(5 / 6)
    (fine,) = set_to().find(portraits[1])
    (coarse,) = set_to(step=0.75).find(portraits[1])
    assert intersection_over_union(fine.box, coarse.box) > 0.7


def test_only_faces_above_the_threshold_are_found(
    portraits: tuple[NDArray[np.uint8], ...],
) -> None:
    (found,) = set_to().find(portraits[0])
    assert set_to(threshold=found.score + 0.01).find(portraits[0]) == []
    low = set_to(threshold=-0.9).find(portraits[0])
    assert found == low[0] and all(one.score > -0.9 for one in low)


def test_the_default_pack_finds_one_face_in_each_portrait(
    portraits: tuple[NDArray[np.uint8], ...],
) -> None:
    detector = load_detector(load_manifest("dlib"), None)
    assert [len(detector.find(image)) for image in portraits] == [1, 1]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"threshold": -1.0}, "threshold = -1"),
        ({"enlarge": 0.5}, "enlarge = 0.5"),
        ({"enlarge": 5.0}, "enlarge = 5"),
        ({"enlarge_to": 0.0}, "enlarge_to = 0"),
        ({"step": 0.99}, "step = 0.99"),
        ({"step": 0.2}, "step = 0.2"),
        ({"steps": 0.75}, "detection.steps"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(options: dict[str, float], named: str) -> None:
    with pytest.raises(ModelFileInvalid, match=named):
        set_to(**options)
