"""What a crawl has spent of what it may ask for, and addresses that lead nowhere new."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import urlsplit

from likeness.sources.website.limits import CrawlLimits

_MOST_SEGMENTS = 24
_MOST_REPEATS = 3


class Budget:
    """Counts what a crawl asks for and gets.

    Attributes
    ----------
    whole : bool
        False once anything was left out, or could not be fetched.
    spent : str
        Why nothing more may be asked for, in a few words; empty while it may.
    """

    def __init__(self, limits: CrawlLimits) -> None:
        self._limits = limits
        self._pages: set[str] = set()
        self._photos: set[str] = set()
        self._variants: Counter[str] = Counter()
        self._bytes = 0
        self._failures = 0
        self.whole = True
        self.spent = ""

    def take_page(self, url: str, *, depth: int) -> bool:
        """Whether a page is to be asked for that was not asked for before."""
        if url in self._pages or url in self._photos:
            return False
        path = urlsplit(url).path
        if (
            len(self._pages) >= self._limits.pages
            or depth > self._limits.depth
            or self._variants[path] >= self._limits.variants
            or _turns_round(path)
        ):
            self.whole = False
            return False
        self._pages.add(url)
        self._variants[path] += 1
        return True

    def take_photo(self, url: str) -> bool:
        """Whether a photo is to be asked for that was not asked for before."""
        if url in self._photos:
            return False
        if len(self._photos) >= self._limits.photos:
            self.whole = False
            return False
        self._photos.add(url)
        return True

    def got(self, size: int) -> None:
        """Count the bytes of an answer."""
        self._bytes += size
        if self._bytes > self._limits.bytes:
            self._end("more bytes than one run may fetch")

    def succeeded(self) -> None:
        """Count a page or photo that came."""
        self._failures = 0

    def failed(self) -> None:
        """Count a page or photo that could not be fetched."""
        self.whole = False
        self._failures += 1
        if self._failures >= self._limits.failures:
            self._end(f"{self._failures} pages or photos in a row could not be fetched")

    def left_out(self) -> None:
        """Note that something was left out."""
        self.whole = False

    def _end(self, reason: str) -> None:
        self.whole = False
        self.spent = self.spent or reason


def _turns_round(path: str) -> bool:
    """Whether a path goes round in circles, as relative links that miss their page make it."""
    segments = [segment for segment in re.split("/+", path) if segment]
    if len(segments) > _MOST_SEGMENTS:
        return True
    return any(count > _MOST_REPEATS for count in Counter(segments).values())
