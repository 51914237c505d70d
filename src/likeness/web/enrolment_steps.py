"""What the pages of an enrolment share: the link, the draft, and the words of the visitor."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from fastapi.responses import Response

from likeness.consent.notice import languages
from likeness.consent.policy import eighteenth_birthday
from likeness.errors import NotFound
from likeness.invitations import Invitation, opened
from likeness.records.collection import Account
from likeness.web import live_capture
from likeness.web.drafts import Between, Draft, Finished
from likeness.web.visit import Visit

COOKIE = "likeness-enrol"


class LinkGone(NotFound):
    """Nobody can enrol by the link (any more)."""


def link_gone(visit: Visit) -> Response:
    """Say in the visitor's language that a link is no longer valid."""
    return words_page(visit, "enrol_gone", visit.language, status=404)


def asked_by(visit: Visit, secret: str) -> Invitation:
    """What the link asks.

    Raises
    ------
    LinkGone
        Nobody can enrol by it.
    """
    try:
        return opened(visit.parts.library.house, secret)
    except NotFound as error:
        raise LinkGone(error.what, error.fix) from None


def summary_of(visit: Visit, asked: Invitation, draft: Draft) -> dict[str, Any]:
    """What they are about to say yes to, for the page of their last word."""
    by: list[Account] = [one for one in asked.audience if one.account_id in draft.audience]
    until = visit.parts.library.house.clock() + timedelta(days=draft.days)
    if draft.guardian is not None and draft.birth_date is not None:
        # From then on they speak for themself.
        until = min(until, eighteenth_birthday(draft.birth_date))
    return {
        "draft": draft,
        "asked": asked,
        "by": by if "be_found" in draft.purposes else [],
        "until": until,
    }


def words_page(
    visit: Visit, name: str, language: str, *, status: int = 200, **context: Any
) -> Response:
    """Render a template with the words of one language."""
    return visit.page(
        name,
        status=status,
        w=visit.words("enrol", language),
        common=visit.words("common", language),
        language=language,
        **context,
    )


def language_of(visit: Visit, asked: Invitation) -> str:
    """What the address asks for, else what the browser prefers, else what the invitation says."""
    query = visit.request.query_params.get("lang", "")
    accepted = visit.request.headers.get("accept-language", "").strip().lower()[:2]
    chosen = (query, visit.request.cookies.get("likeness-lang", ""), accepted, asked.language)
    return next((one for one in chosen if one in languages()), "en")


def pictures_page(visit: Visit, secret: str) -> str:
    """Where pictures of them are taken: by the camera where browsers allow it."""
    by = "camera" if visit.parts.options.secure_context else "photo"
    return f"/enrol/{secret}/{by}"


def draft_of(visit: Visit, asked: Invitation) -> Draft | None:
    """What they answered so far to this invitation; None where nothing is held."""
    draft = drafts_of(visit).get(held_by(visit))
    return draft if draft and draft.invitation_id == asked.invitation_id else None


def whole_draft_of(visit: Visit, asked: Invitation) -> Draft | None:
    """The same, where a guardian has spoken for whoever is under 18."""
    draft = draft_of(visit, asked)
    return None if draft and draft.needs_guardian and draft.guardian is None else draft


def hold(visit: Visit, response: Response, draft: Draft) -> Response:
    """Keep a draft in memory, under a secret that the browser holds for these pages alone."""
    former = drafts_of(visit).get(held_by(visit))
    if former is not None and former.capture != draft.capture:
        live_capture.captures_of(visit).forget(former.capture)
    secret = secrets.token_urlsafe(32)
    drafts_of(visit).drop(held_by(visit))
    drafts_of(visit).put(secret, draft, whose=draft.invitation_id)
    response.set_cookie(
        _cookie(visit),
        secret,
        httponly=True,
        secure=visit.secure,
        samesite="lax",
        path="/enrol",
    )
    return response


def held_by(visit: Visit) -> str:
    """What this browser holds for these pages; empty where it holds nothing."""
    return visit.request.cookies.get(_cookie(visit), "")


def _cookie(visit: Visit) -> str:
    return f"__Secure-{COOKIE}" if visit.secure else COOKIE


def drafts_of(visit: Visit) -> Between[Draft]:
    """The drafts that this app holds."""
    return visit.parts.kept("enrolment drafts", Between[Draft])


def finished_of(visit: Visit) -> Between[Finished]:
    """Those who enrolled a moment ago."""
    return visit.parts.kept("enrolled", Between[Finished])
