"""Files of Google Photos that have no sidecar of their own: edited versions, and moving halves."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from likeness.records.photo_formats import PHOTO_SUFFIXES
from likeness.sources.exports.google_claims import MEDIA_ENDINGS, VIDEO_ENDINGS, Key
from likeness.sources.exports.google_names import (
    LONGEST_NAME,
    folded,
    length_of,
    numbered,
    split_ending,
)

Rule = Literal["exact", "cut", "numbered", "edited", "live"]
"""By what a photo got its sidecar: its whole name, a name cut short, a name with ``(n)``, as the
edited version of the photo that the sidecar is for, or as the moving half of a live photo."""

RULES: tuple[Rule, ...] = ("exact", "cut", "numbered", "edited", "live")

EDITED = (
    *("-edited", "-effects", "-smile", "-mix", "-bearbeitet", "-modifié", "-editado", "-editada"),
    *("-ha editado", "-editat", "-modificato", "-bewerkt", "-edytowane", "-redigerad"),
    *("-redigeret", "-redigert", "-muokattu", "-upraveno", "-upravené", "-szerkesztett"),
    *("-düzenlendi", "-изменено", "-измененный", "-відредаговано", "-diedit", "-đã chỉnh sửa"),
    *("-編集済み", "-수정됨", "-편집됨", "-已编辑", "-已修改", "-已編輯"),
)
"""What stands behind the name of an edited version, by language (composed, NFC)."""


_SHORTEST_EDITED = 3


@dataclass(frozen=True, kw_only=True)
class Still:
    """What the still of an edited version, or of a moving half, is called.

    Attributes
    ----------
    rule : Rule
        ``"edited"`` or ``"live"``.
    own : Key
    number : int
        How the name of the version or half reads.
    stem : str
        What remains of it for the still.
    keys : tuple of Key
        Those that the still may have.
    """

    rule: Rule
    own: Key
    number: int
    stem: str
    keys: tuple[Key, ...]


def stills_of(name: str) -> Iterator[Still]:
    """Yield what the still may be called, if a file is an edited version or a moving half."""
    stem, ending = split_ending(unicodedata.normalize("NFC", name), MEDIA_ENDINGS)
    photos = sorted({suffix for low in PHOTO_SUFFIXES for suffix in (low, low.upper())})
    others = tuple(each for each in (*photos, "") if each != ending)
    # A number may be Google's, or part of the title.
    for plain, number in dict.fromkeys((numbered(stem), (stem, 0))):
        stills: list[tuple[Rule, str, tuple[str, ...]]] = []
        for original in _unedited(plain, ending):
            stills += [("edited", original, (ending,)), ("edited", original, others)]
        if ending.lower() in VIDEO_ENDINGS:
            stills.append(("live", plain + ending if ending.lower() == ".mp" else plain, others))
        for rule, of, endings in stills:
            yield Still(
                rule=rule,
                own=(folded(plain), ending),
                number=number,
                stem=of,
                keys=tuple((folded(of), each) for each in endings),
            )


def stem_of(name: str) -> str:
    """Return a photo's name without its ending, composed (NFC)."""
    return split_ending(unicodedata.normalize("NFC", name), MEDIA_ENDINGS)[0]


def _unedited(stem: str, ending: str) -> Iterator[str]:
    at_limit = length_of(stem + ending) >= LONGEST_NAME
    for added in EDITED:
        shortest = _SHORTEST_EDITED if at_limit else len(added)
        for length in range(len(added), shortest - 1, -1):
            if stem.endswith(added[:length]) and len(stem) > length:
                yield stem[:-length]
                break
