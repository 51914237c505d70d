"""My photos: what a person sees of themself, and what they say about it."""

from __future__ import annotations

from fastapi.responses import Response

from likeness import portal, portal_decisions, portal_faces
from likeness.errors import LikenessError, NotFound
from likeness.portal_consent import my_consent
from likeness.web.access import PERSON, Pages
from likeness.web.errors import status_of
from likeness.web.forms import Filled
from likeness.web.own_pages import OWN, number_in, own_page, own_words, told
from likeness.web.visit import Here, Visit

pages = Pages()

PHOTO = "/my-photos/photos/{sha256}"


@pages.show("/my-photos", roles=PERSON, whose=OWN)
def my_photos(visit: Here) -> Response:
    """Their photos, newest first, after those that wait for their word."""
    after = number_in(visit.request.query_params.get("after", ""))
    first = after == 0
    found = portal.my_photos(visit.house, after=after or None)
    consent = my_consent(visit.house)
    return own_page(
        visit,
        "my_photos",
        found=found,
        first=first,
        consent=consent,
        now=visit.house.clock(),
        proposals=portal.my_proposals(visit.house) if first else [],
        refused=portal.my_refusals(visit.house) if first else [],
    )


@pages.show(PHOTO, roles=PERSON, whose=OWN)
def my_photo(visit: Here, sha256: str) -> Response:
    """One of their photos: where it was found, and what they can say about it."""
    return _photo_page(visit, sha256)


@pages.do(f"{PHOTO}/not-me", roles=PERSON, whose=OWN)
def not_me(visit: Here, sha256: str) -> Response:
    """It does not show them."""
    portal_decisions.not_me(visit.house, sha256, then=visit.parts.tasks.compare_later)
    return visit.see_other("/my-photos", said=own_words(visit).decided.said_not_me)


@pages.do(f"{PHOTO}/undo", roles=PERSON, whose=OWN)
def undo_not_me(visit: Here, sha256: str) -> Response:
    """Take that back."""
    portal_decisions.undo_not_me(visit.house, sha256, then=visit.parts.tasks.compare_later)
    return visit.see_other("/my-photos", said=own_words(visit).decided.said_undone)


@pages.do(f"{PHOTO}/is-me", roles=PERSON, whose=OWN)
def is_me(visit: Here, sha256: str, form: Filled) -> Response:
    """A face of it is theirs: one that was proposed, or another than was thought."""
    visit.parts.rates.take("enrol", visit.person_id)
    try:
        portal_faces.is_me(
            visit.house,
            sha256,
            number_in(form.text("face")),
            then=visit.parts.tasks.compare_later,
        )
    except NotFound:
        raise
    except LikenessError as error:
        return _photo_page(visit, sha256, error=error)
    return visit.see_other("/my-photos", said=own_words(visit).decided.said_yes)


def _photo_page(visit: Visit, sha256: str, *, error: LikenessError | None = None) -> Response:
    photo, others = portal.my_photo(visit.house, sha256)
    return own_page(
        visit,
        "my_photo",
        status=status_of(error) if error else 200,
        photo=photo,
        others=others,
        problem_told=told(visit, error) if error else "",
    )
