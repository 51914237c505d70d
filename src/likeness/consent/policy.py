"""What a consent allows. No I/O: records and a time in, evidence out, or :class:`ConsentRefused`.

An empty policy denies: nothing is on by default, and no account, role or setting stands above a
consent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from likeness.errors import ConsentRefused
from likeness.records.consent import Consent, Purpose
from likeness.records.person import PersonDetails

ADULT_AGE = 18
KEEP_EXPIRED_DAYS = 30
"""How long an expired consent waits for a renewal before everything of the person is erased."""

KEEP_WAITING_DAYS = 30
"""How long an enrolment waits for an operator before everything of the person is erased."""


@dataclass(frozen=True, kw_only=True)
class Permission:
    """Evidence that a consent covers one use. Made by :func:`permit` alone.

    Attributes
    ----------
    consent_id, person_id : str
    purpose : Purpose
    collection_id : str
    searcher : str
        Account id of the searcher, or the person's own id for ``find_me``; empty when photos
        arrive.
    checked_at : datetime
    """

    consent_id: str
    person_id: str
    purpose: Purpose
    collection_id: str
    searcher: str
    checked_at: datetime


def permit(
    consent: Consent, *, purpose: Purpose, collection_id: str, searcher: str, now: datetime
) -> Permission:
    """Evidence that ``consent`` covers this purpose, collection and searcher now.

    Parameters
    ----------
    consent : Consent
    purpose : Purpose
    collection_id : str
    searcher : str
        The account that searches (``be_found``) or the person themself (``find_me``).
    now : datetime
        Aware.

    Raises
    ------
    ConsentRefused
        Where any part is not covered.
    """
    # (1) The consent is live: given, begun, and not past its end.
    require_live(consent, now=now)
    # (2) It names this purpose.
    if purpose not in consent.purposes:
        raise ConsentRefused("The consent does not name this purpose.")
    # (3) It names this collection.
    if collection_id not in consent.collections:
        raise ConsentRefused("The consent does not cover this collection.")
    # (4) It names this searcher: an account of its audience, or for find_me the person alone.
    if purpose == "find_me" and searcher != consent.person_id:
        raise ConsentRefused("Only the person may search for themself.")
    if purpose == "be_found" and searcher not in consent.audience:
        raise ConsentRefused("The consent does not name this account.")
    return Permission(
        consent_id=consent.consent_id,
        person_id=consent.person_id,
        purpose=purpose,
        collection_id=collection_id,
        searcher=searcher,
        checked_at=now,
    )


def permit_comparison(consent: Consent, *, collection_id: str, now: datetime) -> Permission:
    """Evidence that photos arriving in a collection may be compared with this person.

    Raises
    ------
    ConsentRefused
        Where neither ``find_me`` nor ``be_found`` is live for the collection.
    """
    require_live(consent, now=now)
    purpose: Purpose = "be_found" if "be_found" in consent.purposes else "find_me"
    if purpose not in consent.purposes:
        raise ConsentRefused("The consent names no purpose for which links are made.")
    if collection_id not in consent.collections:
        raise ConsentRefused("The consent does not cover this collection.")
    return Permission(
        consent_id=consent.consent_id,
        person_id=consent.person_id,
        purpose=purpose,
        collection_id=collection_id,
        searcher="",
        checked_at=now,
    )


def require_live(consent: Consent, *, now: datetime) -> None:
    """Raise :class:`ConsentRefused` unless the consent is given and within its time."""
    if consent.state != "given":
        raise ConsentRefused(f"The consent is {consent.state}.")
    if now < consent.given_at:
        raise ConsentRefused("The consent has not begun.", "Check this machine's clock.")
    if now >= consent.ends_at:
        raise ConsentRefused("The consent has expired.", "Renew it with the person.")


def eighteenth_birthday(birth_date: date) -> datetime:
    """The instant at which a person born on ``birth_date`` turns 18, midnight UTC.

    >>> eighteenth_birthday(date(2008, 2, 29))
    datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    year = birth_date.year + ADULT_AGE
    try:
        day = birth_date.replace(year=year)
    except ValueError:
        day = date(year, 3, 1)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def require_age_fits(consent: Consent, details: PersonDetails, *, now: datetime) -> datetime:
    """Check the basis against the person's age, and say when the consent must end at the latest.

    Returns
    -------
    datetime
        ``consent.ends_at``, or the 18th birthday where that comes first under guardian consent.

    Raises
    ------
    ConsentRefused
        Where no age is recorded or two contradict, a person under 18 has no guardian's consent, an
        adult has one, or a death is missing, does not fit, or is recorded of who consents.
    """
    if details.birth_date is None and not details.is_adult:
        raise ConsentRefused(
            "Neither a birth date nor that the person is 18 or over is recorded.",
            "Give --birth-date YYYY-MM-DD, or --adult.",
        )
    if details.birth_date is not None and details.birth_date > now.date():
        raise ConsentRefused("The birth date is in the future.", "Check the birth date.")
    if consent.basis == "estate":
        _require_estate(details, now=now)
        return consent.ends_at
    if details.estate is not None:
        raise ConsentRefused(
            "Somebody who died does not consent themself.",
            "Use --basis estate, or leave --representative and --died-on out.",
        )
    adult_at = eighteenth_birthday(details.birth_date) if details.birth_date else None
    minor = adult_at is not None and now < adult_at
    if minor and details.is_adult:
        raise ConsentRefused(
            "By the birth date the person is under 18, and they are recorded as an adult.",
            "Check the birth date, or leave --adult out.",
        )
    if consent.basis == "guardian_consent":
        if not minor or adult_at is None:
            raise ConsentRefused(
                "Guardian consent is only for a person under 18, with their birth date.",
                "Ask the person themself: --basis consent.",
            )
        if details.guardian is None or not details.guardian.name.strip():
            raise ConsentRefused("Guardian consent names no guardian.", "Give --guardian NAME.")
        return min(consent.ends_at, adult_at)
    if minor:
        raise ConsentRefused(
            "A person under 18 cannot consent alone here.",
            "Use --basis guardian_consent with --guardian NAME.",
        )
    return consent.ends_at


def _require_estate(details: PersonDetails, *, now: datetime) -> None:
    estate = details.estate
    if estate is None or not estate.representative.strip():
        raise ConsentRefused(
            "An estate's consent needs the representative and the date of death.",
            "Give --representative and --died-on.",
        )
    if estate.died_on > now.date():
        raise ConsentRefused("The date of death is in the future.", "Check --died-on.")
    if details.birth_date is not None and estate.died_on < details.birth_date:
        raise ConsentRefused(
            "The date of death is before the birth date.", "Check --died-on and --birth-date."
        )


def require_recordable(consent: Consent, details: PersonDetails, *, now: datetime) -> datetime:
    """Check a consent before it is recorded; returns when it ends.

    Raises
    ------
    ConsentRefused
        Where a field is missing, is not text, or contradicts another.
    """
    _require_text(consent, details)
    if not details.name.strip():
        raise ConsentRefused("The person has no name.", "Give the name they are known by.")
    if not consent.purposes:
        raise ConsentRefused(
            "The consent names no purpose.", "Give --purpose find_me, be_found or publish."
        )
    if not consent.collections:
        raise ConsentRefused("The consent covers no collection.", "Give --collection NAME.")
    if "be_found" in consent.purposes and not consent.audience:
        raise ConsentRefused(
            "The consent lets somebody be found by nobody.", "Name the accounts with --audience."
        )
    evidence = consent.evidence
    if consent.how_given == "attested" and not evidence.attested_by:
        raise ConsentRefused("An attested consent names no operator.")
    rests = consent.how_given == "attested" or consent.basis == "estate"
    if rests and not (evidence.statement.strip() or evidence.document_sha256):
        kind = "An attested consent" if consent.how_given == "attested" else "An estate's consent"
        raise ConsentRefused(
            f"{kind} needs a statement or a document.",
            "Give --statement TEXT or --document FILE.",
        )
    ends_at = require_age_fits(consent, details, now=now)
    if ends_at <= now:
        raise ConsentRefused("The consent would end before it begins.", "Give a later --expires.")
    return ends_at


def _require_text(consent: Consent, details: PersonDetails) -> None:
    words = [details.name, consent.evidence.statement, consent.evidence.document_sha256]
    if details.guardian is not None:
        words += [details.guardian.name, details.guardian.relation]
    if details.estate is not None:
        words.append(details.estate.representative)
    try:
        "".join(words).encode()
    except UnicodeEncodeError:
        raise ConsentRefused(
            "A name or a statement holds characters that are not valid text.",
            "Type it again in a terminal that uses UTF-8.",
        ) from None


def who_may_withdraw(consent: Consent) -> frozenset[str]:
    """Who may ask that a consent be withdrawn, as in :func:`require_may_withdraw`."""
    return {
        "consent": frozenset({"person", "operator"}),
        "guardian_consent": frozenset({"person", "guardian"}),
        "estate": frozenset({"representative", "operator"}),
    }[consent.basis]


def require_may_withdraw(consent: Consent, *, requested_by: str) -> None:
    """Check who asks for a withdrawal.

    Parameters
    ----------
    consent : Consent
    requested_by : str
        ``"person"``, ``"guardian"``, ``"representative"`` or ``"operator"``.

    Raises
    ------
    ConsentRefused
        Guardian consent is withdrawn by the child or the guardian alone; a guardian withdraws no
        other, and a representative only an estate's.
    """
    allowed = who_may_withdraw(consent)
    if requested_by not in allowed:
        raise ConsentRefused(
            f"A {consent.basis} is not withdrawn by the {requested_by}.",
            f"Say who asks: {' or '.join(sorted(allowed))}.",
        )


def kept_until(consent: Consent) -> datetime:
    """Until when what rests on a consent is kept, unless it is renewed or approved before."""
    if consent.state == "given":
        # A consent may be given for as long as dates go.
        last = datetime.max.replace(tzinfo=UTC) - timedelta(days=KEEP_EXPIRED_DAYS)
        return min(consent.ends_at, last) + timedelta(days=KEEP_EXPIRED_DAYS)
    if consent.state == "waiting":
        return consent.given_at + timedelta(days=KEEP_WAITING_DAYS)
    return consent.given_at


def live(consents: Iterable[Consent], *, now: datetime) -> tuple[Consent, ...]:
    """Those consents that are live now."""
    return tuple(c for c in consents if c.state == "given" and c.given_at <= now < c.ends_at)
