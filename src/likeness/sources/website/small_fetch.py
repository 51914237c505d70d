"""Fetches one small file over https, for a proof: from checked addresses, in bounded time and size.

No redirect is followed and no proxy used. What is connected to is the address that was checked, so
that a name which leads elsewhere a moment later changes nothing.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import httpcore

from likeness.errors import AddressRefused
from likeness.sources.website.network import Network
from likeness.sources.website.public_addresses import WEB_PORT

_READ_AT_ONCE = 16_384


def fetch_small(
    network: Network, address: str, *, max_bytes: int, seconds: float, agent: str
) -> tuple[int, bytes]:
    """Return the status and the body of an answer to ``GET``.

    Parameters
    ----------
    network : Network
    address : str
        ``https://``, on the usual port.
    max_bytes : int
        Largest body; together with at most as many bytes of headers again, and 64 KiB.
    seconds : float
        For all of it, from the first look-up to the last byte.
    agent : str
        The ``User-Agent``.

    Raises
    ------
    OSError
        If it could not be fetched within these bounds, its words fit for a message.
    AddressRefused
        If the host leads to an address that may not be connected to.
    """
    host = urlsplit(address).hostname
    if not address.startswith("https://") or not host:
        raise AddressRefused("Only https is asked.", "Give a site that has it.")
    context = ssl.create_default_context(cafile=network.authorities())
    backend = _Checked(network, time.monotonic() + seconds, 2 * max_bytes + 65_536)
    headers = [("Host", host), ("User-Agent", agent), ("Accept-Encoding", "identity")]
    try:
        with (
            httpcore.ConnectionPool(ssl_context=context, network_backend=backend) as pool,
            pool.stream("GET", address, headers=headers) as answer,
        ):
            body = b""
            for part in answer.iter_stream():
                body += part
                if len(body) > max_bytes:
                    raise OSError("it is too large")
            return answer.status, body
    except httpcore.TimeoutException as error:
        raise OSError("it took too long") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
        certificate = "CERTIFICATE_VERIFY_FAILED" in str(error)
        raise OSError(
            "its certificate does not hold" if certificate else "no sound answer came"
        ) from error


class _Checked(httpcore.NetworkBackend):
    """Connects to checked addresses alone, and bounds the time and size of what is read."""

    def __init__(self, network: Network, deadline: float, bytes_left: int) -> None:
        self._network = network
        self._deadline = deadline
        self._bytes_left = bytes_left
        self._below = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        if port != WEB_PORT:
            raise AddressRefused("Another port would be asked.", "Only that of https is.")
        failed: Exception = httpcore.ConnectError("no address")
        for endpoint in self._network.endpoints(host, port):
            if not self._network.permits(endpoint.address, endpoint.port):
                raise AddressRefused("An address is not public.", "Check the name.")
            try:
                stream = self._below.connect_tcp(
                    endpoint.address, endpoint.port, timeout=self.left()
                )
                return _Bounded(stream, self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    def left(self) -> float:
        """Seconds that are left."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("out of time")
        return left

    def spend(self, got: int) -> None:
        """Count bytes that came."""
        self._bytes_left -= got
        if self._bytes_left < 0:
            raise httpcore.ReadError("out of bytes")


class _Bounded(httpcore.NetworkStream):
    def __init__(self, below: httpcore.NetworkStream, bounds: _Checked) -> None:
        self._below = below
        self._bounds = bounds

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        # In small parts: TLS below waits for as much as is asked for at most once.
        got = self._below.read(min(max_bytes, _READ_AT_ONCE), timeout=self._bounds.left())
        self._bounds.spend(len(got))
        return got

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._below.write(buffer, timeout=self._bounds.left())

    def close(self) -> None:
        self._below.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        inner = self._below.start_tls(ssl_context, server_hostname, timeout=self._bounds.left())
        return _Bounded(inner, self._bounds)

    def get_extra_info(self, info: str) -> Any:
        return self._below.get_extra_info(info)
