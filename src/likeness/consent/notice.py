"""The words that a person is shown before they say yes, with a version and a hash.

Each wording is a file of the package, ``wordings/<language>/<version>.txt``. One that somebody was
shown is never changed: other words are a new version.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from likeness.errors import NotFound

_SUFFIX = ".txt"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One wording of the notice.

    Attributes
    ----------
    version, language, text : str
    """

    version: str
    language: str
    text: str

    @property
    def sha256(self) -> str:
        """SHA-256 of the text in UTF-8, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@cache
def languages() -> tuple[str, ...]:
    """The languages that there is a wording in, English first."""
    there = {folder.name for folder in files("likeness.consent").joinpath("wordings").iterdir()}
    return ("en", *sorted(there - {"en"}))


def wordings(language: str) -> tuple[Notice, ...]:
    """Every wording in a language, oldest first.

    Raises
    ------
    NotFound
        Where there is none.
    """
    known = languages()
    # Only a name that is listed reaches the files.
    if language not in known:
        raise NotFound(
            f"There is no notice in the language {language!r}.", f"Use one of: {', '.join(known)}."
        )
    folder = files("likeness.consent").joinpath("wordings", language)
    found = [
        Notice(
            version=file.name.removesuffix(_SUFFIX),
            language=language,
            text=file.read_bytes().decode("utf-8"),
        )
        for file in folder.iterdir()
        if file.name.endswith(_SUFFIX)
    ]
    return tuple(sorted(found, key=lambda notice: int(notice.version)))


def current_notice(language: str = "en") -> Notice:
    """The newest wording in a language.

    Raises
    ------
    NotFound
        Where there is no wording in that language.

    >>> current_notice().version
    '2'
    """
    return wordings(language)[-1]
