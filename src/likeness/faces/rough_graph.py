"""A detector's graph in whole numbers of 8 bits: more than twice as fast, and a little off.

What it says is good enough to tell where no face is; :mod:`likeness.faces.rough_scan` has the rest
from the exact graph. The first convolution, which is small and sees the pixels, and the last, which
makes the scores, stay in float32.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from likeness.faces.dlib_format import Convolution, Network, Rectify
from likeness.faces.onnx_graphs import Graph, described_detector, detector_layers
from likeness.faces.rewriting import by_rows, unfit, with_inputs, with_lanes

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
    first = with_lanes(convolutions[0], 3)
    value = graph.node("Relu", graph.convolve("canvas", first))
    zero = graph.constant(np.array(0, dtype=np.uint8))
    scale = largest[0] / 255
    at = graph.constant(np.array(scale, dtype=np.float32))
    value = graph.node("QuantizeLinear", value, at, zero)
    channels = first.weights.shape[0]
    for layer, limit in zip(convolutions[1:], largest[1:], strict=True):
        filled = with_lanes(layer, channels)
        channels = filled.weights.shape[0]
        made = limit / 255
        made_at = graph.constant(np.array(made, dtype=np.float32))
        value = _convolve(graph, filled, (value, at, zero), (made_at, zero), scale)
        scale, at = made, made_at
    value = graph.node("DequantizeLinear", value, at, zero)
    for part in by_rows(with_inputs(last, channels)):
        value = graph.convolve(value, part)
    return described_detector(graph, value, network)


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
