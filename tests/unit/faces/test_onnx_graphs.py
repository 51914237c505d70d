"""Graphs built from networks, against a plain calculation in float64."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from likeness.errors import ModelFileInvalid
from likeness.faces.dlib_format import (
    Add,
    Back,
    Convolution,
    Dense,
    Detection,
    Input,
    Keep,
    Layer,
    Network,
    Overlap,
    Pool,
    Rectify,
    Scale,
)
from likeness.faces.onnx_graphs import detector_graph, embedder_graph
from likeness.faces.runtime import Model

Doubles = NDArray[np.float64]
MEANS = (120.0, 110.0, 100.0)


def convolution(
    random: np.random.Generator, outputs: int, inputs: int, size: int, stride: int, padding: int
) -> Convolution:
    return Convolution(
        weights=random.normal(0, 0.2, (outputs, inputs, size, size)).astype(np.float32),
        bias=random.normal(0, 0.2, outputs).astype(np.float32),
        stride=(stride, stride),
        padding=(padding, padding),
    )


def scale(random: np.random.Generator, channels: int) -> Scale:
    return Scale(
        gain=random.uniform(0.5, 2, channels).astype(np.float32),
        shift=random.normal(0, 0.3, channels).astype(np.float32),
    )


def slid(value: Doubles, size: int, stride: int) -> Doubles:
    """(c, r, w) to (c, r', w', size, size): all windows."""
    windows = np.lib.stride_tricks.sliding_window_view(value, (size, size), axis=(1, 2))
    return windows[:, ::stride, ::stride]


def plainly(layers: tuple[Layer, ...], value: Doubles) -> Doubles:
    """The network's output by the definition of its layers."""
    kept: dict[int, Doubles] = {}
    for layer in layers:
        if isinstance(layer, Convolution):
            padded = np.pad(value, ((0, 0), (layer.padding[0],) * 2, (layer.padding[1],) * 2))
            windows = slid(padded, layer.weights.shape[2], layer.stride[0])
            value = np.einsum("oiab,irwab->orw", layer.weights.astype(np.float64), windows)
            value = value + layer.bias[:, None, None]
        elif isinstance(layer, Scale):
            value = value * layer.gain[:, None, None] + layer.shift[:, None, None]
        elif isinstance(layer, Rectify):
            value = np.maximum(value, 0)
        elif isinstance(layer, Pool) and layer.size == (0, 0):
            value = value.mean(axis=(1, 2), keepdims=True)
        elif isinstance(layer, Pool):
            windows = slid(value, layer.size[0], layer.stride[0])
            value = windows.max((3, 4)) if layer.kind == "max" else windows.mean((3, 4))
        elif isinstance(layer, Keep):
            kept[layer.number] = value
        elif isinstance(layer, Back):
            value = kept[layer.number]
        elif isinstance(layer, Add):
            other = kept[layer.number]
            total = np.zeros(np.maximum(value.shape, other.shape))
            for part in (value, other):
                total[tuple(slice(0, size) for size in part.shape)] += part
            value = total
        elif isinstance(layer, Dense):
            value = (value.ravel() @ layer.weights.astype(np.float64))[:, None, None]
    return value


def small_embedder(random: np.random.Generator) -> Network:
    """With a residual block, and one whose skip is zero-padded in channels and in space."""
    return Network(
        input=Input(means=MEANS, size=(31, 31)),
        layers=(
            convolution(random, 16, 3, 3, 2, 0),
            scale(random, 16),
            Rectify(),
            Pool(kind="max", size=(3, 3), stride=(2, 2), padding=(0, 0)),
            Keep(number=1),
            convolution(random, 16, 16, 3, 1, 1),
            scale(random, 16),
            Add(number=1),
            Rectify(),
            Keep(number=1),
            convolution(random, 32, 16, 3, 2, 0),
            scale(random, 32),
            Rectify(),
            Keep(number=2),
            Back(number=1),
            Pool(kind="avg", size=(2, 2), stride=(1, 1), padding=(0, 0)),
            Add(number=2),
            Rectify(),
            Pool(kind="avg", size=(0, 0), stride=(1, 1), padding=(0, 0)),
            Dense(weights=random.normal(0, 1, (32, 8)).astype(np.float32)),
        ),
        detection=None,
    )


def small_detector(random: np.random.Generator) -> Network:
    return Network(
        input=Input(means=MEANS),
        layers=(
            convolution(random, 5, 3, 5, 2, 0),
            scale(random, 5),
            Rectify(),
            convolution(random, 19, 5, 3, 1, 1),
            Rectify(),
            convolution(random, 1, 19, 5, 1, 2),
        ),
        detection=Detection(
            windows=((40, 40),), suppression=Overlap(intersection_over_union=0.3, covered=1.0)
        ),
    )


def test_an_embedder_gives_what_its_layers_say() -> None:
    random = np.random.default_rng(1)
    network = small_embedder(random)
    chips = random.integers(0, 256, (3, 31, 31, 3), dtype=np.uint8)
    model = Model(embedder_graph(network), threads=1)
    for chip, made in zip(chips, model.run(chips), strict=True):
        pixels = (chip.transpose(2, 0, 1) - np.array(MEANS)[:, None, None]) / 256
        assert made == pytest.approx(plainly(network.layers, pixels).ravel(), abs=2e-5)


def test_a_detector_gives_what_its_layers_say() -> None:
    random = np.random.default_rng(2)
    network = small_detector(random)
    canvas = random.normal(0, 0.3, (1, 3, 37, 52)).astype(np.float32)
    model = Model(detector_graph(network), threads=1)
    expected = plainly(network.layers, canvas[0].astype(np.float64))
    assert model.run(canvas)[0] == pytest.approx(expected, abs=2e-5)


def test_a_detector_notes_how_its_scores_lie_over_its_input() -> None:
    notes = Model(detector_graph(small_detector(np.random.default_rng(3))), threads=1).notes
    assert notes["stride"] == 2
    assert notes["centre"] == 2
    assert notes["field"] == 5
    assert notes["reach"] == 3
    assert notes["window"] == [40, 40]


def test_building_twice_gives_the_same_bytes() -> None:
    one, two = (embedder_graph(small_embedder(np.random.default_rng(4))) for _ in range(2))
    assert one == two


def test_networks_that_do_not_fit_are_refused() -> None:
    random = np.random.default_rng(5)
    embedder, detector = small_embedder(random), small_detector(random)
    unfit = [
        (embedder_graph, detector),
        (embedder_graph, replace(embedder, layers=embedder.layers[:-1])),
        (embedder_graph, replace(embedder, layers=embedder.layers[1:])),
        (embedder_graph, replace(embedder, layers=(embedder.layers[0], *embedder.layers[10:]))),
        (embedder_graph, replace(embedder, input=Input(means=MEANS, size=(4, 4)))),
        (detector_graph, embedder),
        (detector_graph, replace(detector, detection=None)),
        (detector_graph, replace(detector, layers=detector.layers[:-1])),
        (detector_graph, replace(detector, layers=())),
    ]
    for build, network in unfit:
        with pytest.raises(ModelFileInvalid, match="cannot be turned into a graph"):
            build(network)


def test_every_order_of_sizes_is_padded_at_the_end_only() -> None:
    random = np.random.default_rng(6)
    for rows, columns in itertools.product((1, 3), repeat=2):
        layers: tuple[Layer, ...] = (
            convolution(random, 4, 3, 3, 1, 0),
            Keep(number=1),
            Convolution(
                weights=random.normal(0, 1, (4, 4, rows, columns)).astype(np.float32),
                bias=np.zeros(4, np.float32),
                stride=(1, 1),
                padding=(0, 0),
            ),
            Add(number=1),
            Dense(weights=random.normal(0, 1, (4 * 36, 3)).astype(np.float32)),
        )
        network = Network(input=Input(means=MEANS, size=(8, 8)), layers=layers, detection=None)
        chip = random.integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)
        pixels = (chip[0].transpose(2, 0, 1) - np.array(MEANS)[:, None, None]) / 256
        made = Model(embedder_graph(network), threads=1).run(chip)[0]
        kept = plainly(layers[:1], pixels)
        windows = np.lib.stride_tricks.sliding_window_view(kept, (rows, columns), axis=(1, 2))
        last = layers[2]
        assert isinstance(last, Convolution)
        total = kept.copy()
        added = np.einsum("oiab,irwab->orw", last.weights.astype(np.float64), windows)
        total[:, : added.shape[1], : added.shape[2]] += added
        dense = layers[-1]
        assert isinstance(dense, Dense)
        assert made == pytest.approx(total.ravel() @ dense.weights, abs=1e-3)
