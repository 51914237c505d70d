"""What a network that dlib serialised consists of, and a reader for its tensors.

Source: the format as written by dlib 19 and 20 (``dlib/dnn/tensor.h``, ``layers.h``, ``input.h``
and ``loss.h``), Boost Software License.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likeness.faces.dlib_serial import SerialReader

Floats = NDArray[np.float32]

_LARGEST = 65_535


@dataclass(frozen=True, kw_only=True, eq=False)
class Convolution:
    """``con``: weights (out, in, rows, columns) and bias (out,).

    Stride and padding are (rows, columns).
    """

    weights: Floats
    bias: Floats
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class Scale:
    """``affine``, or ``bn_con`` with its running statistics: x * gain + shift by channel."""

    gain: Floats
    shift: Floats


@dataclass(frozen=True, kw_only=True)
class Rectify:
    """``relu``."""


@dataclass(frozen=True, kw_only=True)
class Pool:
    """``max_pool`` or ``avg_pool``; a size of (0, 0) pools everything."""

    kind: str
    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Keep:
    """``tag1`` or ``tag2``: keeps an output for later under its number."""

    number: int


@dataclass(frozen=True, kw_only=True)
class Back:
    """``skip1``: goes on from the output that a tag kept."""

    number: int


@dataclass(frozen=True, kw_only=True)
class Add:
    """``add_prev1`` or ``add_prev2``: adds a kept output, both zero-padded to the larger size."""

    number: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Dense:
    """``fc_no_bias``: weights (in, out)."""

    weights: Floats


Layer = Convolution | Scale | Rectify | Pool | Keep | Back | Add | Dense


@dataclass(frozen=True, kw_only=True)
class Input:
    """``input_rgb_image_sized`` or ``input_rgb_image_pyramid``.

    Attributes
    ----------
    means : tuple of float
        Subtracted from red, green and blue; the difference is divided by 256.
    size : tuple of int or None
        (rows, columns) of a sized input.
    pyramid_padding, pyramid_outer_padding : int
        Pixels between the levels of a tiled pyramid, and around them.
    """

    means: tuple[float, float, float]
    size: tuple[int, int] | None = None
    pyramid_padding: int = 10
    pyramid_outer_padding: int = 11


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """When two boxes count as one: either share goes over its limit (``test_box_overlap``)."""

    intersection_over_union: float
    covered: float


@dataclass(frozen=True, kw_only=True)
class Detection:
    """``mmod_options``: what turns the last layer's output into boxes.

    ``windows`` holds (width, height) in pixels of the tiled pyramid, one for each output channel.
    """

    windows: tuple[tuple[int, int], ...]
    suppression: Overlap


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """A network as it was trained: its input, its layers from first to last, and its decoding."""

    input: Input
    layers: tuple[Layer, ...]
    detection: Detection | None


class TensorReader(SerialReader):
    """Adds what only serialised networks hold: tensors and the shapes of their parts."""

    def expect(self, value: int, what: str) -> None:
        """An integer that has to be ``value``."""
        if self.integer() != value:
            raise self.invalid(f"an unknown version of {what}")

    def size(self) -> int:
        """One size, from 0 to 65,535."""
        return self.count(_LARGEST)

    def pair(self) -> tuple[int, int]:
        """Two sizes: rows, columns."""
        return self.size(), self.size()

    def tensor(self) -> Floats:
        """A float32 array of shape (samples, channels, rows, columns)."""
        self.expect(2, "a tensor")
        shape = tuple(self.count(self.remaining) for _ in range(4))
        values = self.floats(math.prod(shape))
        if not np.isfinite(values).all():
            raise self.invalid("a parameter that is not a finite number")
        return values.reshape(shape)

    def part(self) -> tuple[int, ...]:
        """The shape of a part of another tensor."""
        self.expect(1, "a part of a tensor")
        return tuple(self.size() for _ in range(4))

    def reals(self, count: int) -> list[float]:
        """``count`` finite packed floats."""
        values = [self.floating() for _ in range(count)]
        if not all(map(math.isfinite, values)):
            raise self.invalid("a number that is not finite")
        return values
