"""How much of a site is asked for, and how fast."""

from __future__ import annotations

from dataclasses import dataclass

from likeness.errors import UsageError

MOST_AT_ONCE = 2
"""Requests that a host may have to answer at a time."""

MOST_REDIRECTS = 5
"""In a row, all to the same host (for robots.txt: RFC 9309, section 2.3.1.2)."""

RULES_SECONDS = 24 * 3600.0
"""How long what robots.txt and tdmrep.json said may be kept (RFC 9309, section 2.4)."""


@dataclass(frozen=True, kw_only=True)
class CrawlLimits:
    """What one crawl may ask of a site, and cost.

    The pace is politeness and no safeguard: what a site refuses is refused at any pace.

    Attributes
    ----------
    delay_seconds : float
        From one request to the next. A site that answers slowly, or whose robots.txt asks for it,
        gets longer ones.
    most_delay_seconds : float
        Longest that slow answers make of it.
    at_once : int
        Requests under way at a time, 1 or 2.
    seconds : float
        For one answer as a whole, from connecting to its last byte.
    pages, photos : int
        Most that are asked for.
    page_bytes, photo_bytes : int
        Largest page and photo, unpacked.
    bytes : int
        Most that all answers together may hold.
    depth : int
        Most links to follow in a row from the first page or a sitemap.
    address : int
        Longest address, in characters.
    variants : int
        Most addresses that differ in nothing but what follows the question mark.
    failures : int
        Most pages and photos in a row that could not be fetched.
    """

    delay_seconds: float = 1.0
    most_delay_seconds: float = 60.0
    at_once: int = 1
    seconds: float = 60.0
    pages: int = 10_000
    photos: int = 50_000
    page_bytes: int = 8_000_000
    photo_bytes: int = 64_000_000
    bytes: int = 50_000_000_000
    depth: int = 30
    address: int = 2000
    variants: int = 5_000
    failures: int = 25

    def __post_init__(self) -> None:
        counts = (
            self.pages,
            self.photos,
            self.page_bytes,
            self.photo_bytes,
            self.bytes,
            self.address,
            self.variants,
            self.failures,
        )
        sound = (
            0 <= self.delay_seconds <= self.most_delay_seconds <= 86_400
            and 1 <= self.at_once <= MOST_AT_ONCE
            and 0 < self.seconds <= 3600
            and all(0 < count < 1 << 40 for count in counts)
            and 0 <= self.depth <= 1000
            and self.address <= 2000
            and max(self.page_bytes, self.photo_bytes) <= 200_000_000
        )
        if not sound:
            raise UsageError(
                "These limits of a crawl cannot be kept to.",
                f"Ask for no negative pace, at most {MOST_AT_ONCE} requests at once, and sizes and "
                "counts above zero.",
            )


def most_told(limits: CrawlLimits) -> int:
    """Return how many photos and things skipped one run tells of at most."""
    return 2 * (limits.pages + limits.photos)
