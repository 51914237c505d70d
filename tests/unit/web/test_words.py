"""The words of the pages: each part says the same things in every language of the notice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import pytest

from likeness.consent.notice import languages
from likeness.web.words import words_of

FOLDER = files("likeness.web") / "words"
PARTS = sorted(file.name.removesuffix(".toml") for file in (FOLDER / "en").iterdir())


def _named(words: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, frozenset[str]]]:
    """Each name, and what is filled into its words."""
    for name, value in words.items():
        if isinstance(value, Mapping):
            yield from _named(value, f"{within}{name}.")
        else:
            yield f"{within}{name}", frozenset(re.findall(r"\{\w+\}", str(value)))


def test_there_are_words_in_every_language_of_the_notice() -> None:
    assert sorted(folder.name for folder in FOLDER.iterdir()) == sorted(languages())


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("language", languages())
def test_a_part_has_the_same_words_in_every_language(part: str, language: str) -> None:
    assert dict(_named(words_of(part, language))) == dict(_named(words_of(part, "en")))
