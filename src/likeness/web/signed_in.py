"""Where a visit becomes one of somebody who is signed in; every way in ends here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi.responses import JSONResponse, Response

from likeness import signing_in
from likeness.challenges import Challenges
from likeness.errors import RateLimited
from likeness.passkeys import Site
from likeness.web.devices import device_name
from likeness.web.parts import Parts
from likeness.web.visit import Visit

HASHED_AT_ONCE = 3
LONGEST_WAIT = 5.0
"""Seconds that somebody waits for their password's turn."""


def begin(visit: Visit, response: Response, *, subject_id: str) -> Response:
    """Sign the visitor in as this subject, with a new secret; what the browser had before ends.

    Parameters
    ----------
    visit : Visit
    response : Response
        The answer that carries the cookie.
    subject_id : str
        Whoever they showed to be.

    Raises
    ------
    NotSignedIn
        There is no such subject any more.
    """
    secret, _ = signing_in.begin_session(
        visit.parts.library.house,
        subject_id=subject_id,
        device=device_of(visit),
        replacing=visit.session.session_id if visit.session else "",
    )
    return visit.keep_session(response, secret)


def device_of(visit: Visit) -> str:
    """What the visitor's browser is called in a list."""
    return device_name(visit.request.headers.get("user-agent", ""))


def site_of(parts: Parts) -> Site:
    """Where passkeys of this server work."""
    return Site(host=parts.options.name, origin=parts.options.public_url)


def challenges_of(parts: Parts) -> Challenges:
    """The challenges of passkeys that this app has given out and that wait for an answer."""
    return parts.kept("challenges", lambda: Challenges(parts.library.house.clock))


@contextmanager
def hashing(parts: Parts) -> Iterator[None]:
    """Let few passwords be hashed at once: each takes 64 MiB, and anybody may send one.

    Raises
    ------
    RateLimited
        It is not one's turn for too long.
    """
    turns = parts.kept("hashing", lambda: threading.BoundedSemaphore(HASHED_AT_ONCE))
    if not turns.acquire(timeout=LONGEST_WAIT):
        raise RateLimited(
            "Too many people sign in at this moment.",
            "Wait a few seconds, then try again.",
            retry_after=5,
        )
    try:
        yield
    finally:
        turns.release()


def safe_path(path: str) -> str:
    """A path of this app to go on at; the start where it is none, or leads elsewhere.

    >>> safe_path("/photos?page=2"), safe_path("//example.org"), safe_path("https://example.org")
    ('/photos?page=2', '/', '/')
    """
    inside = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if inside and "\\" not in path else "/"


def json_answer(fields: dict[str, Any]) -> JSONResponse:
    """Plain values for a script; browsers keep no copy."""
    return JSONResponse(fields, headers={"Cache-Control": "no-store"})
