"""What is somebody else's reads like what is not there: word for word, on every page and to all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from fastapi.routing import APIRoute
from hostile import Strangers, filled, parts_of, roles_of, routes
from portal_parts import sha256
from promise_house import acting_as, enrol
from synthetic_engine import Drawn, save

from likeness import signing_in, uploads
from likeness.store.people import reference_crops_of

CARL = 2
NOT_THERE = {
    "sha256": "0" * 64,
    "person_id": "p_aaaaaaaaaaaaaaaa",
    "upload_id": "u_aaaaaaaaaaaaaaaa",
    "session_id": "s_aaaaaaaaaaaaaaaa",
    "reference_id": "r_aaaaaaaaaaaaaaaa",
}
ABOUT = [route for route in routes() if not NOT_THERE.keys().isdisjoint(parts_of(route.path))]


@pytest.fixture(scope="module")
def theirs(site: Any, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Carl said yes to himself alone, before another operator, who has sessions and uploads too."""
    folder = tmp_path_factory.mktemp("theirs")
    site.library.create_account("helper", role="operator")
    site.library.set_audience("party", add=["helper"])
    library = acting_as(site.library, "helper")
    save(folder / "carl.png", Drawn(person=CARL))
    library.ingest(folder, collection="party")
    carl = enrol(library, "Carl", CARL, "find_me")
    photo = sha256(library, "carl.png")
    helper = library.house.account.account_id
    site.server.client("helper")
    [session, *_] = signing_in.sessions_of(library.house, helper)
    with library.house.store.snapshot() as connection:
        key = library.house.keyring.key(carl)
        reference = min(reference_crops_of(connection, carl, key=key))
    return {
        "sha256": photo,
        "person_id": carl,
        "upload_id": uploads.begin(library.house, "party", "photos", [("a.jpg", 9)]).upload_id,
        "session_id": session.session_id,
        "reference_id": reference,
    }


@pytest.mark.parametrize("route", ABOUT, ids=lambda one: f"{min(one.methods)} {one.path}")
def test_what_is_somebody_elses_reads_like_what_is_not_there(
    route: APIRoute, strangers: Strangers, theirs: Mapping[str, str]
) -> None:
    for role in roles_of(route):
        client = strangers.client(role)
        headers = {"accept": "text/html", "x-csrf-token": client.token()}
        told = set()
        for ids in (theirs, NOT_THERE):
            path = filled(route.path, {"face": "1", "number": "1", **ids})
            answer = client.request(min(route.methods), f"{path}?offset=0", headers=headers)
            text = answer.text
            for part, value in ids.items():
                text = text.replace(value, part)
            told.add((answer.status_code, answer.headers.get("location"), text))
        assert len(told) == 1, role
        [(status, _, _)] = told
        assert status in (303, 400, 403, 404), role
