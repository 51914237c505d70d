"""Moments of a video in addresses and items (W3C Media Fragments URI 1.0, section 4.2)."""

from __future__ import annotations

from likeness.records.sighting import Span


def with_moment(place: str, span: Span) -> str:
    """Write a part of a video: ``film.mp4`` becomes ``film.mp4#t=12,15.5``."""
    return f"{place}#t={seconds_of(span.start_ms)},{seconds_of(span.end_ms)}"


def seconds_of(ms: int) -> str:
    """Write milliseconds as seconds, with as many decimals as it takes, at most three."""
    whole, rest = divmod(ms, 1000)
    return f"{whole}.{rest:03}".rstrip("0") if rest else str(whole)
