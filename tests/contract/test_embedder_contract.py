"""What every embedder does, whichever network it runs: the same tests for each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_networks import patches_network

from likeness.errors import UsageError
from likeness.faces.components import load_embedder
from likeness.faces.embed import Embedder, templates_of
from likeness.faces.embed_onnx import OnnxEmbedder
from likeness.faces.packs import Output, Preprocessing, load_manifest
from likeness.faces.runtime import Model


def dlib(threads: int) -> Embedder:
    return load_embedder(load_manifest("dlib"), threads)


def onnx_network(batch: int | None, *, channels_first: bool = True) -> Callable[[int], Embedder]:
    def made(threads: int) -> Embedder:
        return OnnxEmbedder(
            patches_network(batch=batch, channels_first=channels_first),
            name="small.onnx",
            how=Preprocessing(
                version=1,
                alignment="arcface-5",
                chip=112,
                mirror=True,
                colour="RGB",
                mean=(127.5, 127.5, 127.5),
                scale=(1 / 127.5, 1 / 127.5, 1 / 127.5),
            ),
            output=Output(),
            run=lambda model: Model(model, threads=threads),
        )

    return made


MAKERS: dict[str, Callable[[int], Embedder]] = {
    "dlib-resnet": dlib,
    "onnx, any batch": onnx_network(None),
    "onnx, one at a time": onnx_network(1),
    "onnx, four at a time, channels last": onnx_network(4, channels_first=False),
}


@pytest.fixture(scope="module", params=MAKERS)
def maker(request: pytest.FixtureRequest) -> Callable[[int], Embedder]:
    return MAKERS[str(request.param)]


@pytest.fixture(scope="module")
def embedder(maker: Callable[[int], Embedder]) -> Embedder:
    return maker(2)


def chips_of(embedder: Embedder, count: int, seed: int = 1) -> NDArray[np.uint8]:
    side = embedder.chip
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_each_chip_gives_a_vector_of_its_length(embedder: Embedder) -> None:
    made = embedder.embeddings(chips_of(embedder, 3))
    assert made.shape == (3, embedder.length) and made.dtype == np.float32
    assert np.isfinite(made).all()


def test_no_chips_give_no_vectors(embedder: Embedder) -> None:
    made = embedder.embeddings(chips_of(embedder, 0))
    assert made.shape == (0, embedder.length) and made.dtype == np.float32
    assert templates_of(embedder, chips_of(embedder, 0), mirror=True).shape == made.shape


@settings(max_examples=5)
@given(count=st.integers(2, 40))
def test_a_vector_depends_on_its_own_chip_alone(embedder: Embedder, count: int) -> None:
    chips = chips_of(embedder, count)
    together = embedder.embeddings(chips)
    for index in (0, count // 2, count - 1):
        alone = embedder.embeddings(chips[index : index + 1])[0]
        assert together[index] == pytest.approx(alone, rel=1e-3, abs=1e-4)


def test_the_number_of_threads_changes_no_result(maker: Callable[[int], Embedder]) -> None:
    one, two = maker(1), maker(2)
    chips = chips_of(one, 5)
    assert one.embeddings(chips) == pytest.approx(two.embeddings(chips), rel=1e-3, abs=1e-4)


def test_a_mirrored_chip_has_the_template_of_the_chip(embedder: Embedder) -> None:
    chips = chips_of(embedder, 2)
    plain = templates_of(embedder, chips, mirror=True)
    flipped = templates_of(embedder, np.ascontiguousarray(chips[:, :, ::-1]), mirror=True)
    assert plain == pytest.approx(flipped, abs=1e-5)
    assert np.linalg.norm(plain, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_colours_and_mirror_matter(embedder: Embedder) -> None:
    chips = chips_of(embedder, 1)
    for other in (chips[..., ::-1], chips[:, :, ::-1]):
        one, two = (
            templates_of(embedder, np.ascontiguousarray(given), mirror=False)[0]
            for given in (chips, other)
        )
        assert float(one @ two) < 0.9999


def test_chips_of_another_type_or_shape_are_refused(embedder: Embedder) -> None:
    right = chips_of(embedder, 1)
    for wrong in (right.astype(np.float32), right[0], right[:, 1:], right[..., :2]):
        with pytest.raises(UsageError, match="uint8 of shape"):
            embedder.embeddings(wrong)
