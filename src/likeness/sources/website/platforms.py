"""The big social platforms, which cannot be authorised as websites: their users bring exports.

The list is data, ``platforms.toml``, and says for each what its terms are and how its users get
their own photos out.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

from likeness.errors import Refused

_IDEOGRAPHIC_FULL_STOP = "\u3002"  # which browsers take for a dot
# What stands before a host that is the same site, made for another screen.
_SCREENS = ("www.", "m.", "mobile.", "web.", "touch.", "mbasic.")


@dataclass(frozen=True, kw_only=True)
class Platform:
    """One platform.

    Attributes
    ----------
    name : str
        As people call it.
    hosts : tuple of str
        Of its pages; the first is the one that the others stand for.
    media : tuple of str
        Hosts of its files.
    caseless : bool
        Whether upper and lower case in a user name lead to the same account. What else is in a path
        may be in both.
    terms : str
        Title of the document that its users and visitors agree to.
    sense : str
        What that says of collecting by programs, in our own words; may be empty.
    export : str
        How a user gets the export.
    added : bool
        Whether ``likeness add`` reads that export as the platform gives it.
    """

    name: str
    hosts: tuple[str, ...]
    media: tuple[str, ...]
    caseless: bool
    terms: str
    sense: str
    export: str
    added: bool

    def canonical(self, host: str) -> str:
        """Return the one host that stands for all those of the same pages.

        ``mobile.twitter.com`` becomes ``x.com``. A subdomain that may be a user's own
        (``name.tumblr.com``) and a host of files stay as they are.
        """
        own = _normal(host)
        for screen in _SCREENS:
            own = own.removeprefix(screen) if own.removeprefix(screen) in self.hosts else own
        return self.hosts[0] if own in self.hosts else own


def platform_of(host: str) -> Platform | None:
    """Return the platform that a host or one of the domains it lies in belongs to, or None.

    Parameters
    ----------
    host : str
        In any case, with or without a dot at the end; no port.
    """
    labels = _normal(host).split(".")
    found = _platforms_by_host()
    domains = (".".join(labels[start:]) for start in range(len(labels)))
    return next((found[domain] for domain in domains if domain in found), None)


def require_no_platform(host: str) -> None:
    """Return if a host is none of a platform's.

    Raises
    ------
    Refused
        If it is: with its name, its terms, and how its users bring their photos.
    """
    platform = platform_of(host)
    if platform is None:
        return
    sense = f": {platform.sense}" if platform.sense else ""
    way = "likeness add EXPORT.zip" if platform.added else "likeness add FOLDER"
    raise Refused(
        f"{platform.name} cannot be authorised as a website: the photos are its users' "
        f"({platform.terms}{sense}).",
        f"Whoever posted there brings their own photos with {way} ({platform.export}).",
    )


def all_platforms() -> tuple[Platform, ...]:
    """Return every platform of the list, in its order."""
    return tuple(dict.fromkeys(_platforms_by_host().values()))


@cache
def _platforms_by_host() -> Mapping[str, Platform]:
    text = resources.files("likeness.sources.website").joinpath("platforms.toml").read_text("utf-8")
    platforms = [
        Platform(
            name=entry["name"],
            hosts=tuple(entry["hosts"]),
            media=tuple(entry["media"]),
            caseless=entry["caseless"],
            terms=entry["terms"],
            sense=entry.get("sense", ""),
            export=entry["export"],
            added=entry["added"],
        )
        for entry in tomllib.loads(text)["platform"]
    ]
    return MappingProxyType(
        {host: each for each in platforms for host in (*each.hosts, *each.media)}
    )


def _normal(host: str) -> str:
    """The host as the list has it: compatibility characters are how a browser would read them."""
    plain = unicodedata.normalize("NFKC", host).replace(_IDEOGRAPHIC_FULL_STOP, ".").casefold()
    return plain.strip().strip(".")
