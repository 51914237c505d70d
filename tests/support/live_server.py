"""A server whose captures ask for left, right, closer; and the way to the page of its camera."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Page
from web_server import WebServer, serving

from likeness import invitations
from likeness.captures import Captures
from likeness.library import Library
from likeness.records.capture import MOVEMENTS
from likeness.web import live_capture


@contextmanager
def live_server(folder: Path) -> Iterator[WebServer]:
    """Serve a new library with the collection ``party`` and the real engine."""
    with (
        pytest.MonkeyPatch.context() as patch,
        Library.create(folder / "library", keyring=folder / "keys") as library,
    ):
        patch.setattr(live_capture, "Captures", partial(Captures, draw=lambda: MOVEMENTS))
        # Loading it takes seconds in which a film would go on.
        library.house.engine()
        library.create_collection("party", controller="Club", audience=("owner",))
        with serving(library) as started:
            yield started


def before_the_camera(page: Page, server: WebServer) -> str:
    """Follow an invitation up to the camera; returns its path."""
    made = invitations.invite(
        server.library.house, collections=["party"], purposes=["find_me"], label="Anna"
    )
    path = f"/enrol/{made.secret}"
    page.goto(path)
    page.locator("input[name=purpose]").first.check()
    page.locator("input[name=name]").fill("Anna Adler")
    page.locator("input[name=age][value=adult]").check()
    page.locator("main form button").last.click()
    page.wait_for_url(f"**{path}/camera")
    return path
