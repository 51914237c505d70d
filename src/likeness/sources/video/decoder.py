"""The parent's side of the child that decodes a video."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

from likeness.errors import LikenessError
from likeness.sources.base import stopped
from likeness.sources.video.limits import VideoLimits
from likeness.sources.video.protocol import ANSWER, HEADER, READY, Message, ProtocolBroken, unpack

_START_SECONDS = 60.0
_STOP_SECONDS = 0.05
_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class VideoDecoder:
    """A child that decodes one video; to be used as a context manager, which ends it.

    Parameters
    ----------
    size : int
        Of the video, in bytes.
    limits : VideoLimits
    stop : threading.Event
        Once set, whatever waits for the child raises `SourceBlocked` within a moment.

    Raises
    ------
    LikenessError
        Where it cannot be started.
    """

    def __init__(self, size: int, *, limits: VideoLimits, stop: threading.Event) -> None:
        self._limits, self._stop = limits, stop
        command = [sys.executable, "-P", "-W", "ignore", "-m", "likeness.sources.video.child"]
        command += [json.dumps(asdict(limits)), str(size)]
        try:
            # Its own process group keeps the terminal's interrupt away from it.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                bufsize=0,
                process_group=0,
            )
        except OSError as error:
            raise _cannot_start(error.strerror or "unknown reason") from error
        if self._process.stdin is None or self._process.stdout is None:
            raise _cannot_start("no pipes")
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        for descriptor in (self._to, self._from):
            os.set_blocking(descriptor, False)
        self._end_by = self._idle_by = time.monotonic() + _START_SECONDS
        try:
            ready = self._read(len(READY))
        except (ProtocolBroken, OSError) as error:
            self.end()
            raise _cannot_start("it ended at once") from error
        except BaseException:
            self.end()
            raise
        if ready != READY:
            self.end()
            raise _cannot_start("it did not answer as it should")
        self._end_by = time.monotonic() + limits.seconds
        self.got_further()

    def __enter__(self) -> VideoDecoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def next(self) -> Message:
        """Wait for the next message.

        Raises
        ------
        ProtocolBroken, OSError
            The child ended, or said what it may not say.
        TimeoutError
            It took too long.
        SourceBlocked
            It was stopped.
        """
        return unpack(self._read(HEADER.size), self._limits)

    def receive(self, size: int) -> bytes:
        """Wait for exactly ``size`` bytes; raises as `next`."""
        return self._read(size)

    def answer(self, data: bytes) -> None:
        """Send the bytes that were asked for; raises as `next`."""
        view = memoryview(ANSWER.pack(len(data)) + data)
        while view:
            self._wait(self._to, select.POLLOUT)
            view = view[os.write(self._to, view) :]

    def got_further(self) -> None:
        """Begin to count the time without progress anew."""
        self._idle_by = time.monotonic() + self._limits.idle_seconds

    def was_left_for(self, seconds: float) -> None:
        """Leave out a time in which nobody waited for the child."""
        self._idle_by += seconds
        self._end_by += seconds

    def end(self) -> None:
        """Kill the process and close the pipes; may be called again."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _read(self, size: int) -> bytes:
        buffer = bytearray(size)
        view = memoryview(buffer)
        while view:
            self._wait(self._from, select.POLLIN)
            got = os.readv(self._from, [view])
            if got == 0:
                raise ProtocolBroken("the child ended")
            view = view[got:]
        return bytes(buffer)

    def _wait(self, descriptor: int, event: int) -> None:
        """Wait until a pipe can be used, or its other end is gone."""
        poll = select.poll()
        poll.register(descriptor, event)
        while True:
            if self._stop.is_set():
                raise stopped()
            left = min(self._idle_by, self._end_by) - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if poll.poll(1000 * min(left, _STOP_SECONDS)):
                return


def _environment() -> dict[str, str]:
    """Nothing of this process's environment but what Python needs to find the same packages."""
    package_root = str(Path(__file__).resolve().parents[3])
    paths = [package_root, *(os.path.abspath(path) for path in sys.path if path)]
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        # Each further arena is another 64 MiB of address space, which is limited.
        "MALLOC_ARENA_MAX": "2",
        **kept,
    }


def _cannot_start(why: str) -> LikenessError:
    return LikenessError(
        f"The process that decodes videos could not be started: {why}.",
        "Check that memory and processes are left, then run: python -m likeness.sources.video.child"
        " '{}' 0",
    )
