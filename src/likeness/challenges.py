"""Challenges that passkeys sign: random, short-lived, good once, and kept in memory alone."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from likeness.errors import NotSignedIn

Ceremony = Literal["add", "sign_in"]
"""What a challenge is signed for: to add a passkey, or to sign in with one."""

LASTS = timedelta(minutes=5)
"""How long somebody may take to find their key or phone."""

MOST = 10_000
"""How many are kept: asking for more than that drops the oldest."""

_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class _Kept:
    ceremony: Ceremony
    subject_id: str
    until: datetime


class Challenges:
    """The challenges that are out. A server that starts anew forgets them. Safe for threads.

    Parameters
    ----------
    clock : callable
        Returns the time, aware.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def give(self, ceremony: Ceremony, *, subject_id: str = "") -> bytes:
        """A new challenge, for one ceremony and subject; for nobody yet where they sign in."""
        now = self._clock()
        challenge = secrets.token_bytes(_BYTES)
        with self._lock:
            while self._kept and next(iter(self._kept.values())).until <= now:
                self._kept.popitem(last=False)
            if len(self._kept) >= MOST:
                self._kept.popitem(last=False)
            self._kept[challenge] = _Kept(
                ceremony=ceremony, subject_id=subject_id, until=now + LASTS
            )
        return challenge

    def take(self, challenge: bytes, ceremony: Ceremony, *, subject_id: str = "") -> bytes:
        """Use a challenge up, whatever becomes of the ceremony; returns it.

        Raises
        ------
        NotSignedIn
            It is not out, was used, ended, or was for something else.
        """
        with self._lock:
            kept = self._kept.pop(challenge, None)
        if kept is None or kept.until <= self._clock():
            raise NotSignedIn("This took too long.", "Try it again.")
        if (kept.ceremony, kept.subject_id) != (ceremony, subject_id):
            raise NotSignedIn("This was meant for something else.", "Try it again.")
        return challenge
