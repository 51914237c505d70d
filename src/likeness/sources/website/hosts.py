"""Hosts as operators name them, and which addresses of theirs are asked for."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from likeness.errors import BadInput
from likeness.sources.website.references import absolute

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def host_name(text: str) -> str:
    """Return a host as DNS has it: lower case, ASCII (IDNA 2008, UTS 46), without a final dot.

    Raises
    ------
    BadInput
        If it is no host name of two labels or more: an IP address in any notation, a name with a
        port, a wildcard, a path or a user name, or one that no label may be like.
    """
    import idna

    try:
        name = idna.encode(text.strip().removesuffix("."), uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        name = ""
    labels = name.split(".")
    # A last label that starts with a digit is how the many notations of an IPv4 address end.
    if (
        len(name) > 253
        or len(labels) < 2
        or not all(_LABEL.fullmatch(label) for label in labels)
        or labels[-1][0].isdigit()
    ):
        raise BadInput(
            "That is not the name of a site.",
            "Give a host alone, such as photos.example.org: no address, port, path or wildcard.",
        )
    return name


def https_address(base: str, reference: str, *, longest: int) -> str:
    """Return the https address that a reference leads to; empty where it is not asked for.

    An ``http`` address is asked for by ``https``. Not asked for: another scheme, a user name, a
    port other than the usual one, more than ``longest`` characters, a host that is no name.
    """
    address = absolute(base, reference)
    if not address:
        return ""
    parts = urlsplit(address)
    try:
        host = host_name(parts.hostname or "")
    except BadInput:
        return ""
    if parts.port is not None:
        return ""
    secure = urlunsplit(("https", host, parts.path, parts.query, ""))
    return "" if len(secure) > longest else secure


def place_of(address: str, *, own: str) -> str:
    """Return path and query of an address, with its host before them where that is not ``own``."""
    parts = urlsplit(address)
    place = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    # Two slashes at the start would be read as a host.
    place = re.sub(r"\A/{2,}", "/", place) if place.startswith("//") else place
    return place if parts.hostname == own else f"//{parts.netloc}{place}"
