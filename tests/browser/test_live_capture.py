"""The live capture in a real browser, whose camera shows a film made of a portrait."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest
from chromium import axe_violations, chromium, complaints, context_of
from moving_portrait import MovingPortrait, Pixels, moving, save_for_chromium
from playwright.sync_api import Browser, Page, expect
from web_server import WebServer, serving

from likeness import invitations
from likeness.captures import Captures
from likeness.faces.engine import FaceEngine
from likeness.library import Library
from likeness.records.capture import MOVEMENTS, Movement
from likeness.web import live_capture


class Portraits(Protocol):
    """What is needed of the fixture of this name."""

    collins: Pixels


RATE = 10
WITHIN = 150_000
"""Milliseconds: the film plays over and over, and a slow machine gets there in a later round."""


def _film(path: Path, portrait: Pixels, movements: Sequence[Movement]) -> Path:
    moved = MovingPortrait(portrait, FaceEngine.load())
    poses = moving(movements, rate=RATE, held=3.0, moved=2.5, first=8.0)
    return save_for_chromium(path, moved.film(poses), rate=RATE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    folder = tmp_path_factory.mktemp("live")
    with (
        pytest.MonkeyPatch.context() as patch,
        Library.create(folder / "library", keyring=folder / "keys") as library,
    ):
        patch.setattr(live_capture, "Captures", partial(Captures, draw=lambda: MOVEMENTS))
        # Loading it takes seconds in which the film would go on.
        library.house.engine()
        library.create_collection("party", controller="Club", audience=("owner",))
        with serving(library) as started:
            yield started


@pytest.fixture(scope="module")
def filmed(
    tmp_path_factory: pytest.TempPathFactory, portraits: Portraits, _has_chromium: None
) -> Iterator[Browser]:
    """A browser whose camera shows the movements that are asked for, in their order."""
    path = _film(tmp_path_factory.mktemp("film") / "right.mjpeg", portraits.collins, MOVEMENTS)
    with chromium(camera=path) as opened:
        yield opened


def _before_the_camera(page: Page, server: WebServer) -> str:
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


def _shown(page: Page) -> str | None:
    return page.locator("[data-capture]").get_attribute("data-at")


@pytest.mark.slow
def test_whoever_moves_as_asked_comes_to_the_last_word(
    filmed: Browser, server: WebServer, tmp_path: Path
) -> None:
    context = context_of(filmed, server.url)
    page = context.new_page()
    found = complaints(page)
    path = _before_the_camera(page, server)
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("[data-say]")).to_have_text(re.compile("to your left"), timeout=60_000)
    assert axe_violations(page) == []
    page.wait_for_url(f"**{path}/yes", timeout=WITHIN)
    page.locator("main form button").first.click()
    page.wait_for_url("**/done")
    assert len(invitations.waiting(server.library.house)) == 1
    assert found == []
    context.close()


@pytest.mark.slow
def test_the_words_are_german_for_whoever_reads_german(filmed: Browser, server: WebServer) -> None:
    context = context_of(filmed, server.url, locale="de-DE")
    page = context.new_page()
    _before_the_camera(page, server)
    page.get_by_role("button", name="Kamera starten").click()
    expect(page.locator("[data-say]")).to_have_text(re.compile("nach links"), timeout=60_000)
    context.close()


def test_a_page_out_of_sight_stops_the_camera_and_begins_anew(
    filmed: Browser, server: WebServer
) -> None:
    context = context_of(filmed, server.url)
    page = context.new_page()
    _before_the_camera(page, server)
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_function("document.querySelector('video').videoWidth > 0")
    hide = "h => {Object.defineProperty(document, 'hidden', {value: h, configurable: true});"
    page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange'))}", True)
    assert _shown(page) == "paused"
    assert page.evaluate("document.querySelector('video').srcObject") is None
    assert axe_violations(page) == []
    page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange'))}", False)
    page.wait_for_function("document.querySelector('[data-capture]').dataset.at === 'running'")
    context.close()


@pytest.mark.parametrize(
    ("error", "state"),
    [
        ("NotAllowedError", "refused"),
        ("NotFoundError", "none"),
        ("NotReadableError", "used"),
    ],
)
def test_a_camera_that_cannot_be_had_is_explained_and_a_photo_offered(
    filmed: Browser, server: WebServer, error: str, state: str
) -> None:
    context = context_of(filmed, server.url)
    # A browser without anybody before it cannot be asked: the answer is put in its place.
    context.add_init_script(
        "navigator.mediaDevices.getUserMedia = "
        f"() => Promise.reject(new DOMException('', '{error}'))"
    )
    page = context.new_page()
    path = _before_the_camera(page, server)
    page.get_by_role("button", name="Start the camera").click()
    shown = page.locator(f"[data-when={state}]")
    expect(shown.get_by_role("heading")).to_be_focused()
    assert axe_violations(page) == []
    shown.get_by_role("link", name="Use a photo instead").click()
    page.wait_for_url(f"**{path}/photo")
    context.close()
