"""The pages of collections: made, given rules with a warning first, and searched by whom."""

from __future__ import annotations

from typing import Any

import pytest

from likeness.records.collection import Collection

RULES = {"purpose_text": "To remember the day.", "keep": "stay", "retention_days": "365"}


@pytest.fixture
def operator(site: Any) -> Any:
    return site.client("operator")


def named(site: Any, name: str) -> Collection:
    return next(c for c in site.library.collections() if c.name == name)


def test_collections_are_listed_with_what_holds_in_them(site: Any, operator: Any) -> None:
    text = operator.get("/collections").text
    assert "party" in text and "Tennis club" in text and "photos stay" in text


def test_one_is_made_with_its_rules_and_audience(site: Any, operator: Any) -> None:
    answer = operator.submit(
        "/collections",
        {
            **RULES,
            "name": "fair",
            "controller": "Fair office",
            "keep": "days",
            "retention_days": "90",
            "ask_purpose": "yes",
            "audience": ["operator", "member"],
        },
    )
    made = named(site, "fair")
    assert answer.status_code == 200
    assert str(answer.url).endswith(f"/collections/{made.collection_id}")
    assert (made.controller, made.retention_days, made.ask_purpose) == ("Fair office", 90, True)
    assert len(made.audience) == 2
    assert "The collection is made." in answer.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "party"},
        {"name": ""},
        {"controller": ""},
        {"keep": "days", "retention_days": "0"},
        {"keep": "days", "retention_days": "many"},
        {"keep": "days", "retention_days": "1000000"},
    ],
)
def test_what_cannot_be_made_is_said_on_the_form_and_what_was_typed_stays(
    site: Any, operator: Any, wrong: dict[str, str]
) -> None:
    before = site.library.collections()
    fields = {**RULES, "name": "another", "controller": "Its <b>office</b>", **wrong}
    answer = operator.submit("/collections", fields)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert "To remember the day." in answer.text
    assert "<b>office" not in answer.text
    assert site.library.collections() == before


def test_a_rule_that_takes_photos_out_is_asked_about_first(site: Any) -> None:
    party = named(site, "party")
    path = f"/collections/{party.collection_id}/rules"
    site.clock.advance(days=10)
    operator = site.client("operator")
    try:
        shorter = {**RULES, "keep": "days", "retention_days": "5"}
        asked = operator.submit(path, shorter)
        assert "have been here for longer" in asked.text
        assert named(site, "party").retention_days is None
        done = operator.submit(path, {**shorter, "sure": "yes"})
        assert "The rules are changed." in done.text
        assert named(site, "party").retention_days == 5
        # The same days again take nothing more: only a change of them is asked about.
        again = operator.submit(path, {**shorter, "ask_purpose": "yes"})
        assert "The rules are changed." in again.text
        assert named(site, "party").ask_purpose
    finally:
        site.library.change_collection("party", retention_days=0, ask_purpose=False)


def test_a_longer_rule_is_kept_at_once_and_no_change_is_said(site: Any, operator: Any) -> None:
    club = named(site, "club")
    path = f"/collections/{club.collection_id}/rules"
    fields = {**RULES, "keep": "days", "retention_days": "500"}
    assert "The rules are changed." in operator.submit(path, fields).text
    assert operator.submit(path, fields).status_code == 400
    assert "500 days" in operator.get("/collections").text


def test_the_audience_is_what_is_ticked(site: Any, operator: Any) -> None:
    club = named(site, "club")
    path = f"/collections/{club.collection_id}/audience"
    answer = operator.submit(path, {"audience": ["owner", "member"]})
    assert "does not widen" in answer.text
    ids = {a.account_id: a.name for a in site.library.accounts()}
    assert {ids[a] for a in named(site, "club").audience} == {"owner", "member"}
    assert "Nothing was changed." in operator.submit(path, {"audience": ["member", "owner"]}).text
    operator.submit(path, {})
    assert named(site, "club").audience == frozenset()


def test_a_collection_that_is_not_there_is_not_found(operator: Any) -> None:
    assert operator.get("/collections/col_nothing").status_code == 404
    assert operator.submit("/collections/col_nothing/rules", RULES).status_code == 404
