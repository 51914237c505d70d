"""A person in their portal on a phone, without scripts: photos, "that is me", and leaving."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import context_of
from playwright.sync_api import Browser, Page
from shown_library import Shown, shown_library
from web_server import WebServer, serving

from likeness.audit.receipt_file import verify_receipt


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    with shown_library(tmp_path_factory.mktemp("portal")) as made:
        yield made


@pytest.fixture(scope="module")
def server(shown: Shown) -> Iterator[WebServer]:
    with serving(shown.library) as started:
        yield started


@pytest.fixture
def page(browser: Browser, server: WebServer, shown: Shown) -> Iterator[Page]:
    secret = server.secret(person_id=shown.collins)
    context = context_of(browser, server.url, secret=secret, scripts=False)
    yield context.new_page()
    context.close()


def test_a_photo_is_taken_off_and_pointed_out_again(page: Page, shown: Shown) -> None:
    page.goto("/my-photos")
    count = page.locator("main .photo > a").count()
    assert count > 1
    [sha256] = [page.locator("main .photo > a").last.get_attribute("href")]
    assert sha256 is not None
    page.locator("main .photo form button", has_text="Not me").last.click()
    assert "Taken off you." in page.inner_text("main")
    assert page.locator("main .photo > a").count() == count - 1

    page.get_by_role("link", name="That is me").first.click()
    held = next(iter(sorted((shown.folder / "references").glob("collins-*.jpg"))))
    page.locator("input[type=file]").set_input_files(str(held))
    page.get_by_role("button", name="Look for faces").click()
    assert page.locator("button[name=face]").count() == 1
    page.locator("button[name=face]").click()
    told = page.inner_text("main")
    assert "one of your photos now" in told or "could not be linked" in told

    page.goto("/my-photos")
    page.locator("details summary", has_text="Photos that you took off").click()
    page.get_by_role("button", name="Take back").first.click()
    assert "Taken back." in page.inner_text("main")


def test_leaving_gives_a_receipt_that_holds(page: Page, server: WebServer, tmp_path: Path) -> None:
    page.goto("/my-photos/data")
    page.get_by_role("link", name="Withdraw everything").click()
    page.get_by_label("I want all of this, now").check()
    page.get_by_role("button", name="Withdraw everything").click()
    assert page.get_by_role("heading", name="It is done").count() == 1
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the receipt").click()
    download.value.save_as(tmp_path / "receipt.json")
    receipt = (tmp_path / "receipt.json").read_bytes()
    verified = verify_receipt(receipt, key=server.library.verifier_key)
    assert verified.receipt.body.kind == "withdrawal"
    assert json.loads(page.locator("main pre").first.inner_text()) == json.loads(receipt)
    page.goto("/my-photos")
    assert page.url.split("?")[0].endswith("/sign-in")
