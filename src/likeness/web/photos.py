"""Photos of people whom this account may find: filters, one photo, and its images.

An address names people by their id only: addresses end up in logs of proxies and in histories.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from fastapi.responses import Response

from likeness import shown
from likeness.desk import visible_names
from likeness.errors import BadInput, UsageError
from likeness.photo_search import PhotoPage, by_ids, by_names, find_photos
from likeness.records.photo_query import PhotoQuery, parse, quoted, write
from likeness.web.access import MEMBERS, OPERATORS, SIGNED_IN, Pages
from likeness.web.errors import status_of
from likeness.web.forms import Filled, Form
from likeness.web.source_words import source_names
from likeness.web.visit import Here, Visit

pages = Pages()

FINDABLE = "photos of people who let this account find them"
IMAGES = "people who let this account find them; a person's own photos"
HOW = (
    ("with", "any of them"),
    ("together", "all of them together"),
    ("only", "nobody but them"),
    ("without", "none of them"),
    ("atleast:2", "at least two of them"),
)
MOST_NAMED = 500
"""Of very many people the first can be ticked; the others are typed."""


@pages.show("/photos", roles=MEMBERS, whose=FINDABLE)
def photos(visit: Here, q: str = "", after: int | None = None) -> Response:
    """Photos by a query, newest first, a page at a time."""
    try:
        query = parse(q)
        found = find_photos(visit.house, query, after=after)
    except (UsageError, BadInput) as error:
        return _page(visit, PhotoQuery(), text=q, problem=error, status=status_of(error))
    return _page(visit, query, found=found, after=after)


@pages.do("/photos", roles=MEMBERS, whose=FINDABLE)
def filter_photos(visit: Here, form: Filled) -> Response:
    """Read a query that was typed or put together, and go where its photos are."""
    text = _typed(form)
    try:
        query = by_ids(visit.house, parse(text))
    except (UsageError, BadInput) as error:
        return _page(visit, PhotoQuery(), text=text, problem=error, status=status_of(error))
    return visit.see_other(f"/photos?q={quote(write(query), safe=':,')}")


@pages.show("/photos/{sha256}", roles=MEMBERS, whose=FINDABLE)
def photo(visit: Here, sha256: str) -> Response:
    """One photo with the people in it and every place where it was found."""
    found = shown.photo_shown(visit.house, sha256)
    used = {sighting.source_id for sighting in found.sightings}
    return visit.page("photo", found=found, sources=source_names(visit.house, used))


@pages.do("/photos/{sha256}/faces/{face}/not", roles=OPERATORS, whose=FINDABLE)
def not_this_person(visit: Here, sha256: str, face: int) -> Response:
    """Say that a face is not the person it is linked with, for good."""
    visit.library.unlink(sha256, face=face)
    return visit.see_other("/photos", said="That face is theirs no more. It stays so.")


@pages.show("/photos/{sha256}/preview.jpg", roles=SIGNED_IN, whose=IMAGES)
def preview(visit: Here, sha256: str) -> Response:
    """What is shown of a photo."""
    return _image(shown.preview(visit.house, sha256).jpeg)


@pages.show("/photos/{sha256}/faces/{face}.jpg", roles=SIGNED_IN, whose=IMAGES)
def face(visit: Here, sha256: str, face: int) -> Response:
    """The crop of a face of somebody who may be seen."""
    return _image(shown.face_crop(visit.house, sha256, face))


def _image(jpeg: bytes) -> Response:
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


def _page(
    visit: Visit,
    query: PhotoQuery,
    *,
    text: str = "",
    found: PhotoPage | None = None,
    problem: UsageError | BadInput | None = None,
    status: int = 200,
    after: int | None = None,
) -> Response:
    account_id = visit.account.account_id
    names = visible_names(visit.house)
    used = {
        sighting.source_id
        for photo in (found.photos if found else ())
        for sighting in photo.sightings[:1]
    }
    return visit.page(
        "photos",
        status=status,
        text=text or write(by_names(query, names)),
        address=quote(write(query), safe=":,"),
        found=found,
        problem=problem,
        after=after,
        people=list(names.items())[:MOST_NAMED],
        how=HOW,
        collections=[
            (one.name, one.name)
            for one in visit.library.collections()
            if account_id in one.audience
        ],
        sources=source_names(visit.house, used),
    )


def _typed(form: Form) -> str:
    """The query that was typed, or what the fields of the form put together."""
    return form.text("q") if form.text("by") != "fields" else " ".join(_terms(form))


def _terms(form: Form) -> Iterator[str]:
    people = ",".join(quoted(person_id) for person_id in form.every("person"))
    how = form.text("how", "with")
    if people and how in dict(HOW):
        yield f"{how}:{people}"
    begin, end = form.text("from"), form.text("to")
    if begin or end:
        yield f"date:{begin}..{end}"
    if collection := form.text("collection"):
        yield f"collection:{quoted(collection)}"
    if words := form.text("text"):
        yield f"text:{quoted(words)}"
