"""The words that a person is shown: known by version and hash, and never another's."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from likeness.consent.notice import NOTICES, current_notice
from likeness.consent.policy import KEEP_EXPIRED_DAYS
from likeness.errors import NotFound

ISSUED = {
    ("1", "en"): "406ec521f746aaf0d7fa0acc666378e81860839cce1dc93b09e49764fdfdeba3",
}
"""What was once shown to somebody stays as it was: a change of the words is a new version."""


def test_a_wording_that_was_issued_is_never_changed() -> None:
    assert {(n.version, n.language): n.sha256 for n in NOTICES} == ISSUED


def test_the_hash_is_that_of_the_words() -> None:
    notice = current_notice()
    assert notice.sha256 == hashlib.sha256(notice.text.encode()).hexdigest()
    assert replace(notice, text=notice.text + " ").sha256 != notice.sha256


def test_the_newest_wording_of_a_language_is_the_current_one() -> None:
    newest = [notice for notice in NOTICES if notice.language == "en"][-1]
    assert current_notice("en") is newest


@pytest.mark.parametrize("language", ["xx", "", "EN", "e" * 1000])
def test_a_language_without_a_wording_is_refused_and_those_there_are_named(language: str) -> None:
    with pytest.raises(NotFound, match=r"Use one of: en\."):
        current_notice(language)


@pytest.mark.parametrize(
    "told",
    ["find me", "be found", "publish", "encrypted", "withdraw", "turn 18", "key", "receipt"],
)
def test_each_wording_tells_what_is_chosen_kept_and_how_to_stop(told: str) -> None:
    for notice in NOTICES:
        assert told in notice.text.casefold()


def test_the_wording_says_how_long_what_ended_is_kept() -> None:
    assert KEEP_EXPIRED_DAYS == 30
    assert "Thirty days after it ends" in current_notice().text
