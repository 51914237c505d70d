"""The words that a person is shown: known by version and hash, and never another's."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from likeness.consent.notice import current_notice, languages, wordings
from likeness.consent.policy import KEEP_EXPIRED_DAYS
from likeness.errors import NotFound

ISSUED = {
    ("1", "en"): "406ec521f746aaf0d7fa0acc666378e81860839cce1dc93b09e49764fdfdeba3",
    ("2", "en"): "82bfbbcb6fce485d671f3fb044e40dbcbb6c2ef7ab904cfdba87665ea1686bdb",
    ("2", "de"): "f6cc20a00f4a41a40dcb566ce77a189d0483c84a32d20123a4d4b8283bde319d",
}
"""What was once shown to somebody stays as it was: a change of the words is a new version."""


def test_a_wording_that_was_issued_is_never_changed() -> None:
    every = [notice for language in languages() for notice in wordings(language)]
    assert {(n.version, n.language): n.sha256 for n in every} == ISSUED


def test_english_comes_first_and_each_language_has_the_newest_version() -> None:
    assert languages() == ("en", "de")
    assert {current_notice(language).version for language in languages()} == {"2"}


def test_the_hash_is_that_of_the_words() -> None:
    notice = current_notice()
    assert notice.sha256 == hashlib.sha256(notice.text.encode()).hexdigest()
    assert replace(notice, text=notice.text + " ").sha256 != notice.sha256


def test_the_newest_wording_of_a_language_is_the_current_one() -> None:
    assert [notice.version for notice in wordings("en")] == ["1", "2"]
    assert current_notice("en") == wordings("en")[-1]


@pytest.mark.parametrize("language", ["xx", "", "EN", "e" * 1000, "../en", "en/1.txt"])
def test_a_language_without_a_wording_is_refused_and_those_there_are_named(language: str) -> None:
    with pytest.raises(NotFound, match=r"Use one of: en, de\."):
        current_notice(language)


@pytest.mark.parametrize(
    "told",
    ["find me", "be found", "publish", "encrypted", "withdraw", "turn 18", "key", "receipt"],
)
def test_each_wording_tells_what_is_chosen_kept_and_how_to_stop(told: str) -> None:
    for notice in wordings("en"):
        assert told in " ".join(notice.text.casefold().split())


@pytest.mark.parametrize(
    "told",
    [
        "mich finden",
        "gefunden werden",
        "veröffentlichen",
        "verschlüsselt",
        "widerruf",
        "18",
        "schlüssel",
        "quittung",
        "nicht live",
        "dreissig tage",
        "maske",
    ],
)
def test_each_german_wording_tells_the_same(told: str) -> None:
    for notice in wordings("de"):
        assert told in " ".join(notice.text.casefold().split())


def test_the_wording_says_how_long_what_ended_is_kept() -> None:
    assert KEEP_EXPIRED_DAYS == 30
    assert "Thirty days after it ends" in current_notice().text
