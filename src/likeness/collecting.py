"""Change what holds in a collection: why it is held, for how long, and whether searches say why."""

from __future__ import annotations

from dataclasses import replace

from likeness.errors import UsageError
from likeness.house import House
from likeness.records.collection import Collection, require_days
from likeness.store import collections as collection_rows
from likeness.store import retention

STAYS = 0
"""``retention_days`` that lifts a rule: photos stay."""


def change_collection(
    house: House,
    name: str,
    *,
    purpose_text: str | None = None,
    retention_days: int | None = None,
    ask_purpose: bool | None = None,
) -> Collection:
    """Change some of a collection's rules; what is None stays as it is.

    A shorter rule takes photos out when rules are next applied: hourly by a server, or by
    ``likeness retention apply``. Lifting a rule lets what went by it be added again; what a rule
    has deleted is gone.

    Parameters
    ----------
    name : str
    purpose_text : str, optional
        Why the photos are held, in the controller's words. Consents that were given name the
        collection and not this text: what it says must still be what people said yes to.
    retention_days : int, optional
        Photos go this many days after they were added; `STAYS` lets them stay.
    ask_purpose : bool, optional
        Whether whoever searches has to say what for.

    Raises
    ------
    NotFound
        There is no such collection.
    UsageError
        Nothing would change, or the rule is no number of days.
    """
    if retention_days is not None and retention_days != STAYS:
        require_days(retention_days)
    with house.transaction() as connection:
        before = collection_rows.collection_named(connection, name)
        after = before
        if purpose_text is not None:
            after = replace(after, purpose_text=purpose_text.strip())
        if retention_days is not None:
            after = replace(after, retention_days=retention_days or None)
        if ask_purpose is not None:
            after = replace(after, ask_purpose=ask_purpose)
        if after == before:
            raise UsageError("The collection stays as it was.", "Say what to change.")
        collection_rows.set_rules(
            connection,
            before.collection_id,
            purpose_text=after.purpose_text,
            retention_days=after.retention_days,
            ask_purpose=after.ask_purpose,
        )
        if after.retention_days is None and before.retention_days is not None:
            retention.forget_marks(connection, before.collection_id)
        house.audit_deed(
            connection,
            kind="collection",
            details={
                "did": "change",
                "collection": before.collection_id,
                "purpose_text": after.purpose_text,
                "retention_days": after.retention_days,
                "retention_days_before": before.retention_days,
                "ask_purpose": after.ask_purpose,
            },
        )
    return after
