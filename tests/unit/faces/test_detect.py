"""The pyramid detector: layout, score maps in bands, boxes and their suppression."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from likeness.errors import BadInput, ModelFileInvalid
from likeness.faces import detect
from likeness.faces.components import load_detector
from likeness.faces.detect import PyramidDetector
from likeness.faces.dlib_format import Convolution, Detection, Input, Network, Overlap
from likeness.faces.onnx_graphs import detector_graph, embedder_graph
from likeness.faces.packs import load_manifest
from likeness.faces.pyramid import draw, lay_out
from likeness.faces.runtime import Model

SIZES = st.integers(1, 400)


@pytest.fixture(scope="module")
def detector() -> PyramidDetector:
    loaded = load_detector(replace(load_manifest("dlib"), detection=None), 2)
    assert isinstance(loaded, PyramidDetector)
    return loaded


@given(height=SIZES, width=SIZES)
def test_levels_lie_on_the_canvas_and_apart(height: int, width: int) -> None:
    layout = lay_out(height, width, padding=10, outer_padding=11)
    taken = np.zeros((layout.height, layout.width), dtype=np.int64)
    assert (layout.levels[0].height, layout.levels[0].width) == (height, width)
    for level in layout.levels:
        assert level.left >= 11 and level.top >= 11
        assert level.right < layout.width - 11 + 1 and level.bottom < layout.height - 11 + 1
        taken[level.top : level.bottom + 1, level.left : level.right + 1] += 1
    assert taken.max() == 1


@given(height=SIZES, width=SIZES)
def test_each_level_is_five_sixths_of_the_one_before(height: int, width: int) -> None:
    levels = lay_out(height, width, padding=10, outer_padding=11).levels
    for larger, smaller in pairwise(levels):
        assert smaller.width in (larger.width * 5 // 6, larger.width * 5 // 6 - 1)
        assert smaller.height in (larger.height * 5 // 6, larger.height * 5 // 6 - 1)
    assert levels[-1].height >= 5 or len(levels) == 1


@settings(max_examples=20)
@given(
    height=st.integers(6, 120),
    width=st.integers(6, 120),
    colour=st.tuples(*[st.integers(0, 255)] * 3),
)
def test_an_even_image_is_even_on_every_level_and_zero_between(
    height: int, width: int, colour: tuple[int, int, int]
) -> None:
    image = np.full((height, width, 3), colour, dtype=np.uint8)
    layout = lay_out(height, width, padding=10, outer_padding=11)
    canvas = draw(image, layout, (120.0, 110.0, 100.0))
    expected = (np.array(colour, dtype=np.float32) - [120, 110, 100]) / 256
    between = np.ones(canvas.shape[2:], dtype=bool)
    for level in layout.levels:
        place = np.s_[level.top : level.bottom + 1, level.left : level.right + 1]
        between[place] = False
        assert np.allclose(canvas[0][:, *place], expected[:, None, None], atol=1e-6)
    assert not canvas[0][:, between].any()


@given(height=st.integers(30, 300), width=st.integers(30, 300), data=st.data())
def test_a_point_inside_a_level_belongs_to_it(height: int, width: int, data: st.DataObject) -> None:
    layout = lay_out(height, width, padding=10, outer_padding=11)
    index = data.draw(st.integers(0, len(layout.levels) - 1))
    level = layout.levels[index]
    x = data.draw(st.integers(level.left, level.right))
    y = data.draw(st.integers(level.top, level.bottom))
    assert layout.nearest(np.array([float(x)]), np.array([float(y)])).tolist() == [index]


def test_a_score_map_made_in_bands_is_the_one_made_at_once(
    detector: PyramidDetector, collins: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = detector.find(collins)
    layout = lay_out(*collins.shape[:2], padding=10, outer_padding=11)
    canvas = draw(collins, layout, (122.782, 117.001, 104.298))
    at_once = detector._scores(canvas, on_all_cores=True)
    monkeypatch.setattr(detect, "_BAND_PIXELS", 200_000)
    in_bands = detector._scores(canvas, on_all_cores=True)
    assert in_bands.shape == at_once.shape
    assert np.abs(in_bands - at_once).max() < 1e-5
    again = detector.find(collins)
    assert [found.box for found in again] == [found.box for found in whole]


@pytest.fixture
def collins(portraits: tuple[NDArray[np.uint8], ...]) -> NDArray[np.uint8]:
    return portraits[0]


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (500, 3), (6, 6), (28, 28)])
def test_an_image_too_small_for_a_face_shows_none(
    detector: PyramidDetector, shape: tuple[int, int]
) -> None:
    assert detector.find(np.zeros((*shape, 3), dtype=np.uint8)) == []


def test_an_image_too_large_for_memory_is_refused_before_anything_is_made(
    detector: PyramidDetector,
) -> None:
    huge = np.broadcast_to(np.zeros(3, dtype=np.uint8), (10_000, 10_000, 3))
    with pytest.raises(BadInput, match="10000 by 10000"):
        detector.find(huge)


def test_a_face_at_the_edge_may_have_a_box_that_reaches_over_it(
    detector: PyramidDetector, collins: NDArray[np.uint8]
) -> None:
    (whole,) = detector.find(collins)
    cut = collins[whole.box[1] + 12 :]
    (found,) = detector.find(np.ascontiguousarray(cut))
    assert found.box[1] < 0


def test_many_images_are_found_as_one_by_one(
    detector: PyramidDetector, collins: NDArray[np.uint8]
) -> None:
    images = [collins, np.ascontiguousarray(collins[:300, 100:350]), collins[::-1].copy()]
    many = detector.find_many(images)
    for image, found in zip(images, many, strict=True):
        alone = detector.find(image)
        assert [one.box for one in found] == [one.box for one in alone]
        assert [one.score for one in found] == pytest.approx([one.score for one in alone], abs=1e-5)
    assert detector.find_many([]) == []


def bright_spots() -> PyramidDetector:
    """A detector whose score is the red of the pixel at its centre, above 100 of 256."""
    weights = np.zeros((1, 3, 1, 1), dtype=np.float32)
    weights[0, 0] = 1
    spot = Convolution(
        weights=np.zeros((2, 3, 3, 3), np.float32),
        bias=np.zeros(2, np.float32),
        stride=(1, 1),
        padding=(0, 0),
    )
    spot.weights[0, 0, 1, 1] = 1
    last = Convolution(
        weights=np.array([1, 0], np.float32).reshape(1, 2, 1, 1),
        bias=np.array([-100 / 256], np.float32),
        stride=(1, 1),
        padding=(0, 0),
    )
    network = Network(
        input=Input(means=(0.0, 0.0, 0.0)),
        layers=(spot, last),
        detection=Detection(
            windows=((21, 21),), suppression=Overlap(intersection_over_union=0.2, covered=1.0)
        ),
    )
    return PyramidDetector(Model(detector_graph(network), threads=1))


def test_a_box_lies_around_the_pixel_that_scored() -> None:
    image = np.zeros((60, 80, 3), dtype=np.uint8)
    image[33, 47, 0] = 200
    first = bright_spots().find(image)[0]
    assert first.box == (37, 23, 58, 44)
    assert first.score == pytest.approx(100 / 256, abs=1e-6)


@settings(max_examples=25)
@given(
    spots=st.lists(
        st.tuples(st.integers(0, 79), st.integers(0, 59), st.integers(0, 255)), max_size=12
    )
)
def test_boxes_are_in_order_and_no_two_overlap(spots: list[tuple[int, int, int]]) -> None:
    image = np.zeros((60, 80, 3), dtype=np.uint8)
    for x, y, red in spots:
        image[y, x, 0] = red
    found = bright_spots().find(image)
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    assert bool(found) == any(image[..., 0].ravel() > 100)
    for position, one in enumerate(found):
        for other in found[position + 1 :]:
            assert overlap(one.box, other.box) <= 0.2


def overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """Common area by that of the smallest box around both."""
    common = [min(one[2 + axis], other[2 + axis]) - max(one[axis], other[axis]) for axis in (0, 1)]
    around = [max(one[2 + axis], other[2 + axis]) - min(one[axis], other[axis]) for axis in (0, 1)]
    return max(common[0], 0) * max(common[1], 0) / (around[0] * around[1])


def test_a_model_that_does_not_say_how_it_is_decoded_is_refused() -> None:
    from importlib.util import find_spec
    from pathlib import Path

    from likeness.faces.dlib_networks import read_network

    spec = find_spec("face_recognition_models")
    assert spec is not None and spec.origin is not None
    embedder = Path(spec.origin).parent / "models" / "dlib_face_recognition_resnet_model_v1.dat"
    with pytest.raises(ModelFileInvalid, match="does not say"):
        PyramidDetector(Model(embedder_graph(read_network(embedder)), threads=1))
