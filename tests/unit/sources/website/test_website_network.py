"""The public network: what it looks up, and the small fetches that a proof needs."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from site_certificates import Authority
from site_house import HOST, SiteHouse, site_house
from site_server import SiteServer
from unsafe_network import UnsafeLoopbackNetwork

from likeness.errors import AddressRefused, BadInput
from likeness.sources.website.network import Endpoint, PublicNetwork
from likeness.sources.website.small_fetch import fetch_small

PLACE = f"https://{HOST}/.well-known/likeness.txt"


class _Told(PublicNetwork):
    """Names that lead where a test says, instead of asking name servers."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)

    def look_up(self, host: str) -> list[str]:
        return self.addresses


@pytest.fixture
def house(tmp_path: Path) -> Iterator[SiteHouse]:
    with site_house(tmp_path) as house:
        yield house


def _fetch(network: PublicNetwork, place: str = PLACE, seconds: float = 5.0) -> tuple[int, bytes]:
    return fetch_small(network, place, max_bytes=1000, seconds=seconds, agent="Likeness/test")


def test_a_name_with_public_addresses_only_leads_to_them() -> None:
    found = _Told("1.1.1.1", "2606:4700::1").endpoints(HOST, 443)
    assert found == (
        Endpoint(address="1.1.1.1", port=443),
        Endpoint(address="2606:4700::1", port=443),
    )


@pytest.mark.parametrize(
    "addresses",
    [(), ("127.0.0.1",), ("1.1.1.1", "10.0.0.1"), ("1.1.1.1", "fe80::1"), ("::ffff:127.0.0.1",)],
)
def test_a_name_with_any_other_address_is_refused(addresses: tuple[str, ...]) -> None:
    with pytest.raises(AddressRefused):
        _Told(*addresses).endpoints(HOST, 443)


@pytest.mark.parametrize("port", [80, 22, 8443, 0])
def test_only_the_port_of_https_is_asked(port: int) -> None:
    network = _Told("1.1.1.1")
    with pytest.raises(AddressRefused):
        network.endpoints(HOST, port)
    assert not network.permits("1.1.1.1", port)
    assert network.permits("1.1.1.1", 443)
    assert not network.permits("127.0.0.1", 443)


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "localhost", "[::1]", "1.1.1.1"])
def test_an_address_in_place_of_a_name_is_not_looked_up(host: str) -> None:
    with pytest.raises(BadInput):
        PublicNetwork().endpoints(host, 443)


def test_a_name_that_leads_to_this_machine_is_refused_by_the_real_look_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer(*asked: object, **named: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with pytest.raises(AddressRefused, match="public"):
        PublicNetwork().endpoints(HOST, 443)


def test_a_small_file_comes_with_its_status(house: SiteHouse) -> None:
    house.server.put(HOST, "/.well-known/likeness.txt", "words")
    assert _fetch(house.network) == (200, b"words")
    assert _fetch(house.network, f"https://{HOST}/absent") == (404, b"not here")
    assert house.server.asked[0].headers["User-Agent"] == "Likeness/test"


def test_a_redirect_is_told_and_not_followed(house: SiteHouse) -> None:
    house.server.put(
        HOST, "/.well-known/likeness.txt", status=302, headers={"Location": f"https://{HOST}/x"}
    )
    assert _fetch(house.network)[0] == 302
    assert house.server.paths() == ["/.well-known/likeness.txt"]


def test_a_file_that_is_too_large_is_not_read_to_its_end(house: SiteHouse) -> None:
    sent = []

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while len(sent) < 10_000:
            handler.wfile.write(b"x" * 10_000)
            sent.append(1)

    house.server.misbehave(HOST, "/.well-known/likeness.txt", endless)
    with pytest.raises(OSError, match="too large"):
        _fetch(house.network)
    assert len(sent) < 5_000


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_an_answer_that_trickles_in_is_given_up_on_time(house: SiteHouse, start: bytes) -> None:
    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(start)
        for _ in range(100):
            if house.server.ending.wait(0.1):
                return
            handler.wfile.write(b"a")

    house.server.misbehave(HOST, "/.well-known/likeness.txt", trickle)
    started = time.monotonic()
    with pytest.raises(OSError, match="too long"):
        _fetch(house.network, seconds=0.7)
    assert time.monotonic() - started < 3


def test_headers_without_end_are_given_up(house: SiteHouse) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(100_000):
            handler.wfile.write(b"X-%d: %s\r\n" % (number, b"a" * 200))

    house.server.misbehave(HOST, "/.well-known/likeness.txt", endless)
    with pytest.raises(OSError):
        _fetch(house.network)


def test_a_certificate_of_another_name_authority_or_time_is_refused(tmp_path: Path) -> None:
    trusted, unknown = Authority(tmp_path), Authority(tmp_path, "unknown")
    contexts = (
        trusted.context("other.example.org"),
        unknown.context(HOST),
        trusted.context(HOST, days=-1),
    )
    for context in contexts:
        with SiteServer(context) as server:
            network = UnsafeLoopbackNetwork(
                authority=trusted.path, folder=tmp_path, servers={HOST: server.port}
            )
            with pytest.raises(OSError, match="certificate"):
                _fetch(network)
            assert server.asked == []


def test_what_is_connected_to_is_checked_even_where_the_look_up_lies(house: SiteHouse) -> None:
    for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"):
        house.network.lies[HOST] = [[address]]
        with pytest.raises(AddressRefused):
            _fetch(house.network)


def test_nothing_is_asked_in_clear_or_on_another_port(house: SiteHouse) -> None:
    for place in (f"http://{HOST}/x", f"https://{HOST}:8443/x", "file:///etc/passwd"):
        with pytest.raises(AddressRefused):
            _fetch(house.network, place)
    assert house.server.asked == []


def test_a_proxy_in_the_environment_is_not_asked(
    house: SiteHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    house.server.put(HOST, "/.well-known/likeness.txt", "words")
    assert _fetch(house.network) == (200, b"words")
