"""The owner's page of accounts over a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from promise_house import Clock
from web_server import WebServer, serving

from likeness import signing_in
from likeness.library import Library

HTML = {"accept": "text/html"}


@pytest.fixture
def server(library: Library) -> Iterator[WebServer]:
    with serving(library) as running:
        yield running


def _roles(server: WebServer) -> dict[str, tuple[str, bool]]:
    return {a.name: (a.role, a.active) for a in server.library.accounts()}


def _path(server: WebServer, name: str) -> str:
    [account] = [a for a in server.library.accounts() if a.name == name]
    return f"/accounts/{account.account_id}"


def test_a_new_account_comes_with_a_link_that_is_shown_once(server: WebServer) -> None:
    owner = server.client("owner")
    page = owner.submit("/accounts", {"name": "bob <i>", "role": "operator"})
    assert page.status_code == 200 and "bob &lt;i&gt;" in page.text
    assert _roles(server)["bob <i>"] == ("operator", True)
    [secret] = re.findall(rf"{server.url}/set-up/([\w-]+)", page.text)
    assert 'class="qr" role="img"' in page.text and "style=" not in page.text
    assert signing_in.opened_link(server.library.house, secret, kind="set_up")
    assert secret not in owner.get("/accounts", headers=HTML).text
    assert "Welcome, bob &lt;i&gt;" in server.client().get(f"/set-up/{secret}").text


def test_a_name_may_hold_any_sign(server: WebServer) -> None:
    owner = server.client("owner")
    name = "R&D / \N{SLIGHTLY SMILING FACE}?"
    owner.submit("/accounts", {"name": name})
    owner.submit(_path(server, name) + "/role", {"role": "operator"})
    assert _roles(server)[name] == ("operator", True)
    assert owner.submit("/accounts/a_nobody/end").status_code == 404


def test_what_is_off_is_said_on_the_same_page(server: WebServer) -> None:
    owner = server.client("owner")
    for fields in ({"name": ""}, {"name": "owner"}, {"name": "bob", "role": "king"}):
        page = owner.submit("/accounts", fields)
        assert page.status_code == 400 and 'role="alert"' in page.text
    assert set(_roles(server)) == {"owner"}


def test_a_role_changes_and_an_account_ends_with_its_sessions(server: WebServer) -> None:
    server.library.create_account("bob")
    owner, bob = server.client("owner"), server.client("bob")
    assert bob.get("/accounts", headers=HTML).status_code == 403
    owner.submit(_path(server, "bob") + "/role", {"role": "operator"})
    assert _roles(server)["bob"] == ("operator", True)
    assert bob.get("/account", headers=HTML).url.path == "/sign-in"
    bob = server.client("bob")
    assert bob.get("/desk", headers=HTML).status_code == 200
    page = owner.submit(_path(server, "bob") + "/end")
    assert "has ended" in page.text and _roles(server)["bob"] == ("operator", False)
    assert bob.get("/account", headers=HTML).url.path == "/sign-in"
    assert owner.submit(_path(server, "bob") + "/link").status_code == 404


def test_accounts_change_only_a_moment_after_signing_in(server: WebServer, clock: Clock) -> None:
    server.library.create_account("bob")
    owner, changes = server.client("owner"), ("role", "link", "end")
    clock.now += signing_in.FRESH
    page = owner.get("/accounts", headers=HTML)
    assert 'href="/sign-in?next=/accounts"' in page.text and "Add an account" not in page.text
    for path in ("/accounts", *(_path(server, "bob") + f"/{one}" for one in changes)):
        asked = owner.submit(path, {"name": "eve", "role": "owner"})
        assert asked.url.path == "/sign-in" and 'data-to="/accounts"' in asked.text
        assert "You signed in a while ago" in asked.text
    assert _roles(server) == {"bob": ("member", True), "owner": ("owner", True)}
    # Their own account is none of those that they could take over by a link either.
    assert owner.submit(_path(server, "owner") + "/link").url.path == "/sign-in"


def test_the_last_owner_stays(server: WebServer) -> None:
    owner = server.client("owner")
    for path, fields in (("role", {"role": "member"}), ("end", {})):
        page = owner.submit(_path(server, "owner") + f"/{path}", fields)
        assert page.status_code == 403 and "last owner" in page.text
    assert _roles(server) == {"owner": ("owner", True)}


@pytest.mark.parametrize("role", ["member", "operator"])
def test_nobody_else_looks_after_accounts(server: WebServer, role: str) -> None:
    server.library.create_account("bob", role=role)  # type: ignore[arg-type]
    bob = server.client("bob")
    for path in (
        _path(server, "bob") + "/role",
        _path(server, "bob") + "/link",
        _path(server, "owner") + "/end",
        "/accounts",
    ):
        assert bob.submit(path, {"role": "owner", "name": "eve"}).status_code == 403
    assert _roles(server) == {"bob": (role, True), "owner": ("owner", True)}
