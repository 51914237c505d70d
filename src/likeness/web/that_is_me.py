"""That is me: a person points at a face in a photo that they hold."""

from __future__ import annotations

import base64

from fastapi.responses import Response

from likeness.errors import LikenessError, UsageError
from likeness.portal_faces import OwnCopy, faces_of_own_copy, that_is_me_in
from likeness.web.access import PERSON, Pages
from likeness.web.errors import status_of
from likeness.web.forms import PHOTO, Filled
from likeness.web.own_pages import OWN, may_send_photos, number_in, own_page, own_words, told
from likeness.web.visit import Here, Visit

pages = Pages()


@pages.show("/my-photos/that-is-me", roles=PERSON, whose=OWN)
def that_is_me(visit: Here) -> Response:
    """Choose a photo."""
    return _page(visit)


@pages.do("/my-photos/that-is-me", roles=PERSON, whose=OWN, most=PHOTO, before=[may_send_photos])
def show_faces(visit: Here, form: Filled) -> Response:
    """The faces in the photo, to choose one; nothing of the photo is kept here."""
    photo = form.file("photo")
    if photo is None:
        return _page(visit, problem=own_words(visit).problems.no_file, status=400)
    try:
        copy = faces_of_own_copy(visit.house, photo)
    except LikenessError as error:
        return _page(visit, problem=told(visit, error), status=status_of(error))
    if not copy.boxes:
        return _page(visit, problem=own_words(visit).problems.none, status=422)
    return _page(visit, copy=copy)


@pages.do("/my-photos/that-is-me/face", roles=PERSON, whose=OWN)
def choose_face(visit: Here, form: Filled) -> Response:
    """One of the faces is theirs."""
    visit.parts.rates.take("enrol", visit.person_id)
    try:
        that_is_me_in(
            visit.house,
            _opened(form.text("sealed")),
            face=number_in(form.text("face")),
            then=visit.parts.tasks.compare_later,
        )
    except LikenessError as error:
        return _page(visit, problem=told(visit, error, usage="again"), status=status_of(error))
    return visit.see_other("/my-photos", said=own_words(visit).that_is_me.linked)


def _opened(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise UsageError("The form was changed.", "Choose the photo again.") from None


def _page(
    visit: Visit, *, copy: OwnCopy | None = None, problem: str = "", status: int = 200
) -> Response:
    crops = [base64.b64encode(jpeg).decode() for jpeg in copy.crops] if copy else []
    return own_page(
        visit,
        "that_is_me",
        status=status,
        crops=crops,
        sealed=base64.b64encode(copy.sealed).decode() if copy else "",
        problem_told=problem,
    )
