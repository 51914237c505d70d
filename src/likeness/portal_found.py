"""How often a person was found, by organisation and month: what the audit log keeps of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from likeness.house import House
from likeness.portal import acting_person
from likeness.store import audit_log

NOT_RECORDED = ""
"""The organisation of a search that was made before organisations were noted."""


@dataclass(frozen=True, kw_only=True)
class FoundInMonth:
    """How often one organisation's searchers found a person in a month.

    Attributes
    ----------
    month : str
        Such as ``"2026-11"``, in UTC.
    organisation : str
        Who answers for the collections that were searched; empty where that was not recorded.
    times : int
    """

    month: str
    organisation: str
    times: int


@dataclass(frozen=True, kw_only=True)
class Found:
    """How often a person was found.

    Attributes
    ----------
    months : tuple of FoundInMonth
        Newest first; within a month the most frequent first.
    by_themself : int
        Searches of their own for themself, which are not among these.
    """

    months: tuple[FoundInMonth, ...]
    by_themself: int


def found_by_month(house: House) -> Found:
    """How often the person who acts was found.

    A search of collections that several organisations answer for counts once for each.

    Raises
    ------
    Refused
        Where it is an account that acts.
    """
    with house.store.snapshot() as connection:
        own = acting_person(house, connection)
        noted = audit_log.details_of(connection, own.person_id, key=own.key)
    counts: Counter[tuple[str, str]] = Counter()
    themself = 0
    for entry in noted:
        details = entry["details"]
        if "found_by" not in details:
            continue
        if details.get("purpose") == "find_me":
            themself += 1
            continue
        for organisation in details.get("organisations") or [NOT_RECORDED]:
            counts[str(details["at"])[:7], str(organisation)] += 1
    months = [
        FoundInMonth(month=month, organisation=organisation, times=times)
        for (month, organisation), times in counts.items()
    ]
    by_name = sorted(months, key=lambda one: (-one.times, one.organisation))
    return Found(
        months=tuple(sorted(by_name, key=lambda one: one.month, reverse=True)),
        by_themself=themself,
    )
