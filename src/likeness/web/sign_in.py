"""Sign in and out, and choose a passkey or password by a link that works once."""

from __future__ import annotations

from fastapi.responses import Response

from likeness import passkeys, passwords, signing_in
from likeness.errors import NotSignedIn, UsageError
from likeness.passkeys import LONGEST_ANSWER
from likeness.web.access import ANYONE, SIGNED_IN, Pages
from likeness.web.errors import status_of
from likeness.web.forms import Filled, RawBody
from likeness.web.signed_in import (
    begin,
    challenges_of,
    device_of,
    hashing,
    json_answer,
    safe_path,
    site_of,
)
from likeness.web.visit import Here, Visit

pages = Pages()

NOBODY = "nobody: whoever is about to sign in"
LINKS = "the account or person whose link it is"


@pages.show("/sign-in", roles=ANYONE, whose=NOBODY)
def sign_in_page(visit: Here) -> Response:
    """How to sign in; whoever did so a moment ago goes on."""
    to = safe_path(visit.request.query_params.get("next", "/"))
    return visit.see_other(to) if visit.fresh else _sign_in_page(visit, to=to)


@pages.do("/sign-in", roles=ANYONE, whose=NOBODY)
def sign_in(visit: Here, form: Filled) -> Response:
    """Sign in with a name and a password."""
    name, to = form.text("name"), safe_path(form.text("next", "/"))
    rates = visit.parts.rates
    rates.take_sign_in(name, visit.request)
    try:
        with hashing(visit.parts):
            account_id = passwords.sign_in_with_password(
                visit.parts.library.house, name, form.text("password")
            )
    except NotSignedIn as error:
        return _sign_in_page(visit, to=to, name=name, error=error, status=status_of(error))
    rates.forgive_sign_in(name, visit.request)
    return begin(visit, visit.see_other(to), subject_id=account_id)


@pages.do("/sign-in/passkey/options", roles=ANYONE, whose=NOBODY)
def passkey_options(visit: Here) -> Response:
    """What the browser needs to sign in with a passkey."""
    visit.parts.rates.take_by_address("link", visit.request)
    return json_answer(passkeys.sign_in_options(site_of(visit.parts), challenges_of(visit.parts)))


@pages.do("/sign-in/passkey", roles=ANYONE, whose=NOBODY, most=LONGEST_ANSWER)
def sign_in_with_passkey(visit: Here, body: RawBody) -> Response:
    """Sign in with what a passkey signed."""
    visit.parts.rates.take_by_address("sign_in", visit.request)
    subject_id = passkeys.sign_in_with_passkey(
        visit.parts.library.house, site_of(visit.parts), challenges_of(visit.parts), body
    )
    return begin(visit, json_answer({"to": "/"}), subject_id=subject_id)


@pages.do("/sign-out", roles=SIGNED_IN, whose="the session of whoever is signed in")
def sign_out(visit: Here) -> Response:
    """End the session."""
    signing_in.end_session(visit.house, visit.own_session.session_id)
    return visit.drop_session(visit.see_other("/", said=visit.words("sign_in").signed_out))


@pages.show("/set-up/{secret}", roles=ANYONE, whose=LINKS)
def set_up_page(visit: Here, secret: str) -> Response:
    """Choose how to sign in from now on. Showing the page does not use the link up."""
    visit.parts.rates.take_by_address("link", visit.request)
    return _set_up_page(visit, secret)


@pages.do("/set-up/{secret}", roles=ANYONE, whose=LINKS)
def set_up_password(visit: Here, secret: str, form: Filled) -> Response:
    """Choose a password, and be signed in."""
    visit.parts.rates.take_by_address("sign_in", visit.request)
    house, password = visit.parts.library.house, form.text("password")
    try:
        if password != form.text("again"):
            raise UsageError("The two passwords differ.", "Type the same twice.")
        with hashing(visit.parts):
            account_id = passwords.set_up_password(house, secret, password)
    except UsageError as error:
        return _set_up_page(visit, secret, error=error, status=status_of(error))
    return begin(visit, visit.see_other("/"), subject_id=account_id)


@pages.do("/set-up/{secret}/passkey/options", roles=ANYONE, whose=LINKS)
def set_up_options(visit: Here, secret: str) -> Response:
    """What the browser needs to make a passkey for whose link it is."""
    visit.parts.rates.take_by_address("link", visit.request)
    house = visit.parts.library.house
    subject_id = signing_in.opened_link(house, secret, kind="set_up")
    site, challenges = site_of(visit.parts), challenges_of(visit.parts)
    return json_answer(passkeys.adding_options(house, site, challenges, subject_id))


@pages.do("/set-up/{secret}/passkey", roles=ANYONE, whose=LINKS, most=LONGEST_ANSWER)
def set_up_passkey(visit: Here, secret: str, body: RawBody) -> Response:
    """Keep the passkey that the browser made, and be signed in."""
    visit.parts.rates.take_by_address("sign_in", visit.request)
    subject_id = passkeys.set_up_passkey(
        visit.parts.library.house,
        site_of(visit.parts),
        challenges_of(visit.parts),
        body,
        secret=secret,
        label=device_of(visit),
    )
    return begin(visit, json_answer({"to": "/"}), subject_id=subject_id)


def _sign_in_page(
    visit: Visit,
    *,
    to: str,
    name: str = "",
    error: NotSignedIn | None = None,
    status: int = 200,
) -> Response:
    secure = visit.parts.options.secure_context
    return visit.page(
        "sign_in",
        status=status,
        w=visit.words("sign_in"),
        to=to,
        typed=name,
        error=error,
        secure=secure,
        passwords=not secure or passwords.anybody_has_one(visit.parts.library.house),
    )


def _set_up_page(
    visit: Visit, secret: str, *, error: UsageError | None = None, status: int = 200
) -> Response:
    house = visit.parts.library.house
    subject_id = signing_in.opened_link(house, secret, kind="set_up")
    return visit.page(
        "set_up",
        status=status,
        w=visit.words("sign_in"),
        error=error,
        whose=signing_in.name_of(house, subject_id),
        path=f"/set-up/{secret}",
        secure=visit.parts.options.secure_context,
    )
