"""Small ONNX networks whose answer is known, and photos that are made for them.

A network says the mean colour of patches of a chip. A photo is a ramp whose colour tells the place
in the chip: so what the network says tells where, and in which order of colours, it looked.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

PLACES = np.array([[30.0, 34.0], [82.0, 34.0], [60.0, 60.0], [36.0, 88.0], [70.0, 94.0]])
"""(x, y) of the patches' middles, in pixels of a chip of 112 px whose middles are whole numbers."""

REACH = 2
"""How far a patch reaches from its middle."""

BLUE = 90.0
"""The blue of every photo: it makes a chip of one place alone differ from that of another."""


def patches_network(
    *,
    chip: int = 112,
    batch: int | None = None,
    channels_first: bool = True,
    unit: bool = False,
    four: bool = False,
    length: int = 15,
) -> bytes:
    """Float32 (batch, 3, chip, chip), or channels last, to the mean of each channel of each patch.

    ``unit`` scales each vector to length 1, ``four`` gives it as (batch, length, 1, 1), and
    ``length`` cuts it off.
    """
    weights = np.zeros((3, chip, chip, len(PLACES), 3), dtype=np.float32)
    for number, (x, y) in enumerate(PLACES * chip / 112):
        rows = slice(int(y) - REACH, int(y) + REACH + 1)
        columns = slice(int(x) - REACH, int(x) + REACH + 1)
        for channel in range(3):
            weights[channel, rows, columns, number, channel] = 1 / (2 * REACH + 1) ** 2
    if not channels_first:
        weights = weights.transpose(1, 2, 0, 3, 4)
    matrix = weights.reshape(3 * chip * chip, -1)[:, :length]
    make = onnx.helper.make_node
    nodes = [
        make("Reshape", ["image", "flat"], ["row"]),
        make("MatMul", ["row", "weights"], ["sums"]),
    ]
    last = "sums"
    if unit:
        nodes.append(make("LpNormalization", [last], ["unit"], axis=1, p=2))
        last = "unit"
    if four:
        nodes.append(make("Unsqueeze", [last, "axes"], ["four"]))
        last = "four"
    constants = [
        onnx.numpy_helper.from_array(np.ascontiguousarray(matrix), "weights"),
        onnx.numpy_helper.from_array(np.array([-1, 3 * chip * chip]), "flat"),
        onnx.numpy_helper.from_array(np.array([2, 3]), "axes"),
    ]
    sides = [3, chip, chip] if channels_first else [chip, chip, 3]
    count = batch or "batch"
    shape = [count, length] + ([1, 1] if four else [])
    return network(nodes, constants, given=[[count, *sides]], made=[last], shape=shape)


def network(
    nodes: list[Any],
    constants: list[Any],
    *,
    given: list[list[Any]],
    made: list[str],
    shape: list[Any],
    element: int = onnx.TensorProto.FLOAT,
) -> bytes:
    """A serialised model; its inputs are "image", "image1" and so on."""
    value = onnx.helper.make_tensor_value_info
    inputs = [
        value("image" if not number else f"image{number}", element, sides)
        for number, sides in enumerate(given)
    ]
    outputs = [value(name, onnx.TensorProto.FLOAT, shape) for name in made]
    graph = onnx.helper.make_graph(nodes, "small", inputs, outputs, constants)
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
    )
    made_bytes: bytes = model.SerializeToString()
    return made_bytes


def ramp(
    size: tuple[int, int], centre: tuple[float, float], scale: float, angle: float
) -> NDArray[np.uint8]:
    """A photo (height, width) whose red is twice the x, and green twice the y, of its chip.

    The chip's middle is at ``centre``, a pixel of the chip is ``scale`` pixels of the photo, and
    the chip is turned by ``angle``, in radians. What would be below 0 or above 255 is cut off.
    """
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float64)
    cosine, sine = math.cos(angle), math.sin(angle)
    across, down = x - centre[0], y - centre[1]
    u = (cosine * across + sine * down) / scale + 55.5
    v = (-sine * across + cosine * down) / scale + 55.5
    photo = np.stack([2 * u, 2 * v, np.full_like(u, BLUE)], axis=-1)
    return np.clip(np.rint(photo), 0, 255).astype(np.uint8)


def in_photo(
    places: NDArray[np.float64], centre: tuple[float, float], scale: float, angle: float
) -> NDArray[np.float32]:
    """Where places of the chip lie in the photo that :func:`ramp` makes."""
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    made: NDArray[np.float32] = ((places - 55.5) * scale @ turn + centre).astype(np.float32)
    return made


def expected(
    *,
    backwards: bool = False,
    mean: NDArray[np.float64] | float = 0.0,
    scale: NDArray[np.float64] | float = 1.0,
    mirror: bool = False,
) -> NDArray[np.float64]:
    """The template of a ramp: a unit vector of 15 numbers."""
    total = np.zeros(15)
    for flipped in (False, True) if mirror else (False,):
        x = 111 - PLACES[:, 0] if flipped else PLACES[:, 0]
        colours = np.stack([2 * x, 2 * PLACES[:, 1], np.full(len(PLACES), BLUE)], axis=1)
        if backwards:
            colours = colours[:, ::-1]
        total += ((colours - mean) * scale).ravel()
    unit: NDArray[np.float64] = total / np.linalg.norm(total)
    return unit
