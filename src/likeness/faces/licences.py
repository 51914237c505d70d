"""Which licences let anybody use a model for anything, and which somebody has to accept first."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass

PERMISSIVE = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "ISC",
        "MIT",
        "Unlicense",
        "Zlib",
    }
)
"""SPDX identifiers of licences that ask for nothing but, at most, a notice."""

_FREE = frozenset(name.lower() for name in PERMISSIVE)
_WORD = re.compile(r"\s*([()]|[A-Za-z0-9.+:-]+)")


def to_accept(expression: str, accepted: Set[str] = frozenset()) -> tuple[str, ...]:
    """The licences that have to be accepted by name before a file under them is used.

    Parameters
    ----------
    expression : str
        An SPDX licence expression (SPDX 2.3, annex D): identifiers joined by ``AND``, ``OR`` and
        ``WITH``, and brackets. A text that is none counts as one licence that is not permissive.
    accepted : set of str
        Identifiers, or whole expressions, that were accepted already; in capitals or not.

    Returns
    -------
    tuple of str
        Empty where all is permissive or accepted. Of alternatives joined by ``OR``, the one that
        leaves the fewest to accept.

    >>> to_accept("MIT AND Apache-2.0")
    ()
    >>> to_accept("MIT AND (CC-BY-NC-SA-4.0 OR LicenseRef-Bought)")
    ('CC-BY-NC-SA-4.0',)
    """
    given = _FREE | {name.lower() for name in accepted}
    text = " ".join(expression.split())
    if text.lower() in given:
        return ()
    try:
        left = _Expression(text, given).whole()
    except (ValueError, RecursionError):
        return (text,)
    return tuple(left)


@dataclass
class _Expression:
    """Reads an expression from left to right; each part gives what it leaves to accept."""

    text: str
    given: Set[str]
    at: int = 0

    def whole(self) -> list[str]:
        left = self.either()
        if self.text[self.at :].strip():
            raise ValueError
        return left

    def either(self) -> list[str]:
        least = self.both()
        while self.taken("OR"):
            other = self.both()
            least = min(least, other, key=len)
        return least

    def both(self) -> list[str]:
        left = self.one()
        while self.taken("AND"):
            left = left + [name for name in self.one() if name not in left]
        return left

    def one(self) -> list[str]:
        word = self.word()
        if word == "(":
            left = self.either()
            if self.word() != ")":
                raise ValueError
            return left
        if word in {")", "AND", "OR", "WITH"}:
            raise ValueError
        name = word
        if self.taken("WITH"):
            # An exception only ever allows more.
            name = f"{word} WITH {self.word()}"
        return [] if {word.lower(), name.lower()} & self.given else [name]

    def word(self) -> str:
        found = _WORD.match(self.text, self.at)
        if not found:
            raise ValueError
        self.at = found.end()
        return found[1]

    def taken(self, operator: str) -> bool:
        found = _WORD.match(self.text, self.at)
        if not found or found[1] != operator:
            return False
        self.at = found.end()
        return True
