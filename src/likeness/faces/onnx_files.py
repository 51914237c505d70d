"""Reads ONNX files that packs bring, and refuses what is more than a network in one file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from likeness.errors import ModelFileInvalid

if TYPE_CHECKING:
    import onnx

_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
"""Where the operators come from that onnxruntime brings itself."""

_DEEPEST = 32


def read_model(data: bytes, name: str) -> onnx.ModelProto:
    """An ONNX model from the bytes of its file.

    Nothing of it is run. Operators of other domains would need a library of the pack's own, and
    weights in other files could be any file of this machine: both are refused.

    Raises
    ------
    ModelFileInvalid
        It is no ONNX model, is not whole in this file, or needs operators from elsewhere.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError):
        raise _refused(name, "is not an ONNX model") from None
    if not model.graph.node or not model.graph.output:
        raise _refused(name, "is not an ONNX model")
    own = {(function.domain, function.name) for function in model.functions}
    bodies: list[Any] = [model.graph, *model.functions]
    for body in bodies:
        for node in _nodes(body, name):
            if node.domain not in _DOMAINS and (node.domain, node.op_type) not in own:
                raise _refused(
                    name, f"needs the operator {node.op_type} of the domain {node.domain}"
                )
            for tensor in _tensors_in(node.attribute):
                _require_inside(tensor, name)
        for tensor in _initialisers(body):
            _require_inside(tensor, name)
    for function in model.functions:
        for tensor in _tensors_in(function.attribute_proto):
            _require_inside(tensor, name)
    return model


def dimensions(value: onnx.ValueInfoProto) -> list[int | None]:
    """The shape of an input or output; None for a side that is not fixed."""
    return [
        int(side.dim_value) if side.HasField("dim_value") and side.dim_value > 0 else None
        for side in value.type.tensor_type.shape.dim
    ]


def inputs_of(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """What has to be given to a model: older files list their constants as inputs too."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in constants]


def _nodes(body: Any, name: str, depth: int = 0) -> Iterator[Any]:
    """The nodes of a graph or function and of all graphs within them."""
    if depth > _DEEPEST:
        raise _refused(name, f"nests graphs more than {_DEEPEST} deep")
    for node in body.node:
        yield node
        for attribute in node.attribute:
            for inner in ([attribute.g] if attribute.HasField("g") else []) + list(
                attribute.graphs
            ):
                yield from _nodes(inner, name, depth + 1)


def _initialisers(body: Any) -> Iterator[Any]:
    yield from getattr(body, "initializer", ())
    for sparse in getattr(body, "sparse_initializer", ()):
        yield sparse.values
        yield sparse.indices


def _tensors_in(attributes: Any) -> Iterator[Any]:
    """The constants in attributes, and those of graphs within them."""
    for attribute in attributes:
        yield from [attribute.t, *attribute.tensors]
        for sparse in [attribute.sparse_tensor, *attribute.sparse_tensors]:
            yield sparse.values
            yield sparse.indices
        for inner in [attribute.g, *attribute.graphs]:
            yield from _initialisers(inner)


def _require_inside(tensor: Any, name: str) -> None:
    import onnx

    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise _refused(name, "keeps weights in another file")


def _refused(name: str, why: str) -> ModelFileInvalid:
    return ModelFileInvalid(
        f"The model file {name} {why}.",
        "Use a network in one ONNX file, with the operators that onnxruntime brings.",
    )
