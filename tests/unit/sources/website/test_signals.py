"""Refusals in headers and meta elements: each signal on its own, and none passed over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.sources.website.content_usage import refused_uses
from likeness.sources.website.signals import (
    image_refusals,
    is_unfollowed,
    page_refusals,
)

_DENYING = ("noai", "noimageai", "noindex", "noimageindex", "none")


def _robots(value: str) -> list[str]:
    """The signals of one X-Robots-Tag header, which a meta element has to agree with."""
    by_header = [refusal.signal for refusal in page_refusals([("X-Robots-Tag", value)], [])]
    by_meta = [refusal.signal for refusal in page_refusals([], [("robots", value)])]
    assert by_header == by_meta
    return by_header


@pytest.mark.parametrize("word", _DENYING)
def test_each_denying_word_refuses_a_page_and_an_image(word: str) -> None:
    (on_page,) = page_refusals([("x-robots-tag", word)], [])
    (on_image,) = image_refusals([("X-ROBOTS-TAG", word.upper())])
    assert (on_page.signal, on_page.where) == (word, "page")
    assert (on_image.signal, on_image.where) == (word, "image")
    assert word in on_page.reason


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", []),
        ("all", []),
        ("index, follow", []),
        ("nofollow, nosnippet, noarchive", []),
        ("max-snippet: 20, max-image-preview:large", []),
        ("max-snippet:20, noai", ["noai"]),
        ("NoAI", ["noai"]),
        ("  noai ,noimageai;noindex ", ["noai", "noimageai", "noindex"]),
        ("index noai", ["noai"]),
        ("googlebot: noindex", []),
        ("googlebot: nofollow, noindex", []),
        ("Googlebot-Image: none", []),
        ("likeness: noai", ["noai"]),
        ("Likeness/1.0: noai", ["noai"]),
        ("*: noai", ["noai"]),
        ("googlebot: index, likeness: noai", ["noai"]),
        ("likeness: index, googlebot: noai", []),
        ("likeness-extra: noai", []),
        ("noai: 1", ["noai"]),
        ("unavailable_after: 25 Jun 2010 15:00:00 PST", ["unavailable_after"]),
        (
            "unavailable_after: Wed, 03 Dec 2036 13:09:53 GMT, noai",
            ["unavailable_after", "noai"],
        ),
        ("noainoai", []),
    ],
)
def test_words_are_read_as_they_are_written_and_for_whom(value: str, expected: list[str]) -> None:
    assert _robots(value) == expected


def test_several_headers_are_all_read() -> None:
    headers = [("X-Robots-Tag", "googlebot: noindex"), ("X-Robots-Tag", "noai")]
    assert [refusal.signal for refusal in page_refusals(headers, [])] == ["noai"]


@pytest.mark.parametrize("name", ["robots", "Likeness", " ROBOTS ", "x-robots-tag"])
def test_meta_elements_for_everybody_and_for_us_are_read(name: str) -> None:
    assert page_refusals([], [(name, "noai")])


@pytest.mark.parametrize("name", ["googlebot", "bingbot", "description", "robots2"])
def test_meta_elements_for_others_are_passed_over(name: str) -> None:
    assert not page_refusals([], [(name, "noindex, noai")])


def test_a_header_too_long_to_be_read_refuses() -> None:
    assert _robots("index, " * 10_000) == ["none"]


@pytest.mark.parametrize("value", ["1", "2", "", "yes", "0, 1", "00", "0.0", "-0", "\u0660"])
def test_a_tdm_reservation_other_than_a_plain_zero_refuses(value: str) -> None:
    for refusals in (
        page_refusals([("TDM-Reservation", value)], []),
        page_refusals([], [("tdm-reservation", value)]),
        image_refusals([("tdm-reservation", value)]),
    ):
        assert [refusal.signal for refusal in refusals] == ["tdm-reservation"]


def test_a_tdm_reservation_of_zero_does_not_refuse_nor_does_it_lift_another() -> None:
    assert not page_refusals([("tdm-reservation", " 0 ")], [("tdm-reservation", "0")])
    assert page_refusals([("tdm-reservation", "0")], [("tdm-reservation", "1")])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ()),
        (" , ", ()),
        ("train-ai=y", ()),
        ("train-ai=n", ("train-ai",)),
        ("train-ai=N, search=y", ("train-ai",)),
        ("search=yes,ai-train=no", ("ai-train",)),
        ("search=no, ai-input=no, ai-train=no", ("search", "ai-input", "ai-train")),
        ("bots=n", ("bots",)),
        ("something-new=n", ("something-new",)),
        ("train-ai=n;exception=art, search=y;x=1", ("train-ai",)),
        ('train-ai="n"', ("train-ai",)),
        ("train-ai", ("train-ai",)),
        ("train-ai=", ("train-ai",)),
        ("train-ai=maybe", ("train-ai",)),
        ("train-ai=y, train-ai=n", ("train-ai",)),
        ("=n", ("a use that cannot be read",)),
        ("<b>=n", ("a use that cannot be read",)),
        ("y" * 20_000, ("a use that cannot be read",)),
    ],
)
def test_a_no_to_any_use_refuses_and_so_does_what_is_no_clear_yes(
    value: str, expected: tuple[str, ...]
) -> None:
    assert refused_uses(value) == expected
    refusals = page_refusals([("Content-Usage", value)], [])
    assert [refusal.signal for refusal in refusals] == ["content-usage"] * bool(expected)
    assert bool(image_refusals([("content-signal", value)])) is bool(expected)


def test_following_links_is_told_apart_from_using_the_page() -> None:
    assert is_unfollowed([("X-Robots-Tag", "nofollow")], [])
    assert is_unfollowed([], [("likeness", "NoFollow")])
    assert is_unfollowed([], [("robots", "none")])
    assert not is_unfollowed([("X-Robots-Tag", "googlebot: nofollow")], [("robots", "noai")])


@given(
    before=st.lists(st.sampled_from(["index", "follow", "max-snippet:-1", "", "nosnippet"])),
    word=st.sampled_from(_DENYING),
    after=st.text(st.characters(exclude_characters=":"), max_size=30),
    space=st.sampled_from(["", " ", "\t", "  "]),
)
def test_a_denying_word_is_found_wherever_it_stands(
    before: list[str], word: str, after: str, space: str
) -> None:
    value = ",".join([*before, f"{space}{word}{space}", after])
    assert word in [refusal.signal for refusal in image_refusals([("x-robots-tag", value)])]


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=50))))
def test_whatever_is_sent_is_read_and_nothing_of_it_is_in_the_reasons(
    pairs: list[tuple[str, str]],
) -> None:
    for refusal in page_refusals(pairs, pairs):
        assert refusal.reason.isascii()
        assert refusal.where == "page"
