"""Passkeys in a real Chromium with a virtual authenticator, from the first link to signing out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import axe_violations, complaints, context_of
from playwright.sync_api import Browser, BrowserContext, Page, expect
from promise_house import Clock, make_place
from web_server import WebServer, serving

from likeness import passwords, signing_in
from likeness.library import Library

GOOD = "teal kayak hums often"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def library(tmp_path: Path, clock: Clock) -> Iterator[Library]:
    with make_place(tmp_path / "place", clock=clock).open() as opened:
        yield opened


@pytest.fixture
def server(library: Library) -> Iterator[WebServer]:
    with serving(library) as running:
        yield running


@pytest.fixture
def context(browser: Browser, server: WebServer) -> Iterator[BrowserContext]:
    with context_of(browser, server.url) as opened:
        yield opened


def _authenticator(context: BrowserContext, page: Page, **more: Any) -> Any:
    """A phone that unlocks without asking anybody, for this page."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
        **more,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


def test_the_owner_sets_up_a_passkey_and_comes_back_with_it(
    server: WebServer, context: BrowserContext
) -> None:
    page = context.new_page()
    complained = complaints(page)
    session, device = _authenticator(context, page)
    page.goto(f"/set-up/{server.library.set_up_link('owner')}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome, owner")
    assert axe_violations(page) == []
    page.get_by_role("button", name="Make a passkey").click()
    page.wait_for_url("**/desk")
    [kept] = session.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
    assert kept["rpId"] == "localhost" and kept["isResidentCredential"]

    page.goto("/account")
    expect(page.get_by_text("not used yet")).to_be_visible()
    assert axe_violations(page) == []
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()

    page.goto("/account")
    assert page.url.endswith("/sign-in?next=/account")
    assert axe_violations(page) == []
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/account")
    expect(page.get_by_text("last used")).to_be_visible()
    assert complained == []


def test_a_device_makes_one_passkey_for_an_account(
    server: WebServer, context: BrowserContext
) -> None:
    page = context.new_page()
    _authenticator(context, page)
    context.add_cookies([{"name": "likeness", "value": server.secret("owner"), "url": server.url}])
    page.goto("/account")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("not used yet")).to_be_visible()
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("has a passkey for this account already")).to_be_visible()
    page.locator("summary", has_text="Rename").click()
    page.get_by_label("Name of this passkey").fill("My phone")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_text("My phone", exact=True)).to_be_visible()


def test_a_device_that_asks_nobody_to_unlock_it_makes_no_passkey(
    server: WebServer, context: BrowserContext
) -> None:
    page = context.new_page()
    session, device = _authenticator(context, page, hasUserVerification=False)
    page.goto(f"/set-up/{server.library.set_up_link('owner')}")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_text("No passkey was chosen")).to_be_visible()
    kept = session.send("WebAuthn.getCredentials", {"authenticatorId": device})
    assert kept["credentials"] == []


def test_another_passkey_is_added_after_signing_in_again(
    server: WebServer, context: BrowserContext, clock: Clock
) -> None:
    page = context.new_page()
    complained = complaints(page)
    _authenticator(context, page)
    page.goto(f"/set-up/{server.library.set_up_link('owner')}")
    page.get_by_role("button", name="Make a passkey").click()
    page.wait_for_url("**/desk")
    clock.now += signing_in.FRESH
    for path in ("/accounts", "/account"):
        page.goto(path)
        assert axe_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    expect(page.get_by_role("button", name="Add a passkey")).to_have_count(0)
    page.get_by_role("link", name="Sign in again").click()
    expect(page.get_by_text("You signed in a while ago.")).to_be_visible()
    assert axe_violations(page) == []
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/account")
    expect(page.get_by_role("button", name="Add a passkey")).to_be_visible()
    # The page stays open for longer than it lets anybody do that.
    clock.now += signing_in.FRESH
    assert complained == []
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("or open your private link again")).to_be_visible()


def test_whoever_has_no_passkey_here_is_told_so_and_can_go_on(
    server: WebServer, context: BrowserContext
) -> None:
    library = server.library
    passwords.set_up_password(library.house, library.set_up_link("owner"), GOOD)
    page = context.new_page()
    _authenticator(context, page, isUserVerified=False, automaticPresenceSimulation=False)
    # What waits for a finger is not waited for: the page's own wish ends after this long.
    page.add_init_script(
        "const get = CredentialsContainer.prototype.get;"
        "CredentialsContainer.prototype.get = function (o) {"
        "  if (o.mediation === 'conditional') return new Promise(() => {});"
        "  return get.call(this, {...o, publicKey: {...o.publicKey, timeout: 300}}); };"
    )
    page.goto("/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("No passkey was chosen")).to_be_visible()
    page.get_by_label("Name of the account").fill("owner")
    page.get_by_label("Password", exact=True).fill(GOOD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/desk")


def test_a_passkey_is_offered_in_the_field_of_the_name(
    server: WebServer, context: BrowserContext
) -> None:
    library = server.library
    page = context.new_page()
    _authenticator(context, page)
    page.goto(f"/set-up/{library.set_up_link('owner')}")
    page.get_by_role("button", name="Make a passkey").click()
    page.wait_for_url("**/desk")
    library.create_account("helper")
    passwords.set_up_password(library.house, library.set_up_link("helper"), GOOD)
    context.clear_cookies()
    # The virtual device takes an offer at once, as somebody would who taps it.
    page.goto("/sign-in")
    page.wait_for_url("**/desk")


def test_without_scripts_a_password_is_chosen_and_used(
    server: WebServer, browser: Browser, clock: Clock
) -> None:
    path = f"/set-up/{server.library.set_up_link('owner')}"
    with context_of(browser, server.url, scripts=False) as context:
        page = context.new_page()
        page.goto(path)
        page.locator("summary", has_text="Use a password instead").click()
        page.get_by_label("Password", exact=True).fill(GOOD)
        page.get_by_label("The same again").fill(GOOD)
        page.get_by_role("button", name="Keep this password").click()
        page.wait_for_url("**/desk")
        page.goto("/account")
        page.get_by_role("button", name="Sign out", exact=True).click()
        page.goto("/sign-in")
        page.get_by_label("Name of the account").fill("owner")
        page.get_by_label("Password", exact=True).fill(GOOD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**/desk")
        clock.now += signing_in.FRESH
        page.goto("/accounts")
        page.get_by_role("link", name="Sign in again").click()
        page.get_by_label("Name of the account").fill("owner")
        page.get_by_label("Password", exact=True).fill(GOOD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**/accounts")
        expect(page.get_by_role("heading", name="Add an account")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_pages_of_accounts_are_for_everybody(
    server: WebServer, browser: Browser, dark: bool
) -> None:
    server.library.create_account("bob", role="operator")
    server.library.create_account("eve")
    server.library.end_account("eve")
    found = []
    with context_of(browser, server.url, secret=server.secret("owner"), dark=dark) as context:
        page = context.new_page()
        complained = complaints(page)
        for path in ("/account", "/accounts"):
            page.goto(path)
            for summary in page.locator("summary").all():
                summary.click()
            found += axe_violations(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        page.get_by_label("Name", exact=True).fill("new one")
        page.get_by_role("button", name="Add and make a link").click()
        expect(page.get_by_role("img", name="The same link as a QR code")).to_be_visible()
        expect(page.get_by_role("button", name="Copy the link")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        found += axe_violations(page)
        assert complained == []
    assert found == []
