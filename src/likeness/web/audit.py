"""The audit log: its signed head to keep elsewhere, and a check of all of it."""

from __future__ import annotations

from typing import Final

from fastapi.responses import Response

from likeness.audit.verify import VerifiedLog
from likeness.errors import LikenessError, NotVerified
from likeness.web.access import OPERATORS, Pages
from likeness.web.errors import status_of
from likeness.web.forms import Filled
from likeness.web.visit import Here, Visit

pages = Pages()

WHOSE: Final = "the log as a whole; it names nobody"


@pages.show("/audit", roles=OPERATORS, whose=WHOSE)
def audit(visit: Here) -> Response:
    """The newest checkpoint, and the form that verifies."""
    return _page(visit)


@pages.do("/audit/verify", roles=OPERATORS, whose=WHOSE)
def verify(visit: Here, form: Filled) -> Response:
    """Verify every entry, and a checkpoint that was kept elsewhere."""
    # Whatever a browser made of the ends of lines, and of the last one.
    kept = form.text("kept").replace("\r\n", "\n")
    try:
        verified = visit.library.verify_audit(kept=[kept + "\n"] if kept else ())
    except NotVerified as error:
        return _page(visit, error=error, kept=kept)
    return _page(visit, verified=verified, kept=kept)


def _page(
    visit: Visit,
    *,
    error: LikenessError | None = None,
    verified: VerifiedLog | None = None,
    kept: str = "",
) -> Response:
    try:
        checkpoint = visit.library.checkpoint()
    except NotVerified as damage:
        checkpoint, error = "", error or damage
    return visit.page(
        "audit",
        status=status_of(error) if error else 200,
        error=error,
        verified=verified,
        kept=kept,
        checkpoint=checkpoint,
        key=visit.library.verifier_key,
    )
