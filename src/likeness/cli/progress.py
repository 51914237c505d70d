"""How far long work has come, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from likeness.house import Progress, ProgressListener

PHASES: Final[Mapping[str, str]] = {
    "photos": "Reading photos",
    "rescan": "Comparing photos held",
    "remove": "Removing sightings",
    "retention": "Taking out what was kept for long enough",
    "purge": "Deleting what the notice is about",
    "references": "Making references anew",
    "relink": "Finding faces anew",
    "evaluate": "Making templates",
    "trials": "Drawing galleries",
}

SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def shown_progress() -> Iterator[ProgressListener]:
    """Bars with rate and time left on a terminal; elsewhere a line every few seconds."""
    if not sys.stderr.isatty():
        yield _Lines(sys.stderr, time.monotonic)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    with Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True, highlight=False),
    ) as bars:
        yield _Bars(bars)


class _Bars:
    """One bar a phase."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, progress: Progress) -> None:
        if progress.phase not in self._tasks:
            name = PHASES.get(progress.phase, progress.phase)
            self._tasks[progress.phase] = self._bars.add_task(name, total=None, rate="")
        task = self._tasks[progress.phase]
        speed = next(t.speed for t in self._bars.tasks if t.id == task)
        self._bars.update(
            task,
            completed=progress.done,
            total=progress.total,
            rate=f"{speed:,.1f}/s" if speed else "",
        )


class _Lines:
    """One line now and then, for files and pipes; work that ends soon writes none."""

    def __init__(self, out: TextIO, clock: Callable[[], float]) -> None:
        self._out = out
        self._clock = clock
        self._phase = ""
        self._first = 0
        self._began = self._last = clock()

    def __call__(self, progress: Progress) -> None:
        now = self._clock()
        if progress.phase != self._phase:
            self._phase, self._first = progress.phase, progress.done
            self._began = self._last = now
        if now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = now
        rate = (progress.done - self._first) / (now - self._began)
        of = "" if progress.total is None else f" of {progress.total:,}"
        left = ""
        if progress.total is not None and rate > 0:
            left = f", {_in_words((progress.total - progress.done) / rate)} left"
        name = PHASES.get(progress.phase, progress.phase)
        self._out.write(f"{name}: {progress.done:,}{of}, {rate:,.1f}/s{left}\n")
        self._out.flush()


def _in_words(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
