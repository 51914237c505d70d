"""Enrol somebody by photos, with a consent that the account attests; nothing of it is assumed."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from typing import Final, cast

from fastapi.responses import Response

from likeness import enrol
from likeness.enrolling import Enrolled
from likeness.errors import AlreadyEnrolled, LikenessError, UsageError
from likeness.house import ProgressListener
from likeness.records.consent import Basis, ConsentGiven, Purpose
from likeness.records.person import Estate, Guardian
from likeness.store import collections as collection_rows
from likeness.web.access import OPERATORS, Pages
from likeness.web.errors import status_of
from likeness.web.forms import PHOTO, Filled, Form
from likeness.web.people_consents import end_of_day
from likeness.web.visit import Here, Visit

pages = Pages()

WHOSE: Final = "somebody who said yes to this account"
SECONDS: Final = 25.0
"""How long the browser waits here; what takes longer goes on as a task."""

TYPED: Final = (
    "name",
    "basis",
    "birth_date",
    "guardian",
    "relation",
    "representative",
    "died_on",
    "statement",
    "expires",
)


@pages.show("/people/enrol", roles=OPERATORS, whose=WHOSE)
def enrol_form(visit: Here) -> Response:
    """The form."""
    return _page(visit, Form())


@pages.do("/people/enrol", roles=OPERATORS, whose=WHOSE, most=PHOTO)
def enrol_person(visit: Here, form: Filled) -> Response:
    """Enrol them, then compare the photos that are held with them."""
    house, photos = visit.house, form.files("photos")
    try:
        given = _given(form)
        if not photos:
            raise UsageError("There is no photo of them.", "Choose at least one.")
    except UsageError as error:
        return _page(visit, form, error=error)
    went_wrong: list[LikenessError] = []

    def work(progress: ProgressListener) -> Enrolled:
        try:
            return enrol.enrol(
                house,
                form.text("name"),
                photos,
                consent=given,
                different_person=form.checked("different"),
                progress=progress,
            )
        except LikenessError as error:
            went_wrong.append(error)
            raise

    task = visit.parts.tasks.start(
        visit, title="Enrolling", work=work, done=lambda made: f"/people/{made.person_id}"
    )
    account_id = visit.account.account_id
    task = visit.parts.tasks.wait(task.task_id, account_id=account_id, seconds=SECONDS)
    if went_wrong:
        return _page(visit, form, error=went_wrong[0])
    return visit.see_other(f"/tasks/{task.task_id}")


def _given(form: Form) -> ConsentGiven:
    """What they said yes to, as the form says.

    Raises
    ------
    UsageError
    """
    document = form.file("document")
    expires = form.text("expires")
    return ConsentGiven(
        purposes=frozenset(cast("tuple[Purpose, ...]", form.every("purpose"))),
        collections=frozenset(form.every("collection")),
        basis=cast("Basis", form.text("basis")),
        how_given="attested",
        statement=form.text("statement"),
        document_sha256=sha256(document).hexdigest() if document else "",
        birth_date=_day(form.text("birth_date"), "The birth date"),
        is_adult=form.checked("adult"),
        guardian=_guardian(form),
        estate=_estate(form),
        expires_at=end_of_day(expires) if expires else None,
    )


def _guardian(form: Form) -> Guardian | None:
    name = form.text("guardian")
    return Guardian(name=name, relation=form.text("relation")) if name else None


def _estate(form: Form) -> Estate | None:
    representative, died_on = form.text("representative"), form.text("died_on")
    if not representative and not died_on:
        return None
    day = _day(died_on, "The day of death")
    if day is None or not representative:
        raise UsageError(
            "An estate needs its representative and the day of death.", "Give both, or neither."
        )
    return Estate(representative=representative, died_on=day)


def _day(text: str, what: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{what} is not a day.", "Give it as YYYY-MM-DD.") from None


def _page(visit: Visit, form: Form, *, error: LikenessError | None = None) -> Response:
    with visit.house.store.snapshot() as connection:
        collections = collection_rows.collections_for(
            connection, visit.account.account_id, name=None
        )
    return visit.page(
        "people_enrol",
        status=status_of(error) if error else 200,
        error=error,
        alike=error.person_id if isinstance(error, AlreadyEnrolled) else "",
        typed={name: form.text(name) for name in TYPED},
        ticked={name: form.every(name) for name in ("purpose", "collection", "adult")},
        collections=[collection.name for collection in collections],
    )
