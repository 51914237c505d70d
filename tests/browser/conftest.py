"""A real browser against a real server. Without a Chromium these tests are skipped, and say so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import chromium, chromium_path
from playwright.sync_api import Browser, expect

PATIENCE = 20_000
"""Milliseconds that something is waited for; other tests may run beside."""


@pytest.fixture(scope="session", autouse=True)
def _has_chromium() -> None:
    if chromium_path() is None:
        pytest.skip("no Chromium here: install Debian's package chromium, or set LIKENESS_CHROMIUM")
    expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser(_has_chromium: None) -> Iterator[Browser]:
    """A headless Chromium without a camera."""
    with chromium() as opened:
        yield opened
