"""Where an enrolment ends: what happens now, the way back, the receipt, photos as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from likeness.consent_receipts import consent_receipt
from likeness.errors import LikenessError
from likeness.portal import my_photos
from likeness.renewal import consents_of_person
from likeness.web.access import PERSON, Pages
from likeness.web.drafts import Finished
from likeness.web.enrolment_steps import finished_of, held_by, words_page
from likeness.web.events import event
from likeness.web.qr import qr_code
from likeness.web.visit import Here, Visit

pages = Pages()

OWN = "the person who has just enrolled"
SECONDS_COUNTED = 300
SECONDS_BETWEEN = 1.0


@pages.show("/enrol/{secret}/done", roles=PERSON, whose=OWN)
def done_page(visit: Here, secret: str) -> Response:
    """What happens now, the link back, the receipt, and a passkey if they want one."""
    finished = finished_of(visit).get(held_by(visit))
    if finished is None or finished.person_id != visit.person_id:
        finished = Finished(person_id=visit.person_id, language=visit.language, back="")
    options = visit.parts.options
    address = f"{options.public_url}/back/{finished.back}" if finished.back else ""
    w = visit.words("enrol", finished.language)
    return words_page(
        visit,
        "enrol_done",
        finished.language,
        secret=secret,
        waits=_waits(visit),
        found=my_photos(visit.house, limit=1).total,
        back=address,
        code=qr_code(address, label=w.done.qr) if address else "",
        secure=options.secure_context,
        asking=visit.words("sign_in", finished.language),
    )


@pages.show("/enrol/{secret}/receipt", roles=PERSON, whose=OWN)
def receipt(visit: Here, secret: str) -> Response:
    """Their own copy of what they said yes to."""
    return Response(
        consent_receipt(visit.house, visit.person_id),
        media_type="application/json",
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="likeness-consent-receipt.json"',
        },
    )


@pages.show("/enrol/{secret}/found", roles=PERSON, whose=OWN)
def found_so_far(visit: Here, secret: str) -> Response:
    """How many photos of them were found, each time that it has changed."""
    house = visit.house

    async def counts() -> AsyncIterator[str]:
        # Many may wait here at once: none of them may hold a thread while nothing happens.
        seen = -1
        for _ in range(int(SECONDS_COUNTED / SECONDS_BETWEEN)):
            try:
                total = (await run_in_threadpool(my_photos, house, limit=1)).total
            except LikenessError:
                break
            if total != seen:
                seen = total
                yield event("found", {"count": total})
            await asyncio.sleep(SECONDS_BETWEEN)
        yield event("ended", {})

    return visit.events(counts())


def _waits(visit: Visit) -> bool:
    return all(
        consent.state != "given" for consent in consents_of_person(visit.house, visit.person_id)
    )
