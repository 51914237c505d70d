"""What a crawl remembers of what it fetched, so that the next one asks only what has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """What an address answered with when it was last fetched.

    Attributes
    ----------
    url : str
        The address, https.
    etag, last_modified : str
        As the site gave them, for a conditional request (RFC 9110, section 13); either may be
        empty.
    size : int
        Of the body, in bytes.
    modified_ns : int
        When the site says it last changed, in nanoseconds since 1970 UTC; 0 where it does not say.
    link_mark : str
        That of the photo's entry; empty for a page.
    page : str
        What was read in a page, as JSON; empty for a photo. It holds no more than
        `LONGEST_PAGE` characters.
    """

    url: str
    etag: str = ""
    last_modified: str = ""
    size: int = 0
    modified_ns: int = 0
    link_mark: str = ""
    page: str = ""


LONGEST_PAGE = 400_000
"""A page with more on it is fetched whole each time."""

LONGEST_VALIDATOR = 500
"""A longer ``ETag`` or ``Last-Modified`` is taken for none."""


class FetchMemory(Protocol):
    """Where it is kept.

    Called from the threads that go through `Source.entries` and that read its entries, several at a
    time. What is kept here is worth no transaction: an address that is forgotten comes again whole.
    """

    def recall(self, url: str) -> Remembered | None:
        """Return what is known of an address; None where nothing is."""

    def remember(self, fetched: Remembered) -> None:
        """Keep what is known of an address, in place of what was."""

    def forget(self, url: str) -> None:
        """Forget an address, so that it is fetched whole again."""


class NoMemory:
    """Remembers nothing: everything is fetched whole."""

    def recall(self, url: str) -> Remembered | None:
        """Return nothing."""

    def remember(self, fetched: Remembered) -> None:
        """Keep nothing."""

    def forget(self, url: str) -> None:
        """Nothing is there to forget."""
