"""The live captures that run now: a bounded number, each for a short time, in memory alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from likeness.challenge import SECONDS, draw_order
from likeness.errors import RateLimited
from likeness.faces.packs import Thresholds
from likeness.faces.runtime import usable_cores
from likeness.faces.sandbox import DecodeWorkers
from likeness.live_capture import FRAME_LIMITS, LiveCapture, not_running, sameness_of
from likeness.live_picture import Engine, Pixels
from likeness.records.capture import Movement, Step

MOST = 32
"""How many may be held."""

RUNNING_EACH = 3
"""How many may run for each core: with more, pictures of one come too far apart."""

WITHIN = 5.0
"""Seconds without a picture after which a capture is not counted as running."""

LASTS = 600.0
"""Seconds that a capture is held for once it has passed. Before, as long as it could still pass."""

WAITS = 0.5
"""Seconds that a picture waits for its turn, before the browser is told to send another."""


@dataclass(kw_only=True, eq=False)
class _Held:
    invitation_id: str
    capture: LiveCapture
    looked_at: float
    timer: threading.Timer
    passed: bool = False


class Captures:
    """The captures of one server, each under a key of the caller's. Safe for threads.

    Parameters
    ----------
    clock : callable
        Returns seconds that only go forward.
    draw : callable
        Gives the movements of an attempt.
    most : int
    lasts : float
        Seconds that one is held for once it has passed, and at most before.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], tuple[Movement, ...]] = draw_order,
        most: int = MOST,
        lasts: float = LASTS,
    ) -> None:
        cores = usable_cores()
        self._clock = clock
        self._draw = draw
        self._most = most
        self._lasts = lasts
        self._running = RUNNING_EACH * cores
        self._turns = threading.BoundedSemaphore(cores)
        self._decoders = DecodeWorkers(min(cores, 2), limits=FRAME_LIMITS)
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()

    def begin(
        self, key: str, *, invitation_id: str, engine: Engine, thresholds: Thresholds
    ) -> Step:
        """Begin a capture; one under the same key or by the same invitation is wiped.

        Parameters
        ----------
        key : str
            Says whose it is, and nothing about them.
        invitation_id : str
            However many browsers have its link, it holds one capture: nobody can take the places
            of all others with it.
        engine : Engine
        thresholds : Thresholds
            Of a gallery of one.

        Raises
        ------
        RateLimited
            Too many people are before their cameras now.
        PackMismatch
            As :func:`likeness.live_capture.sameness_of`.
        """
        capture = LiveCapture(
            engine=engine,
            sameness=sameness_of(thresholds),
            decoders=self._decoders,
            clock=self._clock,
            draw=self._draw,
        )
        with self._lock:
            # In one step with what takes its place: of two that begin at once, none is left over.
            former = [
                self._held.pop(known)
                for known, held in tuple(self._held.items())
                if known == key or held.invitation_id == invitation_id
            ]
            room = self._has_room()
            if room:
                self._held[key] = _Held(
                    invitation_id=invitation_id,
                    capture=capture,
                    looked_at=self._clock(),
                    timer=self._timer(key, capture, min(self._lasts, SECONDS)),
                )
        for held in former:
            _wipe(held)
        if not room:
            raise RateLimited(
                "Too many people are before their cameras at this moment.",
                "Try it again in a minute.",
            )
        return capture.step

    def look(self, key: str, jpeg: bytes) -> Step | None:
        """Look at the next picture of a capture; see :meth:`LiveCapture.look`.

        Returns
        -------
        Step or None
            None where it was not looked at because others still are.

        Raises
        ------
        NotFound
            There is none, or it lapsed.
        PhotoUnreadable
        """
        held = self._of(key)
        if not self._turns.acquire(timeout=WAITS):
            return None
        try:
            held.looked_at = self._clock()
            step = held.capture.look(jpeg)
        finally:
            self._turns.release()
        if step is not None and step.state == "passed":
            self._hold_on(key, held)
        return step

    def state(self, key: str) -> Literal["none", "running", "passed", "failed"]:
        """How a capture stands."""
        with self._lock:
            held = self._held.get(key)
        if held is None:
            return "none"
        state = held.capture.step.state
        return state if state in ("passed", "failed") else "running"

    def take(self, key: str) -> list[Pixels]:
        """The pictures of a capture that passed; see :meth:`LiveCapture.taken`. It stays.

        Raises
        ------
        NotFound
        """
        return self._of(key).capture.taken()

    def forget(self, key: str) -> None:
        """Wipe a capture, where there is one."""
        with self._lock:
            held = self._held.pop(key, None)
        if held is not None:
            _wipe(held)

    def close(self) -> None:
        """Wipe all, and end the decoders."""
        for key in tuple(self._held):
            self.forget(key)
        self._decoders.close()

    def _has_room(self) -> bool:
        now = self._clock()
        running = [
            held
            for held in self._held.values()
            if not held.capture.step.ended and now - held.looked_at < WITHIN
        ]
        return len(self._held) < self._most and len(running) < self._running

    def _of(self, key: str) -> _Held:
        with self._lock:
            held = self._held.get(key)
        if held is None:
            raise not_running()
        return held

    def _hold_on(self, key: str, held: _Held) -> None:
        """Once it passed, its pictures wait for the enrolment."""
        with self._lock:
            if self._held.get(key) is held and not held.passed:
                held.passed = True
                held.timer.cancel()
                held.timer = self._timer(key, held.capture, self._lasts)

    def _timer(self, key: str, capture: LiveCapture, seconds: float) -> threading.Timer:
        """Nobody needs to come by for what lapsed to be wiped."""
        timer = threading.Timer(seconds, self._lapse, (key, capture))
        timer.daemon = True
        timer.start()
        return timer

    def _lapse(self, key: str, capture: LiveCapture) -> None:
        with self._lock:
            held = self._held.get(key)
            if held is None or held.capture is not capture:
                return
            del self._held[key]
        capture.close()


def _wipe(held: _Held) -> None:
    held.timer.cancel()
    held.capture.close()
