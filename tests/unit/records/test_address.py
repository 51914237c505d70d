"""Keys of addresses: one spelling, and everything below an address in one range."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.records.address import (
    address_key,
    domain_range,
    domains_above,
    exact_range,
    host_of,
    one_host,
    tree_range,
    trees_above,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.org/a", "http://EXAMPLE.org:8080/a/"),
        ("https://www.example.org/a", "https://example.org/a#top"),
        ("https://example.org/a/./b/../c", "https://example.org/a/c"),
        ("https://example.org/%7Eann/%c3%a9", "https://example.org/~ann/é"),
        ("https://example.org/p?b=2&a=1", "https://example.org/p?a=1&b=2&utm_source=mail&fbclid=x"),
        ("https://twitter.com/Ann/status/12", "https://mobile.twitter.com/ann/status/12"),
        ("https://x.com/ann", "https://www.twitter.com/ANN/"),
        ("https://www.youtube.com/watch?v=aB&t=12", "https://m.youtube.com/watch?v=aB"),
        ("https://bücher.example/", "https://xn--bcher-kva.example"),
        ("https://example.org//a///b", "https://example.org/a/b"),
        ("https://youtu.be/aB?si=x", "https://www.youtube.com/watch?v=aB&t=12"),
        ("https://www.youtube.com/shorts/aB", "https://www.youtube.com/watch?list=x&v=aB"),
        ("https://www.youtube-nocookie.com/embed/aB", "https://youtu.be/aB"),
        ("https://www.youtube.com/@Ann", "https://youtube.com/@ann/"),
        ("https://x.com/ann/status/12?s=20&t=abc", "https://x.com/Ann/status/12"),
        ("https://de.linkedin.com/in/Ann", "https://www.linkedin.com/in/ann?trk=x"),
        ("https://de-de.facebook.com/ann", "https://www.facebook.com/Ann?locale=de_DE"),
    ],
)
def test_an_address_has_one_key_however_it_is_written(one: str, other: str) -> None:
    assert address_key(one) == address_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.org/a", "https://example.org/A"),
        ("https://example.org/a", "https://example.com/a"),
        ("https://example.org/p?id=1", "https://example.org/p?id=2"),
        ("https://www.youtube.com/watch?v=aB", "https://www.youtube.com/watch?v=ab"),
        ("https://photos.example.org/", "https://example.org/"),
        ("https://www.instagram.com/p/AbC", "https://www.instagram.com/p/aBc"),
        ("https://www.youtube.com/@ann", "https://www.youtube.com/@anna"),
        ("https://www.facebook.com/profile.php?id=1", "https://www.facebook.com/profile.php?id=2"),
        ("https://example.org/?a=1%21b%3D2", "https://example.org/?a=1&b=2"),
    ],
)
def test_different_addresses_have_different_keys(one: str, other: str) -> None:
    assert address_key(one) != address_key(other)


@pytest.mark.parametrize(
    "word",
    [
        "",
        "file:///tmp/a.jpg",
        "s3://bucket/a",
        "example.org",
        "https://",
        "http://[::1",
        "x" * 9000,
    ],
)
def test_what_is_no_address_of_the_web_has_no_key(word: str) -> None:
    assert address_key(word) == ""
    assert host_of(word) == ""


def _within(address: str, keys: tuple[str, str]) -> bool:
    return keys[0] <= address_key(address) < keys[1]


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("https://example.org/", True),
        ("https://www.example.org/a?b=c", True),
        ("https://photos.example.org:8443/x", True),
        ("https://example.org.evil.net/", False),
        ("https://notexample.org/", False),
        ("https://example.com/", False),
        ("https://org/", False),
    ],
)
def test_a_domain_takes_in_its_subdomains_and_nothing_beside_it(address: str, inside: bool) -> None:
    assert _within(address, domain_range(one_host("Example.org"))) is inside


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("https://twitter.com/ann", True),
        ("https://x.com/ANN/status/3?s=20", True),
        ("https://x.com/anna/status/3", False),
        ("https://x.com/bob", False),
    ],
)
def test_an_account_takes_in_what_is_below_it_alone(address: str, inside: bool) -> None:
    assert _within(address, tree_range("https://x.com/ann/")) is inside


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("https://m.facebook.com/profile.php?id=12", True),
        ("https://www.facebook.com/profile.php?id=12&v=photos", True),
        ("https://www.facebook.com/profile.php?id=123", False),
        ("https://www.facebook.com/profile.php?id=13", False),
        ("https://www.facebook.com/profile.php", False),
        ("https://www.facebook.com/12", False),
    ],
)
def test_an_account_that_a_query_names_takes_in_no_other(address: str, inside: bool) -> None:
    """Another account of the same page would lose its photos for good."""
    account = "https://www.facebook.com/profile.php?id=12"
    assert _within(address, tree_range(account)) is inside
    assert (address_key(account) in trees_above(address_key(address))) is inside


def test_a_key_is_made_also_of_what_is_not_valid_text() -> None:
    assert address_key("https://example.org/\udcff?a=\udcff").startswith("org.example/")


def test_one_address_takes_in_no_other() -> None:
    keys = exact_range("https://example.org/gallery?page=1")
    assert _within("https://example.org/gallery/?page=1#x", keys)
    assert not _within("https://example.org/gallery?page=10", keys)
    assert not _within("https://example.org/gallery", keys)


_HOSTS = st.lists(st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True), min_size=2, max_size=4)
_STEPS = st.lists(st.from_regex(r"[A-Za-z0-9 ~é%_.-]{1,6}", fullmatch=True), max_size=4)


@given(labels=_HOSTS, steps=_STEPS, query=st.text(max_size=12))
def test_what_lies_above_an_address_takes_it_in(
    labels: list[str], steps: list[str], query: str
) -> None:
    host = ".".join([*labels, "org"])
    address = f"https://{host}/{'/'.join(steps)}?{query}"
    key = address_key(address)
    assert key and key == address_key(address.replace("https", "http"))
    names = domains_above(key)
    for name in names:
        domain = ".".join(reversed(name.split(".")))
        assert domain_range(domain)[0] <= key < domain_range(domain)[1]
    for tree in trees_above(key):
        assert key.startswith(tree)
        assert tree <= key < f"{tree.removesuffix('/')}0"


@given(st.text(max_size=200))
def test_whatever_is_given_has_a_key_or_none(word: str) -> None:
    for text in (word, f"https://{word}", f"https://example.org/{word}"):
        assert address_key(text) == address_key(text)
        assert isinstance(host_of(text), str)
