"""A consent: what one person said yes to, as a record with the fields of ISO/IEC TS 27560."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args

from likeness.errors import UsageError
from likeness.records.person import Estate, Guardian

Purpose = Literal["find_me", "be_found", "publish"]
Basis = Literal["consent", "guardian_consent", "estate"]
HowGiven = Literal["self", "attested"]
ConsentState = Literal["waiting", "given", "superseded", "withdrawn"]
"""A consent that waits was given, and is of no effect until an operator approves it."""


PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
BASES: tuple[Basis, ...] = get_args(Basis)
WAYS_GIVEN: tuple[HowGiven, ...] = get_args(HowGiven)
COMPARED_AT_INGEST: frozenset[Purpose] = frozenset({"find_me", "be_found"})
"""Purposes for which links are made when photos arrive. Publishing checks compare on their own."""

RECORD_SCHEMA = "ISO/IEC TS 27560:2023"


def known_purposes(words: Collection[str]) -> frozenset[Purpose]:
    """The purposes that words name.

    Raises
    ------
    UsageError
        One of them names none.
    """
    chosen = frozenset(purpose for purpose in PURPOSES if purpose in words)
    unknown = sorted(set(words) - chosen)
    if unknown:
        raise UsageError(f"There is no purpose {unknown[0]!r}.", f"Use {', '.join(PURPOSES)}.")
    return chosen


def require_aware(ends_at: datetime | None) -> None:
    """Check that the end of a consent, where one is given, has a time zone.

    Raises
    ------
    UsageError
    """
    if ends_at is not None and ends_at.tzinfo is None:
        raise UsageError("The expiry has no time zone.", "Give an aware time.")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What an attested consent, a guardian or an estate rests on.

    Attributes
    ----------
    statement : str
        What the operator states about how the consent was given; may be empty.
    document_sha256 : str
        SHA-256 in hex of a signed document that is kept elsewhere; may be empty.
    attested_by : str
        Id of the account that attests; empty where the person gave the consent alone.
    """

    statement: str = ""
    document_sha256: str = ""
    attested_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Consent:
    """One consent record (ISO/IEC TS 27560:2023, clause 6).

    Attributes
    ----------
    consent_id : str
        Record identifier.
    person_id : str
        The PII principal, by opaque id.
    controller : str
        Who answers for the collections named.
    purposes : frozenset of Purpose
    collections : frozenset of str
        Ids of the collections that it covers.
    audience : frozenset of str
        Ids of the accounts that may find the person (``be_found``).
    basis : Basis
    how_given : HowGiven
    evidence : Evidence
    recorded_by : str
        Id of the account through which it was recorded; may be empty.
    notice_version, notice_sha256, notice_language : str
        Which wording the person was shown.
    given_at : datetime
        Aware.
    ends_at : datetime
        Aware; the earlier of the agreed expiry and, for guardian consent, the 18th birthday.
    state : ConsentState
    """

    consent_id: str
    person_id: str
    controller: str
    purposes: frozenset[Purpose]
    collections: frozenset[str]
    audience: frozenset[str]
    basis: Basis
    how_given: HowGiven
    evidence: Evidence
    recorded_by: str
    notice_version: str
    notice_sha256: str
    notice_language: str
    given_at: datetime
    ends_at: datetime
    state: ConsentState


@dataclass(frozen=True, kw_only=True)
class ConsentGiven:
    """What a person says yes to, as stated by whoever records it. No default allows anything.

    Attributes
    ----------
    purposes : frozenset of Purpose
    collections : frozenset of str
        Names.
    basis : Basis
    how_given : HowGiven
    audience : frozenset of str or None
        Names of accounts; None means those named for the collections today.
    statement, document_sha256 : str
        What an attested consent rests on.
    birth_date : date or None
    is_adult : bool
        Recorded "is 18 or over", where no birth date is.
    guardian : Guardian or None
    estate : Estate or None
    expires_at : datetime or None
        Aware; None means two years from now.
    language : str
        Of the notice that was shown.
    """

    purposes: frozenset[Purpose]
    collections: frozenset[str]
    basis: Basis
    how_given: HowGiven
    audience: frozenset[str] | None = None
    statement: str = ""
    document_sha256: str = ""
    birth_date: date | None = None
    is_adult: bool = False
    guardian: Guardian | None = None
    estate: Estate | None = None
    expires_at: datetime | None = None
    language: str = "en"
