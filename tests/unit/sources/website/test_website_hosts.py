"""Hosts as operators name them, and which addresses are asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.errors import BadInput
from likeness.sources.website.hosts import host_name, https_address, place_of
from likeness.sources.website.references import host_of

BASE = "https://photos.example.org/a/b"


@pytest.mark.parametrize(
    ("told", "host"),
    [
        ("photos.example.org", "photos.example.org"),
        (" Photos.Example.ORG.\n", "photos.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
    ],
)
def test_a_host_is_told_as_dns_has_it(told: str, host: str) -> None:
    assert host_name(told) == host


@pytest.mark.parametrize(
    "told",
    [
        "",
        "org",
        "localhost",
        "127.0.0.1",
        "127.1",
        "0x7f.0x0.0x0.0x1",
        "0x7f000001.0x1",
        "2130706433",
        "1.2.3",
        "[::1]",
        "::1",
        "example.org:443",
        "user@example.org",
        "https://example.org",
        "example.org/photos",
        "*.example.org",
        "-a.example.org",
        "a_b.example.org",
        "a..example.org",
        ".example.org",
        "exa mple.org",
        "a" * 64 + ".org",
        "a." * 130 + "org",
    ],
)
def test_what_is_no_host_alone_is_refused(told: str) -> None:
    with pytest.raises(BadInput):
        host_name(told)


@given(st.text(max_size=80))
def test_a_host_name_stays_as_it_is(told: str) -> None:
    try:
        host = host_name(told)
    except BadInput:
        return
    assert host_name(host) == host
    assert host.isascii()


@pytest.mark.parametrize(
    ("reference", "address"),
    [
        ("c", "https://photos.example.org/a/c"),
        ("http://photos.example.org/c", "https://photos.example.org/c"),
        ("//other.example.org/c", "https://other.example.org/c"),
        ("https://photos.example.org:443/c", "https://photos.example.org/c"),
        ("/c#top", "https://photos.example.org/c"),
        ("https://photos.example.org:8443/c", ""),
        ("http://photos.example.org:443/c", ""),
        ("https://user:word@photos.example.org/c", ""),
        ("https://127.0.0.1/c", ""),
        ("https://[::1]/c", ""),
        ("https://2130706433/c", ""),
        ("ftp://photos.example.org/c", ""),
        ("javascript:alert(1)", ""),
        ("file:///etc/passwd", ""),
        ("data:text/html,x", ""),
        ("/" + "a" * 2000, ""),
    ],
)
def test_a_reference_is_asked_for_by_https_or_not_at_all(reference: str, address: str) -> None:
    assert https_address(BASE, reference, longest=2000) == address


@given(st.text(max_size=200))
def test_an_address_that_is_asked_for_stays_as_it_is(reference: str) -> None:
    address = https_address(BASE, reference, longest=2000)
    if address:
        assert https_address(address, address, longest=2000) == address
        assert address.startswith("https://")
        assert host_name(host_of(address)) == host_of(address)


def test_the_place_of_an_address_tells_hosts_apart() -> None:
    assert place_of("https://a.example.org/x?y=1", own="a.example.org") == "/x?y=1"
    assert place_of("https://b.example.org/x", own="a.example.org") == "//b.example.org/x"
    assert place_of("https://a.example.org//b.example.org/x", own="a.example.org") == (
        "/b.example.org/x"
    )
