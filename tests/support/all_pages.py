"""Every page of the app, from its own routes, with something to see on each.

A route with a part that nothing here fills fails, so that no new page goes unseen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from playwright.sync_api import Page
from portal_parts import own_house
from shown_library import COLLECTION, Shown

from likeness import invitations, signing_in, uploads
from likeness.store.people import reference_crops_of
from likeness.web.app import page_modules
from likeness.web.roles import RouteAccess, table_of

NO_PAGES = (
    "/events",
    "{secret}/found",
    "/receipt",
    "/download",
    "/{name}",
    ".jpg",
    ".json",
    "/{task_id}",
)
"""How routes end that answer with something else than a page, or, of a task, with a moving one."""
ROLES_BY_PREFERENCE = ("owner", "person", "anyone")


@dataclass(frozen=True, kw_only=True)
class PageToSee:
    """A page.

    Attributes
    ----------
    name : str
        For files, such as ``"people-person_id"``.
    path : str
        Parts filled in.
    role : str
        As whom to open it: ``"owner"``, ``"person"`` or ``"anyone"``.
    """

    name: str
    path: str
    role: str


def every_page(shown: Shown) -> list[PageToSee]:
    """Every route that is read, filled with what the library holds."""
    fillings = _fillings(shown)
    table = table_of(route for pages in page_modules() for route in pages.routes)

    def invite() -> str:
        return invitations.invite(
            shown.library.house,
            collections=[COLLECTION],
            purposes=["find_me", "be_found"],
            label="Anna, from judo",
        ).secret

    return [
        _page(access, fillings, invite)
        for access in table
        if access.method == "GET" and not access.path.endswith(NO_PAGES)
    ]


def prepare(page: Page, seen: PageToSee, shown: Shown) -> None:
    """Do what leads to a page that is a step on a way: an enrolment's answers and photos."""
    if not seen.path.startswith("/enrol/") or seen.path.count("/") < 3:
        return
    first, step = seen.path.rsplit("/", 1)
    page.goto(first)
    for box in page.locator("input[name=purpose]").all():
        box.check()
    page.locator("input[name=name]").fill("Anna Adler")
    minor = step == "guardian"
    page.locator(f"input[name=age][value={'birth' if minor else 'adult'}]").check()
    if minor:
        page.locator("input[name=birth_date]").fill("2014-05-01")
    page.locator("main form button").last.click()
    page.wait_for_url(f"**{first}/*")
    if step in ("done", "receipt", "found"):
        page.goto(f"{first}/photo")
        page.locator("input[type=file]").set_input_files(
            [shown.folder / f"references/collins-{n}.jpg" for n in (1, 2, 3)]
        )
        page.locator("main form button").last.click()
        page.wait_for_url("**/done")


def _page(access: RouteAccess, fillings: Mapping[str, str], invite: Callable[[], str]) -> PageToSee:
    role = next(role for role in ROLES_BY_PREFERENCE if role in access.roles)
    if access.path in ("/", "/sign-in", "/back/{secret}") or access.path.startswith(
        ("/enrol/", "/set-up/")
    ):
        role = "anyone"
    path = access.path
    for part in re.findall(r"\{([^}]+)\}", path):
        name = part.split(":")[0]
        own = f"{access.path.split('/')[1]}/{name}"
        filling = invite() if own == "enrol/secret" else fillings.get(own) or fillings.get(name)
        assert filling is not None, f"{access.path}: nothing fills {name!r}; see all_pages.py"
        path = path.replace(f"{{{part}}}", filling)
    name = re.sub(r"[^\w]+", "-", access.path).strip("-") or "home"
    return PageToSee(name=name, path=path, role=role)


def _fillings(shown: Shown) -> dict[str, str]:
    house = shown.library.house
    [source] = shown.library.sources()
    collection = next(c for c in shown.library.collections() if c.name == COLLECTION)
    member = next(a for a in shown.library.accounts() if a.name == "member")
    as_person = own_house(shown.library, shown.collins)
    upload = uploads.begin(house, COLLECTION, "photos", [("a.jpg", 70_000), ("b.jpg", 90_000)])
    with house.store.snapshot() as connection:
        key = house.keyring.key(shown.collins)
        reference = min(reference_crops_of(connection, shown.collins, key=key))
    return {
        "sha256": shown.photo,
        "face": "1",
        "number": "1",
        "n": "1",
        "person_id": shown.collins,
        "account_id": member.account_id,
        "collection_id": collection.collection_id,
        "source_id": source.source_id,
        "serial": shown.receipt,
        "reference_id": reference,
        "upload_id": upload.upload_id,
        "notice_id": shown.notice,
        "receipts/secret": "unknown",
        "version": "0",
        "name": "style.css",
        "task_id": "unknown",
        "set-up/secret": signing_in.make_link(
            house, subject_id=member.account_id, kind="set_up", days=1
        ),
        "back/secret": signing_in.make_link(
            as_person, subject_id=shown.collins, kind="return", days=30
        ),
    }
