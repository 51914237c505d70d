"""The review queue under a real keyboard and a real thumb: one key an answer, and no jump."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import axe_violations, complaints, context_of
from playwright.sync_api import Browser, Page, expect
from promise_house import enrol, make_place
from synthetic_engine import DOUBTFUL_ALONE, Drawn, SyntheticEngine, save
from web_server import WebServer, serving

from likeness.faces.packs import load_manifest


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """Three photos that are perhaps of Ann."""
    folder = tmp_path_factory.mktemp("review")
    place = make_place(folder / "place", engine=SyntheticEngine(load_manifest("dlib")))
    for shot in range(3):
        face = Drawn(person=1, look=DOUBTFUL_ALONE, shot=shot)
        save(folder / "photos" / f"{shot}.png", face, salt=shot)
    with place.open() as library:
        library.ingest(folder / "photos", collection="party")
        enrol(library, "Ann Adler", 1)
        with serving(library) as started:
            yield started


def _opened(browser: Browser, server: WebServer, *, scripts: bool = True) -> Page:
    context = context_of(browser, server.url, secret=server.secret("owner"), scripts=scripts)
    page = context.new_page()
    page.goto("/review")
    expect(page.locator("h2")).to_have_text("Is this Ann Adler?")
    return page


def test_each_key_answers_says_so_and_brings_the_next(browser: Browser, server: WebServer) -> None:
    page = _opened(browser, server)
    heard, left = page.locator("[data-heard]"), page.locator("[data-left]")
    said = complaints(page)
    place = page.locator("form.answers").bounding_box()
    page.keyboard.press("u")
    expect(heard).to_have_text("Not sure: it comes last from now on. 3 left")
    page.keyboard.press("y")
    expect(heard).to_have_text("Yes: it is linked. 2 left")
    assert page.locator("form.answers").bounding_box() == place, "the answers do not move"
    page.keyboard.press("n")
    expect(left).to_have_text("1 left")
    expect(page.locator(".chip.warn")).to_be_visible()
    for count in (2, 3, 3):
        page.keyboard.press("z")
        expect(heard).to_have_text(f"The decision is taken back. {count} left")
        page.wait_for_function("() => !document.querySelector('[data-card][aria-busy]')")
    page.keyboard.press("z")
    expect(page.locator("[data-key=z]")).to_have_count(0)
    assert len(server.library.proposals()) == 3
    assert said == [] and axe_violations(page) == []
    page.context.close()


def test_a_thumb_does_the_same_and_the_focus_stays(browser: Browser, server: WebServer) -> None:
    page = _opened(browser, server)
    button = page.locator("button[data-key=u]")
    box = button.bounding_box()
    assert box is not None and box["height"] >= 44 and box["width"] >= 44
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-heard]")).to_have_text("Not sure: it comes last from now on. 3 left")
    expect(page.locator("button[data-key=u]")).to_be_focused()
    page.locator("button[data-key=z]").tap()
    expect(page.locator("[data-heard]")).to_have_text("The decision is taken back. 3 left")
    page.context.close()


def test_without_scripts_the_forms_do_it(browser: Browser, server: WebServer) -> None:
    page = _opened(browser, server, scripts=False)
    page.get_by_role("button", name="No", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("will not be proposed again")
    expect(page.locator("[data-left]")).to_have_text("2 left")
    page.get_by_role("button", name="Undo the last decision").click()
    expect(page.locator("[data-left]")).to_have_text("3 left")
    page.context.close()
