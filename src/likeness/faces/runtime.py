"""Runs ONNX models on this machine's cores with onnxruntime."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from likeness.errors import ModelFileInvalid, UsageError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_PROCESSOR = Path("/proc/cpuinfo")

Given = TypeVar("Given")
Made = TypeVar("Made")


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def multiplies_bytes() -> bool:
    """Whether the processor says that it multiplies and adds bytes without overflow (VNNI).

    Others do it in steps that overflow, or no faster than floats. Known on Linux alone.
    """
    try:
        text = _PROCESSOR.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return bool({"avx512_vnni", "avx_vnni"}.intersection(flags.split()))


class Model:
    """One ONNX model with one input and one output.

    It is held twice: once to run a single input on all cores, once to run many inputs side by side,
    each on one core, which keeps the cores busier. Safe to use from several threads.

    Parameters
    ----------
    model : bytes
        A serialised ONNX model.
    threads : int or None
        How many cores to use; all that the process may use where None.

    Raises
    ------
    ModelFileInvalid
        onnxruntime does not take the model.
    UsageError
        ``threads`` is below 1.
    """

    def __init__(self, model: bytes, *, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise UsageError(f"A model cannot run on {threads} threads.", "Give 1 or more.")
        self.threads = threads or usable_cores()
        self._wide = open_session(model, threads=self.threads)
        self._narrow = open_session(model, threads=1) if self.threads > 1 else self._wide
        self._input: str = self._wide.get_inputs()[0].name

    def run(self, given: NDArray[Any], *, on_all_cores: bool = True) -> NDArray[np.float32]:
        """The model's output for one input."""
        session = self._wide if on_all_cores else self._narrow
        output: NDArray[np.float32] = session.run(None, {self._input: given})[0]
        return output

    def spread(self, function: Callable[[Given], Made], items: Sequence[Given]) -> list[Made]:
        """``function`` of each item, as many at a time as there are threads; in order."""
        if self.threads == 1 or len(items) < 2:
            return [function(item) for item in items]
        with ThreadPoolExecutor(self.threads, thread_name_prefix="likeness-faces") as pool:
            return list(pool.map(function, items))

    @property
    def notes(self) -> dict[str, Any]:
        """What the model's metadata says, read as JSON."""
        texts = self._wide.get_modelmeta().custom_metadata_map
        return {key: json.loads(text) for key, text in texts.items()}


def silent_onnxruntime() -> ModuleType:
    """onnxruntime, kept from reporting on its use.

    From 1.31 on it notes events in the user's cache folder and sends them to its maker, on Linux
    too, unless this is set before it is loaded. Where another program loaded it first, what can
    still be turned off is.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    module: ModuleType = onnxruntime
    return module


def open_session(model: bytes, *, threads: int) -> InferenceSession:
    """A session of onnxruntime on so many cores.

    Raises
    ------
    ModelFileInvalid
        onnxruntime does not take the model.
    """
    onnxruntime = silent_onnxruntime()
    from onnxruntime.capi import onnxruntime_pybind11_state as raised

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that wait in a loop take the cores from decoding and comparing beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # onnxruntime's own format is taken by its mark, past the checks that an ONNX file went through.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except (
        raised.Fail,
        raised.InvalidArgument,
        raised.InvalidGraph,
        raised.InvalidProtobuf,
        raised.NotImplemented,
        RuntimeError,
    ) as error:
        raise ModelFileInvalid(
            f"onnxruntime does not take the model: {str(error).splitlines()[0]}",
            "Install the model pack's files again.",
        ) from None
