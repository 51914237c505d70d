"""Patterns over the path of an address, with ``*`` and ``$``, as RFC 9309 section 2.2.3 has them.

robots.txt, tdmrep.json and path-scoped ``Content-Usage`` share them. Protego does the matching, in
time that grows with the lengths of pattern and address only.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

if TYPE_CHECKING:
    from protego import Protego

LONGEST_PATTERN = 4096
_PRINTED = "".join(c for c in string.printable if c.isprintable() and c not in " #")
_SLASHES = re.compile("/{2,}")


@dataclass(frozen=True, kw_only=True)
class PathPattern:
    """One pattern.

    Attributes
    ----------
    length : int
        In octets as written: of several that match, the longest is the most specific.
    """

    length: int
    _matcher: Protego

    @classmethod
    def of(cls, pattern: str) -> PathPattern:
        """Make a pattern from text that begins with ``/`` or ``*``.

        Raises
        ------
        ValueError
            If it begins with neither or is longer than 4,096 characters.
        """
        if not pattern.startswith(("/", "*")) or len(pattern) > LONGEST_PATTERN:
            raise ValueError("not a pattern of a path")
        return cls(
            length=len(pattern.encode("utf-8", "replace")),
            _matcher=matcher_of([("disallow", pattern)]),
        )

    def matches(self, url: str) -> bool:
        """Whether the path and query of an absolute address match, in any of its `spellings`."""
        return not all(self._matcher.can_fetch(each, "*") for each in spellings(url))


def matcher_of(lines: Iterable[tuple[str, str]]) -> Protego:
    """Return Protego over some ``(field, value)`` lines, which hold for everybody."""
    from protego import Protego

    text = "".join(f"{field}: {_one_line(value)}\n" for field, value in lines)
    return Protego.parse(f"User-agent: *\n{text}")


def spellings(url: str) -> tuple[str, ...]:
    """Return an address as it is and, if that differs, with runs of slashes made one.

    Most servers take both for the same file, so a rule for one is a rule for the other.
    """
    parts = urlsplit(url)
    single = _SLASHES.sub("/", parts.path)
    return (url,) if single == parts.path else (url, parts._replace(path=single).geturl())


def has_dot_segments(url: str) -> bool:
    """Whether the path holds ``.`` or ``..``, also in escapes: a server would go elsewhere."""
    path = urlsplit(url).path
    for _ in range(3):  # some servers undo escapes twice
        path = unquote(path)
    return any(part in (".", "..") for part in re.split(r"[/\\]", path))


def _one_line(value: str) -> str:
    # Protego splits lines at every separator that Unicode has, and cuts at '#'.
    return quote(value, safe=_PRINTED, errors="replace")
