"""The start: where each visitor goes first, the desk, and files that pages are made of."""

from __future__ import annotations

from pathlib import PurePosixPath

from fastapi.responses import Response

from likeness.errors import NotFound
from likeness.web.access import ANYONE, OPERATORS, Pages
from likeness.web.templating import MEDIA_TYPES
from likeness.web.visit import Here

pages = Pages()

FIRST_PAGES = (
    ("person", "/my-photos"),
    ("member", "/search"),
    ("operator", "/desk"),
    ("owner", "/desk"),
)


@pages.show("/", roles=ANYONE, whose="nobody: what Likeness is, and where to go on")
def home(visit: Here) -> Response:
    """The first page; whoever is signed in goes where their work is."""
    for role, path in FIRST_PAGES:
        if visit.role == role:
            return visit.see_other(path)
    return visit.page("home")


@pages.show(
    "/desk",
    roles=OPERATORS,
    whose="counts of the whole library; people who let this account find them",
)
def desk(visit: Here) -> Response:
    """How the library stands, and what waits."""
    return visit.page("desk", status_now=visit.library.status())


@pages.page(
    "/static/{version}/{name}",
    methods=("GET", "HEAD"),
    roles=ANYONE,
    whose="nobody: style, scripts and icons",
)
def static_file(visit: Here, version: str, name: str) -> Response:
    """A file that pages are made of. Its address changes with its content."""
    content = visit.parts.templates.static_files.get(name)
    media_type = MEDIA_TYPES.get(PurePosixPath(name).suffix)
    if content is None or media_type is None:
        raise NotFound("There is no such file here.", "Open the page again.")
    current = version == visit.parts.templates.version
    kept = "public, max-age=31536000, immutable" if current else "no-store"
    return Response(content, media_type=media_type, headers={"Cache-Control": kept})
