"""How long works take, side by side, and on which machine."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from likeness.faces.runtime import usable_cores

Work = Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where something was measured.

    Attributes
    ----------
    name : str
        The processor's name where it can be told, and the system.
    cores : int
        Of the machine.
    usable : int
        That this process may use.
    """

    name: str
    cores: int
    usable: int


def this_machine() -> Machine:
    """The machine that this process runs on."""
    return Machine(name=machine_name(), cores=os.cpu_count() or 1, usable=usable_cores())


def machine_name() -> str:
    """The processor's name where it can be told, and the system."""
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name}, {platform.system()}"


def rounds_ms(works: Sequence[Work], repeats: int) -> list[list[float]]:
    """Milliseconds of each work in each of ``repeats`` rounds.

    A round does the works in turn, so that whatever else the machine does meets them all alike. One
    round before these is not counted.
    """
    rounds = []
    for _ in range(repeats + 1):
        times = []
        for work in works:
            start = time.perf_counter()
            work()
            times.append((time.perf_counter() - start) * 1000)
        rounds.append(times)
    return rounds[1:]


def medians_ms(works: Sequence[Work], repeats: int) -> list[float]:
    """The median of each work's rounds; see :func:`rounds_ms`."""
    return [statistics.median(column) for column in zip(*rounds_ms(works, repeats), strict=True)]


def times_as_fast(ours_ms: float, theirs_ms: float) -> float:
    """How many times as fast as theirs ours is, to two decimals."""
    return round(theirs_ms / ours_ms, 2)
