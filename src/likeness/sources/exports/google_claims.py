"""What a sidecar of Google Photos claims of the name of its photo: by its title and file name."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from likeness.records.photo_formats import PHOTO_SUFFIXES
from likeness.sources.exports.google_names import (
    LONGEST_NAME,
    SIDECAR_ENDING,
    SIDECAR_MARK,
    cuts_of,
    folded,
    length_of,
    numbered,
    split_ending,
    with_number,
)

VIDEO_ENDINGS = frozenset(
    (
        *(".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv"),
        *(".3gp", ".3g2", ".mts", ".m2ts", ".mp"),
    )
)
"""Of videos, in lower case; ``.mp`` is the moving half of a photo that an Android phone took."""

MEDIA_ENDINGS = (
    PHOTO_SUFFIXES
    | VIDEO_ENDINGS
    | frozenset(
        (
            *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw"),
            *(".raw", ".avif", ".jxl", ".svg"),
        )
    )
)
"""Of all that Google Photos holds, also what is not read."""

Key = tuple[str, str]
"""A folded stem without number, and an ending; an empty one stands for any."""

_LONGEST_BODY = LONGEST_NAME - len(SIDECAR_ENDING)
_LONGEST_TITLE = 1000
_NUMBER_INSIDE = re.compile(r"(.*)\(([1-9][0-9]{0,4})\)(\..*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What a sidecar says of the name of its photo.

    Attributes
    ----------
    body : str
        Its own file name without ``.json`` and ``(n)``, folded.
    number : int
        The ``n``; 0 for none.
    name : str
        The photo's name as it would be if nothing in the title had to be replaced or cut.
    keys : frozenset of Key
        How the photo's name may read, the number apart.
    loose : bool
        Whether the number may count other photos too: those whose titles begin alike and were cut
        to the same name.
    whole : bool
        Whether ``body`` holds the title whole.
    """

    body: str
    number: int
    name: str
    keys: frozenset[Key]
    loose: bool
    whole: bool


def claim_of(name: str, title: str) -> Claim | None:
    """Read what a sidecar claims; None where its file name was not made from its title.

    Parameters
    ----------
    name : str
        Its file name.
    title : str
        Empty where it has none: then its file name has to say it all, uncut.
    """
    if not name.lower().endswith(SIDECAR_ENDING):
        return None
    body = name[: -len(SIDECAR_ENDING)]
    readings = {(body, 0), numbered(body)}
    inside = _NUMBER_INSIDE.fullmatch(body)
    if inside is not None:
        readings.add((inside[1] + inside[3], int(inside[2])))
    found = [
        (stem, number, written, whole)
        for written in _titles(title, body)
        for stem, number in sorted(readings)
        for whole in (_agrees(stem, written),)
        if whole is not None
    ]
    if len({number for _, number, _, _ in found}) != 1:
        return None
    stem, number, written, whole = found[0]
    photo, ending = split_ending(written, MEDIA_ENDINGS)
    had_mark = len(folded(stem)) > len(folded(written)) + 1
    limits = {LONGEST_NAME - len(ending or ".jpeg"), LONGEST_NAME - len(".jpg")}
    stems = frozenset[str]().union(*(cuts_of(photo, limit) for limit in limits))
    return Claim(
        body=folded(stem),
        number=number,
        name=with_number(photo, number) + ending,
        keys=frozenset((folded(each), ending) for each in stems),
        loose=stems != {photo} or (not had_mark and length_of(written) >= _LONGEST_BODY - 1),
        whole=whole,
    )


def _titles(title: str, body: str) -> Iterator[str]:
    if title:
        yield title[:_LONGEST_TITLE]
        if "&" in title:
            yield html.unescape(title[:_LONGEST_TITLE])
    elif length_of(body) < _LONGEST_BODY:
        yield numbered(body)[0].removesuffix(SIDECAR_MARK)


def _agrees(body: str, title: str) -> bool | None:
    """Whether a sidecar's name holds the title whole (True) or cut (False); None for neither."""
    had, wanted = folded(body), folded(title)
    if had.startswith(wanted) and SIDECAR_MARK.startswith(had[len(wanted) :]):
        return True
    if length_of(title) <= _LONGEST_BODY:
        return None
    return False if any(folded(cut) == had for cut in cuts_of(title, _LONGEST_BODY)) else None
