"""Receipts: every one that was given, to download again, and any receipt verified."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fastapi.responses import Response

from likeness.audit.any_receipt import verify_any
from likeness.audit.consent_receipt import VerifiedConsent
from likeness.audit.proven import MAX_RECEIPT_BYTES
from likeness.audit.receipt_file import VerifiedReceipt
from likeness.errors import BadInput, LikenessError, NotVerified, UsageError
from likeness.web.access import OPERATORS, Pages
from likeness.web.errors import status_of
from likeness.web.forms import Filled
from likeness.web.visit import Here, Visit

pages = Pages()

WHOSE: Final = "every receipt; it names nobody"
KINDS: Final = (
    ("withdrawal", "somebody withdrew"),
    ("expiry", "a consent ended"),
    ("removal", "a source was removed"),
    ("notice", "a stop notice"),
    ("declined", "an enrolment was declined"),
)
A_PAGE: Final = 100


@pages.show("/receipts", roles=OPERATORS, whose=WHOSE)
def receipts(visit: Here, all_of_them: bool = False) -> Response:
    """Every receipt, newest first."""
    return _page(visit, all_of_them=all_of_them)


@pages.show("/receipts/{serial}.json", roles=OPERATORS, whose=WHOSE)
def receipt(visit: Here, serial: str) -> Response:
    """A receipt as it was issued."""
    document = visit.library.receipt(serial)
    return Response(
        document,
        media_type="application/json",
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="likeness-receipt-{serial}.json"',
        },
    )


@pages.do(
    "/receipts/verify",
    roles=OPERATORS,
    whose="whatever receipt is shown",
    most=2 * MAX_RECEIPT_BYTES,
)
def verify(visit: Here, form: Filled) -> Response:
    """Check a receipt that was pasted or chosen against this library's key."""
    pasted = form.text("text")
    data = form.file("file") or (f"{pasted}\n".encode() if pasted else b"")
    try:
        if not data:
            raise UsageError("There is no receipt.", "Choose its file, or paste it.")
        if len(data) > MAX_RECEIPT_BYTES:
            raise BadInput("This is larger than a receipt is.", "Choose a receipt.")
        verified = verify_any(data, key=visit.library.verifier_key)
    except (UsageError, BadInput, NotVerified) as error:
        return _page(visit, error=error, pasted=form.text("text"))
    return _page(visit, verified=verified)


def _page(
    visit: Visit,
    *,
    error: LikenessError | None = None,
    verified: VerifiedReceipt | VerifiedConsent | None = None,
    pasted: str = "",
    all_of_them: bool = False,
) -> Response:
    found = visit.library.receipts()
    shown = found if all_of_them else found[:A_PAGE]
    return visit.page(
        "receipts",
        status=status_of(error) if error else 200,
        error=error,
        verified=verified,
        pasted=pasted,
        receipts=[(serial, kind, datetime.fromisoformat(at)) for serial, kind, at in shown],
        more=len(found) - len(shown),
        kinds=dict(KINDS),
        key=visit.library.verifier_key,
    )
