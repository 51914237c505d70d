"""A detector's graph in whole numbers of 8 bits: nearly three times as fast, and a little off.

What it says is good enough to tell where no face is; :mod:`likeness.faces.rough_scan` has the rest
from the exact graph. The last convolution, which makes the scores, stays in float32.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from likeness.faces.dlib_format import Convolution, Network, Rectify
from likeness.faces.onnx_graphs import Graph, described_detector, detector_layers
from likeness.faces.rewriting import by_blocks, by_rows, unfit, with_inputs, with_lanes

ROUGH_GRAPH_VERSION = 1
"""Raised when the same file has to be built into another graph."""

LARGEST_OUTPUTS: Mapping[str, tuple[float, ...]] = {
    # mmod_human_face_detector.dat, over 111 press photos; what is larger is cut off.
    "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6": (
        6.0,
        9.7,
        5.4,
        5.0,
        7.7,
        14.4,
    ),
}
"""Of each convolution but the last, by the SHA-256 of a detector's file: what 255 stands for."""

_MOST = 127


def rough_detector_graph(network: Network, largest: tuple[float, ...]) -> bytes:
    """Build the rough model of a detector; input and output are those of ``detector_graph``.

    Weights have one scale for each output channel, values one for each layer, from 0 to the
    largest: so rectifying costs nothing.

    Parameters
    ----------
    network : Network
    largest : tuple of float
        Largest output of each convolution but the last.

    Raises
    ------
    ModelFileInvalid
        The network is not what ``detector_graph`` takes, or not of so many convolutions, each with
        a rectifier.
    """
    layers, last = detector_layers(network)
    convolutions = [layer for layer in layers if isinstance(layer, Convolution)]
    kinds = [Convolution, Rectify] * len(largest)
    if [type(layer) for layer in layers] != kinds or not convolutions:
        raise unfit("each convolution of a rough detector has a rectifier and a largest output")
    graph = Graph()
    zero = graph.constant(np.array(0, dtype=np.uint8))
    value, at, middle, scale = _pixels(graph, network)
    channels = 3
    for place, (layer, limit) in enumerate(zip(convolutions, largest, strict=True)):
        filled = with_lanes(layer, channels)
        channels = filled.weights.shape[0]
        made = limit / 255
        made_at = graph.constant(np.array(made, dtype=np.float32))
        value = _convolve(
            graph,
            by_blocks(filled) if place == 0 else filled,
            (value, at, middle if place == 0 else zero),
            (made_at, zero),
            scale,
        )
        scale, at = made, made_at
    value = graph.node("DequantizeLinear", value, at, zero)
    for part in by_rows(with_inputs(last, channels)):
        value = graph.convolve(value, part)
    return described_detector(graph, value, network)


def _pixels(graph: Graph, network: Network) -> tuple[str, str, str, float]:
    """The canvas in whole numbers, in blocks of two by two pixels.

    Returns the names of values, scale and zero, and the scale. An odd row or column gets one beside
    it, which no score depends on.
    """
    darkest, brightest = -max(network.input.means) / 256, (255 - min(network.input.means)) / 256
    scale = (brightest - darkest) / 255
    at = graph.constant(np.array(scale, dtype=np.float32))
    zero = graph.constant(np.array(round(-darkest / scale), dtype=np.uint8))
    value = graph.node("QuantizeLinear", "canvas", at, zero)
    sides = graph.node("Shape", value, start=2)
    odd = graph.node("Mod", sides, graph.constant(np.array(2, dtype=np.int64)))
    none = graph.constant(np.zeros(6, dtype=np.int64))
    value = graph.node("Pad", value, graph.node("Concat", none, odd, axis=0), zero)
    return graph.node("SpaceToDepth", value, blocksize=2), at, zero, scale


def _convolve(
    graph: Graph,
    layer: Convolution,
    given: tuple[str, str, str],
    made: tuple[str, str],
    scale: float,
) -> str:
    """Add a convolution of whole numbers; ``given`` and ``made`` name values, scales and zeros."""
    widest = np.abs(layer.weights).reshape(len(layer.weights), -1).max(axis=1)
    steps = np.where(widest > 0, widest / _MOST, 1.0).astype(np.float32)
    weights = np.rint(layer.weights / steps[:, None, None, None]).astype(np.int8)
    bias = np.rint(layer.bias / (scale * steps.astype(np.float64))).astype(np.int32)
    return graph.node(
        "QLinearConv",
        *given,
        graph.constant(weights),
        graph.constant(steps),
        graph.constant(np.zeros(len(weights), dtype=np.int8)),
        *made,
        graph.constant(bias),
        strides=list(layer.stride),
        pads=[*layer.padding, *layer.padding],
    )
