"""Uploads in a real browser: many files, a line that breaks, a page that is closed half-way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import axe_violations, complaints, context_of
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from promise_house import Place, make_place
from upload_parts import picture, x_files
from web_server import WebServer, serving

from likeness.faces.sandbox import DecodeWorkers
from likeness.records.photo import ReadLimits

PIECE = 300
"""Small pieces, so that small files have many."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    with DecodeWorkers(2, limits=ReadLimits()) as decoders:
        place: Place = make_place(tmp_path_factory.mktemp("up") / "place", decoders=decoders)
        with place.open() as library, serving(library) as started:
            yield started


@pytest.fixture
def context(browser: Browser, server: WebServer) -> Iterator[BrowserContext]:
    made = context_of(browser, server.url, secret=server.secret("owner"))
    yield made
    made.close()


def photos(folder: Path, count: int, *, first: int) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"{number:02}.png" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(picture(first + number))
    return paths


def chosen(page: Page, paths: list[Path]) -> None:
    """Choose files in small pieces, and begin."""
    page.goto("/uploads/new?collection=club")
    page.evaluate(f"document.getElementById('upload').dataset.chunk = {PIECE}")
    page.get_by_label("Photos, videos or ZIP files").set_input_files(paths)
    page.get_by_role("button", name="Upload").click()


def test_many_files_go_up_in_pieces_and_end_at_what_came_of_them(
    context: BrowserContext, tmp_path: Path
) -> None:
    page = context.new_page()
    heard = complaints(page)
    pieces: list[str] = []
    page.on("request", lambda r: pieces.append(r.url) if r.method == "PUT" else None)
    chosen(page, photos(tmp_path / "a", 5, first=100))
    page.wait_for_url(re.compile(r"/sources/src_"))
    expect(page.get_by_text("Found 5 photos: 5 new")).to_be_visible()
    assert len(pieces) > 10
    assert heard == []


def test_a_line_that_breaks_is_tried_again(context: BrowserContext, tmp_path: Path) -> None:
    page = context.new_page()
    broken: list[str] = []

    def break_some(route: Route) -> None:
        # Half of what breaks has arrived, and only its answer is lost.
        if len(broken) < 4:
            broken.append(route.request.url)
            if len(broken) % 2:
                route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route(re.compile(r"/uploads/up_\w+/\d+\?"), break_some)
    chosen(page, photos(tmp_path / "b", 2, first=200))
    page.wait_for_url(re.compile(r"/sources/src_"), timeout=40_000)
    expect(page.get_by_text("Found 2 photos: 2 new")).to_be_visible()
    assert len(broken) == 4


def test_a_page_that_was_closed_half_way_is_gone_on_with(
    context: BrowserContext, tmp_path: Path
) -> None:
    paths = photos(tmp_path / "c", 4, first=300)
    page = context.new_page()
    offsets: list[int] = []

    def note(route: Route) -> None:
        offsets.append(int(route.request.url.rsplit("=", 1)[1]))
        if len(offsets) < 6:
            route.continue_()

    page.route(re.compile(r"/uploads/up_\w+/\d+\?"), note)
    chosen(page, paths)
    expect(page.get_by_role("heading", name="Uploading")).to_be_visible()
    while len(offsets) < 6:
        page.wait_for_timeout(20)
    page.close()
    page = context.new_page()
    page.goto("/uploads")
    expect(page.get_by_text("4 files into club")).to_be_visible()
    again: list[int] = []
    page.on(
        "request",
        lambda r: again.append(int(r.url.rsplit("=", 1)[1])) if r.method == "PUT" else None,
    )
    chosen(page, paths)
    page.wait_for_url(re.compile(r"/sources/src_"))
    expect(page.get_by_text("Found 4 photos: 4 new")).to_be_visible()
    # What was acknowledged before the page was closed is not sent again.
    every = sum(-(-path.stat().st_size // PIECE) for path in paths)
    assert len(again) <= every - 4
    page.goto("/uploads")
    expect(page.get_by_text("Nothing is under way")).to_be_visible()


def test_an_upload_can_be_paused(context: BrowserContext, tmp_path: Path) -> None:
    page = context.new_page()
    seen: list[str] = []

    def slow(route: Route) -> None:
        seen.append(route.request.url)
        page.wait_for_timeout(30)
        route.continue_()

    page.route(re.compile(r"/uploads/up_\w+/\d+\?"), slow)
    chosen(page, photos(tmp_path / "d", 3, first=400))
    pause = page.get_by_role("button", name="Pause")
    pause.click()
    expect(page.get_by_role("button", name="Go on")).to_have_attribute("aria-pressed", "true")
    assert axe_violations(page) == []
    page.wait_for_timeout(500)
    stood = len(seen)
    page.wait_for_timeout(700)
    assert len(seen) == stood
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(re.compile(r"/sources/src_"))


def test_photos_and_archives_together_are_said(context: BrowserContext, tmp_path: Path) -> None:
    from export_archives import zip_of

    archive = zip_of(tmp_path / "twitter.zip", x_files())
    page = context.new_page()
    chosen(page, [archive, *photos(tmp_path / "e", 1, first=500)])
    expect(page.get_by_role("alert")).to_contain_text("one after the other")
    page.get_by_label("Photos, videos or ZIP files").set_input_files([archive])
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url(re.compile(r"/sources/src_"))
    expect(page.get_by_role("heading", name="Export of X")).to_be_visible()


def test_without_scripts_a_form_serves(browser: Browser, server: WebServer, tmp_path: Path) -> None:
    context = context_of(browser, server.url, secret=server.secret("owner"), scripts=False)
    page = context.new_page()
    page.goto("/uploads/new?collection=club")
    page.get_by_label("Photos, videos or ZIP files").set_input_files(
        photos(tmp_path / "f", 2, first=600)
    )
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url(re.compile(r"/sources/src_"), timeout=40_000)
    expect(page.get_by_text("Found 2 photos: 2 new")).to_be_visible()
    context.close()
