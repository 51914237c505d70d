"""A person's references: see them, add better ones, drop one."""

from __future__ import annotations

from fastapi.responses import Response

from likeness.errors import ConsentRefused, LikenessError, NotFound
from likeness.portal_references import add_references, drop_reference, my_references
from likeness.web.access import PERSON, Pages
from likeness.web.errors import status_of
from likeness.web.forms import PHOTO, Filled
from likeness.web.own_pages import OWN, may_send_photos, own_page, own_words, told
from likeness.web.visit import Here, Visit

pages = Pages()


@pages.show("/my-photos/references", roles=PERSON, whose=OWN)
def references(visit: Here) -> Response:
    """The pictures that photos are compared with."""
    return _page(visit)


@pages.show("/my-photos/references/{reference_id}.jpg", roles=PERSON, whose=OWN)
def reference(visit: Here, reference_id: str) -> Response:
    """One of these pictures."""
    for one in my_references(visit.house):
        if one.reference_id == reference_id:
            headers = {"Cache-Control": "no-store"}
            return Response(one.jpeg, media_type="image/jpeg", headers=headers)
    raise NotFound("You have no such reference.", "Open My references again.")


@pages.do("/my-photos/references", roles=PERSON, whose=OWN, most=PHOTO, before=[may_send_photos])
def add(visit: Here, form: Filled) -> Response:
    """More of them, from photos."""
    photos = form.files("photos")
    if not photos:
        return _page(visit, problem=own_words(visit).problems.no_file, status=400)
    try:
        add_references(visit.house, photos, live=False, then=visit.parts.tasks.compare_later)
    except LikenessError as error:
        problem = told(visit, error, usage="too_many")
        return _page(visit, problem=problem, status=status_of(error))
    return visit.see_other("/my-photos/references", said=own_words(visit).references.added)


@pages.do("/my-photos/references/{reference_id}/drop", roles=PERSON, whose=OWN)
def drop(visit: Here, reference_id: str) -> Response:
    """One less, but never none."""
    words = own_words(visit).references
    try:
        drop_reference(visit.house, reference_id, then=visit.parts.tasks.compare_later)
    except ConsentRefused as error:
        return _page(visit, problem=words.last, status=status_of(error))
    return visit.see_other("/my-photos/references", said=words.dropped)


def _page(visit: Visit, *, problem: str = "", status: int = 200) -> Response:
    return own_page(
        visit,
        "my_references",
        status=status,
        references=my_references(visit.house),
        problem_told=problem,
    )
