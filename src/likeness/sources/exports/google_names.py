"""How Google's exports name files: characters replaced, names cut short, and ``(1)`` behind twins.

Nothing of it is documented; the rules are those that hold in archives that people have described.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_NAME = 51
"""In UTF-16 units, of a file's name with its ending and without ``(n)``."""

SIDECAR_ENDING = ".json"
SIDECAR_MARK = ".supplemental-metadata"
"""Stands before ``.json`` in newer archives, and is what a long name loses first."""

_REPLACED = re.compile(r"(?:[^\w .()\-]|[_\U00010000-\U0010FFFF])+")
_NUMBER = re.compile(r"(.*)\(([1-9][0-9]{0,4})\)", re.DOTALL)


def folded(text: str) -> str:
    """Write a title or a name so that both compare equal where one was made from the other.

    Letters, digits, spaces, dots, hyphens and round brackets stay (composed, NFC). Each run of
    anything else, and of all beyond U+FFFF, becomes one ``_``, as what Google replaces, and by how
    many, differs.
    """
    return _REPLACED.sub("_", unicodedata.normalize("NFC", text))


def numbered(stem: str) -> tuple[str, int]:
    """Part ``"IMG(2)"`` into ``("IMG", 2)``; the number is 0 where there is none."""
    found = _NUMBER.fullmatch(stem)
    return (found[1], int(found[2])) if found else (stem, 0)


def with_number(stem: str, number: int) -> str:
    """Undo `numbered`."""
    return f"{stem}({number})" if number else stem


def length_of(text: str) -> int:
    """Count UTF-16 units, as Google does: an emoji is two."""
    return len(text) + sum(1 for letter in text if ord(letter) > 0xFFFF)


def cuts_of(text: str, longest: int) -> frozenset[str]:
    """The ways in which a text may have been cut: by UTF-16 units, or by characters.

    Where a cut by units falls into a character, it may have stayed or gone. The text itself, where
    it is not too long.
    """
    if length_of(text) <= longest:
        return frozenset({text})
    units, place = 0, 0
    while place < len(text) and units < longest:
        units += 2 if ord(text[place]) > 0xFFFF else 1
        place += 1
    by_units = {text[:place]} if units == longest else {text[:place], text[: place - 1]}
    return frozenset(by_units | {text[:longest]})


def split_ending(name: str, endings: frozenset[str]) -> tuple[str, str]:
    """Part ``"a.b.JPG"`` into ``("a.b", ".JPG")``; the ending is empty where it is none of these.

    Parameters
    ----------
    name : str
    endings : frozenset of str
        In lower case, with the dot.
    """
    stem, dot, last = name.rpartition(".")
    return (stem, dot + last) if dot and f".{last}".lower() in endings else (name, "")
