"""How often the same visitor may try something. Counted in memory: a new start counts anew."""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from fastapi import Request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from likeness.errors import RateLimited
from likeness.store.collections import tidy_name
from likeness.web.addresses import counted_as, declared_proxies, visitor_address

LIMITS: Final[Mapping[str, RateLimitItem]] = MappingProxyType(
    {
        # Somebody who mistypes tries a few times; ten a minute is still 14,400 guesses a day, which
        # is nothing against twelve characters that are not on the list of common ones.
        "sign_in": RateLimitItemPerMinute(10),
        # Tries at one password from one address, or in one session; a right one starts anew.
        "password": RateLimitItemPerMinute(5),
        # Tries under one name from all addresses together: at most 144,000 guesses a day. Whoever
        # wants to keep somebody out by wrong passwords has to go on from twenty addresses at least.
        "name": RateLimitItemPerMinute(100),
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
"""How many visitors are remembered; whoever tried something longest ago is forgotten before more.

To be forgotten within their minute, somebody has to try from 50,000 other addresses in between.
"""


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
        self._latest: OrderedDict[tuple[str, str], None] = OrderedDict()

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
        hashed = _hashed(key)
        with self._lock:
            self._remember(name, hashed)
            if self._window.hit(self._limits[name], name, hashed):
                return
        raise self._too_many(name, hashed)

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
        self.take(name, self._counted(request))

    def take_sign_in(self, name: str, request: Request) -> None:
        """Count one more try to sign in under a name.

        Each address has its own few, so that whoever keeps trying under somebody's name from
        elsewhere does not keep them out; all together have a number that makes guessing slow.

        Raises
        ------
        RateLimited
        """
        self.take_by_address("sign_in", request)
        self.take("password", self._name_there(name, request))
        self.take("name", _same(name))

    def forgive_sign_in(self, name: str, request: Request) -> None:
        """Forget what was tried under a name from one address, as after the right password."""
        self.forgive("password", self._name_there(name, request))

    def address_of(self, request: Request) -> str:
        """The address that a request comes from; a proxy is believed only where it is declared."""
        peer = request.client.host if request.client else ""
        return visitor_address(peer, request.headers.getlist("x-forwarded-for"), self._proxies)

    def _too_many(self, name: str, hashed: str) -> RateLimited:
        free_at = self._window.get_window_stats(self._limits[name], name, hashed).reset_time
        wait = max(1, math.ceil(free_at - time.time()))
        return RateLimited(
            "That was tried too often in a short time.",
            f"Wait {wait} seconds, then try again.",
            retry_after=wait,
        )

    def _counted(self, request: Request) -> str:
        return counted_as(self.address_of(request))

    def _name_there(self, name: str, request: Request) -> str:
        return f"{self._counted(request)}\n{_same(name)}"

    def _remember(self, name: str, hashed: str) -> None:
        # The storage keeps what has emptied too; strangers must not fill memory.
        self._latest[name, hashed] = None
        self._latest.move_to_end((name, hashed))
        if len(self._latest) > MOST_KEYS:
            (oldest, whose), _ = self._latest.popitem(last=False)
            self._window.clear(self._limits[oldest], oldest, whose)


def _same(name: str) -> str:
    # However somebody types it: to the store these are one name, or none.
    return tidy_name(name).casefold()


def _hashed(key: str) -> str:
    # Names and addresses have no business in a table that a dump of memory shows.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
