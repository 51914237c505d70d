"""How much of a password somebody who guesses would not try first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

SHORTEST_WORD = 3
"""Shorter words are in too much that is not guessable."""

_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1q2w3e4r5t6y7u8i9o0p",
    "!@#$%^&*()",
    '!"§$%&/()=',
)
_DIGITS = "01234567890"
_LETTER_RUN, _DIGIT_RUN, _REPEAT = 4, 3, 3
_YEAR = re.compile(r"(?:19|20)\d\d")
# Signs that stand for letters; a 1 is read both as an i and as an l.
_SIGNS = "0134578@$!+"
_AS_LETTERS = (
    str.maketrans(_SIGNS, "oieastbasit"),
    str.maketrans(_SIGNS, "oleastbaslt"),
)


def own_characters(password: str, *, name: str) -> int:
    """How many characters are left of a password without what is guessed first.

    That is: common words, also with digits and signs for letters; keys, letters or digits in a row;
    years; the account's name; what came before in the password itself; and all of it where it is
    nothing but digits.

    >>> own_characters("Passw0rd2026!", name="ann")
    1
    >>> own_characters("teal kayak hums often", name="ann")
    21
    """
    text = _plain(password)
    guessed = [False] * len(text)
    for start, end in _guessed_first(text, _plain(name)):
        guessed[start:end] = [True] * (end - start)
    return guessed.count(False)


def _guessed_first(text: str, name: str) -> Iterator[tuple[int, int]]:
    if text.isdecimal():
        yield 0, len(text)
    parts = {part for part in (*re.split(r"\W+", name), name) if len(part) >= SHORTEST_WORD}
    words = common_words() | parts | {part[::-1] for part in parts}
    for read in (text, *(text.translate(table) for table in _AS_LETTERS)):
        for word in words:
            yield from _places(read, word)
    yield from (found.span() for found in _YEAR.finditer(text))
    for row in (*_ROWS, _DIGITS):
        length = _DIGIT_RUN if row is _DIGITS else _LETTER_RUN
        for way in (row, row[::-1]):
            for start in range(len(way) - length + 1):
                yield from _places(text, way[start : start + length])
    for start in range(1, len(text) - _REPEAT + 1):
        if text.find(text[start : start + _REPEAT]) < start:
            yield start, start + _REPEAT


@cache
def common_words() -> frozenset[str]:
    """The words of ``guessable_words.txt``."""
    text = (files("likeness") / "guessable_words.txt").read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


def _places(text: str, part: str) -> Iterator[tuple[int, int]]:
    start = text.find(part)
    while start >= 0:
        yield start, start + len(part)
        start = text.find(part, start + 1)


def _plain(text: str) -> str:
    """Lower case and without accents; what looks alike counts as the same."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
