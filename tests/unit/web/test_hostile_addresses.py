"""Whatever strangers write into an address: no page fails, and none tells what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from fastapi.routing import APIRoute
from hostile import WORDS, Strangers, filled, parts_of, roles_of, routes, written

READ = [route for route in routes() if "GET" in route.methods]
MORE = {"/sign-in": ("next", "lang"), "/my-photos": ("after",)}
"""What some pages read of an address without declaring it."""


def addresses(route: APIRoute, there: Mapping[str, str]) -> Iterator[str]:
    """The route with each part hostile by itself, and with what is asked of it hostile."""
    for part in parts_of(route.path):
        yield from (filled(route.path, {**there, part: written(word)}) for word in WORDS)
    path = filled(route.path, there)
    asked = (parameter.alias for parameter in route.dependant.query_params)
    for name in (*asked, *MORE.get(route.path, ())):
        yield from (f"{path}?{name}={written(word)}" for word in WORDS)


@pytest.mark.parametrize("route", READ, ids=lambda route: route.path)
def test_no_address_makes_a_page_fail(
    route: APIRoute, strangers: Strangers, there: Mapping[str, str]
) -> None:
    failed = []
    for role in roles_of(route):
        client = strangers.client(role)
        for address in addresses(route, there):
            answer = client.get(address, headers={"accept": "text/html"})
            if answer.status_code >= 500:
                failed.append((role, answer.status_code, address[:120]))
    assert not failed
