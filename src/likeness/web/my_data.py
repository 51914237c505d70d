"""A person's data: who found them, their photos and everything else to take along, a new link."""

from __future__ import annotations

import json

from fastapi.responses import Response, StreamingResponse

from likeness import signing_in
from likeness.export import export_person
from likeness.own_archive import own_archive
from likeness.portal_found import found_by_month
from likeness.web.access import PERSON, Pages
from likeness.web.own_pages import OWN, own_file, own_page
from likeness.web.visit import Here

pages = Pages()

LINK_DAYS = 180
"""How long a private link works that a person makes for themself."""


@pages.show("/my-photos/found", roles=PERSON, whose=OWN)
def found(visit: Here) -> Response:
    """How often they were found, by organisation and month."""
    told = found_by_month(visit.house)
    most = max((one.times for one in told.months), default=1)
    return own_page(visit, "my_found", found=told, most=most)


@pages.show("/my-photos/data", roles=PERSON, whose=OWN)
def data(visit: Here) -> Response:
    """What they can take along, and how they come back."""
    return own_page(visit, "my_data", link="")


@pages.show("/my-photos/data.json", roles=PERSON, whose=OWN)
def everything(visit: Here) -> Response:
    """Everything that is held about them."""
    visit.parts.rates.take("enrol", visit.person_id)
    exported = {"schema": "likeness.export-person/1", **export_person(visit.house, visit.person_id)}
    content = json.dumps(exported, indent=2, ensure_ascii=False).encode() + b"\n"
    return own_file(content, name="my-data.json", media_type="application/json")


@pages.show("/my-photos/download", roles=PERSON, whose=OWN)
def download(visit: Here) -> Response:
    """Their photos as one file, made while it is sent."""
    visit.parts.rates.take("enrol", visit.person_id)
    return StreamingResponse(
        own_archive(visit.house),
        media_type="application/zip",
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="my-photos.zip"',
        },
    )


@pages.do("/my-photos/link", roles=PERSON, whose=OWN)
def make_link(visit: Here) -> Response:
    """A new private link, shown once; the former ends."""
    visit.require_fresh()
    secret = signing_in.make_link(
        visit.house, subject_id=visit.person_id, kind="return", days=LINK_DAYS
    )
    link = f"{visit.parts.options.public_url}/back/{secret}"
    return own_page(visit, "my_data", link=link)
