"""Makes embeddings with any network of the ArcFace family that one ONNX file holds.

Source of the family: J. Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face
Recognition", CVPR 2019. What differs between its networks (order of colours, mean, scale, length,
layout) is said by the manifest or read off the network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from likeness.errors import ModelFileInvalid, UsageError
from likeness.faces.onnx_files import dimensions, inputs_of, read_model
from likeness.faces.packs import Output, Preprocessing
from likeness.faces.runtime import Model

if TYPE_CHECKING:
    import onnx

_BATCH = 16
_MOST_AT_ONCE = 256
"""A network of a fixed number of images gets blank ones beside each face."""
_UNIT = 0.01
"""How far from 1 the length of an output may be that is said to have unit length."""


@dataclass(frozen=True, kw_only=True)
class _Form:
    """What a network takes.

    Attributes
    ----------
    batch : int or None
        How many chips at once; any number where None.
    channels_first : bool
        Whether the channels come before rows and columns.
    """

    batch: int | None
    channels_first: bool


class OnnxEmbedder:
    """An ArcFace-style network: one image in, one vector out.

    Parameters
    ----------
    model : bytes
        The pack's ONNX file.
    name : str
        Of the file, for errors.
    how : Preprocessing
        With ``colour``, ``mean`` and ``scale``.
    output : Output
        Whether the network's output is said to have unit length.
    run : callable
        Loads a network for onnxruntime from its bytes.

    Raises
    ------
    ModelFileInvalid
        The file is no such network, or the manifest does not say how to feed it.
    """

    def __init__(
        self,
        model: bytes,
        *,
        name: str,
        how: Preprocessing,
        output: Output,
        run: Callable[[bytes], Model],
    ) -> None:
        if how.colour is None or how.mean is None or how.scale is None:
            raise _unfit(
                name, "needs to be told colour, mean and scale", "Add them to [preprocessing]."
            )
        self._name = name
        self._form, single = _form(model, name, how.chip, output.name)
        self._backwards = how.colour == "BGR"
        self._mean = np.array(how.mean, dtype=np.float32)
        self._scale = np.array(how.scale, dtype=np.float32)
        self._normalised = output.normalised
        self._model = run(single)
        self.chip = how.chip
        self.length = 0
        # Black chips have no meaning; they tell the length, and whether the network runs at all.
        self.length = self._run(np.zeros((1, how.chip, how.chip, 3), np.uint8), True).shape[1]

    def embeddings(self, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network.

        Parameters
        ----------
        chips : uint8 array of shape (n, chip, chip, 3), RGB
            Aligned as the pack says. n may be 0.

        Returns
        -------
        float32 array of shape (n, length)
            As the network gives them.

        Raises
        ------
        UsageError
            The chips are of another type or shape.
        ModelFileInvalid
            The network fails, or its output is not of the length that it is said to be.
        """
        wanted = (self.chip, self.chip, 3)
        if chips.dtype != np.uint8 or chips.ndim != 4 or chips.shape[1:] != wanted:
            raise UsageError(
                f"Chips are {chips.dtype} of shape {chips.shape}.",
                f"Give uint8 of shape (n, {self.chip}, {self.chip}, 3), RGB.",
            )
        if len(chips) == 0:
            return np.zeros((0, self.length), dtype=np.float32)
        size = self._form.batch or _BATCH
        batches = [chips[start : start + size] for start in range(0, len(chips), size)]
        alone = len(batches) == 1
        made = np.concatenate(self._model.spread(lambda batch: self._run(batch, alone), batches))
        if not np.isfinite(made).all():
            raise _unfit(self._name, "gives numbers that are none", "Check mean and scale.")
        if self._normalised and np.abs(np.linalg.norm(made, axis=1) - 1).max() > _UNIT:
            raise _unfit(
                self._name,
                "gives vectors that have not the length 1",
                "Set normalised = false in [output].",
            )
        return made

    def _run(self, chips: NDArray[np.uint8], on_all_cores: bool) -> NDArray[np.float32]:
        """One batch, filled up where the network takes a fixed number."""
        given = (chips[..., ::-1] if self._backwards else chips).astype(np.float32)
        given = (given - self._mean) * self._scale
        if self._form.batch and len(given) < self._form.batch:
            missing = self._form.batch - len(given)
            given = np.concatenate([given, np.zeros((missing, *given.shape[1:]), np.float32)])
        if self._form.channels_first:
            given = given.transpose(0, 3, 1, 2)
        made = _attempted(self._model, np.ascontiguousarray(given), on_all_cores, self._name)
        if not _whole(made, given):
            raise _unfit(self._name, "does not give one vector a face", "Use another network.")
        # Some networks give the vector as (n, length, 1, 1).
        vectors: NDArray[np.float32] = made.reshape(len(given), -1)[: len(chips)]
        return vectors


def _whole(made: object, given: NDArray[np.float32]) -> bool:
    """Whether an output has a vector of float32 for each image."""
    return (
        isinstance(made, np.ndarray)
        and made.dtype == np.float32
        and made.ndim >= 2
        and len(made) == len(given)
        and made.size > 0
    )


def _attempted(
    model: Model, given: NDArray[np.float32], on_all_cores: bool, name: str
) -> NDArray[np.float32]:
    from onnxruntime.capi import onnxruntime_pybind11_state as raised

    try:
        return model.run(given, on_all_cores=on_all_cores)
    except (raised.Fail, raised.InvalidArgument, raised.RuntimeException, RuntimeError):
        raise _unfit(
            name, f"cannot be run on chips of {given.shape}", "Correct preprocessing.chip."
        ) from None


def _form(data: bytes, name: str, chip: int, wanted: str) -> tuple[_Form, bytes]:
    """What the network takes, read off its file, and the network with the wanted output alone.

    Raises
    ------
    ModelFileInvalid
        It has not one image as its input, or other sides than the manifest says, or several outputs
        of which the manifest names none.
    """
    import onnx

    model = read_model(data, name)
    given = inputs_of(model)
    if len(given) != 1:
        raise _unfit(name, "has not one input", "Use a network that has.")
    data = _with_output(model, data, name, wanted)
    if given[0].type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
        raise _unfit(name, "does not take float32", "Use a network that does.")
    sides = dimensions(given[0])
    if len(sides) != 4:
        raise _unfit(name, "does not take an image", "Use a network that does.")
    batch, *image = sides
    if batch and batch > _MOST_AT_ONCE:
        raise _unfit(
            name, f"takes {batch:,} images at once", "Use a network that takes any number."
        )
    if image[0] == 3:
        rest, channels_first = image[1:], True
    elif image[2] == 3:
        rest, channels_first = image[:2], False
    else:
        raise _unfit(name, "does not take three channels", "Use a network that does.")
    if any(side not in (None, chip) for side in rest):
        raise _unfit(
            name,
            f"takes images of {' by '.join(str(side) for side in rest)} px",
            "Correct preprocessing.chip.",
        )
    return _Form(batch=batch, channels_first=channels_first), data


def _with_output(model: onnx.ModelProto, data: bytes, name: str, wanted: str) -> bytes:
    """The network with the wanted output alone."""
    outputs = {value.name: value for value in model.graph.output}
    if (wanted and wanted not in outputs) or (not wanted and len(outputs) > 1):
        raise _unfit(
            name,
            f"has the outputs {', '.join(outputs)}",
            "Name the one that is the embedding in [output], as name.",
        )
    if len(outputs) == 1:
        return data
    del model.graph.output[:]
    model.graph.output.append(outputs[wanted])
    chosen: bytes = model.SerializeToString()
    return chosen


def _unfit(name: str, what: str, fix: str) -> ModelFileInvalid:
    return ModelFileInvalid(f"The embedder {name} {what}.", fix)
