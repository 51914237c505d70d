"""One visit of a page: who came, as whom the house acts, and how the answer is made."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from likeness import signing_in
from likeness.consent.notice import languages
from likeness.errors import NotSignedIn
from likeness.house import House
from likeness.library import Library
from likeness.records.collection import Account
from likeness.records.session import Session
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
    def own_session(self) -> Session:
        """The session of whoever is signed in.

        Raises
        ------
        NotSignedIn
        """
        if self.session is None:
            raise signing_in.not_signed_in()
        return self.session

    @property
    def fresh(self) -> bool:
        """Whether they signed in a moment ago."""
        house = self.parts.library.house
        return self.session is not None and signing_in.is_fresh(house, self.session)

    def require_fresh(self) -> None:
        """Check that they signed in a moment ago; a browser is then sent to do so again.

        Raises
        ------
        NotSignedIn, SignInAgain
        """
        signing_in.require_fresh(self.parts.library.house, self.own_session)

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
        return first if first in languages() else "en"

    def words(self, part: str, language: str = "") -> Words:
        """The words of one part of the person's pages, in the visitor's language."""
        return words_of(part, language or self.language)

    def page(self, name: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """Render the template of this name; browsers keep no copy of it."""
        said = self.request.cookies.get(self.cookie_name(SAID_COOKIE), "")
        text = self.parts.templates.render(f"{name}.html", visit=self, said=said, **context)
        response = HTMLResponse(text, status_code=status)
        response.headers["Cache-Control"] = "no-store"
        if said:
            self._drop(response, SAID_COOKIE)
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
            shown = quote(said[:_SAID_LONGEST], safe=" .,:;'()-")
            self._keep(response, SAID_COOKIE, shown, seconds=60)
        return response

    def events(self, events: AsyncIterator[str]) -> Response:
        """Answer with server-sent events, as :func:`likeness.web.events.event` writes them.

        They come without holding a thread: somebody may leave a page open for long.
        """
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
        self._keep(response, SESSION_COOKIE, secret)
        self._drop(response, FORM_COOKIE)
        return response

    def drop_session(self, response: Response) -> Response:
        """Let the browser forget the session."""
        self._drop(response, SESSION_COOKIE)
        return response

    def keep_form_cookie(self, response: Response) -> None:
        """Let a browser that is not signed in hold what its forms are made for."""
        held = self.request.cookies.get(self.cookie_name(FORM_COOKIE))
        if self.session is None and held != self.secret:
            self._keep(response, FORM_COOKIE, self.secret)

    def cookie_name(self, name: str) -> str:
        """A cookie's name; over HTTPS one that no other host and no plain HTTP can set."""
        return _cookie_name(self.parts, name)

    def _keep(
        self, response: Response, name: str, value: str, *, seconds: int | None = None
    ) -> None:
        response.set_cookie(
            self.cookie_name(name),
            value,
            max_age=seconds,
            httponly=True,
            secure=self.secure,
            samesite="lax",
            path="/",
        )

    def _drop(self, response: Response, name: str) -> None:
        response.delete_cookie(self.cookie_name(name), path="/", secure=self.secure)


def visit_of(request: Request) -> Visit:
    """Who makes this request, by the session that their browser holds."""
    parts: Parts = request.app.state.parts
    secret = request.cookies.get(_cookie_name(parts, SESSION_COOKIE), "")
    if secret:
        try:
            session, acting = signing_in.session_of(parts.library.house, secret)
        except NotSignedIn:
            pass
        else:
            role = "person" if session.kind == "person" else acting.role
            return Visit(
                request=request,
                parts=parts,
                role=role,
                session=session,
                secret=secret,
                acting=acting,
            )
    held = request.cookies.get(_cookie_name(parts, FORM_COOKIE), "")
    return Visit(request=request, parts=parts, secret=held or secrets.token_urlsafe(32))


def _cookie_name(parts: Parts, name: str) -> str:
    return f"__Host-{name}" if parts.options.https else name


Here = Annotated[Visit, Depends(visit_of)]
