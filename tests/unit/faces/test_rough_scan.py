"""The rough look of the detector, and that what it leads to is what the exact look finds."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from likeness.errors import ModelFileInvalid
from likeness.faces import rough_scan
from likeness.faces.components import load_detector
from likeness.faces.detect import PyramidDetector, PyramidSettings
from likeness.faces.dlib_format import Convolution, Detection, Input, Network, Overlap, Rectify
from likeness.faces.dlib_networks import parse_network
from likeness.faces.onnx_graphs import detector_graph
from likeness.faces.packs import load_manifest, read_verified
from likeness.faces.rough_graph import LARGEST_OUTPUTS, rough_detector_graph
from likeness.faces.rough_scan import Geometry, RoughScan
from likeness.faces.runtime import Model, multiplies_bytes


class Portraits(NamedTuple):
    collins: NDArray[np.uint8]
    hopper: NDArray[np.uint8]


needs_vnni = pytest.mark.skipif(
    not multiplies_bytes(), reason="this processor does not multiply bytes without overflow"
)


@pytest.fixture(scope="module")
def network() -> Network:
    pack = load_manifest("dlib")
    return parse_network(read_verified(pack, pack.file("detector")), name="detector")


@pytest.fixture(scope="module")
def exact(network: Network) -> Model:
    return Model(detector_graph(network), threads=2)


@pytest.fixture(scope="module")
def rough(network: Network) -> Model:
    (largest,) = LARGEST_OUTPUTS.values()
    return Model(rough_detector_graph(network, largest), threads=2)


@needs_vnni
@pytest.mark.parametrize("odd", [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_rough_scores_are_near_the_exact_ones_where_faces_are(
    exact: Model, rough: Model, portraits: Portraits, odd: tuple[int, int]
) -> None:
    image = portraits.collins[20 : 220 + odd[0], 100 : 320 + odd[1]]
    means = np.array([122.782, 117.001, 104.298], dtype=np.float32)
    canvas = ((image - means) / np.float32(256)).transpose(2, 0, 1)[None].copy()
    ours, theirs = rough.run(canvas), exact.run(canvas)
    assert ours.shape == theirs.shape
    near = np.maximum(ours, theirs) > -0.5
    assert near.sum() >= 4
    assert np.abs(ours - theirs)[near].max() < rough_scan.ERROR


@needs_vnni
@pytest.mark.parametrize("how", [PyramidSettings(), PyramidSettings(threshold=-0.5, step=0.7)])
def test_the_same_faces_are_found_with_the_rough_look_and_without(
    exact: Model,
    rough: Model,
    portraits: Portraits,
    how: PyramidSettings,
) -> None:
    several = np.zeros((400, 700, 3), dtype=np.uint8)
    several[20:320, 0:240] = portraits.collins[0:300, 90:330]
    several[60:360, 260:600] = portraits.hopper[80:380, 100:440]
    for image in (portraits.collins, several, np.ascontiguousarray(several[::2, ::2])):
        plain = PyramidDetector(exact, how).find(image)
        sooner = PyramidDetector(exact, how, rough=rough).find(image)
        assert [one.box for one in sooner] == [one.box for one in plain]
        assert [one.score for one in sooner] == pytest.approx(
            [one.score for one in plain], abs=1e-5
        )


@needs_vnni
def test_the_default_pack_looks_roughly_first() -> None:
    detector = load_detector(load_manifest("dlib"), 1)
    assert isinstance(detector, PyramidDetector) and detector._rough is not None


def test_a_network_of_another_form_has_no_rough_graph(network: Network) -> None:
    (largest,) = LARGEST_OUTPUTS.values()
    with pytest.raises(ModelFileInvalid):
        rough_detector_graph(network, largest[:-1])
    convolutions = [layer for layer in network.layers if not isinstance(layer, Rectify)]
    with pytest.raises(ModelFileInvalid):
        rough_detector_graph(replace(network, layers=tuple(convolutions)), largest)


def plain_network() -> Network:
    """One convolution of stride 2, a rectifier, and the scores of three by three of its outputs."""
    random = np.random.default_rng(3)

    def layer(outputs: int, inputs: int, size: int, stride: int, padding: int) -> Convolution:
        return Convolution(
            weights=random.normal(0, 0.3, (outputs, inputs, size, size)).astype(np.float32),
            bias=random.normal(0, 0.1, outputs).astype(np.float32),
            stride=(stride, stride),
            padding=(padding, padding),
        )

    return Network(
        input=Input(means=(120.0, 110.0, 100.0)),
        layers=(layer(16, 3, 5, 2, 0), Rectify(), layer(1, 16, 3, 1, 1)),
        detection=Detection(
            windows=((10, 10),),
            suppression=Overlap(intersection_over_union=0.3, covered=1.0),
        ),
    )


@needs_vnni
@settings(max_examples=20, deadline=None)
@given(height=st.integers(12, 60), width=st.integers(12, 60), seed=st.integers(0, 99))
def test_a_rough_graph_has_the_scores_of_the_exact_one(height: int, width: int, seed: int) -> None:
    network = plain_network()
    image = np.random.default_rng(seed).integers(0, 256, (3, height, width))
    canvas = ((image - 110.0) / 256).astype(np.float32)[None]
    exact = Model(detector_graph(network), threads=1).run(canvas)
    rough = Model(rough_detector_graph(network, (4.0,)), threads=1).run(canvas)
    assert rough.shape == exact.shape
    assert np.abs(rough - exact).max() < 0.25


SIDE = 40
REACH = 3


def apart(some: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Overlap of boxes that are points: nearer than two either way."""
    near: NDArray[np.bool_] = (np.abs(some[..., :2] - others[..., :2]) < 2.5).all(axis=-1)
    return near


def kept(scores: NDArray[np.float32], least: float) -> list[tuple[int, int, float]]:
    """What stays of a score map where overlapping ones are left out, surest first."""
    rows, columns = np.nonzero(scores > least)
    order = np.argsort(-scores[rows, columns], kind="stable")
    boxes = np.stack([rows, columns], axis=1).astype(np.float64)
    chosen: list[int] = []
    for index in order:
        if not any(apart(boxes[index], boxes[other]) for other in chosen):
            chosen.append(int(index))
    return [(int(rows[i]), int(columns[i]), float(scores[rows[i], columns[i]])) for i in chosen]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), faces=st.integers(0, 6), error=st.floats(0, 0.2))
def test_whatever_the_rough_look_errs_by_what_stays_is_exact(
    seed: int, faces: int, error: float
) -> None:
    """A network that gives its input back, so that the right scores are known."""
    random = np.random.default_rng(seed)
    scores = random.normal(-2, 0.2, (SIDE, SIDE)).astype(np.float32)
    for row, column in random.integers(0, SIDE - 3, (faces, 2)):
        scores[row : row + 3, column : column + 3] = random.uniform(-0.4, 1, (3, 3))
    rough = scores + random.uniform(-error, error, scores.shape).astype(np.float32)
    scan = RoughScan(
        rough,
        np.broadcast_to(scores, (1, 3, SIDE, SIDE)),
        Geometry(stride=1, field=1, reach=REACH),
        least=0.0,
        exact=lambda patches: patches[:, :1],
        boxes=lambda rows, columns: np.stack([rows, columns], axis=1).astype(np.float64),
        overlapping=apart,
    )
    found = scan.scores()
    if found is not None:
        assert kept(found, 0.0) == kept(scores, 0.0)


def test_where_faces_are_everywhere_the_exact_model_sees_it_all() -> None:
    scores = np.full((SIDE, SIDE), 0.5, dtype=np.float32)
    scan = RoughScan(
        scores,
        np.broadcast_to(scores, (1, 3, SIDE, SIDE)),
        Geometry(stride=1, field=1, reach=REACH),
        least=0.0,
        exact=lambda patches: patches[:, :1],
        boxes=lambda rows, columns: np.stack([rows, columns], axis=1).astype(np.float64),
        overlapping=apart,
    )
    assert scan.scores() is None
