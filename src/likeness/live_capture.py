"""A live capture: pictures of a camera are looked at and dropped, and the best few may be enrolled.

Everything is in memory: nothing of a picture, and no template, reaches a disk or a log.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from likeness.challenge import Challenge, Sameness, draw_order
from likeness.errors import NotFound, PackMismatch
from likeness.faces.decode import unreadable
from likeness.faces.formats import sniff
from likeness.faces.packs import UNREACHABLE, Thresholds
from likeness.faces.sandbox import DecodeWorkers
from likeness.live_picture import Engine, Looked, Pixels, is_usable, look_at, round_the_face
from likeness.records.capture import GoodFor, Movement, Step
from likeness.records.photo import ReadLimits

FRAME_LIMITS = ReadLimits(max_bytes=400_000, max_pixels=1_500_000, seconds=2.0)
"""What a picture of a camera may cost to read: one of 640 by 480 pixels has some 40 kilobytes."""

LONG_SIDE = 640
"""Pictures are reduced to it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Kept:
    """A picture that may become a reference, cut around the face."""

    unified: int
    picture: Pixels


def sameness_of(thresholds: Thresholds) -> Sameness:
    """From which cosine on two pictures show one person, by the thresholds of a gallery of one.

    Raises
    ------
    PackMismatch
        Where nothing was measured for the pack: then nobody can say that a face stayed the same.
    """
    if thresholds.review >= UNREACHABLE:
        raise PackMismatch(
            "No thresholds were measured for the library's model pack, so nobody can say whether "
            "the face before a camera stays the same.",
            "Calibrate them with: likeness calibrate",
        )
    strong = thresholds.strong if thresholds.strong < UNREACHABLE else thresholds.review
    return Sameness(step=strong, away=thresholds.review)


class LiveCapture:
    """One person before a camera.

    Parameters
    ----------
    engine : Engine
    sameness : Sameness
    decoders : DecodeWorkers
        With ``FRAME_LIMITS``.
    clock : callable
        Returns seconds that only go forward.
    draw : callable
        Gives the movements of an attempt.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        sameness: Sameness,
        decoders: DecodeWorkers,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], tuple[Movement, ...]] = draw_order,
    ) -> None:
        self._engine = engine
        self._decoders = decoders
        self._clock = clock
        self._challenge = Challenge(begun_at=clock(), sameness=sameness, draw=draw)
        self._step = self._challenge.step()
        self._kept: dict[GoodFor, _Kept] = {}
        self._closed = False
        self._lock = threading.Lock()

    @property
    def step(self) -> Step:
        """Where it stands, as last said."""
        return self._step

    def look(self, jpeg: bytes) -> Step | None:
        """Look at the next picture, and drop it.

        Parameters
        ----------
        jpeg : bytes
            Not mirrored.

        Returns
        -------
        Step or None
            None where the picture before is still being looked at: this one was not.

        Raises
        ------
        NotFound
            It was closed meanwhile.
        PhotoUnreadable
            It is no JPEG, broken, or beyond ``FRAME_LIMITS``.
        """
        at = self._clock()
        if not self._lock.acquire(blocking=False):
            return None
        try:
            if self._closed:
                raise not_running()
            if not self._step.ended:
                self._step = self._judged(jpeg, at)
            return self._step
        finally:
            self._lock.release()

    def taken(self) -> list[Pixels]:
        """The pictures to enrol with: 1 to 4, uint8 (height, width, 3), looking ahead first.

        Each is cut generously around the one face that can be enrolled from it.

        Raises
        ------
        NotFound
            It has not passed, or was closed.
        """
        with self._lock:
            if self._closed or self._step.state != "passed":
                raise not_running()
            return [kept.picture.copy() for kept in self._kept.values()]

    def close(self) -> None:
        """Overwrite every picture and template that is held; may be called again."""
        with self._lock:
            self._closed = True
            self._challenge.close()
            self._forget()

    def _judged(self, jpeg: bytes, at: float) -> Step:
        if sniff(jpeg) != "JPEG":
            raise unreadable("not_a_photo", limits=FRAME_LIMITS)
        pixels = self._decoders.decode(jpeg, long_side=LONG_SIDE).pixels
        try:
            # (1) What the picture shows, and what the challenge makes of it.
            moving = self._step.state != "ready"
            looked = look_at(self._engine, pixels, at=at, moving=moving)
            step = self._challenge.see(looked.seen)
            # (2) The best of each kind is kept, until it passes or begins anew.
            if step.state in ("ready", "failed") or step.attempt != self._step.attempt:
                self._forget()
            if step.good_for:
                self._keep(step.good_for, looked, pixels)
            # (3) Once it has passed, what stays is what can be enrolled.
            return self._passed(step) if step.state == "passed" else step
        finally:
            pixels.fill(0)

    def _keep(self, kind: GoodFor, looked: Looked, pixels: Pixels) -> None:
        held = self._kept.get(kind)
        if looked.face is None or (held is not None and held.unified >= looked.unified):
            return
        if held is not None:
            held.picture.fill(0)
        picture = round_the_face(self._engine, pixels, looked.face)
        self._kept[kind] = _Kept(unified=looked.unified, picture=picture)

    def _passed(self, step: Step) -> Step:
        self._challenge.close()
        for kind, kept in tuple(self._kept.items()):
            if not is_usable(self._engine, kept.picture):
                kept.picture.fill(0)
                del self._kept[kind]
        if not self._kept:
            return replace(step, state="failed", say="failed", reason="pictures")
        return step

    def _forget(self) -> None:
        for kept in self._kept.values():
            kept.picture.fill(0)
        self._kept.clear()


def not_running() -> NotFound:
    """The error for a capture that is not there, has lapsed, or has not come so far."""
    return NotFound("This live capture has ended, or took too long.", "Start it again.")
