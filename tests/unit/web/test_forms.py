"""What a browser sends is read into memory only, within limits, and only from our own pages."""

from __future__ import annotations

import socket
import tempfile
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.routing import APIRoute

from likeness.invitations import invite
from likeness.web.access import ACCESS_KEY, OPERATORS
from likeness.web.app import page_modules
from likeness.web.forms import LONGEST_OF_STRANGERS, PHOTO

FOREIGN = (
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "https://elsewhere.example"},
    {"origin": "null", "sec-fetch-site": "cross-site"},
)


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_form_from_another_site_is_refused_with_a_token_that_is_right(
    site: Any, headers: dict[str, str]
) -> None:
    client = site.client("owner")
    answer = client.post(
        "/sign-out", data={"csrf": client.token()}, headers={"accept": "text/html", **headers}
    )
    assert answer.status_code == 403
    assert "another site" in answer.text
    assert client.get("/desk", headers={"accept": "text/html"}).url.path == "/desk"


def test_a_token_of_one_visitor_is_worth_nothing_to_another(site: Any) -> None:
    of_another = site.client("member").token()
    client = site.client("owner")
    answer = client.post("/sign-out", data={"csrf": of_another}, headers={"accept": "text/html"})
    assert answer.status_code == 403
    assert "form has expired" in answer.text


def test_a_script_is_told_as_a_problem_what_a_page_says_in_words(site: Any) -> None:
    answer = site.client("owner").post("/sign-out", headers={"accept": "application/json"})
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == answer.status_code == 403
    assert "form has expired" in told["title"]
    assert told["fix"]


def test_a_form_that_is_too_long_is_refused_before_it_is_read(site: Any) -> None:
    client = site.client("owner")
    answer = client.post(
        "/sign-out",
        content=b"csrf=" + b"0" * 2_000_000,
        headers={"accept": "text/html", "content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 413
    assert "larger than 1,000,000 bytes" in answer.text


def test_a_form_that_says_no_length_is_stopped_where_it_grows_too_long(site: Any) -> None:
    def endless() -> Any:
        yield b"csrf="
        for _ in range(64):
            yield b"0" * 65_536

    answer = site.client("owner").post(
        "/sign-out",
        content=endless(),
        headers={"accept": "text/html", "content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("multipart/form-data; boundary=x", b"--x\r\nnothing like a form"),
        ("multipart/form-data", b"no boundary"),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(2000))),
        ("application/x-www-form-urlencoded", b"name=%ff%fe"),
    ],
)
def test_a_malformed_form_is_named_as_such(site: Any, kind: str, content: bytes) -> None:
    answer = site.client("owner").post(
        "/sign-out", content=content, headers={"accept": "text/html", "content-type": kind}
    )
    assert answer.status_code in (403, 422)
    assert "form" in answer.text


def test_no_part_of_a_form_with_a_photo_touches_a_disk(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rolled: list[str] = []

    def no_file(*_: Any, **__: Any) -> Any:
        rolled.append("a file")
        raise OSError("no temporary file may be made")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_file)
    client = site.client("owner")
    answer = client.submit(
        "/search", files={"photo": ("probe.jpg", b"\xff\xd8" + b"0" * 3_000_000, "image/jpeg")}
    )
    assert answer.status_code == 422
    assert not rolled


@pytest.mark.parametrize(
    ("role", "path", "more"),
    [
        ("anyone", "/sign-in/passkey", 20_001),
        ("anyone", "/sign-in", 100_001),
        ("anyone", "/enrol/unknown", 100_001),
        ("anyone", "/enrol/unknown/frames", 400_001),
        ("person", "/my-photos/consent", 1_000_001),
        ("person", "/account/passkeys", 20_001),
        ("member", "/photos", 1_000_001),
        ("operator", "/uploads/unknown/1?offset=0", 8 * 1024 * 1024 + 1),
        ("operator", "/receipts/verify", 2_000_001),
        ("owner", "/audit/verify", 1_000_001),
    ],
)
def test_no_page_reads_more_than_it_takes(site: Any, role: str, path: str, more: int) -> None:
    client = site.client(role)
    headers = {
        "x-csrf-token": client.token(),
        "accept": "application/json",
        "content-type": "multipart/form-data; boundary=x",
    }
    method = "PUT" if "/uploads/" in path else "POST"
    answer = client.request(method, path, content=b"0" * more, headers=headers)
    assert answer.status_code == 413
    assert f"{more - 1:,} bytes" in answer.json()["title"]


def test_strangers_send_little_but_for_the_pictures_of_an_enrolment() -> None:
    more = {
        route.path: access["most"]
        for pages in page_modules()
        for route in pages.routes
        if isinstance(route, APIRoute)
        if "anyone" in (access := (route.openapi_extra or {})[ACCESS_KEY])["roles"]
        if access["most"] == PHOTO or access["most"] > LONGEST_OF_STRANGERS
    }
    assert more == {"/enrol/{secret}/frames": 400_000, "/enrol/{secret}/photo": 48_000_000}


def _told(site: Any, head: str) -> str:
    """The first line of the answer to a request of which only the head is ever sent."""
    address = urlsplit(site.server.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as line:
        line.sendall(f"{head}\r\nHost: localhost\r\n\r\n".encode())
        return line.makefile("rb").readline().decode()


def test_photos_of_strangers_are_read_only_where_their_link_is_open(site: Any) -> None:
    client = site.client("anyone")
    token = client.token()
    own = f"X-CSRF-Token: {token}\r\nCookie: likeness-form={client.cookies['likeness-form']}"
    sent = "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 40000000"
    told = _told(site, f"POST /enrol/unknown/photo HTTP/1.1\r\n{own}\r\n{sent}")
    assert " 404 " in told
    asked = {"collections": ["party"], "purposes": ["find_me"]}
    secret = invite(site.library.house, **asked).secret
    sent = sent.replace("40000000", "48000001")
    told = _told(site, f"POST /enrol/{secret}/photo HTTP/1.1\r\n{own}\r\n{sent}")
    assert " 413 " in told


def test_whoever_is_no_operator_is_counted_before_their_photos_are_read() -> None:
    uncounted = {
        route.path
        for pages in page_modules()
        for route in pages.routes
        if isinstance(route, APIRoute)
        if (access := (route.openapi_extra or {})[ACCESS_KEY])["most"] == PHOTO
        # Who may open it, what is checked before, and that the form is one of ours.
        if not set(access["roles"]) <= OPERATORS and len(route.dependencies) < 3
    }
    assert not uncounted


@pytest.mark.parametrize(
    "length", ["many", "-1", "1e3", "0x10", "1,2", "9" * 30, "1\r\nContent-Length: 2"]
)
def test_a_length_that_is_none_is_a_malformed_request(site: Any, length: str) -> None:
    told = _told(site, f"POST /sign-in HTTP/1.1\r\nContent-Length: {length}")
    assert " 400 " in told
