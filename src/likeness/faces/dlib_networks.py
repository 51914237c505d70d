"""Reader for the networks that dlib serialises (``deserialize(path) >> net`` in C++).

A network is its loss, then one version for each layer from the last to the first, the input layer,
then each layer's details from the first to the last. A layer that only names an output for later (a
tag) or goes back to one (a skip) has a version of 1 and no details.

Source: the format as written by dlib 19 and 20 (``dlib/dnn/core.h``, ``layers.h``, ``input.h`` and
``loss.h``), Boost Software License.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

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
    TensorReader,
)

_MOST_LAYERS = 4096
_VERSION_NAMED = 1
_VERSION_LAYER = 2
_VERSION_FIRST = 3


def read_network(path: Path) -> Network:
    """Read a network that dlib serialised.

    Parameters
    ----------
    path : Path
        A ``.dat`` file such as ``mmod_human_face_detector.dat``.

    Raises
    ------
    ModelFileInvalid
        The file is missing, cut off, or holds something that this reader does not know.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelFileInvalid(
            f"The model file {path.name} cannot be read ({error.strerror}).",
            "Install the model's package again.",
        ) from None
    return parse_network(data, name=path.name)


def parse_network(data: bytes, *, name: str) -> Network:
    """Like :func:`read_network`, from the file's bytes; ``name`` is used in errors."""
    reader = TensorReader(data, name=name)
    reader.expect(1, "a loss layer")
    detection = _read_loss(reader)
    versions = _read_versions(reader)
    network_input = _read_input(reader)
    layers: list[Layer] = [_read_layer(reader, first=True)]
    previous: Layer | None = None
    kept = 0
    for position, version in enumerate(versions):
        if version == _VERSION_LAYER:
            previous = _read_layer(reader, first=False, kept=kept)
        elif isinstance(previous, Keep) and previous.number == 2:
            previous = Back(number=1)
        else:
            # A tag alone opens a residual block. A tag with a skip right behind it closes the
            # block's first branch; the second one starts again from the tag that opened the block.
            closes = versions[position + 1 : position + 2] == [_VERSION_NAMED]
            kept = 2 if closes else 1
            previous = Keep(number=kept)
        layers.append(previous)
    if reader.remaining:
        raise reader.invalid("it goes on after its end")
    return Network(input=network_input, layers=tuple(layers), detection=detection)


def _read_versions(reader: TensorReader) -> list[int]:
    """Versions of the layers after the first one, from first to last."""
    versions: list[int] = []
    while True:
        version = reader.integer()
        if version == _VERSION_FIRST:
            break
        if version not in (_VERSION_NAMED, _VERSION_LAYER) or len(versions) >= _MOST_LAYERS:
            raise reader.invalid("an unknown version of a layer")
        versions.append(version)
    versions.reverse()
    return versions


def _read_loss(reader: TensorReader) -> Detection | None:
    kind = reader.string(256)
    if kind == "loss_metric_2":
        reader.reals(2)
        return None
    if kind != "loss_mmod_":
        raise reader.invalid(f"an unknown loss {kind!r}")
    reader.expect(1, "detection options")
    window = reader.pair()
    if 0 in window:
        raise reader.invalid("a detection window of no size")
    _, _, _, union, covered, _, _ = reader.reals(7)
    return Detection(
        windows=(window,),
        suppression=Overlap(intersection_over_union=union, covered=covered),
    )


def _read_input(reader: TensorReader) -> Input:
    kind = reader.string(256)
    red, green, blue = reader.reals(3)
    means = (red, green, blue)
    if kind == "input_rgb_image_sized":
        return Input(means=means, size=reader.pair())
    if kind == "input_rgb_image_pyramid":
        return Input(means=means)
    if kind == "input_rgb_image_pyramid2":
        padding, outer = reader.pair()
        return Input(means=means, pyramid_padding=padding, pyramid_outer_padding=outer)
    raise reader.invalid(f"an unknown input {kind!r}")


def _read_layer(reader: TensorReader, *, first: bool, kept: int = 0) -> Layer:
    kind = reader.string(256)
    layer: Layer
    if kind == "con_4":
        layer = _read_convolution(reader)
    elif kind == "affine_":
        layer = _read_affine(reader)
    elif kind == "bn_con2":
        layer = _read_batch_normalisation(reader)
    elif kind == "relu_":
        layer = Rectify()
    elif kind in ("max_pool_2", "avg_pool_2"):
        size, stride, padding = reader.pair(), reader.pair(), reader.pair()
        layer = Pool(kind=kind[:3], size=size, stride=stride, padding=padding)
    elif kind == "add_prev_":
        layer = Add(number=kept)
    elif kind == "fc_2":
        layer = _read_dense(reader)
    else:
        raise reader.invalid(f"an unknown layer {kind!r}")
    for _ in range(3):
        reader.boolean()
    for _ in range(3):
        reader.tensor()
    if first:
        reader.size()
    return layer


def _read_convolution(reader: TensorReader) -> Convolution:
    parameters = reader.tensor().ravel()
    filters = reader.size()
    size, stride, padding = reader.pair(), reader.pair(), reader.pair()
    shape, bias_shape = reader.part(), reader.part()
    reader.reals(4)
    count = math.prod(shape)
    known = shape[0] == filters and shape[2:] == size and math.prod(bias_shape) == filters
    if not known or 0 in stride or parameters.size != count + filters:
        raise reader.invalid("a convolution whose sizes do not agree")
    return Convolution(
        weights=parameters[:count].reshape(shape),
        bias=parameters[count:],
        stride=stride,
        padding=padding,
    )


def _read_affine(reader: TensorReader) -> Scale:
    parameters = reader.tensor().ravel()
    gain_size, shift_size = math.prod(reader.part()), math.prod(reader.part())
    reader.size()
    if gain_size != shift_size or parameters.size != gain_size + shift_size:
        raise reader.invalid("an affine layer whose sizes do not agree")
    return Scale(gain=parameters[:gain_size], shift=parameters[gain_size:])


def _read_batch_normalisation(reader: TensorReader) -> Scale:
    """Folds the running statistics in, in float64, as at run time they are constants."""
    parameters = reader.tensor().ravel().astype(np.float64)
    gain_size, shift_size = math.prod(reader.part()), math.prod(reader.part())
    reader.tensor()
    reader.tensor()
    means = reader.tensor().ravel().astype(np.float64)
    variances = reader.tensor().ravel().astype(np.float64)
    reader.integer()
    reader.integer()
    *_, epsilon = reader.reals(5)
    sizes = {gain_size, shift_size, means.size, variances.size, parameters.size // 2}
    if len(sizes) != 1 or parameters.size % 2 or (variances + epsilon <= 0).any():
        raise reader.invalid("a batch normalisation whose sizes or variances cannot be")
    gain = parameters[:gain_size] / np.sqrt(variances + epsilon)
    shift = parameters[gain_size:] - gain * means
    return Scale(gain=gain.astype(np.float32), shift=shift.astype(np.float32))


def _read_dense(reader: TensorReader) -> Dense:
    outputs, inputs = reader.pair()
    weights = reader.tensor().ravel()
    reader.part()
    bias_shape = reader.part()
    reader.size()
    reader.reals(4)
    if weights.size != inputs * outputs or (any(bias_shape) and math.prod(bias_shape) != 0):
        raise reader.invalid("a dense layer whose sizes do not agree, or with a bias")
    return Dense(weights=weights.reshape(inputs, outputs))
