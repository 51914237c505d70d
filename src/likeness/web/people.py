"""People whom the account may find: the list, one of them, and what is done about their photos."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from fastapi.responses import Response

from likeness import desk, export, renewal, review, same_people, undoing
from likeness.consent.policy import live
from likeness.desk import VisiblePerson
from likeness.errors import LikenessError, NotFound, UsageError
from likeness.portrait import portrait
from likeness.records.stored import LinkedPhoto
from likeness.web.access import OPERATORS, Pages
from likeness.web.errors import status_of
from likeness.web.forms import Filled
from likeness.web.source_words import source_names
from likeness.web.visit import Here, Visit

pages = Pages()

VISIBLE: Final = "people who let this account find them"
REACHABLE: Final = VISIBLE + ", and those whose consent it recorded"
A_PAGE: Final = 48
CHOICES: Final = 100

ORDERS: Final[Mapping[str, Callable[[VisiblePerson], Any]]] = MappingProxyType(
    {
        "name": lambda one: one.person.details.name.casefold(),
        "newest": lambda one: -one.person.enrolled_at.timestamp(),
        "photos": lambda one: -one.photos_together,
        "review": lambda one: -one.proposals_together,
        "until": lambda one: _until(one),
    }
)
ORDERS_IN_WORDS: Final = (
    ("name", "Name"),
    ("newest", "Newest first"),
    ("photos", "Most photos first"),
    ("review", "Most to review first"),
    ("until", "Consent ends soonest"),
)


@pages.show("/people", roles=OPERATORS, whose=VISIBLE)
def people(visit: Here, q: str = "", order: str = "name", page: int = 1) -> Response:
    """Everybody whom the account may find, by name or otherwise."""
    every = _named(desk.visible_people(visit.house), q)
    every.sort(key=ORDERS.get(order, ORDERS["name"]))
    last = max(1, -(-len(every) // A_PAGE))
    page = min(max(1, page), last)
    return visit.page(
        "people",
        people=every[(page - 1) * A_PAGE : page * A_PAGE],
        total=len(every),
        page=page,
        last=last,
        q=q,
        order=order if order in ORDERS else "name",
        orders=ORDERS_IN_WORDS,
        until=_until,
    )


@pages.show("/people/{person_id}", roles=OPERATORS, whose=REACHABLE)
def person(visit: Here, person_id: str, all_photos: bool = False) -> Response:
    """One of them: photos, consents, and what can be done."""
    return person_page(visit, person_id, all_photos=all_photos)


@pages.show("/people/{person_id}/face.jpg", roles=OPERATORS, whose=VISIBLE)
def face(visit: Here, person_id: str) -> Response:
    """A face of theirs, to compare with."""
    jpeg = portrait(visit.house, person_id)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@pages.do("/people/{person_id}/export", roles=OPERATORS, whose=REACHABLE)
def export_person(visit: Here, person_id: str) -> Response:
    """Everything that is held about them, as a file for them."""
    held = {
        "schema": "likeness.export-person/1",
        **export.export_person(visit.house, person_id),
    }
    return Response(
        json.dumps(held, indent=2) + "\n",
        media_type="application/json",
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="likeness-export-{person_id}.json"',
        },
    )


@pages.do("/people/{person_id}/not-theirs", roles=OPERATORS, whose=VISIBLE)
def not_theirs(visit: Here, person_id: str, form: Filled) -> Response:
    """Some of their photos show somebody else."""
    try:
        faces = [_face_of(word) for word in form.every("photo")]
        count = review.not_theirs(
            visit.house, person_id, faces, then=visit.parts.tasks.compare_later
        )
    except (UsageError, NotFound) as error:
        return person_page(visit, person_id, error=error)
    many = f"{count} photos are" if count > 1 else "One photo is"
    return visit.see_other(f"/people/{person_id}", said=f"{many} somebody else's from now on.")


@pages.do("/people/{person_id}/undo", roles=OPERATORS, whose="their own decisions about " + VISIBLE)
def undo(visit: Here, person_id: str) -> Response:
    """Take back the newest decision about links."""
    try:
        undoing.undo(visit.house, then=visit.parts.tasks.compare_later)
    except LikenessError as error:
        return person_page(visit, person_id, error=error)
    return visit.see_other(f"/people/{person_id}", said="Your last decision is taken back.")


@pages.show("/people/{person_id}/merge", roles=OPERATORS, whose=VISIBLE)
def choose_to_merge(visit: Here, person_id: str, q: str = "") -> Response:
    """Choose who is the same human being."""
    seen, _ = desk.show_person(visit.house, person_id)
    same = {one.person.person_id for one in seen.enrolments}
    others = [
        one
        for one in _named(desk.visible_people(visit.house), q)
        if one.person.person_id not in same
    ]
    return visit.page(
        "people_merge", seen=seen, others=others[:CHOICES], more=len(others) > CHOICES, q=q
    )


@pages.do("/people/{person_id}/merge", roles=OPERATORS, whose=VISIBLE)
def merge(visit: Here, person_id: str, form: Filled) -> Response:
    """Say that two enrolments are of one human being."""
    try:
        same_people.merge(
            visit.house, person_id, form.text("other"), then=visit.parts.tasks.compare_later
        )
    except UsageError as error:
        return person_page(visit, person_id, error=error)
    return visit.see_other(
        f"/people/{person_id}", said="They are shown as one. You can split them again below."
    )


@pages.do("/people/{person_id}/split", roles=OPERATORS, whose=VISIBLE)
def split(visit: Here, person_id: str, form: Filled) -> Response:
    """Take an enrolment out of those that it is shown as one with."""
    who = form.text("who", person_id)
    try:
        former = same_people.split(visit.house, who, then=visit.parts.tasks.compare_later)
    except UsageError as error:
        return person_page(visit, person_id, error=error)
    back = person_id if person_id != who else former.person_ids[0]
    return visit.see_other(
        f"/people/{back}", said="They are shown apart. You can merge them again."
    )


def person_page(
    visit: Visit,
    person_id: str,
    *,
    error: LikenessError | None = None,
    all_photos: bool = False,
    typed: Mapping[str, str] | None = None,
) -> Response:
    """The page of one person, also with what went wrong.

    Raises
    ------
    NotFound
        In the same words whether the id is unknown or this account may not reach the person.
    """
    house = visit.house
    consents = renewal.consents_of_person(house, person_id)
    seen, photos = _seen(visit, person_id)
    shown = photos if all_photos else photos[:A_PAGE]
    return visit.page(
        "person",
        status=status_of(error) if error else 200,
        error=error,
        typed=typed or {},
        person_id=person_id,
        seen=seen,
        photos=shown,
        photo_count=len(photos),
        consents=tuple(reversed(consents)),
        standing=next((c for c in reversed(consents) if c.state == "given"), None),
        live=live(consents, now=house.clock()),
        collections={c.collection_id: c.name for c in visit.library.collections()},
        accounts={a.account_id: a.name for a in visit.library.accounts()},
        sources=source_names(house, {s.source_id for p in shown for s in p.sightings}),
        can_undo=undoing.can_undo(house),
    )


def _face_of(word: str) -> tuple[str, int]:
    """A face as a form names it: SHA-256 of the photo, and number."""
    sha256, _, number = word.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 7):
        raise UsageError("A photo is not named as it should be.", "Open the page again.")
    return sha256, int(number)


def _seen(visit: Visit, person_id: str) -> tuple[VisiblePerson | None, Sequence[LinkedPhoto]]:
    """The person with their photos; nobody where the account knows no more than their consent."""
    try:
        return desk.show_person(visit.house, person_id)
    except NotFound:
        return None, ()


def _named(found: Sequence[VisiblePerson], q: str) -> list[VisiblePerson]:
    wanted = q.strip().casefold()
    return [
        one
        for one in found
        if any(wanted in each.person.details.name.casefold() for each in one.enrolments)
    ]


def _until(one: VisiblePerson) -> datetime:
    return max(c.ends_at for each in one.enrolments for c in each.consents)
