"""What the page of the live capture does where the camera is not there, or the person leaves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from chromium import axe_violations, chromium, context_of
from live_server import before_the_camera, live_server
from moving_portrait import jpeg, save_for_chromium
from playwright.sync_api import Browser, expect
from web_server import WebServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    with live_server(tmp_path_factory.mktemp("live")) as started:
        yield started


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory, _has_chromium: None) -> Iterator[Browser]:
    """A browser whose camera shows a grey wall."""
    wall = [jpeg(np.full((480, 640, 3), 128, dtype=np.uint8))] * 10
    path = tmp_path_factory.mktemp("film") / "wall.mjpeg"
    with chromium(camera=save_for_chromium(path, wall, rate=10)) as opened:
        yield opened


def test_a_page_out_of_sight_stops_the_camera_and_begins_anew(
    filmed: Browser, server: WebServer
) -> None:
    context = context_of(filmed, server.url)
    page = context.new_page()
    before_the_camera(page, server)
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("[data-capture]")).to_have_attribute("data-at", "running")
    hide = "h => {Object.defineProperty(document, 'hidden', {value: h, configurable: true});"
    page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange'))}", True)
    expect(page.locator("[data-capture]")).to_have_attribute("data-at", "paused")
    assert page.evaluate("document.querySelector('video').srcObject") is None
    assert axe_violations(page) == []
    page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange'))}", False)
    expect(page.locator("[data-capture]")).to_have_attribute("data-at", "running")
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
    path = before_the_camera(page, server)
    page.get_by_role("button", name="Start the camera").click()
    shown = page.locator(f"[data-when={state}]")
    expect(shown.get_by_role("heading")).to_be_focused()
    assert axe_violations(page) == []
    shown.get_by_role("link", name="Use a photo instead").click()
    page.wait_for_url(f"**{path}/photo")
    context.close()
