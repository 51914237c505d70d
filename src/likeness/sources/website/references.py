"""Addresses as pages, sitemaps and manifests write them, made absolute, checked and comparable."""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit

from likeness.sources.links import LONGEST_ADDRESS, address_problem

_REMOVED = re.compile("[\t\r\n]")
_SAFE = "!#$%&'()*+,/:;=?@[]~"
# What is written in the one way already, as in most sitemaps: no need to take it apart.
_PLAIN = re.compile(
    r"https?://[a-z0-9][a-z0-9.-]*/[\w.~!$&'()*+,;=:@%/-]*(?:\?[\w.~!$&'()*+,;=:@%/?-]+)?", re.ASCII
)
_DEFAULT_PORTS = frozenset({("http", 80), ("https", 443)})


def absolute(base: str, reference: str) -> str:
    """Return the absolute address that a reference on a page means; empty where it is none.

    One address is written in one way: scheme and host in lower case, no port that goes without
    saying, no fragment, ``/`` for no path, no dot segments, and what an address may not hold
    percent-encoded by UTF-8. Only http and https, without user or password, as
    `links.address_problem` has it. Nothing is looked up.

    Parameters
    ----------
    base : str
        Absolute address of the page.
    reference : str
        As it stands in an attribute; not trusted.
    """
    reference = _REMOVED.sub("", reference[: 4 * LONGEST_ADDRESS]).strip()
    if not reference:
        return ""
    # Taken off first: what joins addresses would drop an empty ``;`` before it too.
    reference = reference.partition("#")[0]
    if len(reference) <= LONGEST_ADDRESS and "/." not in reference and _PLAIN.fullmatch(reference):
        return reference
    try:
        parts = urlsplit(urljoin(base, reference.replace("\\", "/")))
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return ""
    scheme = parts.scheme.lower()
    if scheme not in {"http", "https"} or not host or "@" in parts.netloc:
        return ""
    host = f"[{host}]" if ":" in host else host
    netloc = host if port is None or (scheme, port) in _DEFAULT_PORTS else f"{host}:{port}"
    try:
        path, query = (quote(part, safe=_SAFE) for part in (_direct(parts.path), parts.query))
    except UnicodeEncodeError:  # half a character
        return ""
    address = f"{scheme}://{netloc}{path}" + (f"?{query}" if query else "")
    return "" if address_problem(address) else address


def _direct(path: str) -> str:
    """A path without dot segments (RFC 3986, section 5.2.4), which `urljoin` leaves in some."""
    if "/." not in path:
        return path or "/"
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


def host_of(address: str) -> str:
    """Return the host of an absolute address in lower case, without port; empty if it has none."""
    try:
        return (urlsplit(address).hostname or "").lower().rstrip(".")
    except ValueError:
        return ""


def same_host(address: str, other: str) -> bool:
    """Whether two absolute addresses have the same host, which both must have."""
    host = host_of(address)
    return bool(host) and host == host_of(other)
