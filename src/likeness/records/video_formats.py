"""What the names of video files end in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SUFFIXES_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "MP4 and QuickTime": (".mp4", ".mov", ".m4v", ".qt", ".3gp", ".3g2", ".f4v", ".insv"),
        "Matroska and WebM": (".mkv", ".webm"),
        "MPEG": (".mpg", ".mpeg", ".mpe", ".vob", ".mts", ".m2ts"),
        "AVI": (".avi",),
        "Windows Media": (".wmv", ".asf"),
        "Flash Video": (".flv",),
        "Ogg": (".ogv",),
    }
)
"""By family of containers, in lower case, with the dot. ``.ts`` is not among them: most files of
that name are text."""

VIDEO_SUFFIXES = frozenset(suffix for suffixes in SUFFIXES_OF.values() for suffix in suffixes)
"""What the name of a video ends in; which format it is in is told by its bytes alone."""
