"""Enrolment by invitation, on the person's own phone: the notice, the choices, the last word."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi.responses import Response

from likeness.consent.notice import current_notice, languages
from likeness.errors import BadInput, FaceUnusable, NotFound, PhotoUnreadable, Refused, UsageError
from likeness.invitations import Invitation
from likeness.invited import enrol_by_invitation
from likeness.live_capture import FRAME_LIMITS
from likeness.probe import Image
from likeness.web import live_capture
from likeness.web.access import ANYONE, Pages
from likeness.web.drafts import Draft, Finished
from likeness.web.enrolment_answers import (
    DAYS,
    LONGEST_PHOTO,
    MOST_PHOTOS,
    parts_of,
    photo_problem,
    read_answers,
    with_guardian,
)
from likeness.web.enrolment_steps import (
    LinkGone,
    asked_by,
    draft_of,
    drafts_of,
    finished_of,
    held_by,
    hold,
    language_of,
    pictures_page,
    summary_of,
    whole_draft_of,
    words_page,
)
from likeness.web.forms import Filled, RawBody
from likeness.web.signed_in import begin
from likeness.web.visit import Here, Visit

pages = Pages()

LINK = "whoever holds the link of an invitation: what they say of themself, until their last word"


@pages.show("/enrol/{secret}", roles=ANYONE, whose=LINK)
def first_page(visit: Here, secret: str) -> Response:
    """Who asks, for what, the notice, and each choice on its own, with nothing ticked."""
    visit.parts.rates.take_by_address("link", visit.request)
    return _first_page(visit, secret, asked_by(visit, secret))


@pages.do("/enrol/{secret}", roles=ANYONE, whose=LINK)
def answer(visit: Here, secret: str, form: Filled) -> Response:
    """Take the answers, hold them in memory, and go on to the guardian or to the pictures."""
    visit.parts.rates.take_by_address("link", visit.request)
    asked = asked_by(visit, secret)
    language = language_of(visit, asked)
    now = visit.parts.library.house.clock()
    draft, problems = read_answers(form, asked, language=language, now=now)
    if problems:
        return _first_page(visit, secret, asked, draft=draft, problems=problems)
    response = visit.see_other(
        f"/enrol/{secret}/guardian" if draft.needs_guardian else pictures_page(visit, secret)
    )
    return hold(visit, response, draft)


@pages.show("/enrol/{secret}/guardian", roles=ANYONE, whose=LINK)
def guardian_page(visit: Here, secret: str) -> Response:
    """Ask who says yes with somebody under 18."""
    draft = draft_of(visit, asked_by(visit, secret))
    if draft is None or not draft.needs_guardian:
        return visit.see_other(f"/enrol/{secret}")
    return words_page(
        visit, "enrol_guardian", draft.language, secret=secret, draft=draft, problems=[]
    )


@pages.do("/enrol/{secret}/guardian", roles=ANYONE, whose=LINK)
def answer_guardian(visit: Here, secret: str, form: Filled) -> Response:
    """Take who says yes with them."""
    visit.parts.rates.take_by_address("link", visit.request)
    draft = draft_of(visit, asked_by(visit, secret))
    if draft is None or not draft.needs_guardian:
        return visit.see_other(f"/enrol/{secret}")
    draft, problems = with_guardian(draft, form)
    if problems:
        return words_page(
            visit,
            "enrol_guardian",
            draft.language,
            status=422,
            secret=secret,
            draft=draft,
            problems=problems,
        )
    return hold(visit, visit.see_other(pictures_page(visit, secret)), draft)


@pages.show("/enrol/{secret}/camera", roles=ANYONE, whose=LINK)
def camera_page(visit: Here, secret: str) -> Response:
    """The camera, and what it asks for."""
    draft = whole_draft_of(visit, asked_by(visit, secret))
    if draft is None:
        return visit.see_other(f"/enrol/{secret}")
    if not visit.parts.options.secure_context:
        return visit.see_other(f"/enrol/{secret}/photo")
    lapsed = "lapsed" in visit.request.query_params
    return words_page(
        visit,
        "enrol_camera",
        draft.language,
        secret=secret,
        problems=["lapsed"] if lapsed else [],
        cw=visit.words("capture", draft.language),
        capture={
            "begin": f"/enrol/{secret}/camera/again",
            "frames": f"/enrol/{secret}/frames",
            "done": f"/enrol/{secret}/yes",
            "upload": f"/enrol/{secret}/photo",
        },
    )


@pages.do("/enrol/{secret}/camera/again", roles=ANYONE, whose=LINK)
def begin_camera(visit: Here, secret: str) -> Response:
    """Begin the movements, or begin them anew."""
    visit.parts.rates.take_by_address("enrol", visit.request)
    return live_capture.begun(visit, _draft_at_camera(visit, secret))


@pages.do("/enrol/{secret}/frames", roles=ANYONE, whose=LINK, most=FRAME_LIMITS.max_bytes)
def frame(visit: Here, secret: str, body: RawBody) -> Response:
    """Look at one picture of the camera, and drop it."""
    draft = _draft_at_camera(visit, secret)
    visit.parts.rates.take("frames", draft.capture)
    return live_capture.looked(visit, draft, body)


@pages.show("/enrol/{secret}/photo", roles=ANYONE, whose=LINK)
def photo_page(visit: Here, secret: str) -> Response:
    """Choose photos in place of the camera."""
    asked = asked_by(visit, secret)
    draft = whole_draft_of(visit, asked)
    if draft is None:
        return visit.see_other(f"/enrol/{secret}")
    return _photo_page(visit, secret, asked, draft)


def may_send_photos(visit: Here, secret: str) -> None:
    """Check that the link is open, and used no more often than it may.

    Raises
    ------
    LinkGone, RateLimited
    """
    visit.parts.rates.take_by_address("enrol", visit.request)
    asked_by(visit, secret)


@pages.do(
    "/enrol/{secret}/photo",
    roles=ANYONE,
    whose=LINK,
    most=MOST_PHOTOS * LONGEST_PHOTO,
    before=[may_send_photos],
)
def enrol_with_photos(visit: Here, secret: str, form: Filled) -> Response:
    """The last word, with photos: the reference is marked as not live."""
    asked = asked_by(visit, secret)
    draft = whole_draft_of(visit, asked)
    if draft is None:
        return visit.see_other(f"/enrol/{secret}")
    photos = form.files("photos")[:MOST_PHOTOS]
    if not photos:
        return _photo_page(visit, secret, asked, draft, problems=["no_photo"])
    try:
        return _enrol(visit, secret, draft, photos, live=False)
    except (FaceUnusable, PhotoUnreadable) as error:
        return _photo_page(visit, secret, asked, draft, problems=[photo_problem(error)])


@pages.show("/enrol/{secret}/yes", roles=ANYONE, whose=LINK)
def last_page(visit: Here, secret: str) -> Response:
    """What they are about to say yes to, once the camera has seen them."""
    asked = asked_by(visit, secret)
    draft = whole_draft_of(visit, asked)
    if draft is None:
        return visit.see_other(f"/enrol/{secret}")
    captures = live_capture.captures_of(visit)
    if captures.state(draft.capture) != "passed":
        return visit.see_other(f"/enrol/{secret}/camera?lapsed=1")
    return words_page(
        visit, "enrol_yes", draft.language, secret=secret, **summary_of(visit, asked, draft)
    )


@pages.do("/enrol/{secret}/yes", roles=ANYONE, whose=LINK)
def enrol_live(visit: Here, secret: str, form: Filled) -> Response:
    """The last word, with what the camera saw; or none of it."""
    visit.parts.rates.take_by_address("enrol", visit.request)
    draft = whole_draft_of(visit, asked_by(visit, secret))
    if draft is None:
        return visit.see_other(f"/enrol/{secret}")
    captures = live_capture.captures_of(visit)
    if form.text("word") != "yes":
        captures.forget(draft.capture)
        drafts_of(visit).drop(held_by(visit))
        return visit.see_other(f"/enrol/{secret}")
    if captures.state(draft.capture) != "passed":
        return visit.see_other(f"/enrol/{secret}/camera?lapsed=1")
    pictures = captures.take(draft.capture)
    try:
        response = _enrol(visit, secret, draft, pictures, live=True)
    except (FaceUnusable, PhotoUnreadable):
        captures.forget(draft.capture)
        return visit.see_other(f"/enrol/{secret}/camera?lapsed=1")
    finally:
        for picture in pictures:
            picture.fill(0)
    captures.forget(draft.capture)
    return response


def _enrol(
    visit: Visit, secret: str, draft: Draft, images: Sequence[Image], *, live: bool
) -> Response:
    house = visit.parts.library.house
    try:
        enrolled = enrol_by_invitation(
            house,
            secret,
            answers=draft.answers(house.clock()),
            images=images,
            live=live,
            compare=False,
        )
    except NotFound as error:
        raise LinkGone(error.what, error.fix) from None
    except (Refused, UsageError) as error:
        asked = asked_by(visit, secret)
        problems = [photo_problem(error)]
        return _first_page(visit, secret, asked, draft=draft, problems=problems)
    if enrolled.consent.state == "given":
        visit.parts.tasks.compare_later(house)
    person_id, held = enrolled.person_id, held_by(visit)
    drafts_of(visit).drop(held)
    finished = Finished(person_id=person_id, language=draft.language, back=enrolled.back)
    finished_of(visit).put(held, finished, whose=person_id)
    response = visit.see_other(f"/enrol/{secret}/done")
    return begin(visit, response, subject_id=person_id)


def _first_page(
    visit: Visit,
    secret: str,
    asked: Invitation,
    *,
    draft: Draft | None = None,
    problems: list[str] | None = None,
) -> Response:
    language = language_of(visit, asked)
    notice = current_notice(language)
    return words_page(
        visit,
        "enrol",
        language,
        status=422 if problems else 200,
        secret=secret,
        asked=asked,
        notice=notice,
        parts=parts_of(notice),
        days=DAYS,
        draft=draft,
        problems=problems or [],
        others=[known for known in languages() if known != language],
    )


def _photo_page(
    visit: Visit, secret: str, asked: Invitation, draft: Draft, *, problems: list[str] | None = None
) -> Response:
    return words_page(
        visit,
        "enrol_photo",
        draft.language,
        status=422 if problems else 200,
        secret=secret,
        problems=problems or [],
        secure=visit.parts.options.secure_context,
        **summary_of(visit, asked, draft),
    )


def _draft_at_camera(visit: Visit, secret: str) -> Draft:
    draft = whole_draft_of(visit, asked_by(visit, secret))
    if draft is None:
        raise BadInput("What you said is not known here any more.", "Open your link again.")
    return draft
