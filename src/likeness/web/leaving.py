"""Leave for good, with a receipt at once; and come back by a private link."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Sequence

from fastapi.responses import Response

from likeness import signing_in
from likeness.errors import NotFound
from likeness.portal_consent import MAY_WIDEN, my_consent
from likeness.web.access import ANYONE, PERSON, Pages
from likeness.web.forms import Filled
from likeness.web.own_pages import OWN, own_file, own_page, own_words
from likeness.web.parts import Parts
from likeness.web.signed_in import begin
from likeness.web.visit import Here, Visit
from likeness.withdraw import Withdrawn, withdraw

pages = Pages()

SECONDS_KEPT = 3600.0
MOST_KEPT = 1000


class LastReceipts:
    """Receipts of people who have just left, each under a secret that only they were shown.

    They hold nothing personal; what this keeps apart is who may fetch one without a session.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, bytes]] = {}
        self._lock = threading.Lock()

    def keep(self, receipt: bytes) -> str:
        """Keep a receipt for an hour; returns its secret."""
        secret = secrets.token_urlsafe(32)
        with self._lock:
            self._forget()
            self._kept[secret] = (time.monotonic() + SECONDS_KEPT, receipt)
        return secret

    def get(self, secret: str) -> bytes:
        """A receipt by its secret.

        Raises
        ------
        NotFound
            There is none, or it is too late.
        """
        with self._lock:
            self._forget()
            found = self._kept.get(secret)
        if found is None:
            raise NotFound("This link does not work any more.", "Use the text of the receipt.")
        return found[1]

    def _forget(self) -> None:
        now = time.monotonic()
        for secret in [known for known, (ends, _) in self._kept.items() if ends <= now]:
            del self._kept[secret]
        while len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]


@pages.show("/my-photos/withdraw", roles=PERSON, whose=OWN)
def withdraw_page(visit: Here) -> Response:
    """What withdrawing does, and the one confirmation."""
    return _page(visit)


@pages.do("/my-photos/withdraw", roles=PERSON, whose=OWN)
def withdraw_everything(visit: Here, form: Filled) -> Response:
    """Withdraw; the receipt is in the answer, since they can sign in no more."""
    if not form.checked("confirm"):
        return _page(visit, problem=own_words(visit).withdraw.missing, status=400)
    consent = my_consent(visit.house).consent
    speaks = MAY_WIDEN[consent.basis] if consent else "person"
    if form.text("speaker") == "person" and speaks == "guardian":
        speaks = "person"
    gone = withdraw(visit.house, visit.person_id, requested_by=speaks)
    visit.parts.tasks.compare_later(visit.parts.library.house)
    kept = _receipts(visit.parts)
    receipts = [(one.receipt.decode(), kept.keep(one.receipt), one.serial) for one in _every(gone)]
    return visit.drop_session(
        own_page(
            visit,
            "withdrawn",
            left_for_good=True,
            receipts=receipts,
            signer=visit.parts.library.verifier_key,
        )
    )


@pages.show(
    "/receipts/own/{secret}", roles=ANYONE, whose="whoever has just withdrawn, by a secret link"
)
def own_receipt(visit: Here, secret: str) -> Response:
    """The receipt of somebody who has just left."""
    visit.parts.rates.take_by_address("link", visit.request)
    content = _receipts(visit.parts).get(secret)
    return own_file(content, name="likeness-receipt.json", media_type="application/json")


@pages.show("/back/{secret}", roles=ANYONE, whose="the person whose private link it is")
def back_page(visit: Here, secret: str) -> Response:
    """A button to press: whatever fetches links to preview them signs nobody in."""
    visit.parts.rates.take_by_address("link", visit.request)
    house = visit.parts.library.house
    try:
        signing_in.opened_link(house, secret, kind="return")
    except NotFound:
        return own_page(visit, "back", status=404, works=False, action="")
    return own_page(visit, "back", works=True, action=f"/back/{secret}")


@pages.do("/back/{secret}", roles=ANYONE, whose="the person whose private link it is")
def back(visit: Here, secret: str) -> Response:
    """Sign the person in."""
    visit.parts.rates.take_by_address("link", visit.request)
    house = visit.parts.library.house
    try:
        person_id = signing_in.take_link(house, secret, kind="return")
    except NotFound:
        return own_page(visit, "back", status=404, works=False, action="")
    return begin(visit, visit.see_other("/my-photos"), subject_id=person_id)


def _every(gone: Withdrawn) -> Sequence[Withdrawn]:
    return (gone, *gone.others)


def _receipts(parts: Parts) -> LastReceipts:
    return parts.kept("last_receipts", LastReceipts)


def _page(visit: Visit, *, problem: str = "", status: int = 200) -> Response:
    consent = my_consent(visit.house).consent
    return own_page(
        visit,
        "withdraw",
        status=status,
        problem_told=problem,
        speaker=MAY_WIDEN[consent.basis] if consent else "person",
    )
