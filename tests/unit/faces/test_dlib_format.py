"""Reading dlib's serialised networks."""

from __future__ import annotations

from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import ModelFileInvalid
from likeness.faces.dlib_format import Add, Back, Convolution, Dense, Keep, Pool, Scale
from likeness.faces.dlib_networks import parse_network, read_network

DETECTOR = "mmod_human_face_detector.dat"
EMBEDDER = "dlib_face_recognition_resnet_model_v1.dat"


@pytest.fixture(scope="module")
def models() -> Path:
    spec = find_spec("face_recognition_models")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "models"


@pytest.fixture(scope="module")
def detector_bytes(models: Path) -> bytes:
    return (models / DETECTOR).read_bytes()


def test_the_detector_has_seven_convolutions_and_says_how_it_is_decoded(models: Path) -> None:
    network = read_network(models / DETECTOR)
    convolutions = [layer for layer in network.layers if isinstance(layer, Convolution)]
    assert [layer.weights.shape for layer in convolutions] == [
        (16, 3, 5, 5),
        (32, 16, 5, 5),
        (32, 32, 5, 5),
        (45, 32, 5, 5),
        (45, 45, 5, 5),
        (45, 45, 5, 5),
        (1, 45, 9, 9),
    ]
    assert [layer.stride for layer in convolutions] == [(2, 2)] * 3 + [(1, 1)] * 4
    assert [layer.padding[0] for layer in convolutions] == [0, 0, 0, 2, 2, 2, 4]
    assert network.detection is not None
    assert network.detection.windows == ((80, 80),)
    assert network.detection.suppression.intersection_over_union == pytest.approx(
        0.338276, abs=1e-6
    )
    assert network.detection.suppression.covered == 1.0
    assert network.input.means == pytest.approx((122.782, 117.001, 104.298), abs=1e-4)
    assert network.input.size is None
    assert (network.input.pyramid_padding, network.input.pyramid_outer_padding) == (10, 11)


def test_the_embedder_has_29_convolutions_and_its_branches_in_order(models: Path) -> None:
    network = read_network(models / EMBEDDER)
    kinds = Counter(type(layer) for layer in network.layers)
    assert kinds[Convolution] == 29
    assert kinds[Scale] == 29
    assert kinds[Add] == 14
    assert kinds[Back] == sum(isinstance(x, Keep) and x.number == 2 for x in network.layers) == 4
    assert network.input.size == (150, 150)
    assert network.detection is None
    everything, dense = network.layers[-2:]
    assert isinstance(everything, Pool) and everything.size == (0, 0)
    assert isinstance(dense, Dense) and dense.weights.shape == (256, 128)
    adds = [layer.number for layer in network.layers if isinstance(layer, Add)]
    assert adds == [1, 1, 1, 2, 1, 1, 1, 2, 1, 1, 2, 1, 1, 2]


@settings(max_examples=40)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_off_anywhere_is_refused(detector_bytes: bytes, share: float) -> None:
    with pytest.raises(ModelFileInvalid, match=r"cut\.dat"):
        parse_network(detector_bytes[: int(len(detector_bytes) * share)], name="cut.dat")


@settings(max_examples=150)
@given(position=st.integers(0, 170), value=st.integers(0, 255))
def test_a_changed_byte_in_the_head_is_read_or_refused_and_never_crashes(
    detector_bytes: bytes, position: int, value: int
) -> None:
    changed = bytearray(detector_bytes)
    changed[position] = value
    try:
        network = parse_network(bytes(changed), name="changed.dat")
    except ModelFileInvalid:
        return
    assert all(
        np.isfinite(layer.weights).all()
        for layer in network.layers
        if isinstance(layer, Convolution)
    )


@given(data=st.binary(max_size=400))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ModelFileInvalid):
        parse_network(data, name="other.dat")


def test_bytes_after_the_end_are_refused(detector_bytes: bytes) -> None:
    with pytest.raises(ModelFileInvalid, match="goes on after its end"):
        parse_network(detector_bytes + b"\0", name="long.dat")


def test_a_parameter_that_is_no_number_is_refused(detector_bytes: bytes) -> None:
    weights = detector_bytes.index(b"con_4") + len(
        b"con_4\x01\x02\x02\xc0\x04\x01\x01\x01\x01\x01\x01"
    )
    changed = bytearray(detector_bytes)
    changed[weights : weights + 4] = np.float32(np.nan).tobytes()
    with pytest.raises(ModelFileInvalid, match="not a finite number"):
        parse_network(bytes(changed), name="nan.dat")


def test_a_missing_file_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelFileInvalid, match=r"missing\.dat") as raised:
        read_network(tmp_path / "missing.dat")
    assert str(tmp_path) not in str(raised.value)
