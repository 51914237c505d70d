"""The table of who may open what, made from the app's own routes.

python -m likeness.web.roles > docs/reference/roles.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from likeness.web.access import ACCESS_KEY, WEB_ROLES

HEADINGS: Final = ("page", "method", *WEB_ROLES, "whose")

ABOUT: Final = """\
# Who may open which page

Every route of the web app declares who may open it, and one filter holds it. This table is made
from those routes: `python -m likeness.web.roles > docs/reference/roles.md`. A route that is not in
it fails the tests, and so does one that answers a role that it does not name.

- **anyone** has not signed in. **person** is somebody who enrolled, in their own portal.
- **member** searches what the audience allows. **operator** looks after sources, people, reviews
  and notices. **owner** looks after accounts as well.

No role widens whom an account may find: that is each person's consent, checked in every way through
the house. Pages that are not for a role answer 403; whoever is not signed in is sent to sign in.

"""


@dataclass(frozen=True, kw_only=True)
class RouteAccess:
    """Who may open one route.

    Attributes
    ----------
    path, method : str
    roles : frozenset of str
    whose : str
        Whose objects it shows or changes.
    """

    path: str
    method: str
    roles: frozenset[str]
    whose: str


def table_of(routes: Iterable[BaseRoute]) -> list[RouteAccess]:
    """Who may open each route, in the order of the app.

    Raises
    ------
    ValueError
        A route does not say who may open it.
    """
    found = []
    for route in routes:
        access = _declared(route)
        if access is None or not isinstance(route, APIRoute):
            raise ValueError(f"{getattr(route, 'path', route)}: nothing says who may open it")
        found += [
            RouteAccess(
                path=route.path,
                method=method,
                roles=frozenset(access["roles"]),
                whose=str(access["whose"]),
            )
            for method in sorted(route.methods or ())
        ]
    return found


def page_of(table: Iterable[RouteAccess]) -> str:
    """The table as a page of the reference."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    for one in table:
        marks = ["yes" if role in one.roles else "" for role in WEB_ROLES]
        cells = [f"`{one.path}`", one.method, *marks, one.whose]
        lines.append("| " + " | ".join(cells) + " |")
    return ABOUT + "\n".join(lines) + "\n"


def _declared(route: BaseRoute) -> dict[str, Any] | None:
    return (route.openapi_extra or {}).get(ACCESS_KEY) if isinstance(route, APIRoute) else None


def main() -> None:
    """Write the page of the reference to standard output."""
    from likeness.web.app import page_modules

    sys.stdout.write(page_of(table_of(r for pages in page_modules() for r in pages.routes)))


if __name__ == "__main__":
    main()
