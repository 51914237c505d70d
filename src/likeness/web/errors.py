"""The one place where an error becomes a page, or a problem (RFC 9457) for a script."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from likeness.errors import (
    BadInput,
    FaceChoiceNeeded,
    FaceUnusable,
    LikenessError,
    NotFound,
    NotSignedIn,
    NotVerified,
    RateLimited,
    Refused,
    SignInAgain,
    StorageError,
    UploadConflict,
    UsageError,
)
from likeness.web.enrolment_steps import LinkGone, link_gone
from likeness.web.forms import TooLarge
from likeness.web.visit import visit_of

_STATUS: tuple[tuple[type[LikenessError], int], ...] = (
    (NotSignedIn, 401),
    (RateLimited, 429),
    (NotFound, 404),
    (TooLarge, 413),
    (UsageError, 400),
    (Refused, 403),
    (UploadConflict, 409),
    (BadInput, 422),
    (NotVerified, 409),
    (StorageError, 503),
)


def register(app: FastAPI) -> None:
    """Answer every error of the app."""
    app.add_exception_handler(LinkGone, _link_gone)
    app.add_exception_handler(LikenessError, _likeness_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(Exception, _defect)


def status_of(error: LikenessError) -> int:
    """The HTTP status of an error.

    >>> status_of(NotFound("Nobody.", ""))
    404
    """
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def wants_json(request: Request) -> bool:
    """Whether a script asks, rather than somebody who looks at a page."""
    accepted = request.headers.get("accept", "")
    return "text/html" not in accepted and (
        "json" in accepted or "event-stream" in accepted or "x-csrf-token" in request.headers
    )


async def _likeness_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, LikenessError)
    if not wants_json(request):
        path = request.url.path
        if isinstance(error, NotSignedIn) and request.method == "GET":
            return _to_sign_in(path)
        if isinstance(error, SignInAgain):
            # What they did is not done, so they go on at the part of the app that it is in.
            return _to_sign_in("/" + path.split("/")[1])
    response = _answer(request, status_of(error), error.what, error.fix, _further(error))
    wait = getattr(error, "retry_after", None)
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


def _to_sign_in(then: str) -> Response:
    return RedirectResponse(f"/sign-in?next={quote(then)}", status_code=303)


async def _link_gone(request: Request, _error: Exception) -> Response:
    return link_gone(visit_of(request))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _answer(request, 404, "There is no such page here.", "Go back to the start.", {})
    if error.status_code == 405:
        return _answer(request, 405, "This page does not take that.", "Go back to the start.", {})
    return _answer(request, error.status_code, f"{error.detail}.", "Go back and try again.", {})


async def _malformed(request: Request, _error: Exception) -> Response:
    return _answer(request, 400, "This address or form is malformed.", "Open the page again.", {})


async def _defect(request: Request, error: Exception) -> Response:
    # What it was working on may be personal: only the kind of the defect is told.
    print(f"A page failed in a way that nothing foresaw: {type(error).__name__}", file=sys.stderr)
    what = "Something failed that Likeness does not know."
    return _answer(request, 500, what, "What was done is kept. Please report it if it stays.", {})


def _further(error: LikenessError) -> dict[str, Any]:
    further: dict[str, Any] = {}
    if isinstance(error, FaceChoiceNeeded):
        further["boxes"] = [list(box) for box in error.boxes]
    if isinstance(error, UploadConflict):
        further["received"] = error.received
    if isinstance(error, FaceUnusable):
        further["reason"] = error.reason
    return further


def _answer(
    request: Request, status: int, what: str, fix: str, further: dict[str, Any]
) -> Response:
    response: Response
    if wants_json(request):
        response = JSONResponse(
            {"type": "about:blank", "title": what, "fix": fix, "status": status, **further},
            status_code=status,
            media_type="application/problem+json",
        )
    else:
        visit = visit_of(request)
        response = visit.page("error", status=status, what=what, fix=fix)
    response.headers["Cache-Control"] = "no-store"
    return response
