"""What the owner of a site or bucket was asked to publish, to say that photos may be taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Authorisation:
    """A token that only its owner can publish, and until when that counts.

    Attributes
    ----------
    domain : str
        Host in lower case and as DNS has it (IDNA), or the address of a bucket. Neither hosts below
        it nor above it are covered; ``www`` is another host.
    token : str
        At least 128 random bits; whoever knows it cannot publish it in somebody else's place.
    expires_at : datetime
        Aware; what is published may end earlier, and then that counts.
    created_at : datetime
    checked_at : datetime or None
        When the proof was last found in its place; None where it never was.
    """

    domain: str
    token: str = field(repr=False)
    expires_at: datetime
    created_at: datetime
    checked_at: datetime | None = None
