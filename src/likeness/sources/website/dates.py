"""Dates as HTTP writes them (RFC 9110, section 5.6.7)."""

from __future__ import annotations

from email.utils import parsedate_to_datetime


def moment_ns(http_date: str) -> int:
    """Return an HTTP date in nanoseconds since 1970 UTC; 0 where it is none or lies before."""
    try:
        return max(0, int(parsedate_to_datetime(http_date).timestamp())) * 1_000_000_000
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0
