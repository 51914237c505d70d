"""Invitations: make a link, see which are open, and decide about who waits."""

from __future__ import annotations

import base64
from typing import Final

from fastapi.responses import Response

from likeness import approval
from likeness import invitations as ways
from likeness.consent.notice import languages
from likeness.errors import LikenessError, NotFound, Refused, UsageError
from likeness.records.consent import PURPOSES
from likeness.web.access import OPERATORS, Pages
from likeness.web.errors import status_of
from likeness.web.forms import Filled, Form
from likeness.web.qr import qr_code
from likeness.web.visit import Here, Visit

pages = Pages()

EVERY: Final = "every invitation; the labels of those alone that this account made"
WAITING: Final = (
    "enrolments that wait; a name and a face only where this account would find them anyway"
)
IN_WORDS: Final = (
    ("find_me", "Find me", "They see the photos of themself; nobody else does."),
    ("be_found", "Be found", "The audience of the collections may find them with a photo."),
    ("publish", "Publish", "Their face may be shown when photos are made public."),
)
DAYS: Final = (1, 7, 14, 30, 90)
STATES: Final = (
    ("open", "open"),
    ("waiting", "waits for a decision"),
    ("done", "used"),
    ("declined", "declined"),
    ("revoked", "revoked"),
)
MOST_SHOWN = 200


@pages.show("/invitations", roles=OPERATORS, whose=f"{EVERY}; {WAITING}")
def invitations(visit: Here) -> Response:
    """Who waits, a form for a new link, and every invitation."""
    return _page(visit)


@pages.do("/invitations", roles=OPERATORS, whose="collections that somebody is asked about")
def create_invitation(visit: Here, form: Filled) -> Response:
    """Make an invitation, and show its link once."""
    try:
        made = ways.invite(
            visit.house,
            collections=form.every("collection"),
            purposes=[known for known in PURPOSES if known in form.every("purpose")],
            label=form.text("label"),
            days=_days(form),
            needs_approval=not form.checked("without_approval"),
            language=form.text("language", "en"),
        )
    except (UsageError, Refused, NotFound) as error:
        return _page(visit, error=error, form=form, status=status_of(error))
    address = f"{visit.parts.options.public_url}/enrol/{made.secret}"
    return visit.page(
        "invitation_made",
        made=made.invitation,
        address=address,
        code=qr_code(address, label="The same link as a QR code"),
        secure=visit.parts.options.secure_context,
        words={known: title for known, title, _ in IN_WORDS},
    )


@pages.do("/invitations/{invitation_id}/revoke", roles=OPERATORS, whose="one open invitation")
def revoke(visit: Here, invitation_id: str) -> Response:
    """End an invitation that nobody has used."""
    ways.revoke(visit.house, invitation_id)
    return visit.see_other("/invitations", said="The link works no more.")


@pages.do("/invitations/{invitation_id}/approve", roles=OPERATORS, whose="one who waits")
def approve(visit: Here, invitation_id: str) -> Response:
    """Let an enrolment stand; photos held already are compared beside the requests."""
    approval.approve(visit.house, invitation_id, compare=False)
    visit.parts.tasks.compare_later(visit.house)
    said = "Approved. Photos that are held already are being compared."
    return visit.see_other("/invitations", said=said)


@pages.do("/invitations/{invitation_id}/decline", roles=OPERATORS, whose="one who waits")
def decline(visit: Here, invitation_id: str) -> Response:
    """Turn an enrolment down: everything of them is erased."""
    given = approval.decline(visit.house, invitation_id)
    said = f"Declined. Everything of them is erased; the receipt is {given.serial}."
    return visit.see_other("/invitations", said=said)


def _page(
    visit: Visit,
    *,
    error: LikenessError | None = None,
    form: Form | None = None,
    status: int = 200,
) -> Response:
    waiting = [
        (one, base64.b64encode(one.crop_jpeg).decode()) for one in approval.waiting(visit.house)
    ]
    every = ways.invitations(visit.house)
    return visit.page(
        "invitations",
        status=status,
        error=error,
        typed=form or Form(),
        waiting=waiting,
        every=every[:MOST_SHOWN],
        older=max(0, len(every) - MOST_SHOWN),
        collections=visit.library.collections(),
        purposes=IN_WORDS,
        words={known: title for known, title, _ in IN_WORDS},
        states=dict(STATES),
        days=DAYS,
        languages=[(known, visit.words("common", known).language_name) for known in languages()],
    )


def _days(form: Form) -> int:
    text = form.text("days", str(ways.DEFAULT_DAYS))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
