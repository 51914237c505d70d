"""tdmrep.json: the first rule that matches holds, and what cannot be read refuses."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.sources.website.signals import Refusal, SignalRefused
from likeness.sources.website.tdm import MAX_TDM_BYTES, TdmRules


def _rules(content: object, status: int | None = 200) -> TdmRules:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return TdmRules.read(status, body)


def _refusal(rules: TdmRules, path: str) -> Refusal | None:
    try:
        evidence = rules.permit(f"https://example.org{path}")
    except SignalRefused as refused:
        assert refused.refusal.signal == "tdm-reservation"
        return refused.refusal
    assert evidence.url.endswith(path)
    return None


def _rule(location: str, reservation: object) -> dict[str, object]:
    return {"location": location, "tdm-reservation": reservation}


@pytest.mark.parametrize("status", [404, 410])
def test_a_site_without_the_file_reserves_nothing_by_it(status: int) -> None:
    assert _refusal(_rules(b"whatever", status), "/a") is None


@pytest.mark.parametrize("status", [None, 204, 206, 301, 401, 403, 429, 500, 503])
def test_any_other_answer_refuses_everything(status: int | None) -> None:
    refusal = _refusal(_rules([], status), "/a")
    assert refusal is not None
    assert refusal.where == "site"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!DOCTYPE html>",
        b"{}",
        b'{"location": "/", "tdm-reservation": 0}',
        b"[1]",
        b"[{}]",
        b'[{"location": 1, "tdm-reservation": 0}]',
        b'[{"location": "images", "tdm-reservation": 0}]',
        b'[{"location": "https://example.org/", "tdm-reservation": 0}]',
        b"[" * 100_000,
        b"[" + b"9" * 10_000 + b"]",
        b"\xff\xfe[\x00]\x00",
        b"[]".ljust(MAX_TDM_BYTES + 1),
        json.dumps([_rule("/", 0)] * 1001).encode(),
        b'[{"location": "/' + b"a" * 5000 + b'", "tdm-reservation": 0}]',
    ],
    ids=range(15),
)
def test_a_file_that_is_malformed_refuses_everything(body: bytes) -> None:
    refusal = _refusal(_rules(body), "/a")
    assert refusal is not None
    assert refusal.where == "site"


def test_the_first_rule_that_matches_holds() -> None:
    rules = _rules([_rule("/open/", 0), _rule("/open/shut", 1), _rule("/", 1)])
    assert _refusal(rules, "/open/shut") is None
    assert _refusal(rules, "/a") is not None
    assert _refusal(_rules([_rule("/shut/", 1)]), "/open") is None


@pytest.mark.parametrize(
    ("location", "path", "matches"),
    [
        ("/", "/a/b", True),
        ("*", "/a/b", True),
        ("/*.jpg$", "/a/b.jpg", True),
        ("/*.jpg$", "/a/b.jpg.html", False),
        ("/images/*", "/images/a", True),
        ("/images/*", "/text/images/a", False),
        ("/A", "/a", False),
        ("/%7Eann", "/~ann", True),
        ("/a b", "/a%20b", True),
        ("/images", "//images", True),
    ],
)
def test_locations_match_as_in_robots_txt(location: str, path: str, matches: bool) -> None:
    assert (_refusal(_rules([_rule(location, 1)]), path) is not None) is matches


@pytest.mark.parametrize("value", [1, "1", 2, None, True, False, 0.0, "", "no", [], {}])
def test_a_value_that_is_not_zero_reserves(value: object) -> None:
    assert _refusal(_rules([_rule("/", value)]), "/a") is not None


@pytest.mark.parametrize("value", [0, "0"])
def test_zero_does_not_reserve(value: object) -> None:
    assert _refusal(_rules([_rule("/", value)]), "/a") is None


def test_a_rule_without_a_value_reserves() -> None:
    assert _refusal(_rules([{"location": "/", "tdm-policy": "https://example.org/p"}]), "/a")


def test_a_path_that_leads_elsewhere_is_refused() -> None:
    assert _refusal(_rules([_rule("/shut", 1)]), "/open/%2e%2e/shut") is not None


@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.one_of(st.none(), st.integers(), st.text(max_size=5)),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(st.sampled_from(["location", "tdm-reservation", "x"]), inner)
            ),
            max_leaves=20,
        ),
    )
)
def test_whatever_comes_is_read(content: object) -> None:
    rules = _rules(content)
    assert (_refusal(rules, "/a") is not None) or rules.refusal is None
