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

    A shorter rule takes photos out when rules are next applied. Lifting one lets what went by it be
    added again; what it deleted is gone.

    Parameters
    ----------
    name : str
    purpose_text : str, optional
        Why the photos are held. It must still be what people said yes to: consents that were given
        do not change with it.
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
        after = _changed(before, purpose_text, retention_days, ask_purpose)
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


def _changed(
    before: Collection,
    purpose_text: str | None,
    retention_days: int | None,
    ask_purpose: bool | None,
) -> Collection:
    return replace(
        before,
        purpose_text=before.purpose_text if purpose_text is None else purpose_text.strip(),
        retention_days=before.retention_days if retention_days is None else retention_days or None,
        ask_purpose=before.ask_purpose if ask_purpose is None else ask_purpose,
    )
