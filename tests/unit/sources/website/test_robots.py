"""robots.txt: RFC 9309 as written, and no wherever there is doubt."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.sources.website.robots import MAX_ROBOTS_BYTES, RobotsRules
from likeness.sources.website.signals import Refusal, SignalRefused

_SITE = "https://example.org"


def _rules(text: str | bytes, status: int | None = 200) -> RobotsRules:
    return RobotsRules.read(status, text.encode() if isinstance(text, str) else text)


def _refusal(rules: RobotsRules, path: str) -> Refusal | None:
    url = path if "://" in path else _SITE + path
    try:
        evidence = rules.permit(url)
    except SignalRefused as refused:
        return refused.refusal
    assert (evidence.signal, evidence.url) == ("robots.txt", url)
    assert evidence.because
    return None


def _permitted(text: str, path: str) -> bool:
    return _refusal(_rules(text), path) is None


@pytest.mark.parametrize("status", [404, 410])
def test_a_site_without_robots_txt_has_no_rules(status: int) -> None:
    assert _refusal(_rules("Disallow: /\nUser-agent: *\nDisallow: /", status), "/a") is None


@pytest.mark.parametrize(
    "status", [None, 100, 202, 206, 301, 302, 304, 400, 401, 403, 408, 418, 429, 451, 500, 503, 599]
)
def test_any_other_answer_refuses_everything(status: int | None) -> None:
    rules = _rules("User-agent: *\nAllow: /\n", status)
    assert rules.refusal is not None
    for path in ("/", "/a", "/robots.txt"):
        refusal = _refusal(rules, path)
        assert refusal is not None
        assert (refusal.signal, refusal.where) == ("robots.txt", "site")


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><title>Not found</title>",
        b"\xef\xbb\xbf \n<html><body>Welcome",
        b"User-agent: *\0\nAllow: /",
        b"#" * (MAX_ROBOTS_BYTES + 1),
    ],
)
def test_what_is_no_robots_txt_or_too_long_refuses_everything(body: bytes) -> None:
    assert _refusal(_rules(body), "/") is not None


def test_an_empty_file_allows_everything() -> None:
    assert _permitted("", "/a")
    assert _refusal(_rules("", 204), "/a") is None


def test_a_file_of_the_length_that_the_rfc_asks_for_is_read_to_its_end() -> None:
    rule = b"\nUser-agent: *\nDisallow: /last"
    body = b"#".ljust(MAX_ROBOTS_BYTES - len(rule), b"x") + rule
    assert len(body) == MAX_ROBOTS_BYTES
    assert _refusal(_rules(body), "/last") is not None
    assert _refusal(_rules(body), "/first") is None


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("User-agent: *\nDisallow: /private", "/private/a", False),
        ("User-agent: *\nDisallow: /private", "/public", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/c", False),
        ("User-agent: *\nAllow: /a\nDisallow: /a", "/a", True),
        ("User-agent: *\nDisallow: /*.jpg$", "/x/y.jpg", False),
        ("User-agent: *\nDisallow: /*.jpg$", "/x/y.jpg?size=1", True),
        ("User-agent: *\nDisallow: /a?b=", "/a?b=1", False),
        ("User-agent: *\nDisallow: /%7Eann", "/~ann/", False),
        ("User-agent: *\nDisallow: /fotos/ä", "/fotos/%C3%A4", False),
        ("User-agent: *\nDisallow:", "/a", True),
        ("User-agent: *\nDisallow: /", "/robots.txt", True),
        ("User-agent: Googlebot\nDisallow: /", "/a", True),
        ("User-agent: Likeness\nDisallow: /", "/a", False),
        ("User-agent: LIKENESS/2.0\nDisallow: /", "/a", False),
        ("User-agent: Like\nAllow: /\nUser-agent: *\nDisallow: /", "/a", False),
        ("User-agent: LikenessPro\nAllow: /\n\nUser-agent: *\nDisallow: /", "/a", False),
        ("User-agent: Likeness\nAllow: /\n\nUser-agent: *\nDisallow: /", "/a", True),
        ("User-agent: *\nDisallow: /\n\nUser-agent: Likeness\n", "/a", True),
        ("User-agent: Googlebot\nUser-agent: Likeness\nDisallow: /", "/a", False),
        ("User-agent: Likeness\nAllow: /\n\nUser-agent: likeness\nDisallow: /x", "/x", False),
        ("User-agent: *\nSitemap: /s.xml\n\nDisallow: /a", "/a", False),
        ("User-agent: *\n\n\nDisallow: /a # comment", "/a", False),
        ("USER-AGENT : *\rDISALLOW : /a\r", "/a", False),
        ("User-agent: *\nDisalow: /a", "/a", False),
        ("User-agent: *\nNoindex: /a", "/a", False),
        ("Disallow: /", "/a", True),
        ("User-agent: *\nDisallow: /a\u2028Allow: /a", "/a", True),
        ("User-agent: *\nDisallow: /private", "//private", False),
    ],
)
def test_rules_are_read_as_the_rfc_has_them(text: str, path: str, expected: bool) -> None:
    assert _permitted(text, path) is expected


def test_a_byte_order_mark_and_bytes_that_are_not_utf8_lose_no_rule() -> None:
    rules = _rules(b"\xef\xbb\xbfUser-agent: *\nDisallow: /\xff\nDisallow: /a\n")
    assert _refusal(rules, "/a") is not None


@pytest.mark.parametrize(
    "url",
    [
        "/a/../private",
        "/a/%2e%2E/private",
        "/a/%252e%252e/private",
        "/./a",
        "https://user@example.org/",
        "ftp://example.org/a",
        "",
        "/a b",
    ],
)
def test_an_address_that_rules_cannot_be_matched_against_is_refused(url: str) -> None:
    assert _refusal(_rules("User-agent: *\nAllow: /"), url or "https:///") is not None


def test_the_pace_is_the_slower_of_what_is_asked() -> None:
    assert _rules("User-agent: *\nDisallow: /x").seconds_between is None
    assert _rules("User-agent: *\nCrawl-delay: 2.5").seconds_between == 2.5
    assert _rules("User-agent: *\nRequest-rate: 1/10s 0900-1700").seconds_between == 10
    both = (
        "User-agent: Likeness\nCrawl-delay: 3\nRequest-rate: 2/1m\n\nUser-agent: *\nCrawl-delay: 99"
    )
    assert _rules(both).seconds_between == 30
    assert _rules("User-agent: *\nCrawl-delay: nan\nRequest-rate: 1/0").seconds_between is None


def test_sitemaps_are_told_wherever_they_stand() -> None:
    text = "Sitemap: https://example.org/1.xml\nUser-agent: *\nDisallow: /\nsitemap: /2.xml"
    assert _rules(text).sitemaps == ("https://example.org/1.xml", "/2.xml")


@pytest.mark.parametrize(
    ("text", "path", "signal"),
    [
        ("User-agent: *\nContent-Usage: train-ai=n", "/a", "content-usage"),
        ("User-agent: *\nContent-Usage: / train-ai=n", "/a", "content-usage"),
        ("User-agent: *\nContent-Usage: /a\ttrain-ai=n", "/a", "content-usage"),
        ("User-agent: *\nContent-Usage: /b train-ai=n", "/a", ""),
        ("User-agent: *\nContent-Signal: search=yes,ai-train=no", "/a", "content-signal"),
        ("User-agent: *\nContent-Signal: search=yes", "/a", ""),
        ("Content-Signal: ai-input=no\nUser-agent: *\nAllow: /", "/a", "content-signal"),
        ("User-agent: Googlebot\nContent-Usage: train-ai=n", "/a", ""),
        ("User-agent: *\nContent-Usage: bots=n\n\nUser-agent: Likeness\nAllow: /", "/a", ""),
        (
            "User-agent: *\nContent-Usage: train-ai=y\nContent-Usage: train-ai=n",
            "/",
            "content-usage",
        ),
        ("User-agent: *\nContent-Usage: / search=n\nContent-Usage: /ok/ search=y", "/ok/a", ""),
        (
            "User-agent: *\nContent-Usage: / search=n\nContent-Usage: /ok/ search=y",
            "/",
            "content-usage",
        ),
        (
            "User-agent: *\nContent-Usage: / search=y\nContent-Signal: search=no",
            "/",
            "content-signal",
        ),
    ],
)
def test_preferences_in_robots_txt_refuse_where_they_hold(
    text: str, path: str, signal: str
) -> None:
    refusal = _refusal(_rules(text), path)
    assert (refusal.signal if refusal else "") == signal


def test_rules_made_to_take_long_take_no_time() -> None:
    many = "User-agent: *\n" + "Disallow: /" + "*a" * 2000 + "*b\n"
    lines = "User-agent: *\n" + "Disallow: /*x*y*z$\n" * 20_000
    spaces = "User-agent: *\n" + " " * 400_000 + "\n"
    started = time.perf_counter()
    for text in (many, lines, spaces):
        assert _permitted(text, "/" + "a" * 1900)
    assert time.perf_counter() - started < 5


_paths = st.text(st.sampled_from("ab/.%2e*$?"), max_size=12).map(lambda text: f"/{text}")
_lines = st.tuples(st.sampled_from(["Allow", "Disallow", "disallow", "Noindex", "X"]), _paths)


@given(lines=st.lists(_lines, max_size=8), path=_paths)
def test_refusing_everything_leaves_nothing_and_evidence_holds_again(
    lines: list[tuple[str, str]], path: str
) -> None:
    text = "User-agent: *\n" + "".join(f"{name}: {value}\n" for name, value in lines)
    assert (_refusal(_rules(text), path) is None) == (_refusal(_rules(text), path) is None)
    disallowing = "".join(f"{name}: {value}\n" for name, value in lines if name != "Allow")
    everything = _rules(f"User-agent: *\n{disallowing}Disallow: /\n")
    assert _refusal(everything, path) is not None
    # One more rule that disallows never opens what was closed.
    if _refusal(_rules(text), path) is not None:
        assert _refusal(_rules(text + "Disallow: /a\n"), path) is not None


@given(status=st.one_of(st.none(), st.integers(0, 999)), body=st.binary(max_size=300))
def test_whatever_comes_is_read_and_answers_either_way(status: int | None, body: bytes) -> None:
    rules = RobotsRules.read(status, body)
    refused = _refusal(rules, "/a") is not None
    assert refused or status in {200, 204, 404, 410}
    if rules.refusal is not None:
        assert refused
