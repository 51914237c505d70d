"""Rewrites the convolutions of a network so that a runtime does less for the same result.

Batch normalisation, affine layers and the scaling of pixels are drawn into convolutions (in
float64, rounded once), and channels are filled up with zeros to whole vector registers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likeness.errors import ModelFileInvalid
from likeness.faces.dlib_format import Convolution, Input, Layer, Scale

_LANES = 16


def unfit(what: str) -> ModelFileInvalid:
    """The error for a network that lacks what it should have."""
    return ModelFileInvalid(
        f"A network cannot be turned into a graph: {what}, and this one does not.",
        "Name the right model file in the pack's manifest.",
    )


def folded(layers: tuple[Layer, ...]) -> list[Layer]:
    """The layers, each scale drawn into the convolution before it."""
    folded: list[Layer] = []
    for layer in layers:
        if not isinstance(layer, Scale):
            folded.append(layer)
            continue
        before = folded.pop() if folded else None
        if not isinstance(before, Convolution) or before.bias.shape != layer.gain.shape:
            raise unfit("each scale stands behind a convolution of as many channels")
        gain = layer.gain.astype(np.float64)
        folded.append(
            Convolution(
                weights=(before.weights * gain[:, None, None, None]).astype(np.float32),
                bias=(before.bias * gain + layer.shift).astype(np.float32),
                stride=before.stride,
                padding=before.padding,
            )
        )
    if not folded:
        raise unfit("a network has layers")
    return folded


def with_pixels(first: Layer, given: Input) -> Convolution:
    """The first convolution, taking pixels as they are: (pixel - mean) / 256 drawn into it."""
    if not isinstance(first, Convolution) or first.padding != (0, 0):
        raise unfit("the first layer is a convolution without padding")
    weights: NDArray[np.float64] = first.weights.astype(np.float64) / 256.0
    means = np.array(given.means, dtype=np.float64)[None, :, None, None]
    return Convolution(
        weights=weights.astype(np.float32),
        bias=(first.bias - (weights * means).sum(axis=(1, 2, 3))).astype(np.float32),
        stride=first.stride,
        padding=first.padding,
    )


def with_inputs(layer: Convolution, channels: int) -> Convolution:
    """The same convolution, taking zeros in channels that were added before it."""
    outputs, inputs, rows, columns = layer.weights.shape
    if inputs > channels:
        raise unfit("each convolution takes as many channels as the layer before it gives")
    weights = np.zeros((outputs, channels, rows, columns), dtype=np.float32)
    weights[:, :inputs] = layer.weights
    return Convolution(weights=weights, bias=layer.bias, stride=layer.stride, padding=layer.padding)


def with_lanes(layer: Convolution, channels: int) -> Convolution:
    """The same convolution with as many zero channels added as fill whole vector registers."""
    missing = -layer.weights.shape[0] % _LANES
    wide = with_inputs(layer, channels)
    return Convolution(
        weights=np.pad(wide.weights, ((0, missing), (0, 0), (0, 0), (0, 0))),
        bias=np.pad(wide.bias, (0, missing)),
        stride=wide.stride,
        padding=wide.padding,
    )


def by_rows(layer: Convolution) -> tuple[Convolution, Convolution]:
    """One large window with one output, as one output for each of its rows and then their sum.

    A single output channel leaves a vector register nearly empty; the rows of the window fill it.
    """
    _, inputs, rows, columns = layer.weights.shape
    lanes = rows + -rows % _LANES
    across = np.zeros((lanes, inputs, 1, columns), dtype=np.float32)
    across[:rows, :, 0, :] = layer.weights[0].transpose(1, 0, 2)
    down = np.zeros((1, lanes, rows, 1), dtype=np.float32)
    down[0, np.arange(rows), np.arange(rows), 0] = 1.0
    return (
        Convolution(
            weights=across,
            bias=np.zeros(lanes, dtype=np.float32),
            stride=(1, 1),
            padding=(0, layer.padding[1]),
        ),
        Convolution(weights=down, bias=layer.bias, stride=(1, 1), padding=(layer.padding[0], 0)),
    )


def by_blocks(layer: Convolution) -> Convolution:
    """A convolution with a stride of 2 as one with a stride of 1 over blocks of two by two pixels.

    It takes four times the channels, as ONNX's ``SpaceToDepth`` lays them out, over half the rows
    and columns: few channels leave a vector register nearly empty.
    """
    if layer.stride != (2, 2) or layer.padding != (0, 0):
        raise unfit("the first convolution has a stride of 2 and no padding")
    outputs, inputs, rows, columns = layer.weights.shape
    even = np.pad(layer.weights, ((0, 0), (0, 0), (0, rows % 2), (0, columns % 2)))
    blocks = even.reshape(outputs, inputs, (rows + 1) // 2, 2, (columns + 1) // 2, 2)
    return Convolution(
        weights=np.ascontiguousarray(
            blocks.transpose(0, 3, 5, 1, 2, 4).reshape(
                outputs, 4 * inputs, (rows + 1) // 2, (columns + 1) // 2
            )
        ),
        bias=layer.bias,
        stride=(1, 1),
        padding=(0, 0),
    )
