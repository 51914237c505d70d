"""The review queue over a real server: one answer at a time, undone, and nobody who may not be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from promise_house import acting_as, enrol, rows
from synthetic_engine import DOUBTFUL_AMONG_TEN, Drawn, save
from web_server import Client, WebServer, serving

from likeness.library import Library

HTML = {"accept": "text/html"}
ANN, BOB = 1, 2


@pytest.fixture
def server(library: Library, tmp_path: Path) -> Iterator[WebServer]:
    """Two doubtful photos of Ann, whom operator and owner may find, and one of Bob, whom the
    operator may not."""
    for number in range(2):
        face = Drawn(person=ANN, look=DOUBTFUL_AMONG_TEN, shot=number)
        save(tmp_path / "photos" / f"ann {number}.png", face, salt=number)
    face = Drawn(person=BOB, look=DOUBTFUL_AMONG_TEN)
    save(tmp_path / "photos" / "bob.png", face, Drawn(person=900), salt=5)
    library.ingest(tmp_path / "photos", collection="party")
    library.create_account("operator", role="operator")
    library.set_audience("party", add=["operator"])
    enrol(library, "Ann Adler", ANN)
    enrol(library, "Bob Berg", BOB, audience=frozenset({"owner"}))
    with serving(library) as running:
        yield running


def card(page: str) -> dict[str, str]:
    """The fields of the answer's form."""
    found = re.search(r'action="/review/decide".*?</form>', page, re.DOTALL)
    assert found, page
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', found[0]))


def answer(client: Client, page: str, what: str) -> str:
    fields = {name: value for name, value in card(page).items() if name != "csrf"}
    after = client.submit("/review/decide", {**fields, "answer": what})
    assert after.status_code == 200, after.text
    return after.text


def test_answers_are_given_one_after_the_other_without_scripts(server: WebServer) -> None:
    operator = server.client("operator")
    page = operator.get("/review", headers=HTML).text
    assert "Is this Ann Adler?" in page and "2 left" in page
    first = card(page)
    page = answer(operator, page, "same")
    assert "1 left" in page and "it is linked" in page and card(page)["sha256"] != first["sha256"]
    page = answer(operator, page, "different")
    assert "Nothing waits to be decided" in page
    assert {tuple(r) for r in rows(server.library, "SELECT decision, decided_by FROM links")} == {
        ("same", "operator"),
        ("different", "operator"),
    }
    page = operator.submit("/review/undo").text
    page = operator.submit("/review/undo").text
    assert "2 left" in page and card(page)["sha256"] == first["sha256"]
    assert rows(server.library, "SELECT * FROM links") == []
    assert "nothing to undo" in operator.submit("/review/undo").text


def test_whoever_is_not_sure_sees_it_again_at_the_end(server: WebServer) -> None:
    operator = server.client("operator")
    page = operator.get("/review", headers=HTML).text
    first = card(page)
    page = answer(operator, page, "unsure")
    assert card(page)["sha256"] != first["sha256"] and "2 left" in page
    page = answer(operator, page, "same")
    assert card(page)["sha256"] == first["sha256"] and "was not sure" in page


def test_a_script_gets_the_next_card_alone_with_what_came_of_it(server: WebServer) -> None:
    operator = server.client("operator")
    fields = card(operator.get("/review", headers=HTML).text)
    headers = {"accept": "application/json", "x-fragment": "1", "x-csrf-token": operator.token()}
    after = operator.post("/review/decide", data={**fields, "answer": "same"}, headers=headers)
    assert "<html" not in after.text and 'data-said="Yes: it is linked."' in after.text
    assert "1 left" in after.text
    again = operator.post(
        "/review/decide", data={**fields, "face": "9", "answer": "same"}, headers=headers
    )
    assert again.status_code == 200 and "decided meanwhile" in again.text
    wrong = operator.post("/review/decide", data={**fields, "answer": ""}, headers=headers)
    assert wrong.status_code == 400 and wrong.json()["fix"]


def test_the_queue_of_one_person_holds_nobody_else(server: WebServer) -> None:
    owner = server.client("owner")
    bob = next(p for p in server.library.people() if p.person.details.name == "Bob Berg")
    page = owner.get(f"/review?person={bob.person.person_id}", headers=HTML).text
    assert "Is this Bob Berg?" in page and "1 left" in page
    page = answer(owner, page, "different")
    assert "Nothing waits" in page and "Review everybody" in page


def test_nobody_is_reviewed_or_shown_whom_the_account_may_not_find(server: WebServer) -> None:
    bob = next(p for p in server.library.people() if p.person.details.name == "Bob Berg")
    [proposal] = server.library.proposals(person_id=bob.person.person_id)
    operator = server.client("operator")
    assert acting_as(server.library, "operator").proposals(person_id=bob.person.person_id) == []
    for path in ("/review", f"/review?person={bob.person.person_id}"):
        page = operator.get(path, headers=HTML).text
        assert "Bob" not in page and proposal.photo.sha256 not in page
    fields = {
        "of": bob.person.person_id,
        "sha256": proposal.photo.sha256,
        "face": str(proposal.face.number),
        "answer": "same",
    }
    known = operator.submit("/review/decide", fields).text
    unknown = operator.submit("/review/decide", {**fields, "sha256": "0" * 64}).text
    assert _without_secrets(known) == _without_secrets(unknown)
    assert rows(server.library, "SELECT * FROM links") == []
    for one in (bob.person.person_id, "p_nobody"):
        assert operator.get(f"/people/{one}/face.jpg").status_code == 404


def test_a_face_that_is_known_is_shown_beside_the_one_in_question(server: WebServer) -> None:
    owner = server.client("owner")
    ann = next(p for p in server.library.people() if p.person.details.name == "Ann Adler")
    face = owner.get(f"/people/{ann.person.person_id}/face.jpg")
    assert face.headers["content-type"] == "image/jpeg"
    assert face.headers["cache-control"] == "no-store" and face.content[:2] == b"\xff\xd8"
    answer(owner, owner.get(f"/review?person={ann.person.person_id}", headers=HTML).text, "same")
    linked = owner.get(f"/people/{ann.person.person_id}/face.jpg")
    assert linked.content != face.content, "a linked face comes before what they gave"


def _without_secrets(page: str) -> str:
    return re.sub(r"[0-9a-f]{64}", "", page)
