"""Which addresses of the web a model file may be fetched from."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httpx import URL


class AddressRefused(Exception):
    """What is wrong with an address, in words that hold nothing of the address itself."""


def checked_address(text: str) -> URL:
    """The address, read and found fit.

    A checksum says that the right file came, and nothing about who saw that it was fetched or kept
    it back; so connections are encrypted. Only this machine may be spoken to without.

    Raises
    ------
    AddressRefused
        It is not https (or http to this machine), carries a user name or a password, or is none.
    """
    import httpx

    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        raise AddressRefused("is not an address of the web") from None
    if url.scheme not in {"http", "https"}:
        raise AddressRefused("does not start with https://")
    if url.port is not None and not 0 < url.port < 65_536:
        raise AddressRefused("is not an address of the web")
    if not url.host:
        raise AddressRefused("names no server")
    if url.userinfo:
        raise AddressRefused("carries a user name or a password")
    if url.scheme == "http" and not is_this_machine(url.host):
        raise AddressRefused("starts with http://, which anybody on the way can watch and cut")
    return url


def redirected(url: URL, location: str) -> URL:
    """Where a server sends a request on to, found fit.

    Raises
    ------
    AddressRefused
        Like :func:`checked_address`; and an encrypted connection is never left for a plain one.
    """
    import httpx

    try:
        onward = url.join(location)
    except (httpx.InvalidURL, ValueError):
        raise AddressRefused("redirects to what is not an address of the web") from None
    try:
        found = checked_address(str(onward))
    except AddressRefused as error:
        raise AddressRefused(f"redirects to an address that {error}") from None
    if url.scheme == "https" and found.scheme != "https":
        raise AddressRefused("redirects from https:// to http://")
    return found


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine by its loopback address, or ``localhost``.

    >>> is_this_machine("127.0.0.1"), is_this_machine("127.0.0.1.example.org")
    (True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
