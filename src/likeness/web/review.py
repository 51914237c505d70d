"""The review queue: a face that is known beside one in question, and one key for each answer."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from fastapi.responses import HTMLResponse, Response

from likeness import desk, review, undoing
from likeness.errors import NotFound, UsageError
from likeness.web.access import OPERATORS, Pages
from likeness.web.forms import Filled
from likeness.web.source_words import source_names
from likeness.web.visit import Here, Visit

pages = Pages()

VISIBLE: Final = "people who let this account find them"
FRAGMENT_HEADER: Final = "x-fragment"
"""A script that puts the next card in the place of the last asks for the card alone."""

SAID: Final = (
    ("same", "Yes: it is linked."),
    ("different", "No: it will not be proposed again."),
    ("unsure", "Not sure: it comes last from now on."),
)


@pages.show("/review", roles=OPERATORS, whose=VISIBLE)
def queue(visit: Here, person: str = "") -> Response:
    """What waits to be decided, the best first."""
    return visit.page("review", **_next(visit, person))


@pages.do("/review/decide", roles=OPERATORS, whose=VISIBLE)
def decide(visit: Here, form: Filled) -> Response:
    """Answer for one face, and show the next."""
    answer, person_id = form.text("answer"), form.text("of")
    sha256, face = form.text("sha256"), _number(form.text("face"))
    try:
        if answer == "unsure":
            review.unsure(visit.house, sha256=sha256, face=face, person_id=person_id)
        elif answer in ("same", "different"):
            review.decide(
                visit.house,
                sha256=sha256,
                face=face,
                person_id=person_id,
                decision="same" if answer == "same" else "different",
                then=visit.parts.tasks.compare_later,
            )
        else:
            raise UsageError("Nothing was answered.", "Choose yes, no or not sure.")
        said = dict(SAID)[answer]
    except NotFound:
        said = "That one was decided meanwhile, or may no longer be shown."
    return _go_on(visit, form.text("person"), said)


@pages.do("/review/undo", roles=OPERATORS, whose="their own decisions about " + VISIBLE)
def undo(visit: Here, form: Filled) -> Response:
    """Take back the newest decision of this account."""
    try:
        undone = undoing.undo(visit.house, then=visit.parts.tasks.compare_later)
    except NotFound as error:
        return _go_on(visit, form.text("person"), error.what)
    many = f"{len(undone.faces)} decisions are" if len(undone.faces) > 1 else "The decision is"
    return _go_on(visit, form.text("person"), f"{many} taken back.")


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise UsageError("The number of the face is missing.", "Open the page again.")
    return int(text)


def _go_on(visit: Visit, person: str, said: str) -> Response:
    if visit.request.headers.get(FRAGMENT_HEADER):
        card = visit.fragment("review_card", heard=said, **_next(visit, person))
        return HTMLResponse(card, headers={"Cache-Control": "no-store"})
    return visit.see_other(f"/review?person={quote(person)}" if person else "/review", said=said)


def _next(visit: Visit, person: str) -> dict[str, Any]:
    house = visit.house
    waiting = review.open_proposals(house, person_id=person or None, limit=None if person else 2)
    return {
        "proposal": waiting[0] if waiting else None,
        "following": waiting[1] if len(waiting) > 1 else None,
        "left": len(waiting) if person else desk.count_visible_proposals(house),
        "person": person,
        "can_undo": undoing.can_undo(house),
        "sources": source_names(house, {s.source_id for one in waiting[:1] for s in one.sightings}),
    }
