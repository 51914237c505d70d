"""The person's portal over a real server: theirs alone, in two languages, without scripts."""

from __future__ import annotations

import csv
import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from portal_parts import file_of, sha256
from promise_house import Place, enrol, found_names, make_place, rows, said_yes
from synthetic_engine import DOUBTFUL_AMONG_TEN, Drawn, SyntheticEngine, draw, save
from web_server import Client, WebServer, serving

from likeness import signing_in
from likeness.audit.consent_receipt import verify_consent_receipt
from likeness.audit.receipt_file import verify_receipt
from likeness.faces.packs import load_manifest
from likeness.faces.sandbox import DecodeWorkers
from likeness.library import Library
from likeness.web.words import words_of

ANN, BOB = 1, 2
GROUP = (Drawn(person=BOB), Drawn(person=ANN))

PAGES = (
    "/my-photos",
    "/my-photos/that-is-me",
    "/my-photos/references",
    "/my-photos/consent",
    "/my-photos/found",
    "/my-photos/data",
    "/my-photos/withdraw",
)


@contextmanager
def a_server(folder: Path, decoders: DecodeWorkers) -> Iterator[WebServer]:
    """Photos of Ann and Bob, alone, together, and one that may be Ann; nobody enrolled yet."""
    place: Place = make_place(
        folder / "place", engine=SyntheticEngine(load_manifest("dlib")), decoders=decoders
    )
    photos = folder / "photos"
    save(photos / "ann.png", Drawn(person=ANN, shot=1), salt=1)
    save(photos / "group.png", *GROUP, salt=2)
    save(photos / "maybe.png", Drawn(person=ANN, look=DOUBTFUL_AMONG_TEN), salt=3)
    (photos / "links.csv").write_text(
        "path,page_url,taken_at\ngroup.png,https://example.org/day,2024-05-01T10:00:00+00:00\n"
    )
    with place.open() as library:
        library.ingest(photos, collection="party")
        with serving(library) as server:
            yield server


def enrol_ann(library: Library) -> str:
    enrol(library, "Zebulon Quarles", BOB, "find_me")
    return enrol(library, "Ann", ANN, consent=said_yes("find_me", "be_found"))


@pytest.fixture(scope="module")
def standing(
    tmp_path_factory: pytest.TempPathFactory, decoders: DecodeWorkers
) -> Iterator[tuple[WebServer, str]]:
    """A server that tests only read from, and Ann's id."""
    with a_server(tmp_path_factory.mktemp("standing"), decoders) as server:
        yield server, enrol_ann(server.library)


@pytest.fixture
def served(tmp_path: Path, decoders: DecodeWorkers) -> Iterator[WebServer]:
    with a_server(tmp_path, decoders) as server:
        yield server


@pytest.fixture
def bob(served: WebServer) -> str:
    return enrol(served.library, "Zebulon Quarles", BOB, "find_me")


@pytest.fixture
def ann(served: WebServer, bob: str) -> str:
    return enrol(served.library, "Ann", ANN, consent=said_yes("find_me", "be_found"))


@pytest.fixture
def client(served: WebServer, ann: str) -> Client:
    return served.client(person_id=ann)


def until(done: Callable[[], bool]) -> None:
    """What is compared beside the requests is there in a moment."""
    end = time.monotonic() + 20
    while not done() and time.monotonic() < end:
        time.sleep(0.05)
    assert done()


def shown(page: str) -> set[str]:
    """Photos whose picture a page shows."""
    return set(re.findall(r"/photos/([0-9a-f]{64})/preview\.jpg", page))


def own(library: Library, *items: str) -> set[str]:
    return {sha256(library, item) for item in items}


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_page_is_there_in_both_languages_and_kept_by_no_browser(
    standing: tuple[WebServer, str], path: str, language: str
) -> None:
    server, ann = standing
    answer = server.client(person_id=ann).get(path, headers={"accept-language": language})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert f'<html lang="{language}">' in answer.text
    assert words_of("portal", language).frame.data in answer.text
    assert answer.text.count("<h1") == 1
    for word in ("Zebulon", "style=", "<script>"):
        assert word not in answer.text


def test_the_words_of_both_languages_are_the_same_in_number() -> None:
    def names(table: Any, before: str = "") -> set[str]:
        found = set()
        for name, value in table.items():
            inner = hasattr(value, "items")
            found |= names(value, f"{before}{name}.") if inner else {before + name}
        return found

    assert names(words_of("portal", "en")) == names(words_of("portal", "de"))


def test_a_language_that_was_chosen_stays(standing: tuple[WebServer, str]) -> None:
    client = standing[0].client(person_id=standing[1])
    client.get("/my-photos?lang=de")
    assert "Meine Fotos" in client.get("/my-photos/found").text


@pytest.mark.parametrize("path", (*PAGES, "/my-photos/data.json", "/my-photos/download"))
@pytest.mark.parametrize("account", ["", "owner"])
def test_nobody_else_opens_them(standing: tuple[WebServer, str], path: str, account: str) -> None:
    answer = standing[0].client(account).get(path, follow_redirects=False)
    assert answer.status_code == (403 if account else 303)


def test_photos_are_shown_with_the_way_back_and_the_face_boxed(
    served: WebServer, client: Client
) -> None:
    page = client.get("/my-photos").text
    assert shown(page) == own(served.library, "ann.png", "group.png", "maybe.png")
    assert 'href="https://example.org/day"' in page
    assert "1 May 2024" in page
    assert 'x="128" y="0" width="64" height="64"' in page
    assert "Is this you?" in page
    photo = client.get(f"/my-photos/photos/{sha256(served.library, 'group.png')}").text
    assert "exact" not in photo or "leads to the very page" in photo
    assert client.get(f"/my-photos/photos/{'0' * 64}").status_code == 404


def test_not_me_takes_a_photo_off_and_is_taken_back(served: WebServer, client: Client) -> None:
    photo = sha256(served.library, "ann.png")
    answer = client.submit(f"/my-photos/photos/{photo}/not-me")
    assert photo not in shown(answer.text)
    assert "Taken off you." in answer.text
    assert f"/my-photos/photos/{photo}/undo" in answer.text
    client.submit(f"/my-photos/photos/{photo}/undo")
    until(lambda: photo in shown(client.get("/my-photos").text))


def test_yes_and_no_settle_what_may_be_them(served: WebServer, client: Client) -> None:
    photo = sha256(served.library, "maybe.png")
    page = client.submit(f"/my-photos/photos/{photo}/is-me", {"face": "1"}).text
    assert "Is this you?" not in page
    assert photo in shown(page)
    page = client.submit(f"/my-photos/photos/{photo}/not-me").text
    assert photo not in shown(page)


@pytest.mark.parametrize("number", ["9" * 19, "9" * 5000, "-1", "²", "x", ""])
def test_a_number_that_is_none_is_no_defect(standing: tuple[WebServer, str], number: str) -> None:
    server, ann = standing
    client, photo = server.client(person_id=ann), sha256(server.library, "group.png")
    assert client.get("/my-photos", params={"after": number}).status_code == 200
    answer = client.submit(f"/my-photos/photos/{photo}/is-me", {"face": number})
    assert answer.status_code == 404
    answer = client.submit("/my-photos/that-is-me/face", {"sealed": "", "face": number})
    assert answer.status_code == 400


def test_faces_are_not_pointed_at_without_end(served: WebServer, client: Client) -> None:
    path = f"/my-photos/photos/{sha256(served.library, 'group.png')}/is-me"
    token = client.token()
    answers = [
        client.post(path, data={"csrf": token, "face": "1"}, headers={"accept": "text/html"})
        for _ in range(31)
    ]
    assert {answer.status_code for answer in answers[:-1]} == {403}
    assert answers[-1].status_code == 429
    for path in ("/my-photos/data.json", "/my-photos/download"):
        assert client.get(path).status_code == 429, "each is a leaf of the audit log"


def test_another_face_of_a_photo_is_refused_in_their_language(
    served: WebServer, client: Client
) -> None:
    photo = sha256(served.library, "group.png")
    answer = client.submit(
        f"/my-photos/photos/{photo}/is-me",
        {"face": "1"},
        headers={"accept": "text/html", "accept-language": "de"},
    )
    assert answer.status_code == 403
    assert words_of("portal", "de").problems.unlike in answer.text


def test_that_is_me_is_chosen_by_its_face_and_tells_nothing_of_others(
    served: WebServer, client: Client, bob: str, ann: str
) -> None:
    photo = sha256(served.library, "group.png")
    client.submit(f"/my-photos/photos/{photo}/not-me")
    choose = client.submit(
        "/my-photos/that-is-me", files={"photo": ("x.png", file_of(draw(*GROUP, salt=2)))}
    ).text
    assert choose.count("data:image/jpeg;base64,") == 2
    [sealed] = re.findall(r'name="sealed" value="([^"]+)"', choose)
    refused = client.submit("/my-photos/that-is-me/face", {"sealed": sealed, "face": "1"})
    unheld = client.submit(
        "/my-photos/that-is-me", files={"photo": ("x.png", file_of(draw(*GROUP, salt=77)))}
    ).text
    [other] = re.findall(r'name="sealed" value="([^"]+)"', unheld)
    unknown = client.submit("/my-photos/that-is-me/face", {"sealed": other, "face": "2"})
    assert refused.status_code == unknown.status_code == 403
    assert refused.text == unknown.text
    linked = client.submit("/my-photos/that-is-me/face", {"sealed": sealed, "face": "2"})
    assert photo in shown(linked.text)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (None, "no_file"),
        (b"not a photo", "unreadable"),
        (file_of(draw(salt=1)), "none"),
    ],
)
def test_a_photo_that_cannot_be_used_says_why(
    standing: tuple[WebServer, str], given: bytes | None, told: str
) -> None:
    client = standing[0].client(person_id=standing[1])
    files = {"photo": ("x.png", given)} if given else None
    answer = client.submit("/my-photos/that-is-me", files=files)
    assert answer.status_code in (400, 422)
    assert words_of("portal", "en").problems[told] in answer.text


def test_references_are_seen_added_and_dropped_by_their_person_alone(
    served: WebServer, client: Client, bob: str
) -> None:
    page = client.get("/my-photos/references").text
    pictures = re.findall(r"/my-photos/references/(ref_\w+)\.jpg", page)
    assert len(pictures) == 2
    picture = client.get(f"/my-photos/references/{pictures[0]}.jpg")
    assert picture.content[:2] == b"\xff\xd8"
    assert picture.headers["cache-control"] == "no-store"
    other = served.client(person_id=bob)
    assert other.get(f"/my-photos/references/{pictures[0]}.jpg").status_code == 404
    assert other.submit(f"/my-photos/references/{pictures[0]}/drop").status_code == 404
    more = {"photos": ("x.png", file_of(draw(Drawn(person=ANN), salt=31)))}
    page = client.submit("/my-photos/references", files=more).text
    assert len(re.findall(r"references/ref_\w+\.jpg", page)) == 3
    strange = {"photos": ("x.png", file_of(draw(Drawn(person=BOB), salt=32)))}
    answer = client.submit("/my-photos/references", files=strange)
    assert words_of("portal", "en").problems.disagrees in answer.text
    first, last = pictures
    assert client.submit(f"/my-photos/references/{first}/drop").status_code == 200
    assert client.submit(f"/my-photos/references/{last}/drop").status_code == 403
    page = client.get("/my-photos/references").text
    assert f"references/{last}.jpg" in page
    assert f"references/{last}/drop" not in page


def test_consent_is_changed_by_its_form(served: WebServer, client: Client, ann: str) -> None:
    library = served.library
    page = client.get("/my-photos/consent").text
    assert "owner" in page and "Tennis club" in page
    assert found_names(library, ANN) == ["Ann"]
    [party] = [c.collection_id for c in library.collections() if c.name == "party"]
    fields = {"purpose": "find_me", "collection": party}
    assert client.submit("/my-photos/consent", fields).status_code == 200
    assert found_names(library, ANN) == []
    receipt = client.get("/my-photos/consent/receipt.json").content
    record = verify_consent_receipt(receipt, key=library.verifier_key).receipt.record
    assert record["how_given"] == "self"
    assert "be_found" not in json.dumps(record["purposes"])
    words = words_of("portal", "en").problems
    for given, told in (
        (fields, "nothing_changed"),
        ({"purpose": "find_me"}, "nothing_left"),
        ({**fields, "ends_on": "2001-01-01"}, "not_recordable"),
        ({**fields, "ends_on": "soon"}, "not_recordable"),
    ):
        answer = client.submit("/my-photos/consent", given)
        assert answer.status_code in (400, 403)
        assert words[told] in answer.text
    assert len(library.consents(ann)) == 2


def test_who_found_them_is_told_by_organisation_and_month(
    served: WebServer, client: Client
) -> None:
    assert "Nobody has found you so far" in client.get("/my-photos/found").text
    found_names(served.library, ANN)
    page = client.get("/my-photos/found").text
    assert "March 2026" in page and "Tennis club" in page


def test_everything_can_be_taken_along(served: WebServer, client: Client, ann: str) -> None:
    with client.stream("GET", "/my-photos/download") as answer:
        assert answer.headers["content-disposition"] == 'attachment; filename="my-photos.zip"'
        assert answer.headers["cache-control"] == "no-store"
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    table = list(csv.DictReader(io.StringIO(archive.read("photos.csv").decode("utf-8-sig"))))
    assert {row["sha256"] for row in table} == own(served.library, "ann.png", "group.png")
    data = json.loads(client.get("/my-photos/data.json").text)
    assert (data["person"], data["name"]) == (ann, "Ann")
    assert [one["device"] for one in data["sessions"]] == ["a test"]


def test_a_private_link_signs_in_at_the_press_of_a_button_only(
    served: WebServer, client: Client
) -> None:
    page = client.submit("/my-photos/link").text
    [secret] = re.findall(r"/back/([\w-]+)", page)
    visitor = served.client()
    opened = visitor.get(f"/back/{secret}")
    assert opened.status_code == 200
    assert visitor.get("/my-photos", follow_redirects=False).status_code == 303
    [token] = re.findall(r'<meta name="csrf" content="(\w+)">', opened.text)
    answer = visitor.post(f"/back/{secret}", data={"csrf": token})
    assert answer.url.path == "/my-photos"
    assert "My photos" in answer.text
    client.submit("/my-photos/link")
    assert served.client().get(f"/back/{secret}").status_code == 404
    assert served.client().get("/back/nothing").status_code == 404


def test_a_new_private_link_is_for_whoever_signed_in_a_moment_ago(
    served: WebServer, client: Client, ann: str
) -> None:
    clock: Any = served.library.house.clock
    link = signing_in.make_link(served.library.house, subject_id=ann, kind="return", days=9)
    clock.now += signing_in.FRESH
    asked = client.submit("/my-photos/link")
    assert asked.url.path == "/sign-in" and "open your private link again" in asked.text
    assert served.client().get(f"/back/{link}").status_code == 200


def test_withdrawing_gives_the_receipt_at_once_and_ends_every_session(
    served: WebServer, client: Client, ann: str
) -> None:
    library, elsewhere = served.library, served.client(person_id=ann)
    link = signing_in.make_link(library.house, subject_id=ann, kind="return", days=9)
    unconfirmed = client.submit("/my-photos/withdraw")
    assert unconfirmed.status_code == 400
    assert found_names(library, ANN) == ["Ann"]
    page = client.submit("/my-photos/withdraw", {"confirm": "yes"}).text
    assert found_names(library, ANN) == []
    [secret] = set(re.findall(r"/receipts/own/([\w-]+)", page))
    receipt = served.client().get(f"/receipts/own/{secret}")
    assert receipt.headers["cache-control"] == "no-store"
    held = verify_receipt(receipt.content, key=library.verifier_key)
    assert held.receipt.body.kind == "withdrawal"
    assert held.receipt.body.serial in page
    for browser in (client, elsewhere):
        assert browser.get("/my-photos", follow_redirects=False).status_code == 303
    assert served.client().get(f"/back/{link}").status_code == 404
    assert served.client().get("/receipts/own/other").status_code == 404
    assert rows(library, "SELECT count(*) FROM sessions") == [(0,)]
