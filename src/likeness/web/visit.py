"""One visit of a page: who came, as whom the house acts, and how the answer is made."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from likeness import signing_in
from likeness.errors import NotFound, Refused
from likeness.house import House
from likeness.library import Library
from likeness.records.collection import Account
from likeness.records.session import Session
from likeness.store import collections as collection_rows
from likeness.store import people
from likeness.web.parts import Parts
from likeness.web.words import Words, words_of

SESSION_COOKIE = "likeness"
FORM_COOKIE = "likeness-form"
SAID_COOKIE = "likeness-said"
_SAID_LONGEST = 300


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request, and who made it.

    Attributes
    ----------
    request : Request
    parts : Parts
        What all visits share.
    role : str
        ``"anyone"``, ``"person"``, ``"member"``, ``"operator"`` or ``"owner"``.
    session : Session or None
    secret : str
        What their browser holds of the session, or of the form where nobody is signed in.
    acting : Account or None
        Whom the house acts as. A person acts as themself, by their id and without a name.
    """

    request: Request
    parts: Parts
    role: str = "anyone"
    session: Session | None = None
    secret: str = field(repr=False)
    acting: Account | None = None

    @property
    def library(self) -> Library:
        """The open library, with whoever is signed in acting.

        Raises
        ------
        NotSignedIn
        """
        if self.acting is None:
            raise signing_in.not_signed_in()
        return self.parts.library.acting_as(self.acting)

    @property
    def house(self) -> House:
        """The parts of the library, with whoever is signed in acting.

        Raises
        ------
        NotSignedIn
        """
        return self.library.house

    @property
    def account(self) -> Account:
        """The account that is signed in.

        Raises
        ------
        NotSignedIn
            Nobody is, or a person.
        """
        if self.acting is None or self.role == "person":
            raise signing_in.not_signed_in()
        return self.acting

    @property
    def person_id(self) -> str:
        """Id of the person who is signed in; empty where none is."""
        return self.acting.account_id if self.acting and self.role == "person" else ""

    @property
    def csrf(self) -> str:
        """What forms of this visitor have to send along. It says nothing about the secret."""
        return hashlib.sha256(f"form/{self.secret}".encode()).hexdigest()

    def owns_form(self, token: str) -> bool:
        """Whether a form was made for this visitor."""
        return hmac.compare_digest(self.csrf.encode(), token.encode(errors="replace"))

    @property
    def language(self) -> str:
        """``"en"`` or ``"de"``: what the address asks for, else what the browser prefers."""
        asked = self.request.query_params.get("lang") or self.request.cookies.get("likeness-lang")
        accepted = self.request.headers.get("accept-language", "")
        first = (asked or accepted.split(",")[0]).strip().lower()[:2]
        return first if first in self.parts.languages else "en"

    def words(self, part: str, language: str = "") -> Words:
        """The words of one part of the person's pages, in the visitor's language."""
        return words_of(part, language or self.language)

    def page(self, name: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """Render the template of this name; browsers keep no copy of it."""
        said = self.request.cookies.get(SAID_COOKIE, "")
        text = self.parts.templates.render(f"{name}.html", visit=self, said=said, **context)
        response = HTMLResponse(text, status_code=status)
        response.headers["Cache-Control"] = "no-store"
        if said:
            response.delete_cookie(SAID_COOKIE, path="/")
        self.keep_form_cookie(response)
        return response

    def fragment(self, name: str, **context: Any) -> str:
        """A part of a page as text, such as one of what streams in."""
        return self.parts.templates.render(f"{name}.html", visit=self, said="", **context)

    def see_other(self, path: str, *, said: str = "") -> Response:
        """Go on at another page of this app, which says once what was done.

        ``said`` must hold nothing personal: it passes through a cookie.
        """
        response = RedirectResponse(path, status_code=303)
        response.headers["Cache-Control"] = "no-store"
        if said:
            response.set_cookie(
                SAID_COOKIE,
                quote(said[:_SAID_LONGEST], safe=" .,:;'()-"),
                max_age=60,
                httponly=True,
                secure=self.secure,
                samesite="lax",
            )
        return response

    def events(self, events: Iterator[str] | AsyncIterator[str]) -> Response:
        """Answer with server-sent events, as :func:`likeness.web.events.event` writes them."""
        return StreamingResponse(
            events,
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @property
    def secure(self) -> bool:
        """Whether the visitor's browser speaks HTTPS to us or to the proxy before us."""
        return self.parts.options.https

    def keep_session(self, response: Response, secret: str) -> Response:
        """Let the browser hold a session's secret, and forget the one of its forms."""
        response.set_cookie(
            self.cookie_name(SESSION_COOKIE),
            secret,
            httponly=True,
            secure=self.secure,
            samesite="lax",
            path="/",
        )
        response.delete_cookie(self.cookie_name(FORM_COOKIE), path="/", secure=self.secure)
        return response

    def drop_session(self, response: Response) -> Response:
        """Let the browser forget the session."""
        response.delete_cookie(self.cookie_name(SESSION_COOKIE), path="/", secure=self.secure)
        return response

    def keep_form_cookie(self, response: Response) -> None:
        """Let a browser that is not signed in hold what its forms are made for."""
        name = self.cookie_name(FORM_COOKIE)
        if self.session is None and self.request.cookies.get(name) != self.secret:
            response.set_cookie(
                name,
                self.secret,
                httponly=True,
                secure=self.secure,
                samesite="lax",
                path="/",
            )

    def cookie_name(self, name: str) -> str:
        """A cookie's name; over HTTPS one that no other host and no plain HTTP can set."""
        return f"__Host-{name}" if self.secure else name


def visit_of(request: Request) -> Visit:
    """Who makes this request, by the session that their browser holds."""
    parts: Parts = request.app.state.parts
    prefix = "__Host-" if parts.options.https else ""
    secret = request.cookies.get(f"{prefix}{SESSION_COOKIE}", "")
    if secret:
        known = _signed_in(request, parts, secret)
        if known is not None:
            return known
    held = request.cookies.get(f"{prefix}{FORM_COOKIE}", "")
    return Visit(request=request, parts=parts, secret=held or secrets.token_urlsafe(32))


def _signed_in(request: Request, parts: Parts, secret: str) -> Visit | None:
    house = parts.library.house
    try:
        session = signing_in.session_of(house, secret)
    except (Refused, NotFound):
        return None
    with house.store.snapshot() as connection:
        if session.kind == "person":
            if not people.person_exists(connection, session.subject_id):
                return None
            acting, role = Account(account_id=session.subject_id, name=""), "person"
        else:
            found = collection_rows.account_by_id(connection, session.subject_id)
            if found is None or not found.active:
                return None
            acting, role = found, str(found.role)
    return Visit(
        request=request, parts=parts, role=role, session=session, secret=secret, acting=acting
    )


Here = Annotated[Visit, Depends(visit_of)]
