"""A preview: what is shown of a photo, smaller than it is."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A smaller JPEG of a photo, upright, with nothing but its pixels.

    Attributes
    ----------
    jpeg : bytes
    width, height : int
        In pixels.
    """

    jpeg: bytes = field(repr=False)
    width: int
    height: int
