"""A website on loopback, a network that leads there, and what crawls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from site_certificates import Authority
from site_server import SiteServer
from unsafe_network import UnsafeLoopbackNetwork

from likeness.sources.base import Entry, SkippedEntry, SourceEntry
from likeness.sources.website.iiif_source import IiifSource
from likeness.sources.website.limits import CrawlLimits
from likeness.sources.website.memory import Remembered
from likeness.sources.website.proof import Proof
from likeness.sources.website.source import WebsiteSource

HOST = "photos.example.org"
FAST = CrawlLimits(delay_seconds=0.0, at_once=2, seconds=5.0)


class KeptInMemory:
    """Remembers fetches as a library does, for as long as the test."""

    def __init__(self) -> None:
        self.kept: dict[str, Remembered] = {}

    def recall(self, url: str) -> Remembered | None:
        return self.kept.get(url)

    def remember(self, fetched: Remembered) -> None:
        self.kept[fetched.url] = fetched

    def forget(self, url: str) -> None:
        self.kept.pop(url, None)


class SiteHouse:
    """Hosts on one server.

    Attributes
    ----------
    server : SiteServer
    network : UnsafeLoopbackNetwork
    """

    def __init__(self, server: SiteServer, network: UnsafeLoopbackNetwork) -> None:
        self.server = server
        self.network = network

    def page(self, path: str, body: str, host: str = HOST, **named: Any) -> None:
        self.server.put(host, path, f"<html><body>{body}</body></html>", **named)

    def source(self, host: str = HOST, **named: Any) -> WebsiteSource:
        named.setdefault("proof", proof_of(host))
        return WebsiteSource(host, **{**self._usual(), **named})

    def iiif(self, address: str, *hosts: str, **named: Any) -> IiifSource:
        named.setdefault("proofs", {host: proof_of(host) for host in hosts})
        return IiifSource(address, **{**self._usual(), **named})

    def _usual(self) -> dict[str, Any]:
        return {"network": self.network, "still_allowed": lambda: True, "limits": FAST}


@contextmanager
def site_house(folder: Path, *hosts: str, **network: Any) -> Iterator[SiteHouse]:
    """Serve hosts (`HOST` where none is given)."""
    names = hosts or (HOST,)
    authority = Authority(folder)
    with SiteServer(authority.context(*names)) as server:
        servers = {**dict.fromkeys(names, server.port), **network.pop("servers", {})}
        yield SiteHouse(
            server,
            UnsafeLoopbackNetwork(
                authority=authority.path, folder=folder, servers=servers, **network
            ),
        )


def proof_of(host: str) -> Callable[[], Proof]:
    """What finds a proof, as an owner has published it."""

    def found() -> Proof:
        now = datetime.now(UTC)
        return Proof(domain=host, method="dns", checked_at=now, until=now + timedelta(days=30))

    return found


def photos_of(entries: Sequence[Entry]) -> dict[str, SourceEntry]:
    return {entry.item: entry for entry in entries if isinstance(entry, SourceEntry)}


def skipped_of(entries: Sequence[Entry]) -> dict[str, SkippedEntry]:
    return {entry.item: entry for entry in entries if isinstance(entry, SkippedEntry)}
