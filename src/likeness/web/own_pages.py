"""What the pages of a person's portal share: words, the language chosen, plain answers."""

from __future__ import annotations

from typing import Any, Final

from fastapi.responses import Response

from likeness.errors import (
    ConsentRefused,
    FaceUnusable,
    LikenessError,
    PhotoUnreadable,
    Refused,
    UsageError,
)
from likeness.web.forms import TooLarge
from likeness.web.visit import Here, Visit
from likeness.web.words import Words

OWN: Final = "the person themself"
LANGUAGE_COOKIE: Final = "likeness-lang"
ONE_YEAR: Final = 365 * 24 * 3600
MOST_DIGITS: Final = 18
"""Of a number that fits the store."""


def own_words(visit: Visit) -> Words:
    """The words of the portal in the visitor's language."""
    return visit.words("portal")


def own_page(visit: Visit, name: str, *, status: int = 200, **context: Any) -> Response:
    """Render a page of the portal; a language that was asked for is kept from then on."""
    given = {"w": own_words(visit), "left_for_good": False, **context}
    response = visit.page(name, status=status, **given)
    if "lang" in visit.request.query_params:
        response.set_cookie(
            LANGUAGE_COOKIE,
            visit.language,
            max_age=ONE_YEAR,
            httponly=True,
            secure=visit.secure,
            samesite="lax",
        )
    return response


def may_send_photos(visit: Here) -> None:
    """Check that they have sent no more of late than they may, before anything of it is read.

    Raises
    ------
    RateLimited
    """
    visit.parts.rates.take("enrol", visit.person_id)


def number_in(text: str) -> int:
    """A number from 1 on that a form or an address gives; 0 where it is none, or none that is kept.

    >>> number_in("12"), number_in("-1"), number_in("9" * 5000), number_in("\u00b2")
    (12, 0, 0, 0)
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else 0


def own_file(content: bytes, *, name: str, media_type: str) -> Response:
    """A file to keep; browsers keep no other copy of it."""
    return Response(
        content,
        media_type=media_type,
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{name}"',
        },
    )


def told(visit: Visit, error: LikenessError, *, usage: str = "no_file") -> str:
    """An error of the ways in the visitor's own language.

    Parameters
    ----------
    usage : str
        What a `UsageError` means on this page: a name among the words for problems.

    Raises
    ------
    LikenessError
        The error itself, where it is none that a person can do something about.
    """
    problems = own_words(visit).problems
    match error:
        case FaceUnusable(reason=reason) if reason in problems:
            return str(problems[reason])
        case PhotoUnreadable() | TooLarge():
            return str(problems.unreadable)
        case UsageError():
            return str(problems[usage])
        case ConsentRefused():
            return str(problems.no_consent)
        case _ if type(error) is Refused:
            return str(problems.unlike)
    raise error
