"""Keeps this process from connecting to anything but what its network permits.

Three gates, each on its own enough: names are looked up by the network, which refuses a name with a
single address that is not public; the reactor connects to permitted addresses only; and Python
itself is asked as the system is about to connect, so that no library goes around the first two.
Redirects, names that change between two look-ups, and literal addresses all come through there.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Any

from twisted.internet import threads
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer

from likeness.errors import AddressRefused
from likeness.sources.website.network import Endpoint, Network

_REFUSED_WAYS = (
    "connectSSL",
    "connectUNIX",
    "connectUNIXDatagram",
    "listenSSL",
    "listenTCP",
    "listenUDP",
    "listenUNIX",
    "listenUNIXDatagram",
    "listenMulticast",
    "adoptDatagramPort",
    "adoptStreamConnection",
    "adoptStreamPort",
    "spawnProcess",
)
_REFUSED_EVENTS = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.system",
        "socket.bind",
        "socket.sendmsg",
        "socket.sendto",
        "subprocess.Popen",
    }
)


class Guard:
    """The gates of one process.

    Attributes
    ----------
    refused : set of str
        Hosts that were not connected to because of where their names lead.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.refused: set[str] = set()

    def install(self, reactor: Any) -> None:
        """Close all ways but the guarded one. Cannot be undone in this process."""
        reactor.installNameResolver(_Resolver(self, reactor))
        connect = reactor.connectTCP

        def connect_checked(host: str, port: int, *arguments: Any, **named: Any) -> Any:
            self.require(host, port)
            return connect(host, port, *arguments, **named)

        reactor.connectTCP = connect_checked
        for way in _REFUSED_WAYS:
            if hasattr(reactor, way):
                setattr(reactor, way, _refuse(way))
        sys.addaudithook(self._audited)

    def require(self, address: str, port: int) -> None:
        """Say no to an address that is not permitted.

        Raises
        ------
        AddressRefused
        """
        try:
            ip_address(address)
        except ValueError:
            # A name here would be looked up by somebody else.
            raise _not_public() from None
        if not self._network.permits(address, port):
            raise _not_public()

    def look_up(self, host: str, port: int) -> tuple[Endpoint, ...]:
        """Look a host up; nothing where a single address of it is not permitted. Blocks."""
        try:
            endpoints = self._network.endpoints(host, port)
        except AddressRefused:
            self.refused.add(host)
            return ()
        self.refused.discard(host)
        return endpoints

    def _audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            opened, address = arguments
            if opened.family not in (socket.AF_INET, socket.AF_INET6):
                raise _not_public()
            self.require(str(address[0]), int(address[1]))
        elif event in _REFUSED_EVENTS:
            raise _not_public()


def _not_public() -> AddressRefused:
    return AddressRefused("A connection to what is not public was refused.")


def _refuse(way: str) -> Callable[..., Any]:
    def refuse(*arguments: Any, **named: Any) -> Any:
        raise AddressRefused(f"A crawl has no use for {way}.")

    return refuse


@implementer(IHostResolution)
class _Resolution:
    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        """A look-up under way ends by itself; nobody waits for it any more."""


@implementer(IHostnameResolver)
class _Resolver:
    def __init__(self, guard: Guard, reactor: Any) -> None:
        self._guard = guard
        self._reactor = reactor

    def resolveHostName(  # noqa: N802
        self,
        resolutionReceiver: IResolutionReceiver,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Sequence[type[Any]] | None = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> IHostResolution:
        resolution = _Resolution(hostName)
        receiver: Any = resolutionReceiver
        receiver.resolutionBegan(resolution)

        def tell(endpoints: tuple[Endpoint, ...]) -> None:
            for endpoint in endpoints:
                kind = IPv6Address if ":" in endpoint.address else IPv4Address
                receiver.addressResolved(kind("TCP", endpoint.address, endpoint.port))
            receiver.resolutionComplete()

        def tell_none(failure: Any) -> None:
            receiver.resolutionComplete()

        looked_up = threads.deferToThreadPool(
            self._reactor,
            self._reactor.getThreadPool(),
            self._guard.look_up,
            hostName,
            portNumber,
        )
        looked_up.addCallbacks(tell, tell_none)
        return resolution  # type: ignore[return-value]
