"""Debian's Chromium, found by path and driven by Playwright, with nothing of its own going out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


def chromium_path() -> str | None:
    """Where Chromium is: ``LIKENESS_CHROMIUM``, else the first of its usual names; None if none."""
    named = os.environ.get("LIKENESS_CHROMIUM")
    found = [path for name in NAMES if (path := shutil.which(name))]
    return named or next(iter(found), None)


@contextmanager
def chromium(*, camera: Path | None = None, flags: Sequence[str] = ()) -> Iterator[Browser]:
    """A headless Chromium.

    Parameters
    ----------
    camera : Path, optional
        A video (MJPEG or Y4M) that its camera shows, over and over; pages may use it without
        asking. Without it the camera is refused.
    flags : sequence of str
    """
    given = [*FLAGS, *flags]
    if camera is not None:
        given += [
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={camera}",
        ]
    path = chromium_path()
    assert path is not None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=given)
        try:
            yield browser
        finally:
            browser.close()


def context_of(
    browser: Browser,
    url: str,
    *,
    secret: str = "",
    phone: bool = True,
    dark: bool = False,
    scripts: bool = True,
    **options: Any,
) -> BrowserContext:
    """A fresh profile, signed in where the secret of a session is given."""
    context = browser.new_context(
        base_url=url,
        viewport=PHONE if phone else DESKTOP,
        is_mobile=phone,
        has_touch=phone,
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
        locale=options.pop("locale", "en-GB"),
        **options,
    )
    context.set_default_timeout(20_000)
    if secret:
        context.add_cookies([{"name": "likeness", "value": secret, "url": url, "httpOnly": True}])
    return context


def complaints(page: Page) -> list[str]:
    """Collect what the page's console and network complain about from now on."""
    found: list[str] = []
    page.on("console", lambda m: found.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def axe_violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA on the page as it stands."""
    import axe_playwright_python

    script = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text("utf-8")
    # Evaluated through the debugger, so that the page's own policy stays as strict as it is.
    page.evaluate(script)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    result = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", tags
    )
    return [
        f"{page.url}: {v['id']}: {node['html'][:160]} ({node.get('failureSummary', '')[:200]})"
        for v in result["violations"]
        for node in v["nodes"]
    ]
