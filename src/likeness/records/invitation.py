"""An invitation to enrol: what somebody may say yes to by one link, once, until it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from likeness.records.consent import Purpose
from likeness.records.person import Guardian

InvitationState = Literal["open", "waiting", "done", "declined", "revoked"]
"""Open until it is used or revoked; waiting for an operator; done when the enrolment stands, or the
person took it back; declined by an operator."""


@dataclass(frozen=True, kw_only=True)
class InvitationTerms:
    """What an invitation is bound to.

    Attributes
    ----------
    collections : frozenset of str
        Ids.
    purposes : frozenset of Purpose
        Those that may be chosen from.
    needs_approval : bool
        Whether an operator has to agree before the enrolment has any effect.
    language : str
        Of the page that the link leads to at first.
    """

    collections: frozenset[str]
    purposes: frozenset[Purpose]
    needs_approval: bool
    language: str


@dataclass(frozen=True, kw_only=True)
class InvitationRecord:
    """An invitation as it is kept. Of its secret there is only a hash.

    Attributes
    ----------
    invitation_id, created_by : str
    created_at, expires_at : datetime
        Aware.
    state : InvitationState
    terms : InvitationTerms
    person_id : str
        Who enrolled by it; empty before, and after they were erased.
    taken_at : datetime or None
        When they did.
    sealed_label : bytes
        For whom it is, under the key of the account that made it, and of the person who enrolled
        by it where somebody did; empty where there is none.
    """

    invitation_id: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    state: InvitationState
    terms: InvitationTerms
    person_id: str
    taken_at: datetime | None
    sealed_label: bytes

    def open_at(self, now: datetime) -> bool:
        """Whether somebody may still enrol by it."""
        return self.state == "open" and now < self.expires_at


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What somebody says of themself, and says yes to, by an invitation.

    Attributes
    ----------
    name : str
    purposes : frozenset of Purpose
        Those that they chose of what the invitation offers.
    birth_date : date or None
    is_adult : bool
        "18 or over", where no birth date is given.
    guardian : Guardian or None
        Who says yes for a person under 18.
    language : str
        Of the notice that was shown.
    audience : frozenset of str or None
        Ids of the accounts that the person was shown; None means those of today. Who joined since
        then is left out.
    expires_at : datetime or None
        Aware; None means two years from now.
    """

    name: str
    purposes: frozenset[Purpose]
    birth_date: date | None = None
    is_adult: bool = False
    guardian: Guardian | None = None
    language: str = "en"
    audience: frozenset[str] | None = None
    expires_at: datetime | None = None
