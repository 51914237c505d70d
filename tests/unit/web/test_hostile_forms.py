"""Whatever strangers send: nothing that takes a form, a file or a script's words fails."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fastapi.routing import APIRoute
from hostile import (
    ODD,
    Strangers,
    fields_of,
    filled,
    parts_of,
    roles_of,
    routes,
    written,
)
from promise_house import enrol

from likeness.web.forms import read_body
from likeness.web.search import sent

DONE = [route for route in routes() if not route.methods <= {"GET", "HEAD"}]
SENT_WHOLE = ("", "\0", "99999999999999999999999999", ODD)
"""What every field of a form has at once."""

IN_ADDRESSES = ("\0", "99999999999999999999999999", "\ud800")

BODIES = (
    b"",
    b"\xff\x00",
    b"[" * 50_000,
    b'"\\ud800"',
    b'{"id": "\\ud800", "rawId": 7, "response": {}, "type": null}',
    b'{"collection": "party", "kind": "photos", "files": [{"name": "\\ud800", "size": 1}]}',
    b'{"collection": "\\ud800", "kind": "photos", "files": [{"name": "a.jpg", "size": 1}]}',
    b'{"collection": "party", "kind": "photos", "files": [{"name": "a.jpg", "size": 1e400}]}',
    b'{"collection": "party", "kind": "photos", "files": [{"name": "\\u0000", "size": -1}]}',
)


@pytest.fixture(scope="module")
def people(site: Any) -> Iterator[str]:
    """Somebody new each time: what is sent may well be a withdrawal."""
    return (enrol(site.library, "Somebody", number, "find_me") for number in itertools.count(50))


def paths(route: APIRoute, there: Mapping[str, str]) -> list[str]:
    """The route as it is, and with each part hostile by itself."""
    hostile = [
        filled(route.path, {**there, part: written(word)})
        for part in parts_of(route.path)
        for word in IN_ADDRESSES
    ]
    return [filled(route.path, there), *hostile]


def takes_words(route: APIRoute) -> bool:
    """Whether a script sends it something else than a form."""
    return any(one.call in (read_body, sent) for one in route.dependant.dependencies)


def requests_to(route: APIRoute, there: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """What is sent to it, the most telling first."""
    [method] = route.methods
    there_is, *others = paths(route, there)
    names = fields_of(route)
    forms = [dict.fromkeys(names, word) for word in SENT_WHOLE]
    forms += [{name: ODD} for name in names]
    for form in forms:
        files = {name: (value, value.encode()) for name, value in form.items()}
        yield {"method": method, "url": there_is, "data": form, "files": files or None}
    yield from ({"method": method, "url": path} for path in others)
    if takes_words(route):
        headers = {"content-type": "application/octet-stream", "x-search": ""}
        for body in BODIES:
            yield {"method": method, "url": there_is, "content": body, "headers": headers}


@pytest.mark.parametrize("route", DONE, ids=lambda route: route.path)
def test_nothing_that_is_sent_makes_a_page_fail(
    route: APIRoute, strangers: Strangers, there: Mapping[str, str], people: Iterator[str]
) -> None:
    failed = []
    *others, last = roles_of(route)
    for role in (*others, last):
        client = strangers.client(role, person_id=next(people) if role == "person" else "")
        headers = {"accept": "text/html", "x-csrf-token": client.token()}
        # What is read comes before who it is: all of it is tried as one of them.
        most = None if role == last else 2
        for request in itertools.islice(requests_to(route, there), most):
            asked = {**request, "headers": {**headers, **request.get("headers", {})}}
            status = client.request(**asked).status_code
            if status >= 500:
                failed.append((role, status, str(request)[:300]))
    assert not failed
