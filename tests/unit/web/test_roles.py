"""Who may open what: every route says it, the filter holds it, and the reference shows it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI

from likeness.invitations import invite
from likeness.web.access import ANYONE, WEB_ROLES, Pages
from likeness.web.app import PAGES, create_app, page_modules
from likeness.web.parts import ServeOptions
from likeness.web.roles import RouteAccess, page_of, table_of

TABLE = table_of(route for pages in page_modules() for route in pages.routes)
REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "roles.md"


def _path(access: RouteAccess) -> str:
    return re.sub(r"\{[^}]+\}", "1", access.path)


def test_every_page_module_is_part_of_the_app() -> None:
    folder = Path(__import__("likeness.web", fromlist=["web"]).__file__).parent
    with_pages = {
        file.stem
        for file in folder.glob("*.py")
        if "\npages = Pages(" in file.read_text(encoding="utf-8")
    }
    assert with_pages == set(PAGES)


def test_the_page_of_the_reference_is_the_table_of_the_app() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == page_of(TABLE), (
        "make it anew: python -m likeness.web.roles"
    )


def test_the_app_has_no_route_beside_those_of_the_table(site: Any) -> None:
    assert table_of(create_app(site.library, ServeOptions()).routes) == TABLE


def test_a_route_that_does_not_say_who_may_open_it_is_named() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/hidden", lambda: "")
    with pytest.raises(ValueError, match="/hidden"):
        table_of(app.routes)


def test_a_route_cannot_be_declared_for_nobody_or_about_nothing() -> None:
    with pytest.raises(ValueError, match="who may open"):
        Pages().show("/x", roles=frozenset(), whose="somebody")
    with pytest.raises(ValueError, match="who may open"):
        Pages().show("/x", roles=ANYONE, whose="")
    with pytest.raises(ValueError, match="who may open"):
        Pages().show("/x", roles=frozenset({"admin"}), whose="somebody")


@pytest.mark.parametrize("role", WEB_ROLES)
def test_no_route_opens_for_a_role_that_it_does_not_name(site: Any, role: str) -> None:
    client = site.client(role)
    wrong = []
    for access in TABLE:
        if role in access.roles:
            continue
        answer = client.request(
            access.method, _path(access), headers={"accept": "text/html"}, follow_redirects=False
        )
        sent_to_sign_in = answer.status_code == 303 and (
            urlsplit(answer.headers["location"]).path == "/sign-in"
        )
        expected = sent_to_sign_in or answer.status_code in (401, 403)
        if not expected or (role != "anyone" and sent_to_sign_in):
            wrong.append(f"{access.method} {access.path}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("role", WEB_ROLES)
def test_no_route_is_shut_for_a_role_that_it_names(site: Any, role: str) -> None:
    client = site.client(role)
    wrong = []
    for access in TABLE:
        if role not in access.roles or access.method != "GET":
            continue
        with client.stream(
            "GET", _path(access), headers={"accept": "text/html"}, follow_redirects=False
        ) as answer:
            is_page = answer.headers.get("content-type", "").startswith("text/html")
            text = answer.read().decode() if is_page else ""
        shut = "This page is not for you" in text or answer.status_code in (401, 500)
        if shut or answer.headers.get("location", "").startswith("/sign-in?"):
            wrong.append(f"GET {access.path}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("role", WEB_ROLES)
def test_nothing_is_done_without_a_form_made_for_the_visitor(site: Any, role: str) -> None:
    client = site.client(role)
    # An enrolment looks at its link before it reads what is sent.
    asked = {"collections": ["party"], "purposes": ["find_me"]}
    link = f"/enrol/{invite(site.library.house, **asked).secret}"
    before = site.library.status()
    wrong = []
    for access in TABLE:
        if role not in access.roles or access.method in ("GET", "HEAD"):
            continue
        for data in ({}, {"csrf": "0" * 64}):
            answer = client.request(
                access.method,
                _path(access).replace("/enrol/1", link),
                data=data,
                headers={"accept": "text/html"},
                follow_redirects=False,
            )
            if answer.status_code != 403 or "form has expired" not in answer.text:
                wrong.append(f"{access.method} {access.path}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)
    assert site.library.status() == before
