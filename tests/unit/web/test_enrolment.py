"""Enrolment on the person's own phone, without scripts: what they read, choose and keep."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from promise_house import Clock, acting_as, found_names, make_place, rows
from synthetic_engine import NEAR, Drawn, SyntheticEngine, draw, save
from web_server import Client, WebServer, serving

from likeness import approval, invitations
from likeness.audit.consent_receipt import verify_consent_receipt
from likeness.consent.notice import current_notice
from likeness.faces.packs import load_manifest
from likeness.faces.sandbox import DecodeWorkers
from likeness.invitations import invite
from likeness.web import live_capture
from likeness.web.drafts import KEPT_SECONDS, MOST_EACH, MOST_KEPT, Between
from likeness.web.words import words_of

HTML = {"accept": "text/html"}
GERMAN = {**HTML, "accept-language": "de-DE,de;q=0.9"}
RECEIPT = "/my-photos/consent/receipt.json"
ANSWERS = {"purpose": ["find_me", "be_found"], "name": "Ann Ahorn", "age": "adult"}


@pytest.fixture
def server(tmp_path: Path, decoders: DecodeWorkers) -> Iterator[WebServer]:
    """A server over a library with photos of Ann."""
    engine = SyntheticEngine(load_manifest("dlib"))
    place = make_place(tmp_path / "place", clock=Clock(), engine=engine, decoders=decoders)
    with place.open() as library:
        library.create_account("operator", role="operator")
        library.set_audience("party", add=["operator"])
        for number in range(2):
            save(tmp_path / "photos" / f"{number}.png", Drawn(person=1, look=NEAR), salt=number)
        library.ingest(tmp_path / "photos", collection="party")
        with serving(library) as made:
            yield made


def link(server: WebServer, **more: Any) -> str:
    """The path of a new link for the party."""
    asked = {"collections": ["party"], "purposes": ["find_me", "be_found", "publish"], **more}
    return f"/enrol/{invite(server.library.house, **asked).secret}"


def photo(person: int = 1, **more: Any) -> tuple[str, bytes, str]:
    file = io.BytesIO()
    Image.fromarray(draw(Drawn(person=person, **more), salt=5)).save(file, "PNG")
    return ("me.png", file.getvalue(), "image/png")


def shown_in(page: str) -> list[str]:
    return re.findall(r'name="shown" value="([^"]+)"', page)


def answer(client: Client, path: str, **more: Any) -> Any:
    """Fill in the first page as it is shown."""
    page = client.get(path, headers=HTML).text
    return client.submit(path, {"shown": shown_in(page), **ANSWERS, **more})


def enrolled(server: WebServer, path: str, **more: Any) -> tuple[Client, Any]:
    """Somebody goes all the way, with a photo; their client and the last page."""
    client = server.client()
    answer(client, path, **more)
    return client, client.submit(f"{path}/photo", files={"photos": photo()})


def test_the_first_page_says_who_asks_and_nothing_is_ticked(server: WebServer) -> None:
    page = server.client().get(link(server), headers=HTML)
    assert page.status_code == 200
    for told in ("owner asks you", "Tennis club", "party", "operator, owner", "Be found"):
        assert told in page.text, told
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)).replace("&#34;", '"')
    for line in current_notice("en").text.split("\n"):
        assert line.removeprefix("- ").strip() in text.replace("&#39;", "'"), line
    assert "checked" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"


def test_a_photo_without_scripts_leads_to_a_waiting_enrolment(server: WebServer) -> None:
    client, page = enrolled(server, link(server, label="Ann"))
    assert page.status_code == 200 and "somebody has to agree" in page.text
    assert f'href="{RECEIPT}"' in page.text
    (waiting,) = approval.waiting(server.library.house)
    assert waiting.name == "Ann Ahorn" and not waiting.live
    assert set(waiting.purposes) == {"find_me", "be_found"}
    assert found_names(server.library, 1) == []
    # They are signed in as themself, and their link back works elsewhere.
    back = re.search(r"http://localhost:\d+(/back/[\w-]+)", page.text)
    assert back
    receipt = client.get(RECEIPT)
    assert "attachment" in receipt.headers["content-disposition"]
    verified = verify_consent_receipt(receipt.content, key=server.library.verifier_key)
    assert verified.receipt.record["principal"]["name"] == "Ann Ahorn"


def test_an_operator_sees_who_waits_and_from_the_approval_on_they_are_found(
    server: WebServer,
) -> None:
    enrolled(server, link(server, label="Ann of the second team"))
    operator = server.client("operator")
    page = operator.get("/invitations", headers=HTML).text
    assert "Ann Ahorn" in page and "data:image/jpeg;base64," in page
    assert "Ann of the second team" not in page, "the label is the owner's"
    (waiting,) = approval.waiting(server.library.house)
    said = operator.submit(f"/invitations/{waiting.invitation_id}/approve")
    assert said.status_code == 200 and "Nobody waits" in said.text
    end = time.monotonic() + 20
    while found_names(server.library, 1) != ["Ann Ahorn"] and time.monotonic() < end:
        time.sleep(0.1)
    assert found_names(server.library, 1) == ["Ann Ahorn"]


def test_an_operator_in_no_audience_sees_that_somebody_waits_and_nothing_of_them(
    server: WebServer,
) -> None:
    server.library.create_account("outsider", role="operator")
    enrolled(server, link(server, label="Ann of the second team"))
    page = server.client("outsider").get("/invitations", headers=HTML).text
    assert "Name and face are not for you to see" in page
    assert "Ann" not in page and "data:image" not in page


def test_who_is_declined_is_erased(server: WebServer) -> None:
    client, _ = enrolled(server, link(server))
    (waiting,) = approval.waiting(server.library.house)
    server.client("operator").submit(f"/invitations/{waiting.invitation_id}/decline")
    assert rows(server.library, "SELECT count(*) FROM people") == [(0,)]
    gone = client.get("/enrol/x/done", headers=HTML, follow_redirects=False)
    assert gone.status_code == 303 and gone.headers["location"].startswith("/sign-in")


def test_without_approval_photos_are_counted_as_they_are_found(server: WebServer) -> None:
    client, page = enrolled(server, link(server, needs_approval=False))
    assert "It is done" in page.text
    path = f"{page.url.path.removesuffix('/done')}/found"
    with client.stream("GET", path, headers={"accept": "text/event-stream"}) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: ") and json.loads(line[6:]).get("count") == 2:
                break
        else:
            raise AssertionError("the photos were not found")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"purpose": []}, "You chose nothing"),
        ({"name": " "}, "give your name"),
        ({"age": ""}, "18 or over"),
        ({"birth_date": "yesterday"}, "not a date of birth"),
        ({"birth_date": "2999-01-01"}, "not a date of birth"),
        ({"birth_date": "2015-01-01"}, "under 18"),
    ],
)
def test_what_is_missing_is_said_and_what_was_given_stays(
    server: WebServer, more: dict[str, Any], told: str
) -> None:
    client = server.client()
    page = answer(client, link(server), **more)
    assert page.status_code == 422
    assert words_of("enrol", "en").problems.title in page.text and told in page.text
    if "name" not in more:
        assert 'value="Ann Ahorn"' in page.text
    assert rows(server.library, "SELECT count(*) FROM people") == [(0,)]


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (None, "choose a photo"),
        (("x.png", b"no photo", "image/png"), "cannot be read"),
        (photo(blurred=True), "blurred"),
    ],
)
def test_a_photo_that_cannot_be_used_is_told_and_uses_nothing_up(
    server: WebServer, file: Any, told: str
) -> None:
    client, path = server.client(), link(server)
    answer(client, path)
    files = {"photos": file} if file else None
    page = client.submit(f"{path}/photo", files=files)
    assert page.status_code == 422 and told in page.text
    assert client.submit(f"{path}/photo", files={"photos": photo()}).url.path.endswith("/done")


def test_somebody_under_18_is_asked_for_a_guardian(server: WebServer) -> None:
    client, path = server.client(), link(server)
    page = answer(client, path, age="birth", birth_date="2015-04-05")
    assert page.url.path == f"{path}/guardian" and "under 18" in page.text
    # No way round it.
    assert client.get(f"{path}/photo", headers=HTML).url.path == path
    assert client.submit(f"{path}/guardian", {"guardian": "Mum Ahorn"}).status_code == 422
    answer(client, path, age="birth", birth_date="2015-04-05")
    client.submit(f"{path}/guardian", {"guardian": "Mum Ahorn", "sure": "yes"})
    page = client.submit(f"{path}/photo", files={"photos": photo()})
    record = receipt_of(client)
    assert record["basis"] == "guardian_consent" and record["guardian"] == "Mum Ahorn"
    assert record["how_given"] == "self"


def test_what_a_guardian_says_yes_to_is_shown_until_the_18th_birthday(server: WebServer) -> None:
    client, path = server.client(), link(server)
    answer(client, path, age="birth", birth_date="2008-09-15")
    client.submit(f"{path}/guardian", {"guardian": "Mum Ahorn", "sure": "yes"})
    page = client.get(f"{path}/photo", headers=HTML)
    assert "15 Sep 2026" in page.text and "2027" not in page.text


def receipt_of(client: Client) -> dict[str, Any]:
    receipt = client.get(RECEIPT)
    record: dict[str, Any] = json.loads(receipt.content)["record"]
    return record


def test_in_german_everything_is_german_and_the_german_notice_is_recorded(
    server: WebServer,
) -> None:
    client, path = server.client(), link(server)
    page = client.get(path, headers=GERMAN)
    w = words_of("enrol", "de")
    assert '<html lang="de">' in page.text and w.title in page.text
    assert "Worum wir dich bitten" in page.text
    fields = {"shown": shown_in(page.text), **ANSWERS}
    page = client.submit(f"{path}?lang=de", {**fields, "name": ""}, headers=HTML)
    assert w.problems.name in page.text
    page = client.submit(f"{path}?lang=de", fields)
    page = client.submit(f"{path}/photo")
    assert w.problems.no_photo in page.text
    page = client.submit(f"{path}/photo", files={"photos": photo()})
    assert w.done.title_waiting in page.text
    assert receipt_of(client)["notice"]["sha256"] == current_notice("de").sha256


@pytest.mark.parametrize("how", ["unknown", "used", "revoked", "expired", "let go"])
def test_every_dead_link_reads_the_same_in_both_languages(server: WebServer, how: str) -> None:
    operator = acting_as(server.library, "operator")
    made = invite(operator.house, collections=["party"], purposes=["find_me"])
    path = f"/enrol/{made.secret}" if how != "unknown" else "/enrol/" + "A" * 43
    client = server.client()
    if how == "used":
        enrolled(server, path, purpose=["find_me"])
    if how == "revoked":
        invitations.revoke(server.library.house, made.invitation.invitation_id)
    if how == "expired":
        answer(client, path, purpose=["find_me"])
        server.library.house.clock.advance(days=15)  # type: ignore[attr-defined]
    if how == "let go":
        answer(client, path, purpose=["find_me"])
        server.library.end_account("operator")
    for headers, language in ((HTML, "en"), (GERMAN, "de")):
        w = words_of("enrol", language)
        for page in (
            client.get(path, headers=headers),
            client.get(f"{path}/photo", headers=headers),
            client.get(f"{path}/camera", headers=headers),
            client.submit(f"{path}/photo", files={"photos": photo()}, headers=headers),
        ):
            assert page.status_code == 404
            assert w.gone.title in page.text and w.gone.text in page.text


def test_of_two_phones_with_one_link_the_second_is_told(server: WebServer) -> None:
    path = link(server)
    first, second = server.client(), server.client()
    for client in (first, second):
        assert answer(client, path).status_code == 200
    assert first.submit(f"{path}/photo", files={"photos": photo()}).url.path.endswith("/done")
    page = second.submit(f"{path}/photo", files={"photos": photo(2)})
    assert page.status_code == 404 and words_of("enrol", "en").gone.title in page.text
    assert rows(server.library, "SELECT count(*) FROM people") == [(1,)]


def test_a_phone_that_was_turned_off_begins_at_the_form_again(server: WebServer) -> None:
    path = link(server)
    answer(server.client(), path)
    again = server.client()
    for later in ("photo", "camera", "guardian", "yes"):
        assert again.get(f"{path}/{later}", headers=HTML).url.path == path
    assert "Ann Ahorn" not in again.get(path, headers=HTML).text


def test_answers_to_one_link_are_not_those_to_another(server: WebServer) -> None:
    client, other = server.client(), link(server)
    answer(client, link(server))
    assert client.get(f"{other}/photo", headers=HTML).url.path == other


def test_an_account_that_joins_while_somebody_reads_is_not_named(server: WebServer) -> None:
    client, path = server.client(), link(server)
    page = client.get(path, headers=HTML).text
    server.library.create_account("late")
    server.library.set_audience("party", add=["late"])
    client.submit(path, {"shown": shown_in(page), **ANSWERS})
    page = client.submit(f"{path}/photo", files={"photos": photo()})
    assert {one["name"] for one in receipt_of(client)["audience"]} == {"owner", "operator"}


def test_the_last_word_is_asked_for_only_after_the_camera_has_seen_them(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, path = server.client(), link(server)
    answer(client, path)
    for attempt in (
        client.get(f"{path}/yes", headers=HTML, follow_redirects=False),
        client.submit(f"{path}/yes", {"word": "yes"}, follow_redirects=False),
    ):
        assert attempt.headers["location"] == f"{path}/camera?lapsed=1"
    assert rows(server.library, "SELECT count(*) FROM people") == [(0,)]
    # A capture that passed, as the camera's own tests make one.
    passed = _Passed()
    monkeypatch.setattr(live_capture, "captures_of", lambda _visit: passed)
    assert "Ann" not in client.get(f"{path}/yes", headers=HTML).text
    page = client.submit(f"{path}/yes", {"word": "yes"})
    assert page.url.path.endswith("/done") and receipt_of(client)["live"] is True
    assert passed.forgotten and not passed.picture.any()


class _Passed:
    """Stands where the captures stand, with one that passed."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []
        self.picture = draw(Drawn(person=1), salt=8)

    def state(self, _key: str) -> str:
        return "passed"

    def take(self, _key: str) -> list[Any]:
        return [self.picture]

    def forget(self, key: str) -> None:
        self.forgotten.append(key)


def test_whoever_says_no_at_the_end_leaves_nothing(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, path = server.client(), link(server)
    answer(client, path)
    passed = _Passed()
    monkeypatch.setattr(live_capture, "captures_of", lambda _visit: passed)
    page = client.submit(f"{path}/yes", {"word": "no"})
    assert page.url.path == path and passed.forgotten
    assert client.get(f"{path}/photo", headers=HTML).url.path == path
    assert rows(server.library, "SELECT count(*) FROM people") == [(0,)]
    assert invitations.opened(server.library.house, path.removeprefix("/enrol/")).open


def test_both_languages_have_the_same_words() -> None:
    def keys(table: Any, before: str = "") -> set[str]:
        return {
            name
            for key, value in table.items()
            for name in (
                {f"{before}{key}"} if isinstance(value, str) else keys(value, f"{before}{key}.")
            )
        }

    assert keys(words_of("enrol", "en")) == keys(words_of("enrol", "de"))


def test_operators_make_a_link_once_with_its_code_and_revoke_it(server: WebServer) -> None:
    operator = server.client("operator")
    assert "Invite somebody" in operator.get("/invitations", headers=HTML).text
    page = operator.submit("/invitations", {"collection": "party", "label": "Bob"})
    assert page.status_code == 400 and "No purpose is named" in page.text
    assert 'value="Bob"' in page.text
    fields = {"collection": "party", "purpose": ["be_found"], "label": "Bob", "days": "7"}
    page = operator.submit("/invitations", fields)
    found = re.search(r"http://localhost:\d+(/enrol/[\w-]{43})", page.text)
    assert found and "<svg" in page.text
    assert server.client().get(found[1], headers=HTML).status_code == 200
    listed = operator.get("/invitations", headers=HTML).text
    assert "Bob" in listed and found[1] not in listed
    assert "Bob" not in server.client("owner").get("/invitations", headers=HTML).text
    (made,) = invitations.invitations(server.library.house)
    operator.submit(f"/invitations/{made.invitation_id}/revoke")
    assert server.client().get(found[1], headers=HTML).status_code == 404


def test_where_not_all_invitations_are_shown_the_page_says_how_many_are_not(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("likeness.web.invitations.MOST_SHOWN", 2)
    for number in range(3):
        link(server, label=f"number {number}")
    page = server.client("owner").get("/invitations", headers=HTML).text
    assert page.count('<li class="card stack tight">') == 2 and "And 1 older" in page


def test_what_is_held_between_pages_is_bounded_and_lapses() -> None:
    now = [0.0]
    kept: Between[int] = Between(lambda: now[0])
    for number in range(MOST_KEPT + 5):
        kept.put(f"{number}", number, whose=f"{number}")
    assert kept.get("4") is None and kept.get("5") == 5
    now[0] = KEPT_SECONDS - 1
    assert kept.get("5") == 5
    now[0] = KEPT_SECONDS
    assert kept.get("5") is None


def test_whoever_has_one_link_pushes_nobody_else_out_of_their_pages() -> None:
    kept: Between[str] = Between()
    kept.put("phone", "Ann", whose="a link")
    for number in range(MOST_KEPT):
        kept.put(f"browser {number}", "Eve", whose="another link")
    assert kept.get("phone") == "Ann"
    held = [number for number in range(MOST_KEPT) if kept.get(f"browser {number}")]
    assert held == list(range(MOST_KEPT - MOST_EACH, MOST_KEPT))
