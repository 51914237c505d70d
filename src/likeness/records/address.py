"""Addresses in an order in which everything below one is a range, and spelled in one way.

A key is the host from its end (``org.example.photos``), then the path with a slash at both ends,
then the query: ``org.example/2024/fair/?page=2``. Scheme, port, ``www.``, fragment and what only
follows readers around are left out, so that a notice about an address covers it however it is
written.
"""

from __future__ import annotations

from contextlib import suppress
from types import MappingProxyType
from urllib.parse import SplitResult, parse_qsl, quote, unquote_to_bytes, urlencode, urlsplit

SAME_HOSTS = MappingProxyType(
    {
        "twitter.com": "x.com",
        "mobile.twitter.com": "x.com",
        "mobile.x.com": "x.com",
        "m.facebook.com": "facebook.com",
        "web.facebook.com": "facebook.com",
        "mbasic.facebook.com": "facebook.com",
        "fb.com": "facebook.com",
        "m.youtube.com": "youtube.com",
        "music.youtube.com": "youtube.com",
        "instagr.am": "instagram.com",
    }
)
"""Hosts that are one site under several names, without ``www.``: which one stands for them."""

CASELESS_HOSTS = frozenset({"x.com", "facebook.com", "instagram.com", "linkedin.com", "venmo.com"})
"""Hosts on whose pages upper and lower case lead to the same account."""

_PASSED_OVER = frozenset({"fbclid", "gclid", "igsh", "igshid", "mc_cid", "mc_eid", "msclkid"})
_MOMENT_HOSTS = frozenset({"youtube.com", "youtu.be", "vimeo.com"})
_SAFE = "/:@!$&'()*+,;=~-._"
_LONGEST = 8192


def address_key(address: str) -> str:
    """Return the key of an http or https address; empty for anything else.

    >>> address_key("https://www.Example.org:443/a/../Fair/?utm_source=x#top")
    'org.example/Fair/'
    >>> address_key("https://twitter.com/Ann/status/1") == address_key("https://x.com/ann/status/1/")
    True
    """
    parts = _split(address)
    host = host_of(address)
    if parts is None or not host:
        return ""
    path = _path(parts.path)
    query = _query(parts.query, host)
    if host in CASELESS_HOSTS:
        path = path.lower()
    return _reversed(host) + path + (f"?{query}" if query else "")


def host_of(address: str) -> str:
    """Return the host of an http or https address as keys have it; empty for anything else.

    >>> host_of("https://www.example.org/")
    'example.org'
    """
    parts = _split(address)
    try:
        host = (parts.hostname or "") if parts else ""
    except ValueError:
        return ""
    return one_host(host)


def one_host(host: str) -> str:
    """Return the name that stands for a host: lower case, in ASCII where it can be, no ``www.``."""
    host = host.strip().rstrip(".").lower()
    if not host.isascii():
        with suppress(UnicodeError):
            host = host.encode("idna").decode("ascii")
    host = host.removeprefix("www.")
    return SAME_HOSTS.get(host, host)


def domain_range(domain: str) -> tuple[str, str]:
    """Return the keys between which every address of a domain and its subdomains lies.

    Parameters
    ----------
    domain : str
        As `one_host` returns it.

    Returns
    -------
    (low, high)
        ``low <= key < high``.
    """
    # In ASCII "." comes right before "/", and "0" right after it.
    return f"{_reversed(domain)}.", f"{_reversed(domain)}0"


def tree_range(address: str) -> tuple[str, str]:
    """Return the keys between which an address and every address below it lies."""
    key = address_key(address).partition("?")[0]
    return key, f"{key.removesuffix('/')}0"


def exact_range(address: str) -> tuple[str, str]:
    """Return the keys between which one address alone lies."""
    key = address_key(address)
    return key, f"{key}\0"


def domains_above(key: str) -> list[str]:
    """Return the reversed names of a key's host and of every domain that it lies in.

    >>> domains_above("org.example.photos/a/")
    ['org', 'org.example', 'org.example.photos']
    """
    labels = key.partition("/")[0].split(".") if key else []
    return [".".join(labels[: count + 1]) for count in range(len(labels))]


def trees_above(key: str) -> list[str]:
    """Return the key's path without its query, and every path above it, from its host on.

    >>> trees_above("org.example/a/b/?q=1")
    ['org.example/', 'org.example/a/', 'org.example/a/b/']
    """
    path = key.partition("?")[0]
    steps = path.split("/")[:-1]
    return ["/".join(steps[: count + 1]) + "/" for count in range(len(steps))] if key else []


def _split(address: str) -> SplitResult | None:
    if len(address) > _LONGEST:
        return None
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") else None


def _reversed(host: str) -> str:
    return ".".join(reversed(host.split(".")))


def _path(path: str) -> str:
    """A path of unescaped steps, escaped in one way, without ``.``, ``..`` and empty ones."""
    steps: list[str] = []
    for step in quote(unquote_to_bytes(path), safe=_SAFE).split("/"):
        if step == "..":
            steps = steps[:-1]
        elif step not in ("", "."):
            steps.append(step)
    return "/" + "".join(f"{step}/" for step in steps)


def _query(query: str, host: str) -> str:
    passed_over = {"t", "si", "feature"} if host in _MOMENT_HOSTS else set[str]()
    kept = [
        (name, value)
        for name, value in parse_qsl(query, keep_blank_values=True, errors="replace")
        if name not in _PASSED_OVER and name not in passed_over and not name.startswith("utm_")
    ]
    return urlencode(sorted(kept))
