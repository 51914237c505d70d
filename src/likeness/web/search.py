"""Search by a photo: it is read in memory, compared, and gone with the answer.

Whether somebody is unknown, never enrolled or has not let this account find them, the answer is the
same to the byte.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from likeness.errors import BadInput, FaceChoiceNeeded, LikenessError, UsageError
from likeness.face_choices import FaceCut, cut_faces
from likeness.past_searches import past_searches
from likeness.probe import FaceChoice
from likeness.records.collection import Collection
from likeness.search import SearchAnswer
from likeness.web.access import MEMBERS, Pages
from likeness.web.errors import status_of
from likeness.web.events import event
from likeness.web.forms import PHOTO, Form, read_body, read_form
from likeness.web.search_line import SearchLine, line_of
from likeness.web.source_words import source_names
from likeness.web.visit import Here, Visit

pages = Pages()

FINDABLE = "people who let this account find them"
SAID_HEADER = "x-search"
ALONE = "application/octet-stream"
LONGEST_CUT = 1_000_000
PHOTOS_A_CANDIDATE = 12


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A search as it was asked for.

    Attributes
    ----------
    photo : bytes
        A photo, or the cut of one face of it.
    face : FaceChoice
    collection, stated_purpose : str
    """

    photo: bytes = field(repr=False)
    face: FaceChoice
    collection: str
    stated_purpose: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """What came of it: an answer, or faces to choose from."""

    answer: SearchAnswer | None = None
    cuts: tuple[FaceCut, ...] = ()


async def require_turn(visit: Here) -> None:
    """Check that this account may search once more, and that there is room for it to wait.

    Raises
    ------
    RateLimited
    LineFull
    """
    visit.parts.rates.take("search", visit.account.account_id)
    line_of(visit.parts).require_room()


async def sent(request: Request, visit: Here) -> Form:
    """What was sent, also where a script sends the photo alone: that spares taking a form apart.

    What a form says beside the photo is in a header then, written as in an address.

    Raises
    ------
    TooLarge, BadInput
    """
    said = request.headers.get(SAID_HEADER)
    if said is None:
        return await read_form(request, visit)
    try:
        if request.headers.get("content-type") != ALONE:
            raise ValueError
        fields = parse_qsl(said, strict_parsing=True, errors="strict")
    except ValueError:
        raise BadInput("This search cannot be read.", "Open the page again.") from None
    photo = await read_body(request, visit)
    return Form(fields=tuple(fields), uploads=(("photo", "", photo),))


@pages.show("/search", roles=MEMBERS, whose=FINDABLE)
def search_page(visit: Here) -> Response:
    """The form."""
    return _page(visit)


@pages.do("/search", roles=MEMBERS, whose=FINDABLE, most=PHOTO, before=[require_turn])
async def search(visit: Here, form: Annotated[Form, Depends(sent)]) -> Response:
    """Search, as a page, or as events where a script asks: what is found streams in.

    It waits for its turn without holding a thread.
    """
    line = line_of(visit.parts)
    if "text/event-stream" in visit.request.headers.get("accept", ""):
        return visit.events(_streamed(visit, form, line))
    async with line.place():
        try:
            asked = _asked(form)
            found = await line.run(lambda: _search(visit, asked))
        except (UsageError, BadInput) as error:
            problem, status = error, status_of(error)
            return await run_in_threadpool(
                lambda: _page(visit, form, status=status, problem=problem)
            )
    return await run_in_threadpool(lambda: _page(visit, form, found=found))


@pages.show("/searches", roles=MEMBERS, whose="this account's own searches: when, and what for")
def searches(visit: Here) -> Response:
    """Past searches of this account."""
    return visit.page("searches", searches=past_searches(visit.house))


async def _streamed(visit: Visit, form: Form, line: SearchLine) -> AsyncIterator[str]:
    try:
        async with line.place():
            yield event("state", {"waiting": line.waiting})
            asked = _asked(form)
            found = await line.run(lambda: _search(visit, asked))
    except LikenessError as error:
        yield event("problem", visit.fragment("search_problem", problem=error))
        return
    if found.answer is None:
        boxes = [list(cut.box) for cut in found.cuts]
        yield event("boxes", {"boxes": boxes})
        yield event("answer", visit.fragment("search_faces", **_shown(visit, form, found)))
        return
    yield event("answer", visit.fragment("search_answer", answer=found.answer))
    shown = await run_in_threadpool(lambda: _shown(visit, form, found))
    for candidate in found.answer.candidates:
        yield event("candidate", visit.fragment("search_candidate", one=candidate, **shown))


def _search(visit: Visit, asked: Asked) -> Found:
    try:
        answer = visit.library.search(
            asked.photo,
            purpose="be_found",
            collection=asked.collection or None,
            face=asked.face,
            stated_purpose=asked.stated_purpose,
        )
    except FaceChoiceNeeded as needed:
        return Found(cuts=cut_faces(visit.house, asked.photo, needed.boxes))
    return Found(answer=answer)


def _asked(form: Form) -> Asked:
    cut, photo = form.text("cut"), form.file("photo")
    if cut:
        photo = _cut_bytes(cut)
    if not photo:
        raise UsageError("No photo was given.", "Choose one, or take one.")
    return Asked(
        photo=photo,
        face="middle" if cut else None,
        collection=form.text("collection"),
        stated_purpose=form.text("purpose"),
    )


def _cut_bytes(text: str) -> bytes:
    if len(text) > LONGEST_CUT:
        raise BadInput("The cut of the face is too large.", "Choose the photo again.")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise BadInput("The cut of the face cannot be read.", "Choose the photo again.") from None


def _page(
    visit: Visit,
    form: Form | None = None,
    *,
    status: int = 200,
    problem: LikenessError | None = None,
    found: Found | None = None,
) -> Response:
    searchable = _searchable(visit)
    return visit.page(
        "search",
        status=status,
        collections=searchable,
        choices=[(one.name, one.name) for one in searchable],
        asking=[one.name for one in searchable if one.ask_purpose],
        problem=problem,
        answer=found.answer if found else None,
        **_shown(visit, form or Form(), found or Found()),
    )


def _shown(visit: Visit, form: Form, found: Found) -> dict[str, Any]:
    """What the templates of an answer need."""
    candidates = found.answer.candidates if found.answer else ()
    used = {
        sighting.source_id
        for candidate in candidates
        for photo in candidate.photos[:PHOTOS_A_CANDIDATE]
        for sighting in photo.sightings
    }
    return {
        "collection": form.text("collection"),
        "purpose": form.text("purpose"),
        "cuts": [(cut, base64.b64encode(cut.jpeg).decode()) for cut in found.cuts],
        "photos_each": PHOTOS_A_CANDIDATE,
        "sources": source_names(visit.house, used),
    }


def _searchable(visit: Visit) -> Sequence[Collection]:
    account_id = visit.account.account_id
    return [one for one in visit.library.collections() if account_id in one.audience]
