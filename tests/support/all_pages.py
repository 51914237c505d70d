"""Every page of the app, from its own routes, with something to see on each.

A route with a part that nothing here fills fails, so that no new page goes unseen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shown_library import COLLECTION, Shown

from likeness import invitations, signing_in
from likeness.records.collection import Account
from likeness.web.app import page_modules
from likeness.web.roles import RouteAccess, table_of

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
    return [_page(access, fillings) for access in table if access.method == "GET"]


def _page(access: RouteAccess, fillings: Mapping[str, str]) -> PageToSee:
    role = next(role for role in ROLES_BY_PREFERENCE if role in access.roles)
    if access.path in ("/", "/sign-in", "/back/{secret}") or access.path.startswith(
        ("/enrol/", "/set-up/")
    ):
        role = "anyone"
    path = access.path
    for part in re.findall(r"\{([^}]+)\}", path):
        name = part.split(":")[0]
        own = f"{access.path.split('/')[1]}/{name}"
        filling = fillings.get(own) or fillings.get(name)
        assert filling is not None, f"{access.path}: nothing fills {name!r}; see all_pages.py"
        path = path.replace(f"{{{part}}}", filling)
    name = re.sub(r"[^\w]+", "-", access.path).strip("-") or "home"
    return PageToSee(name=name, path=path, role=role)


def _fillings(shown: Shown) -> dict[str, str]:
    house = shown.library.house
    [source] = shown.library.sources()
    collection = next(c for c in shown.library.collections() if c.name == COLLECTION)
    member = next(a for a in shown.library.accounts() if a.name == "member")
    as_person = shown.library.acting_as(Account(account_id=shown.collins, name="")).house
    invited = invitations.invite(
        house, collections=[COLLECTION], purposes=["find_me", "be_found"], label="Anna, from judo"
    )
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
        "invitation_id": invited.invitation.invitation_id,
        "version": "0",
        "name": "style.css",
        "task_id": "unknown",
        "enrol/secret": invited.secret,
        "set-up/secret": signing_in.make_link(
            house, subject_id=member.account_id, kind="set_up", days=1
        ),
        "back/secret": signing_in.make_link(
            as_person, subject_id=shown.collins, kind="return", days=30
        ),
    }
