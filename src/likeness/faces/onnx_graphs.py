"""Turns networks read from dlib's files into ONNX graphs that say the same.

Needs the package ``onnx``, which is imported when a graph is built: that happens once a machine, as
the result is kept by :mod:`likeness.faces.model_cache`.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likeness.faces.dlib_format import (
    Add,
    Back,
    Convolution,
    Dense,
    Keep,
    Layer,
    Network,
    Pool,
    Rectify,
)
from likeness.faces.rewriting import by_rows, folded, unfit, with_inputs, with_lanes, with_pixels

GRAPHS_VERSION = 1
"""Raised when a model file has to be built into another graph, so that what caches hold is left."""

_OPERATOR_SET = 17
_FORMAT_VERSION = 8


@dataclass(kw_only=True)
class Graph:
    """Nodes and constants of a graph in the making; values are named in the order they are made."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def constant(self, value: NDArray[Any]) -> str:
        """Add a constant and return its name."""
        import onnx

        name = f"c{len(self.constants)}"
        self.constants.append(onnx.numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        import onnx

        name = f"v{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def convolve(self, value: str, layer: Convolution) -> str:
        """Add a convolution and return its output's name."""
        return self.node(
            "Conv",
            value,
            self.constant(layer.weights),
            self.constant(layer.bias),
            strides=list(layer.stride),
            pads=[*layer.padding, *layer.padding],
        )

    def finish(self, value: str, *, given: Any, made: Any, notes: dict[str, Any]) -> bytes:
        """The serialised model: from the input ``given`` to ``value``, given out as ``made``."""
        import onnx

        self.nodes.append(onnx.helper.make_node("Identity", [value], [made.name]))
        graph = onnx.helper.make_graph(self.nodes, "likeness", [given], [made], self.constants)
        model = onnx.helper.make_model(
            graph,
            opset_imports=[onnx.helper.make_opsetid("", _OPERATOR_SET)],
            ir_version=_FORMAT_VERSION,
            producer_name="likeness",
        )
        onnx.helper.set_model_props(model, {key: json.dumps(item) for key, item in notes.items()})
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))


@dataclass(frozen=True, kw_only=True)
class _Value:
    """A tensor of known size inside a graph: its name and its (channels, rows, columns)."""

    name: str
    shape: tuple[int, int, int]


def embedder_graph(network: Network) -> bytes:
    """Build the ONNX model of a face embedder.

    Its input ``chips`` is uint8 (n, rows, columns, 3) in RGB, of the network's own size; its output
    ``embeddings`` is float32 (n, d), as the network gives it (not scaled).

    Parameters
    ----------
    network : Network
        With a sized input and a dense layer at the end.

    Raises
    ------
    ModelFileInvalid
        The network is not of that kind, or its sizes do not fit together.
    """
    import onnx

    size = network.input.size
    layers = folded(network.layers)
    if size is None or not isinstance(layers[0], Convolution) or not isinstance(layers[-1], Dense):
        raise unfit("an embedder has a sized input, a convolution first and a dense layer last")
    graph = Graph()
    planes = graph.node("Transpose", "chips", perm=[0, 3, 1, 2])
    value = _Value(
        name=graph.node("Cast", planes, to=int(onnx.TensorProto.FLOAT)), shape=(3, *size)
    )
    kept: dict[int, _Value] = {}
    for layer in (with_pixels(layers[0], network.input), *layers[1:]):
        value = _embed(graph, layer, value, kept)
    describe = onnx.helper.make_tensor_value_info
    return graph.finish(
        value.name,
        given=describe("chips", onnx.TensorProto.UINT8, ["n", *size, 3]),
        made=describe("embeddings", onnx.TensorProto.FLOAT, ["n", value.shape[0]]),
        notes={"size": list(size), "length": value.shape[0]},
    )


def detector_graph(network: Network) -> bytes:
    """Build the ONNX model of a fully convolutional detector.

    Its input ``canvas`` is float32 (n, 3, rows, columns), already normalised; its output ``scores``
    is float32 (n, 1, rows', columns'). What else is needed to decode it stands in the model's
    metadata, as JSON: ``means``, ``padding``, ``outer_padding``, ``window``, ``stride``, ``centre``
    (the pixel that the first score is about), ``field`` (pixels that the first score needs),
    ``reach`` (scores next to a score that it depends on, by the padded layers), ``suppression``.

    Raises
    ------
    ModelFileInvalid
        The network is not a chain of convolutions and rectifiers with one kind of window.
    """
    layers, last = detector_layers(network)
    graph = Graph()
    value, channels = "canvas", 3
    for layer in layers:
        if isinstance(layer, Convolution):
            filled = with_lanes(layer, channels)
            channels = filled.weights.shape[0]
            value = graph.convolve(value, filled)
        else:
            value = graph.node("Relu", value)
    for part in by_rows(with_inputs(last, channels)):
        value = graph.convolve(value, part)
    return described_detector(graph, value, network)


def detector_layers(network: Network) -> tuple[list[Convolution | Rectify], Convolution]:
    """The layers of a detector but the last, and the last.

    Raises
    ------
    ModelFileInvalid
        The network is not a chain of convolutions and rectifiers with one kind of window.
    """
    *layers, last = folded(network.layers)
    plain = [layer for layer in layers if isinstance(layer, Convolution | Rectify)]
    if network.detection is None or len(plain) < len(layers) or not isinstance(last, Convolution):
        raise unfit("a detector is made of convolutions and says how it is decoded")
    if last.weights.shape[0] != 1 or len(network.detection.windows) != 1 or last.stride != (1, 1):
        raise unfit("a detector has one kind of window")
    return plain, last


def described_detector(graph: Graph, scores: str, network: Network) -> bytes:
    """The serialised model of a detector, with what is needed to decode its scores."""
    import onnx

    layers, last = detector_layers(network)
    convolutions = [layer for layer in layers if isinstance(layer, Convolution)]
    describe = onnx.helper.make_tensor_value_info
    return graph.finish(
        scores,
        given=describe("canvas", onnx.TensorProto.FLOAT, ["n", 3, "rows", "columns"]),
        made=describe("scores", onnx.TensorProto.FLOAT, ["n", 1, "score_rows", "score_columns"]),
        notes=_decoding(network, [*convolutions, last]),
    )


def _embed(graph: Graph, layer: Layer, value: _Value, kept: dict[int, _Value]) -> _Value:
    """Add one layer of an embedder; ``kept`` holds the outputs that tags have kept so far."""
    if isinstance(layer, Convolution):
        if layer.weights.shape[1] != value.shape[0]:
            raise unfit("each convolution takes as many channels as the layer before it gives")
        rows, columns = _reduced(value, layer.weights.shape[2:], layer.stride, layer.padding)
        shape = (layer.weights.shape[0], rows, columns)
        return _Value(name=graph.convolve(value.name, layer), shape=shape)
    if isinstance(layer, Rectify):
        return _Value(name=graph.node("Relu", value.name), shape=value.shape)
    if isinstance(layer, Pool):
        return _pool(graph, layer, value)
    if isinstance(layer, Keep):
        kept[layer.number] = value
        return value
    if isinstance(layer, Back | Add):
        other = kept.get(layer.number)
        if other is None:
            raise unfit("each branch starts from an output that was kept")
        return other if isinstance(layer, Back) else _add(graph, value, other)
    if isinstance(layer, Dense):
        if layer.weights.shape[0] != math.prod(value.shape):
            raise unfit("the dense layer takes what the layer before it gives")
        flat = graph.node("Flatten", value.name)
        name = graph.node("MatMul", flat, graph.constant(layer.weights))
        return _Value(name=name, shape=(layer.weights.shape[1], 1, 1))
    raise unfit("each scale stands behind a convolution")


def _pool(graph: Graph, layer: Pool, value: _Value) -> _Value:
    if layer.size == (0, 0):
        if layer.kind != "avg":
            raise unfit("everything is pooled by its average")
        name = graph.node("GlobalAveragePool", value.name)
        return _Value(name=name, shape=(value.shape[0], 1, 1))
    if layer.padding != (0, 0):
        raise unfit("pooling has no padding")
    rows, columns = _reduced(value, layer.size, layer.stride, layer.padding)
    operator = "MaxPool" if layer.kind == "max" else "AveragePool"
    name = graph.node(
        operator, value.name, kernel_shape=list(layer.size), strides=list(layer.stride)
    )
    return _Value(name=name, shape=(value.shape[0], rows, columns))


def _add(graph: Graph, one: _Value, other: _Value) -> _Value:
    """The sum of two outputs, each filled up with zeros at its end to the larger of both sizes."""
    channels, rows, columns = (max(sizes) for sizes in zip(one.shape, other.shape, strict=True))
    shape = (channels, rows, columns)
    names = []
    for value in (one, other):
        missing = [wanted - size for wanted, size in zip(shape, value.shape, strict=True)]
        name = value.name
        if any(missing):
            pads = np.array([0, 0, 0, 0, 0, *missing], dtype=np.int64)
            name = graph.node("Pad", name, graph.constant(pads))
        names.append(name)
    return _Value(name=graph.node("Add", *names), shape=shape)


def _reduced(
    value: _Value, size: tuple[int, ...], stride: tuple[int, int], padding: tuple[int, int]
) -> tuple[int, int]:
    rows, columns = (
        (value.shape[1 + axis] + 2 * padding[axis] - size[axis]) // stride[axis] + 1
        for axis in (0, 1)
    )
    if rows < 1 or columns < 1:
        raise unfit("each layer has an output")
    return rows, columns


def _decoding(network: Network, convolutions: list[Convolution]) -> dict[str, Any]:
    """What turns scores into boxes, as dlib's layers map their output back to their input."""
    detection = network.detection
    if detection is None:
        raise unfit("a detector says how it is decoded")
    stride, centre, field_size, reach = 1, 0, 1, 0
    for layer in reversed(convolutions):
        size = layer.weights.shape[2]
        square = layer.weights.shape[2] == layer.weights.shape[3]
        if not square or layer.stride[0] != layer.stride[1] or layer.padding[0] != layer.padding[1]:
            raise unfit("a detector's windows are square")
        if layer.padding[0]:
            if layer.stride[0] != 1 or size != 2 * layer.padding[0] + 1 or stride != 1:
                raise unfit("a detector's padded layers come last and keep their size")
            reach += layer.padding[0]
            continue
        centre = centre * layer.stride[0] + size // 2
        field_size = (field_size - 1) * layer.stride[0] + size
        stride *= layer.stride[0]
    return {
        "means": list(network.input.means),
        "padding": network.input.pyramid_padding,
        "outer_padding": network.input.pyramid_outer_padding,
        "window": list(detection.windows[0]),
        "stride": stride,
        "centre": centre,
        "field": field_size,
        "reach": reach,
        "suppression": [
            detection.suppression.intersection_over_union,
            detection.suppression.covered,
        ],
    }
