"""Names of uploaded files as they may lie on our disk: one part, printable, short, each once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

LONGEST_BYTES = 120
_SEPARATORS = re.compile(r"[/\\]")
# Control characters, line separators, bidirectional overrides, half characters, what shells and
# other systems read otherwise, and what marks a moment in a video.
_REFUSED = re.compile(
    '[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff<>:"|?*#]'
)


def safe_names(names: Sequence[str]) -> list[str]:
    """Names for files, in the order given; whatever they were called, none leads anywhere else.

    >>> safe_names(["../../etc/passwd", "C:\\\\a\\\\b.jpg", "day/b.JPG", ""])
    ['passwd', 'b.jpg', 'b (2).JPG', 'file']
    """
    taken: set[str] = set()
    safe = []
    for name in names:
        stem, ending = _parts(name)
        made, count = stem + ending, 1
        while _folded(made) in taken:
            count += 1
            made = f"{_cut(stem, LONGEST_BYTES - len(ending.encode()) - 12)} ({count}){ending}"
        taken.add(_folded(made))
        safe.append(made)
    return safe


def _parts(name: str) -> tuple[str, str]:
    last = _SEPARATORS.split(name)[-1]
    plain = _REFUSED.sub(
        "_", unicodedata.normalize("NFC", last.encode("utf-8", "replace").decode())
    )
    # A leading dot hides a file, and dots and spaces at the end are lost on some disks.
    plain = plain.strip(" .")
    stem, dot, ending = plain.rpartition(".")
    if not stem or len(ending) > 12:
        stem, dot, ending = plain, "", ""
    ending = dot + ending
    stem = _cut(stem, LONGEST_BYTES - len(ending.encode())).strip(" .")
    return stem or "file", ending


def _cut(text: str, most: int) -> str:
    return text.encode()[: max(1, most)].decode(errors="ignore")


def _folded(name: str) -> str:
    """How a disk that does not tell case apart sees it."""
    return unicodedata.normalize("NFKC", name).casefold()
