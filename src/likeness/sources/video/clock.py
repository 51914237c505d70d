"""When a frame is seen, whatever its time stamps say."""

from __future__ import annotations

_FARTHEST_START_MS = 10_000
_BACK_MS = 1_000
_FORWARD_MS = 600_000


class FilmClock:
    """Turns the time stamps of decoded frames into times from the beginning, which never go back.

    Time stamps that are missing go on by one frame. Those that jump, as where recordings were
    strung together, go on from there. Those that go back a little stand still.

    Parameters
    ----------
    start_ms : int or None
        Where the video says that it begins; it may be negative. A picture that starts within ten
        seconds of it, after the sound, is timed from there, any other from its first frame.
    frame_ms : int
        How long one frame is seen where nothing says so; positive.
    """

    def __init__(self, *, start_ms: int | None, frame_ms: int) -> None:
        self._start = start_ms
        self._frame = frame_ms
        self._shift: int | None = None
        self._last = -1

    def at(self, stamp_ms: int | None) -> int:
        """Return the time of the next frame in milliseconds, not before that of the last one."""
        if self._shift is None:
            return self._first(stamp_ms)
        if stamp_ms is None:
            self._last += self._frame
            return self._last
        time = stamp_ms + self._shift
        if not self._last - _BACK_MS <= time <= self._last + _FORWARD_MS:
            self._shift += self._last + self._frame - time
            time = self._last + self._frame
        self._last = max(self._last, time)
        return self._last

    def _first(self, stamp_ms: int | None) -> int:
        self._last = 0
        if stamp_ms is None:
            self._shift = 0
            return 0
        late = stamp_ms - self._start if self._start is not None else 0
        if 0 <= late <= _FARTHEST_START_MS:
            self._last = late
        self._shift = self._last - stamp_ms
        return self._last
