"""robots.txt by RFC 9309, read so that whatever is in doubt refuses.

The RFC lets a crawler go on where robots.txt answers 403; here only "not found" (404) and "gone"
(410) mean that there are no rules. Groups for Likeness by name hold instead of those for everybody.
``Crawl-delay`` and ``Request-rate`` are no part of the RFC but are kept to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from likeness.sources.links import address_problem
from likeness.sources.website.content_usage import refused_uses
from likeness.sources.website.path_patterns import (
    PathPattern,
    has_dot_segments,
    matcher_of,
    spellings,
)
from likeness.sources.website.signals import PRODUCT_TOKEN, Allowed, Refusal, SignalRefused

if TYPE_CHECKING:
    from protego import Protego

MAX_ROBOTS_BYTES = 500 * 1024
"""As much as RFC 9309 section 2.5 asks to be read; a longer one refuses everything."""

_SIGNAL = "robots.txt"
_MOST_USAGE_LINES = 1000
_MOST_SITEMAPS = 1000
_ABSENT = frozenset({404, 410})
_AGENTS = frozenset({"user-agent", "useragent", "user agent"})
_DISALLOW = frozenset(
    # As people type it, and what some write for "not even in an index".
    {"disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw", "noindex"}
)
_USAGE = frozenset({"content-usage", "content-signal"})
_PACE = frozenset({"crawl-delay", "request-rate"})
_TOKEN = re.compile(r"\*|[a-z_-]+")


@dataclass(frozen=True, kw_only=True)
class _Usage:
    pattern: PathPattern
    field: str
    refused: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RobotsRules:
    """The rules of one origin (scheme, host and port) for Likeness.

    Attributes
    ----------
    refusal : Refusal or None
        Set where everything is refused, whatever the address.
    seconds_between : float or None
        The least time between two requests, from ``Crawl-delay`` and ``Request-rate``; None where
        neither is given.
    sitemaps : tuple of str
        The addresses that ``Sitemap`` lines give, not checked.
    """

    refusal: Refusal | None = None
    seconds_between: float | None = None
    sitemaps: tuple[str, ...] = ()
    _matcher: Protego | None = field(default=None, repr=False)
    _usage: tuple[_Usage, ...] = field(default=(), repr=False)

    @classmethod
    def read(cls, status: int | None, body: bytes) -> RobotsRules:
        """Read an answer to ``GET /robots.txt``. Never fails: what cannot be read refuses.

        Parameters
        ----------
        status : int or None
            Of the last answer after redirects; None where there was none (unreachable, timed out,
            redirected for ever or off the site).
        body : bytes
            What came with it, whole or cut after `MAX_ROBOTS_BYTES`.
        """
        if status in _ABSENT or status == 204:
            return cls()
        problem = _problem(status, body)
        if problem:
            return cls(refusal=Refusal(signal=_SIGNAL, where="site", reason=problem))
        return _rules(body.decode("utf-8-sig", "replace"))

    def permit(self, url: str) -> Allowed:
        """Return evidence that an address of this origin may be fetched.

        Raises
        ------
        SignalRefused
            If a rule or a preference refuses it, the rules could not be read, or the address is one
            that rules cannot be matched against (``..`` in its path).
        """
        if self.refusal is not None:
            raise SignalRefused(self.refusal)
        if address_problem(url) or has_dot_segments(url):
            raise _refused("the address cannot be matched against robots.txt")
        if urlsplit(url).path == "/robots.txt":
            return Allowed(signal=_SIGNAL, url=url, because="robots.txt itself may be read")
        if self._matcher is None:
            return Allowed(signal=_SIGNAL, url=url, because="the site has no robots.txt")
        if not all(self._matcher.can_fetch(each, "*") for each in spellings(url)):
            raise _refused("disallowed by robots.txt")
        for name in ("content-usage", "content-signal"):
            use = self._refused_use(name, url)
            if use:
                raise _refused(f"says no to {use} in robots.txt", name)
        return Allowed(signal=_SIGNAL, url=url, because="no rule of robots.txt refuses it")

    def _refused_use(self, name: str, url: str) -> str:
        """The use refused by the most specific lines for an address, or an empty text."""
        longest, refused = -1, ""
        for each in self._usage:
            if each.field == name and each.pattern.length >= longest and each.pattern.matches(url):
                if each.pattern.length > longest:
                    longest, refused = each.pattern.length, ""
                refused = refused or next(iter(each.refused), "")
        return refused


@dataclass
class _Group:
    """What one set of ``User-agent`` lines is given, in order."""

    rules: list[tuple[str, str]] = field(default_factory=list)
    usage: list[tuple[str, str]] = field(default_factory=list)


def _problem(status: int | None, body: bytes) -> str:
    if status is None:
        return "robots.txt could not be reached"
    if status != 200:
        return f"robots.txt answered with status {status:d}"
    if len(body) > MAX_ROBOTS_BYTES:
        return f"robots.txt is longer than {MAX_ROBOTS_BYTES:,} bytes"
    if b"\0" in body:
        return "robots.txt is not text"
    start = body[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<body", b"<?xml")):
        return "robots.txt holds a web page instead of rules"
    return ""


def _rules(text: str) -> RobotsRules:
    groups, sitemaps, shared = _groups(text)
    ours = groups.get(PRODUCT_TOKEN.lower()) or groups.get("*") or _Group()
    usage_lines = [*shared, *ours.usage]
    if len(usage_lines) > _MOST_USAGE_LINES:
        return RobotsRules(
            refusal=Refusal(
                signal=_SIGNAL, where="site", reason="robots.txt has too many preferences"
            )
        )
    matcher = matcher_of(ours.rules)
    rate = matcher.request_rate("*")
    paces = (matcher.crawl_delay("*"), rate.seconds / rate.requests if rate else None)
    return RobotsRules(
        seconds_between=max((pace for pace in paces if pace is not None), default=None),
        sitemaps=tuple(sitemaps[:_MOST_SITEMAPS]),
        _matcher=matcher,
        _usage=tuple(_usage(name, value) for name, value in usage_lines),
    )


def _groups(text: str) -> tuple[dict[str, _Group], list[str], list[tuple[str, str]]]:
    """Return the groups by product token, the sitemaps, and preferences outside of any group."""
    groups: dict[str, _Group] = {}
    sitemaps: list[str] = []
    shared: list[tuple[str, str]] = []
    current: list[_Group] = []
    naming = False
    for line in re.split(r"\r\n|\r|\n", text):
        name, _, value = line.split("#", 1)[0].partition(":")
        name, value = name.strip().lower(), value.strip()
        if name in _AGENTS:
            current = current if naming else []
            naming = True
            # A version after the name ("Likeness/1.0") is no part of the token.
            token = _TOKEN.match(value.lower())
            if token:
                current.append(groups.setdefault(token.group(), _Group()))
        elif name == "sitemap":
            sitemaps.append(value)
        elif name == "allow" or name in _DISALLOW | _PACE:
            naming = False
            plain = "disallow" if name in _DISALLOW else name
            # A rate may be followed by the hours that it is for; it is kept to at all hours.
            value = value.split(None, 1)[0] if value and name == "request-rate" else value
            for group in current:
                group.rules.append((plain, value))
        elif name in _USAGE:
            naming = False
            for usage in [group.usage for group in current] or [shared]:
                usage.append((name, value))
    return groups, sitemaps, shared


def _usage(name: str, value: str) -> _Usage:
    """Read ``[path] preferences``; a path that cannot be one makes them hold everywhere."""
    path, _, preferences = value.partition(" ") if value.startswith("/") else ("", "", value)
    if "\t" in path:
        path, _, preferences = value.partition("\t")
    try:
        pattern = PathPattern.of(path or "/")
    except ValueError:
        pattern = PathPattern.of("/")
    return _Usage(pattern=pattern, field=name, refused=refused_uses(preferences))


def _refused(reason: str, signal: str = _SIGNAL) -> SignalRefused:
    return SignalRefused(Refusal(signal=signal, where="page", reason=reason))
