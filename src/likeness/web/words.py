"""The words of the pages that people see who are not accounts, by language, from files."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any


class Words(Mapping[str, Any]):
    """Words of one part, reached by dots: ``w.form.title``. What is missing is an error.

    Parameters
    ----------
    table : mapping
    """

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._table = table

    def __getitem__(self, name: str) -> Any:
        value = self._table[name]
        return Words(value) if isinstance(value, Mapping) else value

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


@cache
def words_of(part: str, language: str) -> Words:
    """The words of one part in one language.

    >>> words_of("common", "de").language_name
    'Deutsch'
    """
    file = files("likeness.web") / "words" / language / f"{part}.toml"
    return Words(tomllib.loads(file.read_text(encoding="utf-8")))
