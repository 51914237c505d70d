"""Whose address a request comes from, and how often it may try."""

from __future__ import annotations

import threading
from ipaddress import ip_address, ip_network

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st
from limits import RateLimitItemPerMinute, RateLimitItemPerSecond

from likeness.errors import RateLimited, UsageError
from likeness.web.addresses import counted_as, declared_proxies, visitor_address
from likeness.web.rates import LIMITS, Rates

ADDRESSES = st.ip_addresses().filter(lambda a: getattr(a, "ipv4_mapped", None) is None).map(str)
PROXIES = declared_proxies(["127.0.0.1", "10.0.0.0/8", "fd00::/8"])
OWN = st.sampled_from(["127.0.0.1", "10.1.2.3", "fd00::7", "::ffff:10.0.0.9", "[fd00::8]:443"])
STRANGERS = ADDRESSES.filter(
    lambda a: not any(ip_address(a) in n for n in PROXIES if n.version == ip_address(a).version)
)


@given(peer=STRANGERS, forwarded=st.lists(st.text() | ADDRESSES))
def test_whoever_is_no_proxy_is_not_believed_about_others(peer: str, forwarded: list[str]) -> None:
    assert visitor_address(peer, forwarded, PROXIES) == peer
    assert visitor_address(peer, forwarded, ()) == peer


@given(
    peer=OWN,
    invented=st.lists(st.text(alphabet=st.characters(exclude_characters=",")) | ADDRESSES),
    visitor=STRANGERS,
    between=st.lists(OWN, max_size=3),
)
def test_what_a_stranger_wrote_before_their_own_address_changes_nothing(
    peer: str, invented: list[str], visitor: str, between: list[str]
) -> None:
    header = ", ".join([*invented, visitor, *between])
    assert visitor_address(peer, [header], PROXIES) == visitor
    split = [", ".join(invented), visitor, *between]
    assert visitor_address(peer, split, PROXIES) == visitor


@given(peer=OWN, header=st.text())
def test_a_header_that_holds_no_address_leaves_the_proxys_own(peer: str, header: str) -> None:
    found = visitor_address(peer, [header, "unknown"], PROXIES)
    assert any(ip_address(found) in n for n in PROXIES if n.version == ip_address(found).version)


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.9:51234"], "203.0.113.9"),
        ("127.0.0.1", ["[2001:db8::1]:51234"], "2001:db8::1"),
        ("127.0.0.1", ["fe80::1%eth0"], "fe80::1"),
        ("::ffff:127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["203.0.113.9,", "10.0.0.1"], "10.0.0.1"),
        ("127.0.0.1", ["203.0.113.9, unknown, 10.0.0.1"], "10.0.0.1"),
        ("127.0.0.1", ["10.0.0.2, 10.0.0.1"], "10.0.0.2"),
        ("testclient", ["203.0.113.9"], "testclient"),
        ("", ["203.0.113.9"], ""),
    ],
)
def test_addresses_are_read_as_proxies_write_them(
    peer: str, forwarded: list[str], expected: str
) -> None:
    assert visitor_address(peer, forwarded, PROXIES) == expected


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_one_household_counts_as_one(address: object, other: int) -> None:
    network = ip_network((int(address) >> 64 << 64, 64))  # type: ignore[call-overload]
    neighbour = network[other]
    first, second = (counted_as(str(one)) for one in (network[0], neighbour))
    if network[0].ipv4_mapped is None and neighbour.ipv4_mapped is None:
        assert first == second == str(network)


def test_a_proxy_that_is_no_address_is_named_at_the_start() -> None:
    for wrong in ("localhost", "10.0.0.1/8", ""):
        with pytest.raises(UsageError, match="declared proxy"):
            Rates(proxies=(wrong,))


def _taken(rates: Rates, name: str, key: str, times: int) -> int:
    taken = 0
    for _ in range(times):
        try:
            rates.take(name, key)
            taken += 1
        except RateLimited:
            pass
    return taken


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_each_limit_lets_in_as_many_as_it_says(name: str) -> None:
    rates = Rates()
    assert _taken(rates, name, "one", LIMITS[name].amount + 3) == LIMITS[name].amount
    assert _taken(rates, name, "two", 1) == 1
    with pytest.raises(RateLimited, match="too often") as caught:
        rates.take(name, "one")
    assert 0 < caught.value.retry_after <= 60 and "Wait" in caught.value.fix
    rates.forgive(name, "one")
    assert _taken(rates, name, "one", 1) == 1


def test_many_at_once_are_not_let_in_twice() -> None:
    rates, taken = Rates(limits={"sign_in": RateLimitItemPerMinute(20)}), []
    threads = [
        threading.Thread(target=lambda: taken.append(_taken(rates, "sign_in", "one", 20)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 20


def test_what_was_tried_counts_no_more_once_its_window_has_passed() -> None:
    rates = Rates(limits={"sign_in": RateLimitItemPerSecond(2)})
    assert _taken(rates, "sign_in", "one", 3) == 2
    threading.Event().wait(1.1)
    assert _taken(rates, "sign_in", "one", 3) == 2


def _from(address: str) -> Request:
    return Request({"type": "http", "client": (address, 1), "headers": []})


def test_wrong_passwords_from_elsewhere_keep_nobody_out() -> None:
    rates = Rates()
    for typed in ("helper", " HELPER ", "Helper", "helper", "helper"):
        rates.take_sign_in(typed, _from("203.0.113.1"))
    with pytest.raises(RateLimited):
        rates.take_sign_in("helper", _from("203.0.113.1"))
    for _ in range(2):
        for _ in range(3):
            rates.take_sign_in("helper", _from("198.51.100.7"))
        rates.forgive_sign_in("Helper", _from("198.51.100.7"))
    with pytest.raises(RateLimited):
        rates.take_sign_in("helper", _from("203.0.113.1"))


def test_a_crowd_of_addresses_guesses_at_one_name_slowly() -> None:
    rates, taken = Rates(), 0
    for number in range(60):
        for _ in range(5):
            try:
                rates.take_sign_in("helper", _from(f"2001:db8:0:{number:x}::1"))
                taken += 1
            except RateLimited:
                pass
    assert taken == LIMITS["name"].amount == 100
    rates.take_sign_in("other", _from("2001:db8::1"))


def test_whoever_goes_on_trying_is_not_forgotten_among_strangers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("likeness.web.rates.MOST_KEYS", 50)
    rates = Rates()
    assert _taken(rates, "password", "one", 6) == 5
    for number in range(200):
        rates.take("link", f"stranger {number}")
        if number % 40 == 0:
            assert _taken(rates, "password", "one", 1) == 0, number


def test_strangers_without_number_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("likeness.web.rates.MOST_KEYS", 50)
    rates = Rates()
    for number in range(200):
        rates.take("link", f"stranger {number}")
    assert len(rates._storage.events) <= 51
