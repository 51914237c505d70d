"""What somebody said yes to, changed: less of it, for longer, or no more at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Final

from fastapi.responses import Response

from likeness import desk, renewal, withdraw
from likeness.consent.policy import who_may_withdraw
from likeness.errors import LikenessError, NotFound, Refused, UsageError
from likeness.web.access import OPERATORS, Pages
from likeness.web.errors import status_of
from likeness.web.forms import Filled
from likeness.web.people import REACHABLE, person_page
from likeness.web.visit import Here, Visit

pages = Pages()

ASKING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "person": "The person",
        "guardian": "Their guardian",
        "representative": "Who speaks for the estate",
        "operator": "Nobody: you withdraw them on your own account",
    }
)


@pages.do("/people/{person_id}/narrow", roles=OPERATORS, whose=REACHABLE)
def narrow(visit: Here, person_id: str, form: Filled) -> Response:
    """Take purposes, collections or accounts out of a consent."""
    try:
        renewal.narrow(
            visit.house,
            person_id,
            drop_purposes=form.every("purpose"),
            drop_collections=form.every("collection"),
            drop_accounts=form.every("account"),
        )
    except (UsageError, Refused) as error:
        return person_page(visit, person_id, error=error)
    return visit.see_other(_back(visit, person_id), said="The consent covers less from now on.")


@pages.do("/people/{person_id}/renew", roles=OPERATORS, whose=REACHABLE)
def renew(visit: Here, person_id: str, form: Filled) -> Response:
    """Record that they said yes again, attested by this account."""
    try:
        renewal.renew(
            visit.house,
            person_id,
            expires_at=end_of_day(form.text("expires")),
            statement=form.text("statement"),
        )
    except (UsageError, Refused) as error:
        typed = {"expires": form.text("expires"), "statement": form.text("statement")}
        return person_page(visit, person_id, error=error, typed=typed)
    return visit.see_other(_back(visit, person_id), said="The consent is renewed.")


@pages.show("/people/{person_id}/withdraw", roles=OPERATORS, whose=REACHABLE)
def ask_to_withdraw(visit: Here, person_id: str) -> Response:
    """What a withdrawal does, and who asks for it."""
    return _asking(visit, person_id)


@pages.do("/people/{person_id}/withdraw", roles=OPERATORS, whose=REACHABLE)
def withdraw_person(visit: Here, person_id: str, form: Filled) -> Response:
    """Stop, erase, and show the receipt."""
    asked_by = form.text("requested_by")
    try:
        if asked_by not in ASKING:
            raise UsageError("Nothing says who asks.", "Say who asks for it.")
        if not form.checked("sure"):
            raise UsageError("It was not confirmed.", "Tick that it cannot be undone.")
        done = withdraw.withdraw(visit.house, person_id, requested_by=asked_by)
    except (UsageError, Refused) as error:
        return _asking(visit, person_id, error=error)
    return visit.page("person_withdrawn", serials=[done.serial, *(o.serial for o in done.others)])


def end_of_day(text: str) -> datetime:
    """The moment at which a day ends, in UTC: a consent holds through its last day.

    Raises
    ------
    UsageError
        It is no day.

    >>> end_of_day("2031-12-31").isoformat()
    '2032-01-01T00:00:00+00:00'
    """
    try:
        following = date.fromisoformat(text) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise UsageError("The last day is missing.", "Give it as YYYY-MM-DD.") from None
    return datetime.combine(following, time(), tzinfo=UTC)


def _asking(visit: Visit, person_id: str, *, error: LikenessError | None = None) -> Response:
    consents = renewal.consents_of_person(visit.house, person_id)
    standing = [c for c in consents if c.state == "given"]
    try:
        seen, photos = desk.show_person(visit.house, person_id)
    except NotFound:
        seen, photos = None, []
    allowed = set(ASKING).intersection(*(who_may_withdraw(c) for c in standing))
    return visit.page(
        "person_withdraw",
        status=status_of(error) if error else 200,
        error=error,
        person_id=person_id,
        seen=seen,
        photos=len(photos),
        asking=[(word, text) for word, text in ASKING.items() if word in allowed],
    )


def _back(visit: Visit, person_id: str) -> str:
    """Their page, as long as the account may still see it."""
    try:
        renewal.consents_of_person(visit.house, person_id)
    except NotFound:
        return "/people"
    return f"/people/{person_id}"
