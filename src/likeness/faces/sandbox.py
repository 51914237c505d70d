"""Decodes photos in children that cannot take more memory or time than they are given.

A photo that crashes, fills or stalls its decoder costs that child, not this process: the child is
ended, the photo is a ``PhotoUnreadable``, and the next photo gets a fresh child. POSIX only.
"""

from __future__ import annotations

import os
import queue
import select
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError, UsageError
from likeness.faces import decode
from likeness.faces.sandbox_protocol import (
    ANSWER,
    READY,
    ProtocolBroken,
    pack_request,
    unpack_answer,
    unpack_photo,
)
from likeness.records.photo import DecodedPhoto, ReadLimits

_START_SECONDS = 60.0
_PIPE_BYTES = 1 << 20
_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class DecodeWorkers:
    """Children that decode photos, started when first needed; to be used as a context manager.

    Threads may share one: as many photos are decoded at a time as there are children, and further
    callers wait for a child. Idle children sleep.

    Parameters
    ----------
    count : int
        Number of children.
    limits : ReadLimits
        ``seconds`` is wall-clock time for each photo, from sending it to having its pixels.
    """

    def __init__(self, count: int = 2, *, limits: ReadLimits) -> None:
        if count < 1:
            raise UsageError(f"{count} decoders cannot be started.", "Ask for at least one.")
        self._limits = limits
        self._count = count
        self._closed = False
        self._owner = os.getpid()
        # Last in, first out: work stays with the children that run already.
        self._slots: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(count):
            self._slots.put(None)

    def __enter__(self) -> DecodeWorkers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the children, after the photos that they are at."""
        if self._closed or os.getpid() != self._owner:
            return
        self._closed = True
        children = [self._slots.get() for _ in range(self._count)]
        for child in children:
            _end(child)
        for _ in children:
            self._slots.put(None)

    def decode(self, data: bytes, *, long_side: int | None) -> DecodedPhoto:
        """Decode one photo in a child; see ``decode.decode``.

        Raises
        ------
        PhotoUnreadable
            With the reasons of ``decode.decode``, and ``"too_slow"`` or ``"crashed_decoder"``.
        UsageError
            After ``close``, and in a process that was forked since.
        LikenessError
            Where no child can be started.
        ValueError
            Where ``long_side`` is not positive.
        """
        if long_side is not None and not 0 < long_side < 1 << 32:
            raise ValueError(f"long_side is {long_side}, not a positive number of pixels or None")
        if not data:
            raise decode.unreadable("empty", limits=self._limits)
        if len(data) > self._limits.max_bytes:
            raise decode.unreadable("too_large", limits=self._limits)
        if os.getpid() != self._owner:
            raise UsageError(
                "Photo decoders cannot be shared with a forked process.", "Make new ones there."
            )
        child = self._slots.get()
        try:
            if self._closed:
                raise UsageError("The photo decoders are closed.", "Open them again first.")
            if child is None or not child.alive:
                _end(child)
                child = None
                child = _Child(self._limits)
            return child.decode(data, long_side)
        finally:
            # A child that was interrupted half-way may still send the rest of its answer.
            if child is not None and not child.idle:
                child.end()
                child = None
            self._slots.put(child)


def _end(child: _Child | None) -> None:
    if child is not None:
        child.end()


class _Child:
    """One child process and the two pipes to it.

    Attributes
    ----------
    idle : bool
        Whether it waits for a request: False within one, and for good once it failed.
    """

    def __init__(self, limits: ReadLimits) -> None:
        self._limits = limits
        self.idle = False
        command = [sys.executable, "-P", "-W", "ignore", "-m", "likeness.faces.sandbox_child"]
        command += [str(limits.max_bytes), str(limits.max_pixels), repr(limits.seconds)]
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
            _widen(descriptor)
        try:
            ready = self._read(len(READY), time.monotonic() + _START_SECONDS)
        except (ProtocolBroken, OSError, TimeoutError) as error:
            self.end()
            raise _cannot_start("it ended at once") from error
        if bytes(ready) != READY:
            self.end()
            raise _cannot_start("it did not answer as it should")
        self.idle = True

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def decode(self, data: bytes, long_side: int | None) -> DecodedPhoto:
        """Send a photo and wait for its pixels."""
        self.idle = False
        deadline = time.monotonic() + self._limits.seconds
        try:
            self._write(pack_request(len(data), long_side), deadline)
            self._write(data, deadline)
            lengths = unpack_answer(bytes(self._read(ANSWER.size, deadline)), self._limits)
            details = bytes(self._read(lengths.details, deadline))
            pixels = self._read(lengths.pixels, deadline)
            self.idle = True
            return unpack_photo(details, pixels, limits=self._limits, long_side=long_side)
        except TimeoutError as error:
            raise decode.unreadable("too_slow", limits=self._limits) from error
        except (ProtocolBroken, OSError) as error:
            self.idle = False
            raise decode.unreadable("crashed_decoder", limits=self._limits) from error

    def end(self) -> None:
        """Kill the process and close the pipes; may be called again."""
        self.idle = False
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _write(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            _wait(self._to, select.POLLOUT, deadline)
            view = view[os.write(self._to, view[:_PIPE_BYTES]) :]

    def _read(self, size: int, deadline: float) -> NDArray[np.uint8]:
        """Exactly ``size`` bytes, as a uint8 array of that length."""
        buffer = np.empty(size, dtype=np.uint8)
        view = memoryview(buffer.data) if size else memoryview(b"")
        while view:
            _wait(self._from, select.POLLIN, deadline)
            got = os.readv(self._from, [view])
            if got == 0:
                raise ProtocolBroken("the child ended")
            view = view[got:]
        return buffer


def _wait(descriptor: int, event: int, deadline: float) -> None:
    """Wait until a pipe can be used, or its other end is gone."""
    left = deadline - time.monotonic()
    poll = select.poll()
    poll.register(descriptor, event)
    if left <= 0 or not poll.poll(left * 1000):
        raise TimeoutError


def _widen(descriptor: int) -> None:
    """Ask for a larger pipe where the system has them: fewer turns for each photo."""
    import fcntl

    if hasattr(fcntl, "F_SETPIPE_SZ"):
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        except OSError:
            # The user's share of pipe memory is spent; the usual size works, only slower.
            return


def _environment() -> dict[str, str]:
    """Nothing of this process's environment but what Python needs to find the same packages."""
    package_root = str(Path(__file__).resolve().parents[2])
    paths = [package_root, *(os.path.abspath(path) for path in sys.path if path)]
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        **kept,
    }


def _cannot_start(why: str) -> LikenessError:
    return LikenessError(
        f"The process that decodes photos could not be started: {why}.",
        "Check that memory and processes are left, then run: python -m likeness.faces.sandbox_child"
        " 1000000 1000000 1",
    )
