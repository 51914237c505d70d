"""Starts the crawling process, keeps its lease, and reads what it says."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from likeness.errors import LikenessError, SourceUnreadable
from likeness.sources.website.crawl_protocol import (
    READY,
    SETUP,
    Message,
    ProtocolBroken,
    Reader,
    pack,
)
from likeness.sources.website.lease import BEAT_SECONDS, LeaseEnd
from likeness.sources.website.network import Network

_START_SECONDS = 60.0
_SEND_SECONDS = 60.0
_READ_AT_ONCE = 1 << 20
_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class CrawlProcess:
    """One crawling process; to be used as a context manager, which ends it.

    Parameters
    ----------
    network : Network
        Says how it is started.
    setup : mapping
        What to crawl.
    max_body : int
        Most bytes of a photo.
    require_allowed : callable
        Raises where no further request may be sent. Asked from a thread of its own, again and
        again; while it does not answer, the process runs out of its lease.

    Raises
    ------
    LikenessError
        If the process cannot be started.
    """

    def __init__(
        self,
        network: Network,
        setup: Mapping[str, Any],
        *,
        max_body: int,
        require_allowed: Callable[[], None],
    ) -> None:
        self._require_allowed = require_allowed
        self._reader = Reader(from_child=True, max_body=max_body)
        self._ended = threading.Event()
        self._refused: Exception | None = None
        theirs, ours = os.pipe()
        try:
            self._process = _start([*network.crawl_command(), str(theirs)], theirs)
        except OSError as error:
            os.close(ours)
            raise _cannot_start(error.strerror or "unknown reason") from error
        finally:
            os.close(theirs)
        self._lease = LeaseEnd(ours)
        self._lease_descriptor = ours
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        for descriptor in (self._to, self._from):
            os.set_blocking(descriptor, False)
        self._keeper = threading.Thread(
            target=self._keep_lease, name="likeness-crawl-lease", daemon=True
        )
        try:
            self._begin(setup)
        except BaseException:
            self.end()
            raise

    def __enter__(self) -> CrawlProcess:
        return self

    def __exit__(self, *about: object) -> None:
        self.end()

    def next(self) -> Message:
        """Wait for the next message.

        Raises
        ------
        Exception
            Whatever ``require_allowed`` raised.
        SourceUnreadable
            If the process ended before it was done, or made no sense.
        """
        while True:
            if self._refused is not None:
                raise self._refused
            try:
                message = self._reader.next()
            except ProtocolBroken as error:
                self.kill()
                raise _crashed() from error
            if message is not None:
                return message
            got = self._read(BEAT_SECONDS)
            if got is None:
                continue
            if not got:
                self.kill()
                # Perhaps it was ended because it may not go on; that is what is to be told then.
                if self._refused is not None:
                    raise self._refused
                raise _crashed()
            self._reader.feed(got)

    def send(self, kind: bytes, details: Mapping[str, Any]) -> None:
        """Send a message.

        Raises
        ------
        SourceUnreadable
            If the process does not take it.
        """
        view = memoryview(pack(kind, details))
        deadline = time.monotonic() + _SEND_SECONDS
        try:
            while view:
                left = deadline - time.monotonic()
                if left <= 0 or not _wait(self._to, select.POLLOUT, left):
                    raise TimeoutError
                view = view[os.write(self._to, view) :]
        except OSError as error:
            self.kill()
            raise self._refused or _crashed() from error

    def kill(self) -> None:
        """End the process at once, from any thread; when this returns it sends nothing more."""
        self._ended.set()
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """End it and close the pipes."""
        self.kill()
        if self._keeper.is_alive() and threading.current_thread() is not self._keeper:
            self._keeper.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()
        if self._lease_descriptor >= 0:
            os.close(self._lease_descriptor)
            self._lease_descriptor = -1

    def _begin(self, setup: Mapping[str, Any]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        try:
            while (message := self._reader.next()) is None:
                got = self._read(deadline - time.monotonic())
                if not got:
                    why = "it ended at once" if got is not None else "it took too long"
                    raise _cannot_start(why)
                self._reader.feed(got)
        except ProtocolBroken as error:
            raise _cannot_start("it did not answer as it should") from error
        if message.kind != READY:
            raise _cannot_start("it did not answer as it should")
        self.send(SETUP, setup)
        self._keeper.start()

    def _keep_lease(self) -> None:
        while not self._ended.is_set():
            try:
                self._require_allowed()
                self._lease.extend()
            except OSError:  # the other end is gone; whoever reads from it finds out why
                return
            except Exception as error:
                # Kept first: the reader sees the end of the pipe as soon as the process is gone.
                self._refused = error
                self.kill()
                return
            self._ended.wait(BEAT_SECONDS)

    def _read(self, seconds: float) -> bytes | None:
        """What came, empty at the end, None where nothing came within the time."""
        if seconds <= 0 or not _wait(self._from, select.POLLIN, seconds):
            return None
        try:
            return os.read(self._from, _READ_AT_ONCE)
        except BlockingIOError:
            return None


def _start(command: list[str], lease: int) -> subprocess.Popen[bytes]:
    # Its own process group keeps the terminal's interrupt away from it.
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        bufsize=0,
        pass_fds=(lease,),
        process_group=0,
    )


def _environment() -> dict[str, str]:
    """Nothing of this process's environment but what Python needs to find the same packages.

    No proxy, no certificates and no log of keys that somebody set for another purpose.
    """
    package_root = str(Path(__file__).resolve().parents[3])
    paths = [package_root, *(os.path.abspath(path) for path in sys.path if path)]
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
        "MALLOC_ARENA_MAX": "2",
        **kept,
    }


def _wait(descriptor: int, event: int, seconds: float) -> bool:
    """Wait until a pipe can be used, or its other end is gone."""
    poll = select.poll()
    poll.register(descriptor, event)
    return bool(poll.poll(seconds * 1000))


def _cannot_start(why: str) -> LikenessError:
    return LikenessError(
        f"The process that crawls could not be started: {why}.",
        "Check that memory and processes are left, and that the extra is installed: "
        "pip install likeness[websites]",
    )


def _crashed() -> SourceUnreadable:
    return SourceUnreadable(
        "The crawl ended before it was done.",
        "Add the site again; what has not changed does not come again.",
    )
