"""Makes YuNet's network take images of any size, as they are, and give one table of places.

The published network is bound to 640 by 640 pixels of blue, green and red, and has twelve outputs.
Needs the package ``onnx``, which is imported when a graph is built: that happens once a machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from likeness.errors import ModelFileInvalid
from likeness.faces.onnx_files import dimensions, inputs_of, read_model

if TYPE_CHECKING:
    import onnx

YUNET_GRAPH_VERSION = 1
"""Raised when the file has to be built into another graph."""

STRIDES = (8, 16, 32)

COLUMNS = 16
"""Of each place: class, object, (x, y, width, height) of the box, (x, y) of five landmarks."""

_OUTPUTS = ("cls", "obj", "bbox", "kps")


def yunet_graph(data: bytes, *, name: str) -> bytes:
    """The serialised model.

    It takes one image, uint8 (1, height, width, 3) in RGB, both sides multiples of 32, and gives
    float32 (1, n, 16): row by row the places of stride 8, then 16, then 32.

    Parameters
    ----------
    data : bytes
        ``face_detection_yunet_2023mar.onnx`` or another of its outputs.
    name : str
        Of the file, for errors.

    Raises
    ------
    ModelFileInvalid
        It is not YuNet's network.
    """
    import onnx

    model = read_model(data, name)
    given = _input_of(model, name)
    make = onnx.helper.make_node
    swap = onnx.helper.make_tensor("likeness_swap", onnx.TensorProto.INT64, [3], [2, 1, 0])
    before = [
        make("Cast", ["likeness_image"], ["likeness_pixels"], to=onnx.TensorProto.FLOAT),
        make("Transpose", ["likeness_pixels"], ["likeness_planes"], perm=[0, 3, 1, 2]),
        make("Gather", ["likeness_planes", "likeness_swap"], [given], axis=1),
    ]
    tables = [f"likeness_{stride}" for stride in STRIDES]
    after = [
        make("Concat", [f"{kind}_{stride}" for kind in _OUTPUTS], [table], axis=2)
        for stride, table in zip(STRIDES, tables, strict=True)
    ]
    after.append(make("Concat", tables, ["likeness_places"], axis=1))
    value = onnx.helper.make_tensor_value_info
    whole = onnx.helper.make_model(
        onnx.helper.make_graph(
            [*before, *model.graph.node, *after],
            "likeness",
            [value("likeness_image", onnx.TensorProto.UINT8, [1, "height", "width", 3])],
            [value("likeness_places", onnx.TensorProto.FLOAT, [1, "n", COLUMNS])],
            [*model.graph.initializer, swap],
        ),
        opset_imports=list(model.opset_import),
        ir_version=model.ir_version,
    )
    built: bytes = whole.SerializeToString()
    return built


def _input_of(model: onnx.ModelProto, name: str) -> str:
    """The name of the input, where inputs and outputs are those of YuNet."""
    given = inputs_of(model)
    wanted = {f"{kind}_{stride}" for kind in _OUTPUTS for stride in STRIDES}
    if (
        len(given) != 1
        or dimensions(given[0])[:2] != [1, 3]
        or {value.name for value in model.graph.output} != wanted
    ):
        raise ModelFileInvalid(
            f"The model file {name} is not YuNet's network: its inputs or outputs are others.",
            "Use face_detection_yunet_2023mar.onnx, or another kind of detector.",
        )
    return given[0].name
