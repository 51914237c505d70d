"""What a video may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class VideoLimits:
    """What one video may cost to read, and what its frames become.

    Attributes
    ----------
    max_seconds : float
        How much of a video is looked at.
    max_pixels : int
        Largest frame, in pixels; the default holds 8192 by 4320.
    max_frames : int
        Most photos out of one video.
    long_side : int
        Frames are reduced to this many pixels on their longer side.
    idle_seconds : float
        Longest time, in seconds of waiting for the decoder and reading for it, in which it gets no
        further in the video.
    seconds : float
        Longest time for the whole video, counted alike.
    threads : int
        How many threads decode.
    """

    max_seconds: float = 12 * 3600.0
    max_pixels: int = 36_000_000
    max_frames: int = 50_000
    long_side: int = 1920
    idle_seconds: float = 120.0
    seconds: float = 24 * 3600.0
    threads: int = 2

    @property
    def max_ms(self) -> int:
        """``max_seconds`` in whole milliseconds."""
        return int(self.max_seconds * 1000)

    @property
    def max_jpeg(self) -> int:
        """Most bytes that a frame may take as a JPEG: more than its pixels need at any quality."""
        return 4 * self.long_side * self.long_side + 65_536

    def bytes_to_read(self, size: int) -> int:
        """Most bytes that may be read in all out of a video of ``size`` bytes.

        More than once over, since tracks that lie far apart are read in turns.
        """
        return 4 * size + 268_435_456
