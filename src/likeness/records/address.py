"""Addresses in an order in which everything below one is a range, and spelled in one way.

A key is the host from its end (``org.example.photos``), then the path with a slash at both ends,
then the query with an exclamation mark after each part: ``org.example/2024/fair/?page=2!``.
Scheme, port, ``www.``, fragment and what only follows readers around are left out, so that a notice
about an address covers it however it is written.
"""

from __future__ import annotations

import re
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
        "youtube-nocookie.com": "youtube.com",
        "youtu.be": "youtube.com",
        "instagr.am": "instagram.com",
    }
)
"""Hosts that are one site under several names, without ``www.``: which one stands for them."""

CASELESS_HOSTS = frozenset({"x.com", "facebook.com", "instagram.com", "linkedin.com", "venmo.com"})
"""Hosts on whose pages upper and lower case lead to the same account."""

_LOCAL_HOSTS = re.compile(r"(?:[a-z]{2}\.(?=linkedin\.)|[a-z]{2}-[a-z]{2}\.(?=facebook\.))")
"""Before the two hosts that are one site under a name for each country or language."""

_PASSED_OVER = frozenset({"fbclid", "gclid", "igsh", "igshid", "mc_cid", "mc_eid", "msclkid"})
_PASSED_OVER_AT = MappingProxyType(
    {
        "facebook.com": frozenset(
            {"__cft__[0]", "__tn__", "_rdc", "_rdr", "locale", "mibextid", "rdid", "ref", "sk"}
        ),
        "instagram.com": frozenset({"hl", "img_index"}),
        "linkedin.com": frozenset({"originalsubdomain", "rcm", "trk"}),
        "vimeo.com": frozenset({"t"}),
        "x.com": frozenset({"lang", "ref_src", "ref_url", "s", "t"}),
        "youtube.com": frozenset(
            {"app", "feature", "hl", "si", "sub_confirmation", "t", "view_as"}
        ),
    }
)
"""What only follows readers around, or says in which language or from when they are shown it."""

_CASELESS_STEPS = re.compile(
    r"/(?:(?:in|company|u|i|groups|pages|people|pg)/)?[^/]*/?", re.IGNORECASE
)
"""How far a path names the account; the names of posts may differ by case alone."""

_HANDLE = re.compile(r"/@[^/]*")
_VIDEO = re.compile(r"/(?:shorts|embed|live|v|e)/([^/]+)/")
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
    path, query = _path(parts.path), _query(parts.query, host)
    if host in CASELESS_HOSTS:
        path = _lowered(path, _CASELESS_STEPS)
    elif host == "youtube.com":
        path, query = _of_youtube(path, query, short="youtu.be" in (parts.hostname or "").lower())
    told = "".join(f"{urlencode([pair], errors='replace')}!" for pair in query)
    return _reversed(host) + path + (f"?{told}" if told else "")


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
    host = _LOCAL_HOSTS.sub("", host.removeprefix("www."), count=1)
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
    """Return the keys between which an address and every address below it lies.

    Below one with a query lie those that say more in it: on some sites it names the account, as in
    ``/profile.php?id=12``.
    """
    key = address_key(address)
    # The character right after the one that ends a path, or a part of a query.
    return key, f"{key[:-1]}{chr(ord(key[-1]) + 1)}" if key else ""


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
    """Return every key that this one lies below, itself included, from its host on.

    >>> trees_above("org.example/a/?q=1!r=2!")
    ['org.example/', 'org.example/a/', 'org.example/a/?q=1!', 'org.example/a/?q=1!r=2!']
    """
    path, _, query = key.partition("?")
    found = [path[: place + 1] for place, letter in enumerate(path) if letter == "/"]
    ends = (place + 1 for place, letter in enumerate(query) if letter == "!")
    return found + [f"{path}?{query[:end]}" for end in ends]


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
    plain = unquote_to_bytes(path.encode("utf-8", "surrogatepass"))
    for step in quote(plain, safe=_SAFE).split("/"):
        if step == "..":
            steps = steps[:-1]
        elif step not in ("", "."):
            steps.append(step)
    return "/" + "".join(f"{step}/" for step in steps)


def _query(query: str, host: str) -> list[tuple[str, str]]:
    """What is left of a query, in order of the names."""
    passed_over = _PASSED_OVER | _PASSED_OVER_AT.get(host, frozenset())
    return sorted(
        (name, value)
        for name, value in parse_qsl(query, keep_blank_values=True, errors="replace")
        if name.lower() not in passed_over and not name.startswith("utm_")
    )


def _lowered(path: str, part: re.Pattern[str]) -> str:
    found = part.match(path)
    end = found.end() if found else 0
    return path[:end].lower() + path[end:]


def _of_youtube(
    path: str, query: list[tuple[str, str]], *, short: bool
) -> tuple[str, list[tuple[str, str]]]:
    """A video has several addresses there; ``watch?v=`` stands for them."""
    named = _VIDEO.fullmatch(path)
    if named or (short and path.count("/") == 2):
        return "/watch/", [("v", named.group(1) if named else path.strip("/"))]
    if path == "/watch/" and any(name == "v" for name, _ in query):
        return path, [pair for pair in query if pair[0] == "v"]
    return _lowered(path, _HANDLE), query
