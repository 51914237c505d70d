"""Every page in a real browser: accessible, without complaint, and nothing moves or spills."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from all_pages import PageToSee, every_page, prepare
from chromium import axe_violations, complaints, context_of
from playwright.sync_api import Browser, Page
from shown_library import Shown, shown_library
from web_server import WebServer, serving

SHIFT = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({type: "layout-shift", buffered: true});
  setTimeout(() => resolve(sum), 300);
})"""
SPILLS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALL_TARGETS = """() => [...document.querySelectorAll(
    "button, input:not([type=hidden]), select, nav a")]
  .map((e) => [e, e.getBoundingClientRect()])
  .filter(([e, r]) => r.width > 0 && (r.width < 24 || r.height < 24) && !e.closest("label"))
  .map(([e]) => e.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    with shown_library(tmp_path_factory.mktemp("shown")) as made:
        yield made


@pytest.fixture(scope="module")
def server(shown: Shown) -> Iterator[WebServer]:
    with serving(shown.library) as started:
        yield started


@pytest.fixture
def pages(shown: Shown) -> list[PageToSee]:
    return every_page(shown)


def _secret(server: WebServer, shown: Shown, role: str) -> str:
    if role == "anyone":
        return ""
    if role == "person":
        return server.secret(person_id=shown.collins)
    return server.secret(role)


def _problems(page: Page, path: str) -> list[str]:
    heard = complaints(page)
    answer = page.goto(path)
    assert answer is not None and answer.status < 500, path
    # A page that says 404 is seen too; the browser's own word about its status is no complaint.
    wrong = [f"{path}: {text}" for text in heard if "status of 404" not in text]
    wrong += axe_violations(page)
    if (shift := float(page.evaluate(SHIFT))) > 0.01:
        wrong.append(f"{path}: the layout shifts by {shift:.3f}")
    if (spill := int(page.evaluate(SPILLS))) > 0:
        wrong.append(f"{path}: {spill} px wider than the screen")
    wrong += [f"{path}: too small to touch: {html}" for html in page.evaluate(SMALL_TARGETS)]
    return wrong


@pytest.mark.parametrize(("phone", "dark"), [(True, False), (False, True)])
def test_every_page_is_accessible_calm_within_the_screen_and_asks_no_other_host(
    browser: Browser,
    server: WebServer,
    shown: Shown,
    pages: list[PageToSee],
    phone: bool,
    dark: bool,
) -> None:
    wrong: list[str] = []
    asked: set[str] = set()
    for role in ("owner", "person", "anyone"):
        secret = _secret(server, shown, role)
        context = context_of(browser, server.url, secret=secret, phone=phone, dark=dark)
        page = context.new_page()
        page.on("request", lambda request: asked.add(request.url))
        for seen in [p for p in pages if p.role == role]:
            prepare(page, seen, shown)
            wrong += _problems(page, seen.path)
        context.close()
    assert not wrong, "\n".join(wrong)
    own = (server.url, "blob:", "data:")
    assert asked and [url for url in asked if not url.startswith(own)] == []


def test_the_first_page_is_small_and_asks_for_little(browser: Browser, server: WebServer) -> None:
    context = context_of(browser, server.url)
    page = context.new_page()
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(len(answer.body())))
    page.goto("/", wait_until="networkidle")
    context.close()
    assert 1 < len(sizes) <= 10
    assert sum(sizes) < 100_000
