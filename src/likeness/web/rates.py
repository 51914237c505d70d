"""How often the same visitor may try something. Counted in memory: a new start counts anew."""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from fastapi import Request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from likeness.errors import RateLimited
from likeness.web.addresses import counted_as, declared_proxies, visitor_address

LIMITS: Final[Mapping[str, RateLimitItem]] = MappingProxyType(
    {
        # Somebody who mistypes tries a few times; ten a minute is still 14,400 guesses a day, which
        # is nothing against twelve characters that are not on the list of common ones.
        "sign_in": RateLimitItemPerMinute(10),
        # Tries under one account name, from wherever they come; a right one starts the count anew.
        "sign_in_account": RateLimitItemPerMinute(5),
        # As many as the library allows one account anyway.
        "search": RateLimitItemPerMinute(120),
        # A whole hall behind one address may enrol in one evening.
        "enrol": RateLimitItemPerMinute(30),
        # Frames of a live capture arrive several a second.
        "frames": RateLimitItemPerMinute(1200),
        # Secret links cannot be guessed; whoever tries is only kept from keeping the server busy.
        "link": RateLimitItemPerMinute(60),
    }
)
"""How often a minute, by what is tried."""

MOST_KEYS = 50_000
"""How many visitors are remembered; those who did nothing of late are forgotten before more."""


class Rates:
    """Counts what visitors try, over a window of a minute that moves along. Safe for threads.

    Parameters
    ----------
    proxies : iterable of str
        Addresses or networks of the declared proxies.

    Raises
    ------
    UsageError
        A proxy is no address.
    """

    def __init__(
        self,
        *,
        proxies: Iterable[str] = (),
        limits: Mapping[str, RateLimitItem] = LIMITS,
    ) -> None:
        self._proxies = declared_proxies(proxies)
        self._limits = limits
        self._storage = MemoryStorage()
        self._window = MovingWindowRateLimiter(self._storage)
        self._lock = threading.Lock()

    def take(self, name: str, key: str) -> None:
        """Count one more of these by this key.

        Parameters
        ----------
        name : str
            What is tried, as in `LIMITS`.
        key : str
            By whom: an address, or the id of an account.

        Raises
        ------
        RateLimited
            There were too many; this one does not count.
        """
        with self._lock:
            self._forget_idle()
            if self._window.hit(self._limits[name], name, _hashed(key)):
                return
        raise self._too_many(name, key)

    def forgive(self, name: str, key: str) -> None:
        """Forget what was counted of these by this key, as after a right password."""
        with self._lock:
            self._window.clear(self._limits[name], name, _hashed(key))

    def take_by_address(self, name: str, request: Request) -> None:
        """Count one more of these by the address that a request comes from.

        Raises
        ------
        RateLimited
        """
        self.take(name, counted_as(self.address_of(request)))

    def address_of(self, request: Request) -> str:
        """The address that a request comes from; a proxy is believed only where it is declared."""
        peer = request.client.host if request.client else ""
        return visitor_address(peer, request.headers.getlist("x-forwarded-for"), self._proxies)

    def _too_many(self, name: str, key: str) -> RateLimited:
        free_at = self._window.get_window_stats(self._limits[name], name, _hashed(key)).reset_time
        wait = max(1, math.ceil(free_at - time.time()))
        return RateLimited(
            "That was tried too often in a short time.",
            f"Wait {wait} seconds, then try again.",
            retry_after=wait,
        )

    def _forget_idle(self) -> None:
        # The storage keeps the key of a window that has emptied; strangers must not fill memory.
        events = self._storage.events
        if len(events) >= MOST_KEYS:
            for key in [key for key, kept in list(events.items()) if not kept]:
                events.pop(key, None)
        if len(events) >= MOST_KEYS:
            self._storage.reset()


def _hashed(key: str) -> str:
    # Names and addresses have no business in a table that a dump of memory shows.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
