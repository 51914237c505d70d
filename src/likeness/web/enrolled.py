"""Where an enrolment ends: what happens now, the way back, and photos as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from likeness.errors import LikenessError
from likeness.invited import found_so_far
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
"""How long the page counts along at most."""


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


@pages.show("/enrol/{secret}/found", roles=PERSON, whose=OWN)
def found(visit: Here, secret: str) -> Response:
    """How many photos of them were found, each time that it has changed."""
    house = visit.house

    async def counts() -> AsyncIterator[str]:
        # Many may wait here at once: none of them may hold a thread while nothing happens.
        seen = -1
        for _ in range(SECONDS_COUNTED):
            try:
                found = await run_in_threadpool(found_so_far, house)
            except LikenessError:
                break
            if found.photos != seen:
                seen = found.photos
                yield event("found", {"count": seen})
            if found.settled:
                break
            await anyio.sleep(1.0)
        yield event("ended", {})

    return visit.events(counts())


def _waits(visit: Visit) -> bool:
    return all(
        consent.state != "given" for consent in consents_of_person(visit.house, visit.person_id)
    )
