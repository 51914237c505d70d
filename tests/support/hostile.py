"""What strangers write into addresses and forms, and whatever is really there beside it."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any
from urllib.parse import quote

from fastapi.routing import APIRoute
from promise_house import enrol
from web_server import Client, WebServer

from likeness import invitations, uploads
from likeness.library import Library
from likeness.store.people import reference_crops_of
from likeness.web.access import ACCESS_KEY
from likeness.web.app import page_modules

LONG = "a" * 10_000
ODD = "\N{FACE WITH TEARS OF JOY}\N{RIGHT-TO-LEFT OVERRIDE}<script>"
WORDS = (
    "\0",
    "/",
    "../..",
    "-1",
    "99999999999999999999999999",
    "' OR 1=1 --",
    ODD,
    "\ud800",
    LONG,
)


def written(word: str) -> str:
    """A word as it stands in an address, half of a surrogate pair as well."""
    return quote(word.encode("utf-8", "surrogatepass"), safe="")


def routes() -> list[APIRoute]:
    """Every route of the app."""
    return [
        route for pages in page_modules() for route in pages.routes if isinstance(route, APIRoute)
    ]


def roles_of(route: APIRoute) -> list[str]:
    """Who may open it."""
    return list((route.openapi_extra or {})[ACCESS_KEY]["roles"])


def fields_of(route: APIRoute) -> list[str]:
    """The fields of forms that its module reads, as its source names them."""
    module = inspect.getmodule(route.endpoint)
    assert isinstance(module, ModuleType)
    tree = ast.parse(inspect.getsource(module))
    asked = ("text", "every", "checked", "file", "files", "named_files")
    found = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in asked
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }
    return sorted(found)


@dataclass(frozen=True, kw_only=True)
class Strangers:
    """Clients of every role, each request from an address of its own, so that no rate ends it."""

    server: WebServer
    person_id: str
    _addresses: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def client(self, role: str, *, person_id: str = "") -> Client:
        """Somebody in a role; accounts are called as their roles are."""
        if role == "person":
            made = self.server.client(person_id=person_id or self.person_id)
        else:
            made = self.server.client("" if role == "anyone" else role)
        made.follow_redirects = False
        made.event_hooks = {"request": [self._from_elsewhere]}
        return made

    def _from_elsewhere(self, request: Any) -> None:
        number = next(self._addresses)
        request.headers["x-forwarded-for"] = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def fillings(library: Library, person_id: str) -> Mapping[str, str]:
    """Something that is there, for every part of an address."""
    house = library.house
    [shown, *_] = library.photos("").photos
    [collection, *_] = [c for c in library.collections() if c.name == "party"]
    gone = enrol(library, "Gone", 3)
    invited = invitations.invite(
        house, collections=["party"], purposes=["find_me"], label="a stranger"
    )
    with house.store.snapshot() as connection:
        key = house.keyring.key(person_id)
        reference = min(reference_crops_of(connection, person_id, key=key))
    return {
        "sha256": shown.photo.sha256,
        "face": "1",
        "number": "1",
        "person_id": person_id,
        "account_id": library.create_account("sacrificed", role="member").account_id,
        "collection_id": collection.collection_id,
        "source_id": library.sources()[0].source_id,
        "serial": library.withdraw(gone).serial,
        "reference_id": str(reference),
        "upload_id": uploads.begin(house, "party", "photos", [("a.jpg", 70_000)]).upload_id,
        "notice_id": library.give_notice(
            kind="domain", about="stop.example.org", given_by="Erin", reason="A letter"
        ).notice_id,
        "invitation_id": invited.invitation.invitation_id,
        "secret": invited.secret,
        "task_id": "unknown",
        "credential_id": "unknown",
        "session_id": "unknown",
        "version": "0",
        "name": "style.css",
    }


def parts_of(path: str) -> list[str]:
    """The names of the parts of an address that are filled in."""
    return [part.split(":")[0] for part in re.findall(r"\{([^}]+)\}", path)]


def filled(path: str, parts: Mapping[str, str]) -> str:
    """The address with its parts filled in, as they are."""
    return re.sub(r"\{([^}:]+)[^}]*\}", lambda found: parts[found[1]], path)
