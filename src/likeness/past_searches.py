"""Past searches of the acting account: when, and what for. Never photos, nor who was found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from likeness.house import House
from likeness.store import audit_log

MOST_LISTED = 200


@dataclass(frozen=True, kw_only=True)
class PastSearch:
    """One search as its searcher sees it afterwards.

    Attributes
    ----------
    at : datetime
        Aware.
    purpose : str
        ``"be_found"``, or ``"find_me"`` for a person who searched for themself.
    stated_purpose : str
        What for, in the searcher's words; may be empty.
    """

    at: datetime
    purpose: str
    stated_purpose: str


def past_searches(house: House, *, limit: int = MOST_LISTED) -> list[PastSearch]:
    """The latest searches of the acting account, newest first; nobody else can read them."""
    key = house.keyring.key(house.account.account_id)
    with house.store.snapshot() as connection:
        kept = audit_log.latest_details(
            connection, house.account.account_id, key=key, kind="search_intent", limit=limit
        )
    return [
        PastSearch(
            at=datetime.fromisoformat(details["at"]),
            purpose=details["purpose"],
            stated_purpose=details.get("stated_purpose", ""),
        )
        for details in kept
    ]
