"""What every answer carries, and which names the server answers to."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from web_server import serving

PATHS = ("/", "/sign-in", "/desk", "/nowhere", "/static/x/style.css")


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_forbids_what_is_inline_or_from_elsewhere(site: Any, path: str) -> None:
    answer = site.client("owner").get(path, headers={"accept": "text/html"})
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http:" not in policy and "https:" not in policy and "*" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "server" not in answer.headers


def test_no_page_is_kept_by_a_browser_and_files_of_pages_are_kept_for_good(site: Any) -> None:
    client = site.client("owner")
    page = client.get("/desk", headers={"accept": "text/html"})
    assert page.headers["cache-control"] == "no-store"
    style = page.text.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = client.get(style)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert client.get("/static/0/style.css").headers["cache-control"] == "no-store"
    assert client.get("/static/0/..%2Fapp.py").status_code == 404


def test_the_first_page_names_no_other_host_and_nothing_inline(site: Any) -> None:
    for client in (site.client("anyone"), site.client("owner")):
        text = client.get("/", headers={"accept": "text/html"}).text
        assert "http://" not in text and "https://" not in text and 'src="//' not in text
        assert "<style" not in text and " style=" not in text and " onclick=" not in text
        assert "<script>" not in text


def test_the_server_answers_to_its_own_names_only(site: Any) -> None:
    client = site.client("owner")
    for name in ("evil.example", "localhost.evil.example", ""):
        answer = client.get("/desk", headers={"host": name, "accept": "text/html"})
        assert answer.status_code in (400, 421)
        assert "Desk" not in answer.text


def test_over_https_cookies_are_bound_to_the_host_and_the_browser_is_told_to_stay(
    site: Any,
) -> None:
    with serving(site.library, public_url="https://localhost") as server:
        answer = server.client().get("/sign-in", headers={"accept": "text/html"})
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    cookies = answer.headers.get_list("set-cookie")
    assert cookies
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))


def test_a_defect_is_told_without_what_it_was_working_on(
    site: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fails(_library: Any) -> Any:
        raise RuntimeError("Anna Adler")

    monkeypatch.setattr("likeness.library.Library.status", fails)
    heard: list[str] = []
    monkeypatch.setattr(
        logging.getLogger("uvicorn.error"), "error", lambda *words, **_: heard.append(str(words))
    )
    answer = site.client("owner").get("/desk", headers={"accept": "text/html"})
    assert answer.status_code == 500
    told = answer.text + "".join(capfd.readouterr())
    assert "Anna" not in told
    assert "RuntimeError" in told
    assert not heard
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
