"""The network as a crawl and a proof may use it: names that lead to the public internet, no others.

There is no way to switch this off. Tests on loopback bring a network of their own, which is not
part of the package.
"""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from likeness.errors import AddressRefused
from likeness.sources.website.hosts import host_name
from likeness.sources.website.public_addresses import WEB_PORT, is_public, require_public

_DNS_SECONDS = 8.0
_MOST_RECORDS = 100
_MOST_ADDRESSES = 32
_LONGEST_RECORD = 2000


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a connection goes: an IP address (not a name) and a TCP port."""

    address: str
    port: int


class Network(Protocol):
    """How names are looked up, and which addresses may be connected to."""

    def endpoints(self, host: str, port: int) -> tuple[Endpoint, ...]:
        """Look a host up anew, and return where connections to it go.

        Raises
        ------
        AddressRefused
            If a single one of its addresses may not be connected to, if it has none, or if it could
            not be looked up.
        """

    def permits(self, address: str, port: int) -> bool:
        """Whether a connection to an IP address and port may be made; asked as it is made."""

    def txt_records(self, name: str) -> tuple[str, ...]:
        """Return the TXT records of a name, each joined from its parts; none where there are none.

        Raises
        ------
        OSError
            If no name server answered as it should.
        """

    def authorities(self) -> str:
        """Return the path of a PEM file with the certificate authorities that are trusted."""

    def crawl_command(self) -> list[str]:
        """Return the command that starts a crawling process on this network."""


class PublicNetwork:
    """The public internet, on the port of https."""

    def endpoints(self, host: str, port: int) -> tuple[Endpoint, ...]:
        """Look a host up; see `Network.endpoints`."""
        if port != WEB_PORT:
            raise AddressRefused(
                f"{host} would be asked on port {port}.", f"Only port {WEB_PORT} is asked."
            )
        addresses = require_public(host, self.look_up(host_name(host)))
        return tuple(Endpoint(address=address, port=port) for address in addresses)

    def look_up(self, host: str) -> list[str]:
        """Return every IPv4 and IPv6 address of a host, IPv4 first, not checked.

        Raises
        ------
        AddressRefused
            If it could not be looked up, or has too many.
        """
        return _looked_up(host)

    def permits(self, address: str, port: int) -> bool:
        """Whether an address is public, and the port that of https."""
        return port == WEB_PORT and is_public(address)

    def txt_records(self, name: str) -> tuple[str, ...]:
        """Ask the name servers of this machine; see `Network.txt_records`."""
        import dns.exception
        import dns.resolver

        try:
            # With the final dot: no search list is gone through.
            answer = dns.resolver.resolve(f"{name}.", "TXT", lifetime=_DNS_SECONDS)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except dns.exception.DNSException as error:
            raise OSError("no name server answered") from error
        # A proof lost among a hundred others is not looked for.
        records = [b"".join(record.strings) for record in list(answer)[:_MOST_RECORDS]]
        return tuple(record[:_LONGEST_RECORD].decode("utf-8", "replace") for record in records)

    def authorities(self) -> str:
        """Return the authorities that httpx comes with."""
        import certifi

        return certifi.where()

    def crawl_command(self) -> list[str]:
        """Return the command for ``likeness.sources.website.crawling``."""
        return [sys.executable, "-P", "-W", "ignore", "-m", "likeness.sources.website.crawling"]


_FAMILIES = MappingProxyType({socket.AF_INET: 4, socket.AF_INET6: 6})


def _looked_up(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(f"{host}.", None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused(
            f"{host} could not be looked up.", "Check the name and the connection."
        ) from error
    addresses = {
        str(address[0]): _FAMILIES[family]
        for family, _, _, _, address in found
        if family in _FAMILIES
    }
    if len(addresses) > _MOST_ADDRESSES:
        raise AddressRefused(f"{host} has too many addresses.", "Check the name.")
    return sorted(addresses, key=lambda address: addresses[address])
