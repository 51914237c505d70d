"""Whose address a request comes from, where proxies may stand between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from likeness.errors import UsageError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def declared_proxies(texts: Iterable[str]) -> tuple[Network, ...]:
    """The proxies that the server stands behind, each an address or a network.

    Raises
    ------
    UsageError
        One is neither.
    """
    try:
        return tuple(ip_network(text.strip()) for text in texts)
    except ValueError:
        raise UsageError(
            "A declared proxy is no address.",
            "Give an address or a network, such as 127.0.0.1 or 10.0.0.0/8.",
        ) from None


def visitor_address(peer: str, forwarded: Sequence[str], proxies: Sequence[Network]) -> str:
    """The address that a request comes from.

    Whoever connects is believed about others only where they are a declared proxy. Each proxy adds
    the address that it saw on the right, so what stands to the left of the first address that is no
    proxy was written by a stranger, and is not read.

    Parameters
    ----------
    peer : str
        The address of whoever connected.
    forwarded : sequence of str
        The values of every ``X-Forwarded-For`` header, in order.
    proxies : sequence of Network

    Returns
    -------
    str
        An address; ``peer`` as it stands where that is none, such as the name of a socket.
    """
    here = _parsed(peer)
    if here is None:
        return peer
    hops = [hop for value in forwarded for hop in value.split(",")]
    while hops and _is_among(here, proxies):
        before = _parsed(hops.pop())
        if before is None:
            break
        here = before
    return str(here)


def counted_as(address: str) -> str:
    """What limits count an address as: of IPv6 the network of 64 bits that one household has."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((int(parsed) >> 64 << 64, 64)))
    return address if parsed is None else str(parsed)


def _parsed(text: str) -> Address | None:
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _is_among(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)
