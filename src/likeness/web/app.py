"""The app put together: every page, and what all visits share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from likeness.library import Library
from likeness.web import errors, live_capture
from likeness.web.access import Pages
from likeness.web.parts import Parts, ServeOptions
from likeness.web.rates import Rates
from likeness.web.tasks import Tasks
from likeness.web.templating import Templates

THREADS: Final = 200
"""Requests at once: more than the machine works at, since some wait for their turn, as to write.

A search in its line holds none, nor does a page that is told what happens.
"""

NO_TELEMETRY: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}
"""Addresses of pages hold secrets, so no trace of a request goes anywhere, whatever is set."""

PAGES: Final = (
    "home",
    "task_pages",
    "sign_in",
    "account",
    "accounts",
    "search",
    "photos",
    "enrolment",
    "enrolled",
    "invitations",
    "my_photos",
    "that_is_me",
    "my_references",
    "my_consent",
    "my_data",
    "leaving",
    "collections",
    "sources",
    "uploads",
    "people_enrol",
    "people",
    "people_consents",
    "review",
    "notices",
    "receipts",
    "audit",
)
"""The modules whose ``pages`` make the app, in the order of the table of roles."""


def create_app(library: Library, options: ServeOptions) -> FastAPI:
    """Make the app for one open library, which stays the caller's to close."""
    parts = Parts(
        library=library,
        options=options,
        templates=Templates(),
        tasks=Tasks(),
        rates=Rates(proxies=options.proxies),
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = THREADS
        yield
        live_capture.close(parts)
        parts.tasks.close()

    app = FastAPI(
        title="Likeness",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        telemetry=NO_TELEMETRY,
    )
    app.state.parts = parts
    for pages in page_modules():
        # Flat, so that whoever reads the app's routes sees each of them.
        app.router.routes.extend(pages.routes)
    errors.register(app)
    return app


def page_modules() -> Sequence[Pages]:
    """The routes of every page module."""
    return [
        import_module(f"likeness.web.{name}").pages
        for name in PAGES
        if find_spec(f"likeness.web.{name}")
    ]
