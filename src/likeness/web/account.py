"""Your account: what you sign in with, and where you are signed in."""

from __future__ import annotations

from fastapi.responses import Response

from likeness import passkeys, passwords, signing_in, ways_in
from likeness.errors import LikenessError, NotSignedIn, SignInAgain, UsageError
from likeness.passkeys import LONGEST_ANSWER
from likeness.web.access import MEMBERS, SIGNED_IN, Pages
from likeness.web.errors import status_of
from likeness.web.forms import Filled, RawBody
from likeness.web.signed_in import challenges_of, device_of, hashing, json_answer, site_of
from likeness.web.visit import Here, Visit
from likeness.web.words import Words

pages = Pages()

OWN = "their own passkeys, password and sessions"


@pages.show("/account", roles=SIGNED_IN, whose=OWN)
def account(visit: Here) -> Response:
    """What somebody signs in with, and where they are signed in."""
    return _page(visit)


@pages.do("/account/passkeys/options", roles=SIGNED_IN, whose=OWN)
def passkey_options(visit: Here) -> Response:
    """What the browser needs to make a passkey."""
    if not visit.fresh:
        again = _words(visit).again
        raise SignInAgain(again.text, again.fix)
    site, challenges = site_of(visit.parts), challenges_of(visit.parts)
    return json_answer(passkeys.adding_options(visit.house, site, challenges, _subject(visit)))


@pages.do("/account/passkeys", roles=SIGNED_IN, whose=OWN, most=LONGEST_ANSWER)
def add_passkey(visit: Here, body: RawBody) -> Response:
    """Keep the passkey that the browser made."""
    passkeys.add_passkey(
        visit.house,
        site_of(visit.parts),
        challenges_of(visit.parts),
        body,
        session=visit.own_session,
        label=device_of(visit),
    )
    return json_answer({"to": "/account"})


@pages.do("/account/passkeys/{credential_id}", roles=SIGNED_IN, whose=OWN)
def rename_passkey(visit: Here, credential_id: str, form: Filled) -> Response:
    """Call a passkey something else."""
    ways_in.rename_passkey(visit.house, _subject(visit), credential_id, form.text("label"))
    return visit.see_other("/account", said=_words(visit).said.renamed)


@pages.do("/account/credentials/{credential_id}/remove", roles=SIGNED_IN, whose=OWN)
def remove_credential(visit: Here, credential_id: str) -> Response:
    """Remove a passkey or the password; the last way in of an account stays."""
    try:
        ways_in.remove_credential(visit.house, visit.own_session, credential_id)
    except UsageError as error:
        return _page(visit, error=error, status=status_of(error))
    return visit.see_other("/account", said=_words(visit).said.removed)


@pages.do("/account/password", roles=MEMBERS, whose="their own password")
def change_password(visit: Here, form: Filled) -> Response:
    """Choose another password, or the first; every other session ends."""
    visit.parts.rates.take("password", visit.account.account_id)
    try:
        if form.text("password") != form.text("again"):
            raise UsageError("The two passwords differ.", "Type the same twice.")
        with hashing(visit.parts):
            passwords.set_password(
                visit.house,
                visit.own_session,
                form.text("password"),
                current=form.text("current"),
            )
    except (UsageError, NotSignedIn) as error:
        return _page(visit, error=error, status=status_of(error))
    visit.parts.rates.forgive("password", visit.account.account_id)
    return visit.see_other("/account", said=_words(visit).said.password_changed)


@pages.do("/account/sessions/others/end", roles=SIGNED_IN, whose=OWN)
def end_others(visit: Here) -> Response:
    """Sign out everywhere but here."""
    signing_in.end_sessions(visit.house, _subject(visit), but=visit.own_session.session_id)
    return visit.see_other("/account", said=_words(visit).said.others_ended)


@pages.do("/account/sessions/{session_id}/end", roles=SIGNED_IN, whose=OWN)
def end_session(visit: Here, session_id: str) -> Response:
    """Sign out in one browser."""
    signing_in.end_session(visit.house, session_id, subject_id=_subject(visit))
    if session_id == visit.own_session.session_id:
        return visit.drop_session(visit.see_other("/"))
    return visit.see_other("/account", said=_words(visit).said.ended)


def _page(visit: Visit, *, error: LikenessError | None = None, status: int = 200) -> Response:
    house, subject_id = visit.house, _subject(visit)
    return visit.page(
        "account",
        status=status,
        w=_words(visit),
        asking=visit.words("sign_in", _language(visit)),
        error=error,
        passkeys=ways_in.passkeys_of(house, subject_id),
        password=ways_in.password_of(house, subject_id),
        sessions=signing_in.sessions_of(house, subject_id),
        secure=visit.parts.options.secure_context,
        here=site_of(visit.parts).host,
    )


def _subject(visit: Visit) -> str:
    return visit.house.account.account_id


def _language(visit: Visit) -> str:
    # The desk is in English; a person chooses.
    return "" if visit.role == "person" else "en"


def _words(visit: Visit) -> Words:
    return visit.words("account", _language(visit))
