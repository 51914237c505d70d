"""Which IP addresses are of the public internet.

Registries: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and what updates it),
and IANA IPv6 Global Unicast Address Space.
"""

from __future__ import annotations

import ipaddress

from likeness.errors import AddressRefused

WEB_PORT = 443
"""Nothing is fetched in clear: an answer that anybody on the way may write proves nothing."""

_NOT_PUBLIC_4 = tuple(
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    ipaddress.IPv6Network(block)
    for block in ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20")
)
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")


def is_public(address: str) -> bool:
    """Whether an IP address is of the public internet: reachable by anybody, and one machine.

    False for private, shared, loopback, link-local, multicast, reserved and documentation
    addresses, for IPv6 addresses that stand for such an IPv4 address (mapped, 6to4, NAT64), for
    Teredo, for addresses with a zone, and for whatever is no IP address.
    """
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(read, ipaddress.IPv4Address):
        return not any(read in block for block in _NOT_PUBLIC_4)
    if read.scope_id is not None:
        return False
    if read in _MAPPED or read in _TRANSLATED:
        return is_public(str(ipaddress.IPv4Address(int(read) & 0xFFFFFFFF)))
    if read in _SIX_TO_FOUR:
        return is_public(str(ipaddress.IPv4Address(int(read) >> 80 & 0xFFFFFFFF)))
    return read in _GLOBAL_6 and not any(read in block for block in _NOT_PUBLIC_6)


def require_public(host: str, addresses: list[str]) -> list[str]:
    """Return the addresses of a host if there are any and every one is public.

    Raises
    ------
    AddressRefused
        If there is none, or a single one is not: a name that leads to this network as well may do
        so at the next look-up.
    """
    if not addresses or not all(is_public(address) for address in addresses):
        raise AddressRefused(
            f"{host} does not lead to the public internet.",
            "Check the name; only sites that anybody can reach are asked.",
        )
    return addresses
