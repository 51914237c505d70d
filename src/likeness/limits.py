"""How often one account may search: counted in the store, so that every process counts together."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from likeness.errors import RateLimited
from likeness.house import House
from likeness.store.searches import count_search, forget_before

KEPT = timedelta(hours=1)


def count_one_search(house: House, connection: Connection) -> None:
    """Count a search of the acting account in this minute.

    Raises
    ------
    RateLimited
        Where the account has searched as often as it may.
    """
    now = house.clock()
    minute = now.replace(second=0, microsecond=0)
    forget_before(connection, minute - KEPT)
    count = count_search(connection, house.account.account_id, minute)
    if count > house.settings.searches_a_minute:
        raise RateLimited(
            f"This account has searched {house.settings.searches_a_minute} times in this minute.",
            "Wait for the next minute.",
        )
