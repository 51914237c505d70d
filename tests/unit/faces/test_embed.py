"""Chips to embeddings to templates."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from likeness.errors import ModelFileInvalid, UsageError
from likeness.faces.components import load_embedder
from likeness.faces.embed import ChipEmbedder, Embedder, templates_of
from likeness.faces.packs import load_manifest
from likeness.faces.runtime import Model


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder(load_manifest("dlib"), 2)


@pytest.fixture(scope="module")
def chips() -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, 256, (37, 150, 150, 3), dtype=np.uint8)


def test_an_embedding_does_not_depend_on_the_batch_it_is_in(
    embedder: Embedder, chips: NDArray[np.uint8]
) -> None:
    together = embedder.embeddings(chips)
    assert together.shape == (37, 128) and together.dtype == np.float32
    alone = np.concatenate([embedder.embeddings(chips[n : n + 1]) for n in range(len(chips))])
    assert np.abs(together - alone).max() < 1e-6


def test_chips_may_be_views_of_larger_arrays(embedder: Embedder, chips: NDArray[np.uint8]) -> None:
    mirrored = chips[:3, :, ::-1]
    assert np.array_equal(embedder.embeddings(mirrored), embedder.embeddings(mirrored.copy()))


def test_no_chips_give_no_embeddings(embedder: Embedder) -> None:
    nothing = np.zeros((0, 150, 150, 3), dtype=np.uint8)
    assert embedder.embeddings(nothing).shape == (0, 128)
    assert templates_of(embedder, nothing, mirror=True).shape == (0, 128)


@pytest.mark.parametrize(
    "chips",
    [
        np.zeros((1, 150, 150, 3), dtype=np.float32),
        np.zeros((1, 151, 150, 3), dtype=np.uint8),
        np.zeros((150, 150, 3), dtype=np.uint8),
        np.zeros((1, 3, 150, 150), dtype=np.uint8),
    ],
)
def test_chips_of_another_kind_are_refused(embedder: Embedder, chips: NDArray[np.uint8]) -> None:
    with pytest.raises(UsageError, match="150"):
        embedder.embeddings(chips)


def test_a_template_is_the_mean_over_chip_and_mirror_image_at_unit_length(
    embedder: Embedder, chips: NDArray[np.uint8]
) -> None:
    some = chips[:5]
    made = templates_of(embedder, some, mirror=True)
    mean = (embedder.embeddings(some) + embedder.embeddings(some[:, :, ::-1])) / 2
    assert made == pytest.approx(mean / np.linalg.norm(mean, axis=1, keepdims=True), abs=1e-6)
    assert np.linalg.norm(made, axis=1) == pytest.approx(1.0, abs=1e-6)
    assert made == pytest.approx(templates_of(embedder, some[:, :, ::-1], mirror=True), abs=1e-6)


def test_without_mirror_images_a_template_is_the_embedding_at_unit_length(
    embedder: Embedder, chips: NDArray[np.uint8]
) -> None:
    one = embedder.embeddings(chips[:2])
    expected = one / np.linalg.norm(one, axis=1, keepdims=True)
    assert templates_of(embedder, chips[:2], mirror=False) == pytest.approx(expected, abs=1e-7)


def test_bytes_that_are_no_model_are_refused() -> None:
    with pytest.raises(ModelFileInvalid, match="onnxruntime"):
        Model(b"not a model")


def test_a_model_of_another_kind_is_refused() -> None:
    import onnx

    tensor = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])],
        "other",
        [tensor("x", onnx.TensorProto.FLOAT, [1])],
        [tensor("y", onnx.TensorProto.FLOAT, [1])],
    )
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
    )
    with pytest.raises(ModelFileInvalid, match="does not say"):
        ChipEmbedder(Model(model.SerializeToString()))


def test_a_model_needs_at_least_one_thread() -> None:
    with pytest.raises(UsageError, match="0 threads"):
        load_embedder(load_manifest("dlib"), 0)
