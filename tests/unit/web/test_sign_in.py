"""Signing in over a real server: cookies, forms, links, and what a stranger can learn."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.responses import RedirectResponse
from hypothesis import given
from hypothesis import strategies as st
from promise_house import Clock
from soft_authenticator import SoftAuthenticator
from web_server import Client, WebServer, serving

from likeness import passwords, signing_in, ways_in
from likeness.library import Library
from likeness.web.signed_in import safe_path

GOOD = "teal kayak hums often"
OTHER = "vast quilt of nettles"
HTML = {"accept": "text/html"}


@pytest.fixture
def server(library: Library) -> Iterator[WebServer]:
    """A server over a library whose helper has a password."""
    library.create_account("helper")
    passwords.set_up_password(library.house, library.set_up_link("helper"), GOOD)
    with serving(library) as running:
        yield running


def _sign_in(
    client: Client, name: str = "helper", password: str = GOOD, to: str = "/account"
) -> httpx.Response:
    return client.submit("/sign-in", {"name": name, "password": password, "next": to})


def _post_json(client: Client, path: str, body: bytes = b"") -> httpx.Response:
    headers = {"x-csrf-token": client.token(), "accept": "application/json"}
    return client.post(path, content=body, headers=headers)


def _cookies(response: httpx.Response) -> dict[str, str]:
    return {c.split("=")[0]: c.lower() for c in response.headers.get_list("set-cookie")}


def test_a_name_and_its_password_sign_in_and_out_again(server: WebServer) -> None:
    client = server.client()
    page = _sign_in(client)
    assert page.status_code == 200 and page.url.path == "/account"
    assert "Where you are signed in" in page.text and "no-store" in page.headers["cache-control"]
    left = client.submit("/sign-out")
    assert left.url.path == "/" and "You are signed out." in left.text
    assert client.get("/account", headers=HTML).url.path == "/sign-in"


def test_the_secret_is_new_after_signing_in_and_the_former_is_worth_nothing(
    server: WebServer,
) -> None:
    # Somebody planted a session of their own, or what a form belongs to, in this browser.
    planted, client = server.secret("owner"), server.client()
    client.cookies.set("likeness-form", "planted")
    _sign_in(client)
    first = client.cookies["likeness"]
    assert first not in ("planted", planted)
    other = server.client()
    other.cookies.set("likeness", first)
    token = re.search(r'name="csrf" content="(\w+)"', other.get("/account", headers=HTML).text)
    assert token
    again = other.post(
        "/sign-in",
        data={"csrf": token[1], "name": "helper", "password": GOOD, "next": "/account"},
        headers=HTML,
        follow_redirects=False,
    )
    second = re.search(r"likeness=([^;]+)", again.headers["set-cookie"])
    assert second and second[1] != first
    assert client.get("/account", headers=HTML).url.path == "/sign-in"


def test_the_cookie_is_for_this_server_alone_and_scripts_cannot_read_it(
    server: WebServer,
) -> None:
    client = server.client()
    client.follow_redirects = False
    answer = _sign_in(client)
    cookie = _cookies(answer)["likeness"]
    assert "httponly" in cookie and "samesite=lax" in cookie and "path=/" in cookie
    assert "domain" not in cookie and "max-age" not in cookie and "secure" not in cookie


def test_over_https_the_cookie_goes_by_https_alone(library: Library) -> None:
    library.create_account("helper")
    passwords.set_up_password(library.house, library.set_up_link("helper"), GOOD)
    with serving(library, public_url="https://photos.example.org") as server:
        page = httpx.get(f"{server.url}/sign-in", headers=HTML)
        assert "strict-transport-security" in page.headers
        [form] = _cookies(page).values()
        token = re.search(r'name="csrf" content="(\w+)"', page.text)
        assert token and form.startswith("__host-likeness-form=") and "; secure" in form
        answer = httpx.post(
            f"{server.url}/sign-in",
            data={"csrf": token[1], "name": "helper", "password": GOOD},
            headers={**HTML, "cookie": page.headers["set-cookie"].split(";")[0]},
        )
        cookie = _cookies(answer)["__Host-likeness"]
        assert "; secure" in cookie and "path=/" in cookie and "domain" not in cookie
        held = {**HTML, "cookie": answer.headers["set-cookie"].split(";")[0]}
        account = httpx.get(f"{server.url}/account", headers=held).text
        token = re.search(r'name="csrf" content="(\w+)"', account)
        assert token
        left = httpx.post(f"{server.url}/sign-out", data={"csrf": token[1]}, headers=held)
        # Browsers take these names, and let go of them, by HTTPS alone.
        kept = _cookies(left)
        assert set(kept) == {"__Host-likeness", "__Host-likeness-said"}
        assert all("; secure" in one and "path=/" in one for one in kept.values())


def test_a_stranger_cannot_tell_a_wrong_password_from_an_unknown_name(
    server: WebServer,
) -> None:
    def answer(name: str) -> tuple[int, str]:
        page = _sign_in(server.client(), name, OTHER)
        return page.status_code, re.sub(r"[0-9a-f]{64}|value=\"\w+\"", "", page.text)

    assert answer("helper") == answer("nobody") == answer("owner")
    assert answer("helper")[0] in (401, 403)
    assert "The name or the password is wrong." in answer("nobody")[1]


def test_a_wrong_password_takes_as_long_whoever_it_is_for(library: Library) -> None:
    library.create_account("helper")
    passwords.set_up_password(library.house, library.set_up_link("helper"), GOOD)
    took: dict[str, list[float]] = {"helper": [], "nobody": []}
    with serving(library) as server:
        client = server.client()
        token = client.token()
        for turn in range(5):
            for name, times in took.items():
                start = time.perf_counter()
                data = {"csrf": token, "name": name, "password": f"{OTHER}{turn}"}
                client.post("/sign-in", data=data, headers=HTML)
                times.append(time.perf_counter() - start)
    known, unknown = (min(times) for times in took.values())
    assert 0.4 < known / unknown < 2.5


def test_too_many_tries_under_one_name_have_to_wait(server: WebServer) -> None:
    for _ in range(5):
        assert _sign_in(server.client(), "helper", OTHER).status_code in (401, 403)
    late = _sign_in(server.client())
    assert late.status_code == 429 and 0 < int(late.headers["retry-after"]) <= 60
    assert _sign_in(server.client(), "HELPER").status_code == 429
    # Others are let in, until the address has tried ten times.
    assert _sign_in(server.client(), "nobody", OTHER).status_code in (401, 403)


def test_too_many_tries_from_one_address_have_to_wait(server: WebServer) -> None:
    codes = [_sign_in(server.client(), f"name {n}", OTHER).status_code for n in range(11)]
    assert set(codes[:10]) <= {401, 403} and codes[10] == 429


def test_a_right_password_starts_the_count_anew(server: WebServer) -> None:
    for _ in range(2):
        for _ in range(3):
            _sign_in(server.client(), "helper", OTHER)
        assert _sign_in(server.client()).url.path == "/account"


def test_a_proxy_is_believed_only_where_it_is_declared(library: Library) -> None:
    with serving(library) as server:
        codes = []
        for number in range(11):
            client = server.client()
            client.headers["x-forwarded-for"] = f"203.0.113.{number}"
            codes.append(_sign_in(client, f"name {number}", OTHER).status_code)
        assert codes[-1] == 429
    with serving(library, proxies=("127.0.0.1",)) as server:
        for number in range(12):
            client = server.client()
            client.headers["x-forwarded-for"] = f"198.51.100.1, 203.0.113.{number}"
            assert _sign_in(client, f"name {number}", OTHER).status_code in (401, 403)


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/",
        "https:evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/x\r\nSet-Cookie: likeness=planted",
        "javascript:1",
        "x",
        "",
    ],
)
def test_signing_in_never_leads_to_another_site(server: WebServer, to: str) -> None:
    client = server.client()
    shown = client.get("/sign-in", params={"next": to}, headers=HTML)
    assert 'name="next" value="/"' in shown.text and 'data-to="/"' in shown.text
    client.follow_redirects = False
    assert _sign_in(client, to=to).headers["location"] == "/"


@given(st.text(st.sampled_from("/\\.:@#?%2fFxé \t\r\n\u2028\uff0f"), max_size=12).map("/".__add__))
def test_a_path_to_go_on_at_is_one_of_this_server(path: str) -> None:
    to = RedirectResponse(safe_path(path)).headers["location"]
    assert to.startswith("/") and "\\" not in to and to.isprintable()
    assert httpx.URL("https://here.example/sign-in").join(to).host == "here.example"


def test_a_page_that_needs_signing_in_is_gone_on_to_afterwards(server: WebServer) -> None:
    client = server.client()
    page = client.get("/account", headers=HTML)
    assert page.url.path == "/sign-in" and 'name="next" value="/account"' in page.text


def test_no_form_counts_that_another_visitor_or_site_sent(server: WebServer) -> None:
    fields = {"name": "helper", "password": GOOD}
    client, other = server.client(), server.client()
    for data, headers in (
        (fields, {}),
        ({**fields, "csrf": other.token()}, {}),
        ({**fields, "csrf": client.token()}, {"origin": "https://evil.example"}),
        ({**fields, "csrf": client.token()}, {"sec-fetch-site": "cross-site"}),
    ):
        answer = client.post("/sign-in", data=data, headers={**HTML, **headers})
        assert answer.status_code == 403 and "likeness" not in client.cookies


def test_a_session_that_was_ended_elsewhere_stops_at_the_next_request(server: WebServer) -> None:
    here, there = server.client(), server.client()
    _sign_in(here)
    _sign_in(there)
    page = here.get("/account", headers=HTML)
    [other] = re.findall(r"/account/sessions/(\w{64})/end", page.text)
    assert here.submit(f"/account/sessions/{other}/end").status_code == 200
    assert there.get("/account", headers=HTML).url.path == "/sign-in"
    assert here.get("/account", headers=HTML).url.path == "/account"
    # Another account's session is not theirs to end.
    owner = server.client("owner")
    house = server.library.house
    [session] = signing_in.sessions_of(house, house.account.account_id)
    here.submit(f"/account/sessions/{session.session_id}/end")
    assert owner.get("/account", headers=HTML).url.path == "/account"


def test_all_others_are_signed_out_at_once(server: WebServer) -> None:
    here, *others = (server.client() for _ in range(4))
    for client in (here, *others):
        _sign_in(client)
    here.submit("/account/sessions/others/end")
    assert [c.get("/account", headers=HTML).url.path for c in (here, *others)] == [
        "/account",
        *["/sign-in"] * 3,
    ]


def test_a_set_up_link_is_used_up_by_choosing_and_not_by_looking(server: WebServer) -> None:
    server.library.create_account("eve", role="operator")
    path = f"/set-up/{server.library.set_up_link('eve')}"
    for _ in range(3):
        page = server.client().get(path, headers=HTML)
        assert page.status_code == 200 and "Welcome, eve" in page.text
    client = server.client()
    weak = client.submit(path, {"password": "short", "again": "short"})
    assert weak.status_code == 400 and "too short" in weak.text
    differ = client.submit(path, {"password": OTHER, "again": GOOD})
    assert differ.status_code == 400 and "differ" in differ.text
    assert client.submit(path, {"password": OTHER, "again": OTHER}).status_code == 200
    assert client.get("/account", headers=HTML).url.path == "/account"
    for stranger in (server.client(), client):
        assert stranger.get(path, headers=HTML).status_code == 404
        used = stranger.submit(path, {"password": GOOD, "again": GOOD})
        assert used.status_code == 404
    assert _sign_in(server.client(), "eve", OTHER).url.path == "/account"


def test_links_that_lead_nowhere_read_the_same(server: WebServer) -> None:
    library = server.library
    used = library.set_up_link("helper")
    passwords.set_up_password(library.house, used, OTHER)
    ended = library.set_up_link("helper")
    library.house.clock.advance(days=2)  # type: ignore[attr-defined]
    texts = {
        re.sub(r"[0-9a-f]{64}", "", server.client().get(f"/set-up/{secret}", headers=HTML).text)
        for secret in (used, ended, "guess")
    }
    assert len(texts) == 1


def test_a_passkey_is_made_by_a_link_and_signs_in(server: WebServer) -> None:
    device = SoftAuthenticator(origin=server.url)
    path = f"/set-up/{server.library.set_up_link('owner')}"
    client = server.client()
    options = _post_json(client, f"{path}/passkey/options").json()
    assert options["rp"]["id"] == "localhost" and options["user"]["name"] == "owner"
    made = _post_json(client, f"{path}/passkey", device.make(options))
    assert made.json() == {"to": "/"}
    assert client.get("/account", headers=HTML).url.path == "/account"
    assert _post_json(server.client(), f"{path}/passkey/options").status_code == 404

    other = server.client()
    options = _post_json(other, "/sign-in/passkey/options").json()
    answer = device.sign(options)
    before = other.cookies.get("likeness-form")
    signed = _post_json(other, "/sign-in/passkey", answer)
    assert signed.status_code == 200 and other.cookies["likeness"] != before
    assert other.get("/account", headers=HTML).url.path == "/account"
    # The same answer again is worth nothing.
    again = _post_json(server.client(), "/sign-in/passkey", answer)
    assert again.status_code == 401 and "does not sign anybody in" in again.json()["title"]


def test_whoever_is_signed_in_adds_renames_and_removes_passkeys(server: WebServer) -> None:
    device, client = SoftAuthenticator(origin=server.url), server.client()
    _sign_in(client)
    options = _post_json(client, "/account/passkeys/options").json()
    assert _post_json(client, "/account/passkeys", device.make(options)).status_code == 200
    page = client.get("/account", headers=HTML)
    [key] = set(re.findall(r"/account/passkeys/(\w{64})", page.text))
    renamed = client.submit(f"/account/passkeys/{key}", {"label": "My <b>phone</b>"})
    assert "My &lt;b&gt;phone&lt;/b&gt;" in renamed.text
    [password] = re.findall(r"/account/credentials/(cr_\w+)/remove", renamed.text)
    assert client.submit(f"/account/credentials/{password}/remove").status_code == 200
    last = client.submit(f"/account/credentials/{key}/remove")
    assert last.status_code == 400 and "last way to sign in" in last.text
    # Another account's options do not fit this one's session.
    owner = server.client("owner")
    options = _post_json(owner, "/account/passkeys/options").json()
    stolen = _post_json(client, "/account/passkeys", device.make(options))
    assert stolen.status_code == 401


def test_whoever_finds_an_open_browser_makes_no_way_in_of_their_own(
    server: WebServer, clock: Clock
) -> None:
    device, client = SoftAuthenticator(origin=server.url), server.client()
    _sign_in(client)
    house = server.library.house
    [helper] = [a.account_id for a in server.library.accounts() if a.name == "helper"]
    password = ways_in.password_of(house, helper)
    assert password is not None
    options = _post_json(client, "/account/passkeys/options").json()
    clock.advance(minutes=10)

    page = client.get("/account", headers=HTML).text
    assert 'href="/sign-in?next=/account"' in page and "data-passkey" not in page
    for path, body in (
        ("/account/passkeys/options", b""),
        ("/account/passkeys", device.make(options)),
    ):
        refused = _post_json(client, path, body)
        assert refused.status_code == 403 and "Sign in again" in refused.json()["fix"]
    asked = client.submit(f"/account/credentials/{password.credential_id}/remove")
    assert asked.url.path == "/sign-in" and "You signed in a while ago" in asked.text
    assert 'name="next" value="/account"' in asked.text

    assert _sign_in(client).url.path == "/account"
    # Whoever has just signed in is not asked to again.
    assert client.get("/sign-in?next=/account", headers=HTML).url.path == "/account"
    options = _post_json(client, "/account/passkeys/options").json()
    assert _post_json(client, "/account/passkeys", device.make(options)).status_code == 200


def test_changing_the_password_asks_for_the_current_one(server: WebServer) -> None:
    client, elsewhere = server.client(), server.client()
    _sign_in(client)
    _sign_in(elsewhere)
    fields = {"password": OTHER, "again": OTHER}
    wrong = client.submit("/account/password", {**fields, "current": "not this one"})
    assert wrong.status_code in (401, 403) and "another one" in wrong.text
    right = client.submit("/account/password", {**fields, "current": GOOD})
    assert right.status_code == 200 and "every other browser is signed out" in right.text
    assert elsewhere.get("/account", headers=HTML).url.path == "/sign-in"
    assert _sign_in(server.client(), password=OTHER).url.path == "/account"


def test_without_https_and_beside_localhost_there_are_passwords_alone(library: Library) -> None:
    link = library.set_up_link("owner")
    with serving(library, public_url="http://photos.example.org") as server:
        page = server.client().get("/sign-in", headers=HTML)
        assert "data-passkey" not in page.text and 'name="password"' in page.text
        page = server.client().get(f"/set-up/{link}", headers=HTML)
        assert "data-passkey" not in page.text and "without HTTPS" in page.text


def test_nobody_is_asked_for_a_password_where_nobody_has_one(library: Library) -> None:
    with serving(library) as server:
        page = server.client().get("/sign-in", headers=HTML)
        assert "data-passkey" in page.text and 'name="password"' not in page.text


def test_a_person_adds_a_passkey_and_comes_back_with_it(site: Any) -> None:
    device, person = SoftAuthenticator(origin=site.server.url), site.client("person")
    page = person.get("/account", headers={**HTML, "accept-language": "de-AT"})
    assert "So kommst du zurück" in page.text and 'lang="de"' in page.text
    options = _post_json(person, "/account/passkeys/options").json()
    assert options["user"]["name"] == "Anna Adler"
    assert _post_json(person, "/account/passkeys", device.make(options)).status_code == 200
    back = site.server.client()
    answer = device.sign(_post_json(back, "/sign-in/passkey/options").json())
    assert _post_json(back, "/sign-in/passkey", answer).status_code == 200
    assert "How you come back" in back.get("/account", headers=HTML).text
    assert back.get("/accounts", headers=HTML).status_code == 403
    # Theirs may be the last to go: they have a private link too.
    [key] = set(re.findall(r"/account/passkeys/(\w{64})", person.get("/account").text))
    assert person.submit(f"/account/credentials/{key}/remove").status_code == 200
