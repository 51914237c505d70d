"""The whole live capture in a real browser, whose camera shows a film made of a portrait."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

import pytest
from chromium import axe_violations, chromium, complaints, context_of
from live_server import before_the_camera, live_server
from moving_portrait import MovingPortrait, Pixels, moving, save_for_chromium
from playwright.sync_api import Browser, expect
from web_server import WebServer

from likeness import approval
from likeness.faces.engine import FaceEngine
from likeness.records.capture import MOVEMENTS

RATE = 10
WITHIN = 170_000
"""Milliseconds: the film plays over and over, and a slow machine gets there in a later round."""


class Portraits(Protocol):
    """What is needed of the fixture of this name."""

    collins: Pixels


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    with live_server(tmp_path_factory.mktemp("live")) as started:
        yield started


@pytest.fixture(scope="module")
def filmed(
    tmp_path_factory: pytest.TempPathFactory, portraits: Portraits, _has_chromium: None
) -> Iterator[Browser]:
    """A browser whose camera shows the movements that are asked for, in their order."""
    poses = moving(MOVEMENTS, rate=RATE, held=3.0, moved=2.5, first=8.0)
    film = MovingPortrait(portraits.collins, FaceEngine.load()).film(poses)
    path = tmp_path_factory.mktemp("film") / "right.mjpeg"
    with chromium(camera=save_for_chromium(path, film, rate=RATE)) as opened:
        yield opened


@pytest.mark.slow
def test_whoever_moves_as_asked_comes_to_the_last_word(filmed: Browser, server: WebServer) -> None:
    context = context_of(filmed, server.url)
    page = context.new_page()
    found = complaints(page)
    path = before_the_camera(page, server)
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("[data-say]")).to_have_text(re.compile("to your left"), timeout=60_000)
    assert axe_violations(page) == []
    page.wait_for_url(f"**{path}/yes", timeout=WITHIN)
    page.locator("main form button").first.click()
    page.wait_for_url("**/done")
    assert len(approval.waiting(server.library.house)) == 1
    assert found == []
    context.close()


@pytest.mark.slow
def test_the_words_are_german_for_whoever_reads_german(filmed: Browser, server: WebServer) -> None:
    context = context_of(filmed, server.url, locale="de-DE")
    page = context.new_page()
    before_the_camera(page, server)
    page.get_by_role("button", name="Kamera starten").click()
    expect(page.locator("[data-say]")).to_have_text(re.compile("nach links"), timeout=60_000)
    context.close()
