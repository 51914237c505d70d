"""Stop notices: what one would take, giving it, its receipt, and lifting its block."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final, cast, get_args

from fastapi.responses import Response

from likeness import notices as ways
from likeness.errors import BadInput, LikenessError, NotFound, NotVerified, Refused, UsageError
from likeness.house import ProgressListener
from likeness.notices import GivenNotice
from likeness.records.notice import NoticeKind
from likeness.store import collections as collection_rows
from likeness.web.access import OPERATORS, Pages
from likeness.web.errors import status_of
from likeness.web.forms import PHOTO, Filled, Form
from likeness.web.source_words import source_names
from likeness.web.visit import Here, Visit

pages = Pages()

WHOSE: Final = "every notice, and what came from where it is about"
KINDS: Final = (
    ("domain", "Every page of a domain", "such as example.org"),
    ("account", "An account's page and all below it", "its address"),
    ("url", "One page or image", "its address"),
    ("photo", "One photo, wherever it is held", "its SHA-256, or the file itself"),
    ("source", "A source of this library", "its id"),
)

Codes = dict[str, tuple[str, str]]
"""Lift codes that were not shown yet, by notice: whose notice it was to give, and the code."""


@pages.show("/notices", roles=OPERATORS, whose=WHOSE)
def notices(visit: Here) -> Response:
    """Every notice, newest first, and the form for another."""
    return _page(visit, Form())


@pages.do("/notices/look", roles=OPERATORS, whose=WHOSE, most=PHOTO)
def look(visit: Here, form: Filled) -> Response:
    """What a notice would take, in exact numbers; nothing is changed."""
    try:
        kind, about = _about(form)
        if not form.text("given_by"):
            raise UsageError("Nothing says from whom the notice is.", "Say who gives it.")
        counts = ways.dry_run(visit.house, kind=kind, about=about)
    except (UsageError, BadInput) as error:
        return _page(visit, form, error=error)
    return visit.page(
        "notice_look",
        kind=kind,
        kind_words=next(text for word, text, _ in KINDS if word == kind),
        about=about,
        given_by=form.text("given_by"),
        reason=form.text("reason"),
        counts=counts,
    )


@pages.do("/notices", roles=OPERATORS, whose=WHOSE)
def give(visit: Here, form: Filled) -> Response:
    """Stop, and take out, as a task."""
    kind, about = _about(form)
    house, codes, account_id = visit.house, _codes(visit), visit.account.account_id

    def work(progress: ProgressListener) -> GivenNotice:
        return ways.give_notice(
            house,
            kind=kind,
            about=about,
            given_by=form.text("given_by"),
            reason=form.text("reason"),
            progress=progress,
            # Should the rest break off, the code is still there to be shown.
            begun=lambda notice_id, code: codes.update({notice_id: (account_id, code)}),
        )

    task = visit.parts.tasks.start(
        visit,
        title="Carrying out a notice",
        work=work,
        done=lambda given: f"/notices/{given.notice_id}",
    )
    return visit.see_other(f"/tasks/{task.task_id}")


@pages.show("/notices/{notice_id}", roles=OPERATORS, whose=WHOSE)
def notice(visit: Here, notice_id: str) -> Response:
    """One notice: what it says, what went, its receipt, and the form that lifts it."""
    return _notice_page(visit, notice_id)


@pages.do("/notices/{notice_id}/code", roles=OPERATORS, whose="a notice that this account took")
def show_code(visit: Here, notice_id: str) -> Response:
    """The code by which whoever gave the notice can lift it, once."""
    account_id, code = _codes(visit).get(notice_id, ("", ""))
    if not code or account_id != visit.account.account_id:
        raise NotFound(
            "The code of this notice was shown before, or it is not yours to show.",
            "Nothing tells it again.",
        )
    del _codes(visit)[notice_id]
    return visit.page("notice_code", notice_id=notice_id, code=code)


@pages.do("/notices/{notice_id}/lift", roles=OPERATORS, whose=WHOSE)
def lift(visit: Here, notice_id: str, form: Filled) -> Response:
    """Undo what a notice blocks, with the code of whoever gave it."""
    try:
        ways.lift_notice(visit.house, notice_id, code=form.text("code"))
    except (NotVerified, Refused) as error:
        return _notice_page(visit, notice_id, error=error)
    return visit.see_other(
        f"/notices/{notice_id}", said="Lifted: it may be added again. Nothing comes back by itself."
    )


def _about(form: Form) -> tuple[NoticeKind, str]:
    kind, about = form.text("kind"), form.text("about")
    if kind not in get_args(NoticeKind):
        raise UsageError("Nothing says what the notice is about.", "Choose what it is about.")
    photo = form.file("photo")
    if kind == "photo" and photo:
        about = sha256(photo).hexdigest()
    return cast("NoticeKind", kind), about


def _page(visit: Visit, form: Form, *, error: LikenessError | None = None) -> Response:
    house = visit.house
    with house.store.snapshot() as connection:
        sources = collection_rows.all_sources(connection)
    named = source_names(house, {source.source_id for source in sources})
    typed: Mapping[str, str] = {
        name: form.text(name) for name in ("kind", "about", "given_by", "reason")
    }
    return visit.page(
        "notices",
        status=status_of(error) if error else 200,
        error=error,
        notices=ways.known_notices(house),
        kinds=KINDS,
        typed=typed,
        named=named,
    )


def _notice_page(visit: Visit, notice_id: str, *, error: LikenessError | None = None) -> Response:
    known = next(
        (one for one in ways.known_notices(visit.house) if one.notice.notice_id == notice_id), None
    )
    if known is None:
        raise NotFound("There is no such notice.", "See the list of notices.")
    waiting = _codes(visit).get(notice_id, ("", ""))
    return visit.page(
        "notice",
        status=status_of(error) if error else 200,
        error=error,
        known=known,
        kind_words=next(text for word, text, _ in KINDS if word == known.notice.kind),
        has_code=waiting[0] == visit.account.account_id,
    )


def _codes(visit: Visit) -> Codes:
    return visit.parts.kept("lift codes", Codes)
