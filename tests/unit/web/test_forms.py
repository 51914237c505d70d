"""What a browser sends is read into memory only, within limits, and only from our own pages."""

from __future__ import annotations

import tempfile
from typing import Any

import pytest

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
        "/sign-out", files={"photo": ("probe.jpg", b"\xff\xd8" + b"0" * 3_000_000, "image/jpeg")}
    )
    assert answer.status_code == 200
    assert not rolled


def test_strangers_cannot_fill_the_memory_with_what_no_page_of_theirs_takes(site: Any) -> None:
    client = site.client("anyone")
    for path in ("/sign-in/passkey", "/enrol/unknown/frames"):
        answer = client.submit_raw(path, b"0" * 1_500_000)
        assert answer.status_code == 413, path
