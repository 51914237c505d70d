"""People on the desk, over a real server: only those who let the account find them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from promise_house import enrol, rows
from synthetic_engine import Drawn, draw, save
from web_server import WebServer, serving

from likeness.library import Library

HTML = {"accept": "text/html"}
ANN, BOB, CARL, DORA = 1, 2, 3, 4


@pytest.fixture
def server(library: Library, tmp_path: Path) -> Iterator[WebServer]:
    """Ann and Bob, whom operator and owner may find; Carl, whom the owner alone may."""
    for number in range(3):
        save(tmp_path / "photos" / f"ann {number}.png", Drawn(person=ANN, shot=number), salt=number)
    save(tmp_path / "photos" / "all.png", Drawn(person=BOB), Drawn(person=CARL), salt=7)
    library.ingest(tmp_path / "photos", collection="party")
    library.create_account("operator", role="operator")
    library.set_audience("party", add=["operator"])
    enrol(library, "Ann Adler", ANN, "be_found", "find_me")
    enrol(library, "Bob Berg", BOB)
    enrol(library, "Carl Covert", CARL, audience=frozenset({"owner"}))
    with serving(library) as running:
        yield running


def ids(server: WebServer) -> dict[str, str]:
    return {p.person.details.name: p.person.person_id for p in server.library.people()}


def photo(person: int) -> tuple[str, bytes, str]:
    held = io.BytesIO()
    Image.fromarray(draw(Drawn(person=person))).save(held, "PNG")
    return ("photo.png", held.getvalue(), "image/png")


def test_the_list_counts_and_names_nobody_else(server: WebServer) -> None:
    operator, owner = server.client("operator"), server.client("owner")
    page = operator.get("/people", headers=HTML).text
    assert "2 people" in page and "Ann Adler" in page and "Bob Berg" in page
    assert "Carl" not in page and ids(server)["Carl Covert"] not in page
    assert "3 people" in owner.get("/people", headers=HTML).text
    assert "One person" in operator.get("/people?q=ADLER", headers=HTML).text
    nobody = operator.get("/people?q=zoe", headers=HTML).text
    unfindable = operator.get("/people?q=carl", headers=HTML).text
    assert "0 people" in nobody and nobody.replace("zoe", "carl") == unfindable


def test_the_list_is_ordered_as_asked(server: WebServer) -> None:
    owner = server.client("owner")

    def order(how: str) -> list[str]:
        page = owner.get(f"/people?order={how}", headers=HTML).text
        return re.findall(r'<span class="strong">(\w+) ', page)

    assert order("name") == ["Ann", "Bob", "Carl"]
    assert order("photos")[0] == "Ann"
    assert sorted(order("newest")) == sorted(order("until")) == order("nonsense")


def test_a_person_is_shown_with_photos_consents_and_what_can_be_done(server: WebServer) -> None:
    page = server.client("operator").get(f"/people/{ids(server)['Ann Adler']}", headers=HTML).text
    assert "3 photos" in page and page.count('class="boxes"') == 3
    assert "be found by a photo, find their own photos" in page
    assert "said yes at the door" in page and "attested by owner" in page and "version" in page


def test_a_person_whom_the_account_may_not_find_reads_like_nobody(server: WebServer) -> None:
    operator = server.client("operator")
    for path in ("", "/withdraw", "/merge", "/face.jpg"):
        pages = [
            operator.get(f"/people/{one}{path}", headers=HTML)
            for one in (ids(server)["Carl Covert"], "p_nobody")
        ]
        assert [page.status_code for page in pages] == [404, 404]
        assert pages[0].text == pages[1].text
    for path in ("export", "narrow", "renew", "withdraw", "merge", "split", "not-theirs"):
        fields = {"expires": "2031-01-01", "requested_by": "person", "sure": "yes"}
        pages = [
            operator.submit(f"/people/{one}/{path}", fields)
            for one in (ids(server)["Carl Covert"], "p_nobody")
        ]
        assert [page.status_code for page in pages] == [404, 404], path
        assert pages[0].text == pages[1].text
    assert len(server.library.people()) == 3


def test_photos_of_somebody_else_go_at_once_and_come_back(server: WebServer) -> None:
    operator, ann = server.client("operator"), ids(server)["Ann Adler"]
    page = operator.get(f"/people/{ann}", headers=HTML).text
    ticked = re.findall(r'name="photo" value="([^"]+)"', page)[:2]
    page = operator.submit(f"/people/{ann}/not-theirs", {"photo": ticked}).text
    assert "One photo</h2>" in page and "2 photos are somebody else" in page
    page = operator.submit(f"/people/{ann}/undo").text
    assert "3 photos</h2>" in page
    nothing = operator.submit(f"/people/{ann}/not-theirs")
    assert nothing.status_code == 400 and "too many" in nothing.text


def test_two_are_merged_shown_as_one_and_split_again(server: WebServer) -> None:
    operator, known = server.client("operator"), ids(server)
    ann, bob = known["Ann Adler"], known["Bob Berg"]
    choices = operator.get(f"/people/{ann}/merge", headers=HTML).text
    assert "Bob Berg" in choices and "Carl" not in choices and known["Carl Covert"] not in choices
    page = operator.submit(f"/people/{ann}/merge", {"other": bob}).text
    assert "Enrolled more than once" in page and "Bob Berg" in page and "4 photos" in page
    assert "One person" in operator.get("/people", headers=HTML).text
    assert "One person" in operator.get("/people?q=bob", headers=HTML).text
    refused = operator.submit(f"/people/{ann}/merge", {"other": known["Carl Covert"]})
    assert refused.status_code == 404
    page = operator.submit(f"/people/{ann}/split", {"who": bob}).text
    assert "Enrolled more than once" not in page
    assert "2 people" in operator.get("/people", headers=HTML).text


def test_a_consent_is_narrowed_renewed_and_withdrawn(server: WebServer) -> None:
    operator, ann = server.client("operator"), ids(server)["Ann Adler"]
    page = operator.submit(f"/people/{ann}/narrow", {"purpose": "find_me"}).text
    assert "covers less" in page
    nothing = operator.submit(f"/people/{ann}/narrow")
    assert nothing.status_code == 400
    unattested = operator.submit(f"/people/{ann}/renew", {"expires": "2031-12-31"})
    assert unattested.status_code == 403 and "needs a statement" in unattested.text
    fields = {"expires": "2031-12-31", "statement": "said yes again"}
    assert "renewed" in operator.submit(f"/people/{ann}/renew", fields).text
    asking = operator.get(f"/people/{ann}/withdraw", headers=HTML).text
    assert "Their guardian" not in asking and "The person" in asking
    unsure = operator.submit(f"/people/{ann}/withdraw", {"requested_by": "person"})
    assert unsure.status_code == 400 and len(server.library.people()) == 3
    done = operator.submit(
        f"/people/{ann}/withdraw", {"requested_by": "person", "sure": "yes"}
    ).text
    [serial] = re.findall(r'href="/receipts/([0-9a-f]+)\.json"', done)
    receipt = operator.get(f"/receipts/{serial}.json")
    assert receipt.headers["content-disposition"].startswith("attachment")
    verified = operator.submit("/receipts/verify", {"text": receipt.text})
    assert "Verified:" in verified.text and "somebody withdrew" in verified.text
    assert rows(server.library, "SELECT count(*) FROM people") == [(2,)]


def test_an_operator_who_narrows_themself_out_sees_them_no_more(server: WebServer) -> None:
    operator, ann = server.client("operator"), ids(server)["Ann Adler"]
    page = operator.submit(f"/people/{ann}/narrow", {"account": "operator"})
    assert page.url.path == "/people" and "Ann Adler" not in page.text


def test_all_that_is_held_is_given_out_as_a_file(server: WebServer) -> None:
    operator, ann = server.client("operator"), ids(server)["Ann Adler"]
    answer = operator.submit(f"/people/{ann}/export")
    assert answer.json()["name"] == "Ann Adler" and len(answer.json()["photos"]) == 3
    assert answer.headers["cache-control"] == "no-store"


FIELDS: dict[str, Any] = {
    "name": "Dora Dahl",
    "purpose": ["be_found"],
    "collection": ["party"],
    "basis": "consent",
    "adult": "yes",
    "statement": "signed at the door",
}


def test_somebody_is_enrolled_by_photos_with_an_attested_consent(server: WebServer) -> None:
    operator = server.client("operator")
    page = operator.get("/people/enrol", headers=HTML).text
    assert " checked" not in page and "party" in page and "club" not in page
    document = ("signed.pdf", b"a signed document", "application/pdf")
    files = [("photos", photo(DORA)), ("document", document)]
    page = operator.submit("/people/enrol", FIELDS, files=files).text
    assert "<h1>Dora Dahl</h1>" in page and "signed at the door" in page
    assert "SHA-256 " in page and "attested by operator" in page


def test_what_is_missing_of_a_consent_is_said_and_what_was_typed_stays(server: WebServer) -> None:
    operator = server.client("operator")
    for missing in ("purpose", "collection", "basis", "adult", "statement", "name"):
        fields = {name: value for name, value in FIELDS.items() if name != missing}
        answer = operator.submit("/people/enrol", fields, files=[("photos", photo(DORA))])
        assert answer.status_code in (400, 403), missing
        assert 'role="alert"' in answer.text
        if missing != "name":
            assert 'value="Dora Dahl"' in answer.text
    without = operator.submit("/people/enrol", FIELDS)
    assert without.status_code == 400 and "no photo" in without.text
    assert len(server.library.people()) == 3


def test_somebody_alike_has_to_be_said_to_be_another(server: WebServer) -> None:
    operator = server.client("operator")
    answer = operator.submit("/people/enrol", FIELDS, files=[("photos", photo(ANN))])
    assert answer.status_code == 403 and "This is a different person" in answer.text
    fields = {**FIELDS, "different": "yes"}
    assert (
        "<h1>Dora Dahl</h1>"
        in operator.submit("/people/enrol", fields, files=[("photos", photo(ANN))]).text
    )
    hidden = operator.submit("/people/enrol", FIELDS, files=[("photos", photo(CARL))]).text
    assert "<h1>Dora Dahl</h1>" in hidden, "nobody learns that Carl is enrolled"


def test_whoever_recorded_a_consent_can_end_it_without_finding_the_person(
    server: WebServer,
) -> None:
    operator = server.client("operator")
    fields = {**FIELDS, "purpose": ["find_me"]}
    page = operator.submit("/people/enrol", fields, files=[("photos", photo(DORA))])
    assert page.status_code == 200 and "Somebody whose consent you recorded" in page.text
    assert "Dora" not in page.text
    path = page.url.path
    assert server.client("owner").get(path, headers=HTML).status_code == 404
    done = operator.submit(f"{path}/withdraw", {"requested_by": "operator", "sure": "yes"})
    assert "<h1>Withdrawn</h1>" in done.text
