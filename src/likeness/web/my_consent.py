"""A person's consent: what they said yes to, and to change it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from fastapi.responses import Response

from likeness.consent.notice import current_notice, languages
from likeness.consent_receipts import consent_receipt
from likeness.errors import ConsentRefused, UsageError
from likeness.portal_consent import (
    MAY_WIDEN,
    NothingLeft,
    NotTheirsToSay,
    OwnConsent,
    Speaker,
    change_consent,
    my_consent,
)
from likeness.records.consent import PURPOSES
from likeness.web.access import PERSON, Pages
from likeness.web.errors import status_of
from likeness.web.forms import Filled, Form
from likeness.web.own_pages import OWN, own_file, own_page, own_words
from likeness.web.visit import Here, Visit

pages = Pages()


@pages.show("/my-photos/consent", roles=PERSON, whose=OWN)
def consent(visit: Here) -> Response:
    """What they said yes to."""
    return _page(visit)


@pages.do("/my-photos/consent", roles=PERSON, whose=OWN)
def change(visit: Here, form: Filled) -> Response:
    """More of it, less of it, another end."""
    own = my_consent(visit.house)
    problems = own_words(visit).problems
    try:
        _change(visit, own, form)
    except NothingLeft as error:
        problem, status = problems.nothing_left, status_of(error)
    except NotTheirsToSay as error:
        problem, status = problems.speaker, status_of(error)
    except ConsentRefused as error:
        problem, status = problems.not_recordable, status_of(error)
    except UsageError as error:
        problem, status = problems.nothing_changed, status_of(error)
    else:
        return visit.see_other("/my-photos/consent", said=own_words(visit).consent.saved)
    return _page(visit, problem=problem, status=status)


@pages.show("/my-photos/consent/receipt.json", roles=PERSON, whose=OWN)
def receipt(visit: Here) -> Response:
    """The receipt of the consent that stands or waits, to keep."""
    content = consent_receipt(visit.house, visit.person_id)
    return own_file(content, name="my-consent.json", media_type="application/json")


def _change(visit: Visit, own: OwnConsent, form: Form) -> None:
    if own.consent is None:
        raise ConsentRefused("No consent of yours stands.", "")
    kept = set(form.every("collection"))
    finders = set(form.every("finder"))
    spoken: Speaker = "person"
    if form.text("speaker") == MAY_WIDEN[own.consent.basis]:
        spoken = MAY_WIDEN[own.consent.basis]
    change_consent(
        visit.house,
        purposes=[purpose for purpose in PURPOSES if purpose in form.every("purpose")],
        leave=[one.collection_id for one in own.collections if one.collection_id not in kept],
        without=[
            one.account_id
            for one in own.audience
            if form.checked("finders_shown") and one.account_id not in finders
        ],
        ends_at=_end(form.text("ends_on"), own.consent.ends_at),
        said_by=spoken,
        language=visit.language if visit.language in languages() else "",
        then=visit.parts.tasks.compare_later,
    )


def _end(text: str, before: datetime) -> datetime | None:
    """The end of the day that was typed; None where that is the day that it ends on already."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ConsentRefused("This is no day.", "Choose one.") from None
    if day == before.astimezone(UTC).date():
        return None
    return datetime.combine(day, time(23, 59, 59), tzinfo=UTC)


def _page(visit: Visit, *, problem: str = "", status: int = 200) -> Response:
    own = my_consent(visit.house)
    language = visit.language if visit.language in languages() else "en"
    return own_page(
        visit,
        "my_consent",
        status=status,
        own=own,
        consent=own.consent,
        now=visit.house.clock(),
        speaker=MAY_WIDEN[own.consent.basis] if own.consent else "person",
        notice=current_notice(language),
        problem_told=problem,
    )
