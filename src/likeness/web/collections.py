"""Collections: who may search each, why it is held, and for how long its photos stay."""

from __future__ import annotations

from typing import Final

from fastapi.responses import Response

from likeness.collecting import STAYS
from likeness.errors import LikenessError, NotFound, UsageError
from likeness.records.collection import Collection
from likeness.retention import count_due
from likeness.source_runs import photos_held
from likeness.web.access import OPERATORS, Pages
from likeness.web.errors import status_of
from likeness.web.forms import Filled, Form
from likeness.web.visit import Here, Visit

pages = Pages()

EVERY: Final = "every collection: its rules and audience, and how many photos it holds"
ONE: Final = "one collection: its rules and audience, and how many photos it holds"


@pages.show("/collections", roles=OPERATORS, whose=EVERY)
def collections(visit: Here) -> Response:
    """Every collection, and a form for another."""
    return _list(visit)


@pages.do("/collections", roles=OPERATORS, whose=EVERY)
def create_collection(visit: Here, form: Filled) -> Response:
    """Add a collection."""
    try:
        made = visit.library.create_collection(
            form.text("name"),
            controller=form.text("controller"),
            purpose_text=form.text("purpose_text"),
            audience=form.every("audience"),
            retention_days=_days(form) or None,
            ask_purpose=form.checked("ask_purpose"),
        )
    except UsageError as error:
        return _list(visit, error=error, form=form)
    return visit.see_other(f"/collections/{made.collection_id}", said="The collection is made.")


@pages.show("/collections/{collection_id}", roles=OPERATORS, whose=ONE)
def collection(visit: Here, collection_id: str) -> Response:
    """One collection."""
    return _page(visit, _of(visit, collection_id))


@pages.do("/collections/{collection_id}/rules", roles=OPERATORS, whose=ONE)
def change_rules(visit: Here, collection_id: str, form: Filled) -> Response:
    """Change why it is held, for how long, and whether searches say why."""
    known = _of(visit, collection_id)
    try:
        days = _days(form)
        due = count_due(visit.house, known.name, retention_days=days) if days else 0
        if due and days != known.retention_days and not form.checked("sure"):
            return _page(visit, known, due=due, form=form)
        visit.library.change_collection(
            known.name,
            purpose_text=form.text("purpose_text"),
            retention_days=days,
            ask_purpose=form.checked("ask_purpose"),
        )
    except UsageError as error:
        return _page(visit, known, error=error, form=form)
    return visit.see_other(f"/collections/{collection_id}", said="The rules are changed.")


@pages.do("/collections/{collection_id}/audience", roles=OPERATORS, whose=ONE)
def change_audience(visit: Here, collection_id: str, form: Filled) -> Response:
    """Say which accounts may search it."""
    known = _of(visit, collection_id)
    names = _names(visit)
    before = {name for account_id, name in names.items() if account_id in known.audience}
    after = set(form.every("audience"))
    if before == after:
        return visit.see_other(f"/collections/{collection_id}", said="Nothing was changed.")
    visit.library.set_audience(known.name, add=sorted(after - before), drop=sorted(before - after))
    return visit.see_other(f"/collections/{collection_id}", said="The audience is changed.")


def _list(
    visit: Visit, *, error: LikenessError | None = None, form: Form | None = None
) -> Response:
    return visit.page(
        "collections",
        status=status_of(error) if error else 200,
        error=error,
        form=form or Form(fields=(("audience", visit.account.name),)),
        collections=visit.library.collections(),
        photos=photos_held(visit.house),
        names=_names(visit),
    )


def _page(
    visit: Visit,
    known: Collection,
    *,
    error: LikenessError | None = None,
    due: int = 0,
    form: Form | None = None,
) -> Response:
    return visit.page(
        "collection",
        status=status_of(error) if error else 200,
        error=error,
        due=due,
        form=form,
        collection=known,
        photos=photos_held(visit.house).get(known.collection_id, 0),
        names=_names(visit),
    )


def _names(visit: Visit) -> dict[str, str]:
    """Accounts that may sign in, by id."""
    return {a.account_id: a.name for a in visit.library.accounts() if a.active}


def _of(visit: Visit, collection_id: str) -> Collection:
    for known in visit.library.collections():
        if known.collection_id == collection_id:
            return known
    raise NotFound("There is no such collection.", "See the list of collections.")


def _days(form: Form) -> int:
    """For how many days photos are kept, as the form says; `STAYS` where they stay."""
    if form.text("keep") != "days":
        return STAYS
    try:
        days = int(form.text("retention_days"))
    except ValueError:
        raise UsageError("That is no number of days.", "Write it in digits, such as 365.") from None
    if days == STAYS:
        raise UsageError("Photos cannot be kept for 0 days.", "Give 1 day or more.")
    return days
