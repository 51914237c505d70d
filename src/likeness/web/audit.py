"""The audit log: its signed head to keep elsewhere, and a check of all of it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fastapi.responses import Response

from likeness.audit.verify import VerifiedLog
from likeness.errors import NotVerified
from likeness.web.access import OPERATORS, Pages
from likeness.web.errors import status_of
from likeness.web.forms import Filled
from likeness.web.visit import Here, Visit

pages = Pages()

WHOSE: Final = "the log as a whole; it names nobody"

Latest = dict[str, tuple[datetime, VerifiedLog]]
"""What each account's latest check found, and when."""


@pages.show("/audit", roles=OPERATORS, whose=WHOSE)
def audit(visit: Here) -> Response:
    """The newest checkpoint, what the latest check found, and the form that verifies."""
    try:
        checkpoint, error = visit.library.checkpoint(), None
    except NotVerified as damage:
        checkpoint, error = "", damage
    return visit.page(
        "audit",
        status=status_of(error) if error else 200,
        error=error,
        latest=_latest(visit).get(visit.account.account_id),
        checkpoint=checkpoint,
        key=visit.library.verifier_key,
    )


@pages.do("/audit/verify", roles=OPERATORS, whose=WHOSE)
def verify(visit: Here, form: Filled) -> Response:
    """Verify every entry, and a checkpoint that was kept elsewhere, as a task."""
    # Whatever a browser made of the ends of lines, and of the last one.
    kept = form.text("kept").replace("\r\n", "\n")
    library, clock, account_id = visit.library, visit.house.clock, visit.account.account_id
    latest = _latest(visit)
    latest.pop(account_id, None)

    def done(verified: VerifiedLog) -> str:
        latest[account_id] = (clock(), verified)
        return "/audit"

    task = visit.parts.tasks.start(
        visit,
        title="Verifying the audit log",
        work=lambda _progress: library.verify_audit(kept=[kept + "\n"] if kept else ()),
        done=done,
    )
    return visit.see_other(f"/tasks/{task.task_id}")


def _latest(visit: Visit) -> Latest:
    return visit.parts.kept("verified logs", Latest)
