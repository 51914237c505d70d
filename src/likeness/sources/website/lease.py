"""How long a crawling process may send requests: until the last word of its parent, plus a moment.

The parent writes to a pipe of its own until when requests may be sent, on a clock that both share
and that goes on while the machine sleeps. Nothing is written while nobody allows it, so that a
parent that stops, hangs or dies lets the lease run out.
"""

from __future__ import annotations

import math
import os
import struct
import time

LEASE_SECONDS = 2.0
"""How long one word of the parent lasts."""

BEAT_SECONDS = 0.4
"""How often the parent speaks while it may."""

_BEAT = struct.Struct("!d")
_AT_ONCE = _BEAT.size * 512


def shared_clock() -> float:
    """Seconds on a clock that runs alike in every process, and while the machine is suspended."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


class LeaseEnd:
    """The parent's end of the pipe."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor

    def extend(self) -> None:
        """Let the other end send requests for the next `LEASE_SECONDS`.

        Raises
        ------
        OSError
            If the other end is gone.
        """
        try:
            # Eight bytes are written whole or not at all (POSIX, PIPE_BUF).
            os.write(self._descriptor, _BEAT.pack(shared_clock() + LEASE_SECONDS))
        except BlockingIOError:
            # A child that does not read runs out of its lease, which is as it should be.
            return


class Lease:
    """The child's end of the pipe.

    Attributes
    ----------
    ended : bool
        True once the other end was closed.
    """

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._until = -math.inf
        self._rest = b""
        self.ended = False

    def holds(self) -> bool:
        """Whether a request may be sent now. Reads what the parent said meanwhile."""
        self._read()
        left = self._until - shared_clock()
        # More than was ever granted is no lease of this parent.
        return not self.ended and 0 < left <= LEASE_SECONDS + 0.5

    def ran_out(self) -> bool:
        """Whether requests were allowed once and are no longer."""
        return self._until != -math.inf and not self.holds()

    def _read(self) -> None:
        while not self.ended:
            try:
                got = os.read(self._descriptor, _AT_ONCE)
            except BlockingIOError:
                return
            except OSError:
                got = b""
            if not got:
                self.ended = True
                return
            told = self._rest + got
            whole = len(told) - len(told) % _BEAT.size
            self._rest = told[whole:]
            if whole:
                (self._until,) = _BEAT.unpack(told[whole - _BEAT.size : whole])
