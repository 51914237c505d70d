"""A person changes their own consent: more of it, less of it, another end.

They are at hand themself, or who speaks for them: what is recorded was given so, under the notice
as it stands now.
"""

from __future__ import annotations

from collections.abc import Collection as AnyOf
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Literal, get_args

from sqlalchemy import Connection

from likeness.consent.notice import current_notice
from likeness.errors import ConsentRefused, UsageError
from likeness.house import House, new_id
from likeness.portal import acting_person
from likeness.records.collection import Account, Collection
from likeness.records.consent import (
    COMPARED_AT_INGEST,
    Basis,
    Consent,
    Evidence,
    known_purposes,
    require_aware,
)
from likeness.renewal import consent_that_stands, forget_uncovered, replace_consent
from likeness.rescan import Then, rescan_where_possible
from likeness.store import collections as collection_rows
from likeness.store import people

Speaker = Literal["person", "guardian", "representative"]
"""Who says it: the person, or who speaks for them by their consent's basis."""

MAY_WIDEN: Mapping[Basis, Speaker] = MappingProxyType(
    {"consent": "person", "guardian_consent": "guardian", "estate": "representative"}
)
"""Who alone can say yes to more, by the basis of a consent."""


class NothingLeft(ConsentRefused):
    """A change would leave nothing of a consent: that is a withdrawal."""


class NotTheirsToSay(ConsentRefused):
    """Whoever says yes to more is not the one who can."""


@dataclass(frozen=True, kw_only=True)
class OwnConsent:
    """What a person said yes to, in names.

    Attributes
    ----------
    consent : Consent or None
        The one that stands or waits to be approved; None where there is neither.
    collections : tuple of Collection
        Those that it covers.
    audience : tuple of Account
        Who may find them.
    would_find : tuple of Account
        Who might if they said yes to being found today.
    """

    consent: Consent | None
    collections: tuple[Collection, ...] = ()
    audience: tuple[Account, ...] = ()
    would_find: tuple[Account, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether an operator has yet to approve it."""
        return self.consent is not None and self.consent.state == "waiting"


def my_consent(house: House) -> OwnConsent:
    """What the person who acts said yes to.

    Raises
    ------
    Refused
        Where it is an account that acts.
    """
    with house.store.snapshot() as connection:
        own = acting_person(house, connection)
        given = people.consents_of(connection, own.person_id, key=own.key)
        standing = [c for c in given if c.state == "given"]
        waiting = [c for c in given if c.state == "waiting"]
        if not standing and not waiting:
            return OwnConsent(consent=None)
        consent = (standing or waiting)[-1]
        covered = _covered(connection, consent)
        allowed = _may_search(covered)
        accounts = collection_rows.all_accounts(connection)
    return OwnConsent(
        consent=consent,
        collections=tuple(covered),
        audience=tuple(a for a in accounts if a.account_id in consent.audience),
        would_find=tuple(a for a in accounts if a.account_id in allowed),
    )


def change_consent(
    house: House,
    *,
    purposes: AnyOf[str] | None = None,
    leave: AnyOf[str] = (),
    without: AnyOf[str] = (),
    ends_at: datetime | None = None,
    said_by: Speaker = "person",
    language: str = "",
    then: Then = rescan_where_possible,
) -> Consent:
    """Put another consent in the place of the one that stands.

    Parameters
    ----------
    purposes : collection of str, optional
        All that the person says yes to from now on; as before where absent. Being found anew lets
        find them who may search these collections today.
    leave : collection of str
        Ids of collections that it shall no longer cover.
    without : collection of str
        Ids of accounts that shall no longer find them.
    ends_at : datetime, optional
        Aware.
    said_by : Speaker
        More than before is said by the person alone, or for a child by the guardian and for an
        estate by its representative.
    language : str
        Of the notice that was shown.

    Raises
    ------
    ConsentRefused
        Where none stands, nothing would be left, whoever says it may not, or it cannot be recorded.
    UsageError
        Where nothing would change, or a word is unknown.
    Refused
    """
    _require_words(purposes, ends_at, said_by)
    with house.transaction() as connection:
        own = acting_person(house, connection)
        old = consent_that_stands(house, connection, own.person_id)
        new = _changed(connection, old, purposes, leave, without, ends_at)
        _require_some_change(old, new)
        if _is_more(old, new) and said_by != MAY_WIDEN[old.basis]:
            raise NotTheirsToSay(
                f"More than before is said by the {MAY_WIDEN[old.basis]} alone.",
                "Ask them to say it here.",
            )
        said = _said_now(new, at=house.clock(), language=language or old.notice_language)
        kept = replace_consent(house, connection, old, said, did="change")
        if _lets_go(old, kept):
            forget_uncovered(connection, kept)
    house.store.overwrite_deleted()
    then(house)
    return kept


def _said_now(consent: Consent, *, at: datetime, language: str) -> Consent:
    """The same as said at first hand now, under the newest notice."""
    notice = current_notice(language)
    # An estate rests on its document still; nobody attests what is said at first hand.
    estate = consent.basis == "estate"
    return replace(
        consent,
        consent_id=new_id("c"),
        how_given="self",
        evidence=replace(consent.evidence, attested_by="") if estate else Evidence(),
        recorded_by="",
        notice_version=notice.version,
        notice_sha256=notice.sha256,
        notice_language=notice.language,
        given_at=at,
    )


def _changed(
    connection: Connection,
    old: Consent,
    purposes: AnyOf[str] | None,
    leave: AnyOf[str],
    without: AnyOf[str],
    ends_at: datetime | None,
) -> Consent:
    chosen = old.purposes if purposes is None else known_purposes(purposes)
    new = replace(
        old,
        purposes=chosen,
        collections=old.collections - frozenset(leave),
        ends_at=ends_at or old.ends_at,
    )
    covered = _covered(connection, new)
    if not new.purposes or not covered:
        raise NothingLeft(
            "Nothing would be left of this consent.", "Withdraw it, if that is what you want."
        )
    allowed = _may_search(covered)
    audience = old.audience
    if "be_found" not in chosen:
        audience = frozenset()
    elif "be_found" not in old.purposes:
        audience = allowed
    if leave:
        # Who may search only what was left has nobody to find.
        audience &= allowed
    return replace(
        new,
        audience=audience - frozenset(without),
        controller="; ".join(sorted({c.controller for c in covered})),
    )


def _covered(connection: Connection, consent: Consent) -> list[Collection]:
    return [
        collection
        for collection in collection_rows.all_collections(connection)
        if collection.collection_id in consent.collections
    ]


def _may_search(collections: Sequence[Collection]) -> frozenset[str]:
    return frozenset[str]().union(*(collection.audience for collection in collections))


def _is_more(old: Consent, new: Consent) -> bool:
    return (
        not new.purposes <= old.purposes
        or not new.audience <= old.audience
        or new.ends_at > old.ends_at
    )


def _lets_go(old: Consent, new: Consent) -> bool:
    """Whether links were allowed somewhere that no longer are."""
    linked = bool(old.purposes & COMPARED_AT_INGEST)
    still = bool(new.purposes & COMPARED_AT_INGEST) and old.collections <= new.collections
    return linked and not still


def _require_some_change(old: Consent, new: Consent) -> None:
    if replace(new, controller=old.controller) == old:
        raise UsageError(
            "This is what you have said yes to already.", "Change something first, or leave it so."
        )


def _require_words(purposes: AnyOf[str] | None, ends_at: datetime | None, said_by: Speaker) -> None:
    known_purposes(purposes or ())
    require_aware(ends_at)
    if said_by not in get_args(Speaker):
        raise UsageError("Nobody speaks so.", f"Use {', '.join(get_args(Speaker))}.")
