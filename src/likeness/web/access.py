"""Who may open which page: declared beside each route, held by one filter, readable as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, TypeVar

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from likeness.errors import Refused
from likeness.signing_in import not_signed_in
from likeness.web.forms import LONGEST_FORM, LONGEST_OF_STRANGERS, Most, require_own_form
from likeness.web.visit import Here

WebRole = Literal["anyone", "person", "member", "operator", "owner"]
"""Whoever is not signed in, a person in their own portal, and the three roles of accounts."""

WEB_ROLES: Final[tuple[WebRole, ...]] = ("anyone", "person", "member", "operator", "owner")

ANYONE: Final = frozenset(WEB_ROLES)
SIGNED_IN: Final = ANYONE - {"anyone"}
PERSON: Final = frozenset({"person"})
MEMBERS: Final = frozenset({"member", "operator", "owner"})
OPERATORS: Final = frozenset({"operator", "owner"})
OWNER: Final = frozenset({"owner"})

ACCESS_KEY: Final = "x-access"
"""Under which a route carries who may open it, and how much it takes, for tables and tests."""

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class NotForThisRole(Refused):
    """The page is for others than whoever is signed in."""


class Pages(APIRouter):
    """Routes of one part of the app. None can be declared without saying who may open it.

    Parameters
    ----------
    prefix : str
    """

    def page(
        self,
        path: str,
        *,
        methods: Sequence[str],
        roles: frozenset[str],
        whose: str,
        most: Most | None = None,
        before: Sequence[Callable[..., Any]] = (),
    ) -> Callable[[Endpoint], Endpoint]:
        """Declare a route.

        Parameters
        ----------
        path : str
        methods : sequence of str
        roles : frozenset of str
            Who may open it.
        whose : str
            In words, whose objects it shows or changes.
        most : Most, optional
            How many bytes may be sent to it; as many as an ordinary form has where absent.
        before : sequence of callable
            Dependencies that may refuse before anything of what is sent is read.
        """
        if not roles or not roles <= ANYONE or not whose:
            raise ValueError(f"{path}: a route says who may open it, and whose objects it is about")
        if most is None:
            most = LONGEST_OF_STRANGERS if "anyone" in roles else LONGEST_FORM
        checks = [Depends(check) for check in (_gate(roles, most), *before)]
        if not {"GET", "HEAD"}.issuperset(methods):
            checks.append(Depends(require_own_form))

        def declare(endpoint: Endpoint) -> Endpoint:
            self.add_api_route(
                path,
                endpoint,
                methods=list(methods),
                dependencies=checks,
                response_model=None,
                response_class=HTMLResponse,
                openapi_extra={ACCESS_KEY: {"roles": sorted(roles), "whose": whose, "most": most}},
            )
            return endpoint

        return declare

    def show(
        self, path: str, *, roles: frozenset[str], whose: str
    ) -> Callable[[Endpoint], Endpoint]:
        """Declare a page that is read (GET)."""
        return self.page(path, methods=("GET",), roles=roles, whose=whose)

    def do(
        self,
        path: str,
        *,
        roles: frozenset[str],
        whose: str,
        most: Most | None = None,
        before: Sequence[Callable[..., Any]] = (),
    ) -> Callable[[Endpoint], Endpoint]:
        """Declare something that is done (POST)."""
        return self.page(
            path, methods=("POST",), roles=roles, whose=whose, most=most, before=before
        )


def _gate(roles: frozenset[str], most: Most) -> Callable[[Here], None]:
    def gate(visit: Here) -> None:
        # What reads a body later holds to it.
        visit.request.state.most = most
        if visit.role in roles:
            return
        if visit.role == "anyone":
            raise not_signed_in()
        raise NotForThisRole(
            "This page is not for you.",
            "Ask the owner of this library if you need it.",
        )

    return gate
