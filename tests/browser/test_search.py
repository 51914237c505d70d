"""Searching in a real browser: what is chosen or dropped is searched with at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import complaints, context_of
from playwright.sync_api import Browser, Page, expect
from promise_house import enrol, make_place
from synthetic_engine import Drawn, SyntheticEngine, save
from web_server import WebServer, serving

from likeness.faces.packs import load_manifest

ANNA, STRANGER = 1, 900


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos to search with, and to be found."""
    made = tmp_path_factory.mktemp("search")
    save(made / "photos" / "anna.png", Drawn(person=ANNA), salt=1)
    save(made / "anna.png", Drawn(person=ANNA, shot=3), salt=2)
    save(made / "stranger.png", Drawn(person=STRANGER), salt=3)
    save(made / "two.png", Drawn(person=STRANGER), Drawn(person=ANNA), salt=4)
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[WebServer]:
    place = make_place(folder / "place", engine=SyntheticEngine(load_manifest("dlib")))
    with place.open() as library:
        library.change_collection("club", ask_purpose=True)
        library.ingest(folder / "photos", collection="party")
        enrol(library, "Anna Adler", ANNA)
        with serving(library) as started:
            yield started


@pytest.fixture
def page(browser: Browser, server: WebServer) -> Iterator[Page]:
    context = context_of(browser, server.url, secret=server.secret("owner"))
    opened = context.new_page()
    heard = complaints(opened)
    opened.goto("/search")
    opened.select_option("[name=collection]", "party")
    yield opened
    assert heard == []
    context.close()


def choose(page: Page, photo: Path) -> None:
    page.set_input_files("input[type=file] >> nth=0", photo)


def test_a_photo_that_is_chosen_is_searched_with_at_once(page: Page, folder: Path) -> None:
    choose(page, folder / "anna.png")
    expect(page.locator("#results h3")).to_have_text("Anna Adler")
    expect(page.get_by_role("status").last).to_have_text("One person who said yes")
    expect(page.locator("[data-preview] img")).to_be_visible()
    assert page.locator("#results details").get_attribute("open") is None


def test_nobody_takes_the_place_of_whom_was_found_before(page: Page, folder: Path) -> None:
    choose(page, folder / "anna.png")
    expect(page.locator("#results h3")).to_have_count(1)
    choose(page, folder / "stranger.png")
    expect(page.locator("#results h2")).to_have_text("Nobody who consented matches")
    expect(page.locator("#results h3")).to_have_count(0)


def test_a_photo_can_be_dropped(page: Page, folder: Path) -> None:
    drop = """([selector, bytes]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(bytes)], "x.png", { type: "image/png" }));
      const event = new DragEvent("drop", { dataTransfer: transfer, bubbles: true });
      document.querySelector(selector).dispatchEvent(event);
    }"""
    content = list((folder / "anna.png").read_bytes())
    page.evaluate(drop, ["[data-drop]", json.loads(json.dumps(content))])
    expect(page.locator("#results h3")).to_have_text("Anna Adler")


def test_several_faces_are_drawn_on_the_photo_to_choose_from(page: Page, folder: Path) -> None:
    choose(page, folder / "two.png")
    expect(page.locator("#results form")).to_have_count(2)
    expect(page.locator("[data-preview] rect")).to_have_count(2)
    assert page.locator("[data-preview] rect").nth(1).get_attribute("x") == "128"
    with page.expect_request("**/search") as sent:
        page.locator("[data-preview] rect").nth(1).click()
    body = sent.value.post_data_buffer or b""
    assert b'name="cut"' in body and b'filename="' not in body


def test_where_a_collection_asks_what_for_the_search_waits_for_it(page: Page, folder: Path) -> None:
    purpose = page.get_by_label("What for")
    expect(purpose).to_be_hidden()
    page.select_option("[name=collection]", "club")
    expect(purpose).to_be_visible()
    choose(page, folder / "anna.png")
    expect(purpose).to_be_focused()
    purpose.fill("the yearbook")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#results h2")).to_have_text("Nobody who consented matches")
    page.goto("/searches")
    expect(page.get_by_text("the yearbook")).to_be_visible()


def test_without_scripts_the_form_does_the_same(
    browser: Browser, server: WebServer, folder: Path
) -> None:
    context = context_of(browser, server.url, secret=server.secret("owner"), scripts=False)
    page = context.new_page()
    page.goto("/search")
    page.select_option("[name=collection]", "party")
    choose(page, folder / "anna.png")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#results h3")).to_have_text("Anna Adler")
    choose(page, folder / "two.png")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("button", name="Face 2, from the left")).to_be_visible()
    context.close()
