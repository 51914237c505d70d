"""Searching and filtering in the browser: as forms, as events, and never a word of anybody else."""

from __future__ import annotations

import base64
import io
import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import anyio
import pytest
from PIL import Image
from promise_house import Clock, Place, enrol, make_place
from synthetic_engine import Drawn, SyntheticEngine, draw, save
from web_server import Client, WebServer, serving

from likeness.faces.packs import load_manifest
from likeness.faces.sandbox import DecodeWorkers
from likeness.library import Library
from likeness.web import search_line
from likeness.web.rates import LIMITS

ANNA, BEN, CARL, STRANGER = 1, 2, 3, 900
LINKS = """path,page_url,taken_at,text
anna.png,https://example.org/anna,2026-05-01,Garden party
both.png,https://example.org/both,2026-06-01,
"""


def photo(*people: int, salt: int = 7) -> bytes:
    """A photo as a browser sends it."""
    buffer = io.BytesIO()
    faces = (Drawn(person=person, shot=5) for person in people)
    Image.fromarray(draw(*faces, salt=salt)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def peopled(
    tmp_path_factory: pytest.TempPathFactory, decoders: DecodeWorkers
) -> Iterator[tuple[WebServer, Library]]:
    """Anna and Ben said yes to the member, Carl to himself alone."""
    folder = tmp_path_factory.mktemp("search")
    engine = SyntheticEngine(load_manifest("dlib"))
    place: Place = make_place(folder / "place", clock=Clock(), engine=engine, decoders=decoders)
    with place.open() as library:
        for role in ("operator", "member"):
            library.create_account(role, role=role)
        library.set_audience("party", add=("operator", "member"))
        save(folder / "photos" / "anna.png", Drawn(person=ANNA), salt=1)
        save(folder / "photos" / "both.png", Drawn(person=ANNA), Drawn(person=BEN), salt=2)
        save(folder / "photos" / "carl.png", Drawn(person=CARL), Drawn(person=BEN), salt=3)
        save(folder / "photos" / "stranger.png", Drawn(person=STRANGER), salt=4)
        (folder / "photos" / "links.csv").write_text(LINKS)
        library.ingest(folder / "photos", collection="party")
        enrol(library, "Anna Adler", ANNA)
        enrol(library, "Ben", BEN)
        enrol(library, "Carl", CARL, "find_me")
        with serving(library) as server:
            yield server, library


@pytest.fixture
def member(peopled: tuple[WebServer, Library]) -> Client:
    return peopled[0].client("member")


def searched(client: Client, *people: int, **fields: str) -> str:
    """The page that a search answers with, from its results on."""
    answer = client.submit("/search", fields, files={"photo": ("x.png", photo(*people))})
    assert answer.status_code == 200, answer.text
    return answer.text


def events_of(client: Client, *people: int, **fields: str) -> list[tuple[str, str]]:
    answer = client.submit(
        "/search",
        fields,
        files={"photo": ("x.png", photo(*people))},
        headers={"accept": "text/event-stream"},
    )
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = []
    for part in answer.text.strip().split("\n\n"):
        lines = part.splitlines()
        data = "\n".join(line.removeprefix("data: ") for line in lines[1:])
        found.append((lines[0].removeprefix("event: "), data))
    return found


def test_somebody_who_said_yes_is_found_with_photos_and_links(member: Client) -> None:
    page = searched(member, ANNA)
    assert "One person who said yes" in page and "Anna Adler" in page
    assert "strong match" in page
    assert 'href="https://example.org/anna"' in page and "1 May 2026" in page
    assert "exact link" in page and "folder “photos”" in page
    assert "Garden party" in page
    assert "<rect" in page and "/preview.jpg" in page


def test_a_score_is_behind_a_disclosure(member: Client) -> None:
    page = searched(member, ANNA)
    [details] = re.findall(r"<details class=\"small\">.*?</details>", page, re.DOTALL)
    assert "Score" in details and "Score" not in page.replace(details, "")


def test_nobody_reads_the_same_whoever_it_is(member: Client) -> None:
    pages = {searched(member, who) for who in (CARL, STRANGER, 555)}
    assert len(pages) == 1
    assert "Nobody who consented matches" in pages.pop()
    streams = {tuple(events_of(member, who)) for who in (CARL, STRANGER, 555)}
    assert len(streams) == 1


def test_what_is_found_streams_in_rendered_like_the_page(member: Client) -> None:
    named = events_of(member, BEN)
    assert [name for name, _ in named] == ["state", "answer", "candidate"]
    assert "One person who said yes" in named[1][1]
    assert "<h3" in named[2][1] and "Ben" in named[2][1]
    assert named[2][1].strip().splitlines()[0].strip() in searched(member, BEN)


def test_of_several_faces_one_is_chosen_and_only_its_cut_travels(member: Client) -> None:
    page = searched(member, STRANGER, ANNA, collection="party")
    assert "There are 2 faces in this photo" in page
    cuts = re.findall(r'name="cut" value="([^"]+)"', page)
    assert len(cuts) == 2 and 'name="collection" value="party"' in page
    assert base64.b64decode(cuts[1])[:2] == b"\xff\xd8"


def test_the_boxes_of_several_faces_come_as_events_too(member: Client) -> None:
    named = events_of(member, STRANGER, ANNA)
    assert [name for name, _ in named] == ["state", "boxes", "answer"]
    assert json.loads(named[1][1]) == {"boxes": [[64, 0, 128, 64], [128, 0, 192, 64]]}
    assert named[2][1].count("<form") == 2


def test_a_cut_that_was_chosen_is_searched_with(
    member: Client, peopled: tuple[WebServer, Library]
) -> None:
    # Drawn faces are found in a grid alone: a photo of one stands for its cut.
    cut = base64.b64encode(photo(ANNA)).decode()
    assert "Anna Adler" in member.submit("/search", {"cut": cut}).text


@pytest.mark.parametrize(
    ("fields", "files", "says", "status"),
    [
        ({}, None, "No photo was given.", 400),
        ({"cut": "%%%"}, None, "cannot be read", 422),
        ({}, {"photo": ("x.png", b"not a photo")}, "cannot be used", 422),
        ({}, {"photo": ("x.png", photo())}, "No face was found", 422),
        ({"collection": "nowhere"}, {"photo": ("x.png", photo(ANNA))}, "no collection", 404),
    ],
)
def test_what_cannot_be_searched_with_shows_the_form_again(
    member: Client, fields: dict[str, str], files: object, says: str, status: int
) -> None:
    answer = member.submit("/search", fields, files=files or {"none": ("", b"")})
    assert (answer.status_code, says in answer.text) == (status, True), answer.text
    assert 'id="search"' in answer.text


def test_a_problem_comes_as_an_event_too(member: Client) -> None:
    named = events_of(member)
    assert [name for name, _ in named] == ["state", "problem"]
    assert "No face was found" in named[1][1] and 'role="alert"' in named[1][1]


def test_a_script_sends_the_photo_by_itself_and_is_answered_alike(member: Client) -> None:
    raw = {"accept": "text/event-stream", "content-type": "application/octet-stream"}
    said = urlencode({"collection": "party", "purpose": "für uns"})
    answer = member.submit_raw("/search", photo(BEN), headers={**raw, "x-search": said})
    assert "<h3" in answer.text and "Ben" in answer.text
    assert "für uns" in member.get("/searches").text
    assert "Ben" in member.submit_raw("/search", photo(BEN), headers={**raw, "x-search": ""}).text
    for wrong in ("%7B", "[" * 8_000, "purpose=%FF", "7"):
        refused = member.submit_raw("/search", photo(BEN), headers={**raw, "x-search": wrong})
        assert refused.status_code == 422
    other = member.submit_raw("/search", photo(BEN), headers=raw)
    assert "No photo was given" in other.text


@pytest.mark.parametrize("header", [True, False])
def test_a_form_that_says_it_is_a_photo_alone_is_refused(member: Client, header: bool) -> None:
    """Its token, too, may be in the form, which is read then before the search looks at it."""
    more = {"x-csrf-token": member.token()} if header else {}
    refused = member.submit(
        "/search",
        files={"photo": ("x.png", photo(BEN))},
        headers={"accept": "application/json", "x-search": "", **more},
    )
    assert (refused.status_code, "cannot be read" in refused.text) == (422, True)


def refused_before_it_is_sent(server: WebServer, client: Client) -> tuple[int, str | None]:
    """What answers a search of which the headers alone have arrived, and when to try again."""
    address = urlsplit(server.url)
    headers = {
        "cookie": f"likeness={client.cookies['likeness']}",
        "content-type": "multipart/form-data; boundary=x",
        "content-length": "16000000",
        "accept": "application/json",
    }
    with closing(HTTPConnection(str(address.hostname), address.port, timeout=20)) as line:
        line.request("POST", "/search", headers=headers)
        with line.getresponse() as answer:
            return answer.status, answer.headers["retry-after"]


def test_a_search_too_often_is_refused_before_its_photo_is_read(
    peopled: tuple[WebServer, Library],
) -> None:
    server = peopled[0]
    operator = server.client("operator")
    for _ in range(LIMITS["search"].amount):
        assert operator.post("/search").status_code == 403
    status, wait = refused_before_it_is_sent(server, operator)
    assert (status, wait is not None) == (429, True)


def test_where_no_room_is_in_the_line_a_search_is_refused_before_its_photo_is_read(
    peopled: tuple[WebServer, Library], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_line, "MOST_WAITING", -search_line.AT_ONCE)
    with serving(peopled[1]) as server:
        assert refused_before_it_is_sent(server, server.client("member")) == (503, "10")


def test_where_a_collection_asks_what_for_a_search_says_it(
    peopled: tuple[WebServer, Library],
) -> None:
    server, library = peopled
    _set_asking(library, True)
    member = server.client("member")
    try:
        assert 'name="purpose"' in member.get("/search").text
        refused = member.submit("/search", files={"photo": ("x.png", photo(ANNA))})
        assert refused.status_code == 400 and "has to say what for" in refused.text
        assert "Anna Adler" in searched(member, ANNA, purpose="the <yearbook>")
        assert "the &lt;yearbook&gt;" in member.get("/searches").text
        assert "yearbook" not in server.client("operator").get("/searches").text
    finally:
        _set_asking(library, False)
    assert 'name="purpose"' not in member.get("/search").text


def _set_asking(library: Library, asking: bool) -> None:
    from sqlalchemy import text

    with library.house.transaction() as connection:
        connection.execute(
            text("UPDATE collections SET ask_purpose = :asking WHERE name = 'party'"),
            {"asking": int(asking)},
        )


def test_past_searches_are_times_and_purposes_alone(member: Client) -> None:
    searched(member, ANNA)
    page = member.get("/searches").text
    assert "2026, 12:00 UTC" in page
    assert "Anna" not in page and "/photos/" not in page


def test_a_photo_shows_the_people_who_may_be_found_and_nobody_else(
    member: Client, peopled: tuple[WebServer, Library]
) -> None:
    library = peopled[1]
    [found] = library.photos('with:Ben without:"Anna Adler"').photos
    page = member.get(f"/photos/{found.photo.sha256}").text
    assert "Photo of Ben" in page and page.count("<rect") == 1
    assert "Carl" not in page
    number = found.faces[0].number
    assert member.get(f"/photos/{found.photo.sha256}/faces/{number}.jpg").content[:2] == b"\xff\xd8"
    assert member.get(f"/photos/{found.photo.sha256}/preview.jpg").content[:2] == b"\xff\xd8"
    other = 1 if number == 2 else 2
    assert member.get(f"/photos/{found.photo.sha256}/faces/{other}.jpg").status_code == 404


def test_images_are_kept_by_no_browser(member: Client, peopled: tuple[WebServer, Library]) -> None:
    [found] = peopled[1].photos("text:garden").photos
    for path in ("", "/preview.jpg", "/faces/1.jpg"):
        answer = member.get(f"/photos/{found.photo.sha256}{path}")
        assert answer.headers["cache-control"] == "no-store"


def test_a_filter_is_typed_with_names_and_its_address_has_none(member: Client) -> None:
    answer = member.submit("/photos", {"q": 'with:"Anna Adler" without:Ben'})
    assert answer.status_code == 200
    assert "Anna" not in str(answer.url) and "q=with:p_" in str(answer.url)
    assert "with:&#34;Anna Adler&#34; without:Ben" in answer.text
    assert answer.text.count('class="photo"') == 1


def test_a_filter_is_put_together_from_fields(
    member: Client, peopled: tuple[WebServer, Library]
) -> None:
    anna, ben = (peopled[1].resolve_person(name) for name in ("Anna Adler", "Ben"))
    fields = {"by": "fields", "how": "together", "person": [anna, ben], "from": "2026-06"}
    answer = member.submit("/photos", {**fields, "to": "", "text": ""})
    assert answer.text.count('class="photo"') == 1
    assert "together:&#34;Anna Adler&#34;,Ben date:2026-06.." in answer.text


@pytest.mark.parametrize("query", ["with:Carl", "with:Nobody", "without:Carl", "collection:club"])
def test_filters_by_anybody_else_read_the_same(member: Client, query: str) -> None:
    answer = member.submit("/photos", {"q": query})
    assert answer.status_code == 404
    assert 'class="photo"' not in answer.text


def test_a_query_that_is_off_says_where(member: Client) -> None:
    answer = member.submit("/photos", {"q": "with:Ben where:here"})
    assert answer.status_code == 400
    assert "at letter 10" in answer.text and "with:Ben where:here" in answer.text


def test_not_this_person_is_said_by_operators_alone(
    peopled: tuple[WebServer, Library],
) -> None:
    server, library = peopled
    member, operator = server.client("member"), server.client("operator")
    [found] = library.photos("text:garden").photos
    path = f"/photos/{found.photo.sha256}"
    assert "Not Anna Adler" in operator.get(path).text
    assert "Not Anna Adler" not in member.get(path).text
    assert member.submit(f"{path}/faces/1/not").status_code == 403
    assert operator.submit(f"{path}/faces/1/not").status_code == 200
    try:
        assert operator.get(path).status_code == 404
    finally:
        library.decide(
            found.photo.sha256,
            face=1,
            person_id=found.faces[0].person_id,
            decision="same",
        )
    assert operator.get(path).status_code == 200


def test_a_line_that_is_full_says_so_and_every_other_page_goes_on(
    peopled: tuple[WebServer, Library], monkeypatch: pytest.MonkeyPatch
) -> None:
    library = peopled[1]
    monkeypatch.setattr(search_line, "AT_ONCE", 1)
    monkeypatch.setattr(search_line, "MOST_WAITING", 0)
    gate, entered = threading.Event(), threading.Event()
    engine = library.house.engines.get()
    found = engine.find

    def slow(image: Any) -> Any:
        entered.set()
        assert gate.wait(120)
        return found(image)

    engine.find = slow
    try:
        with serving(library) as server, ThreadPoolExecutor(1) as pool:
            first, late = (server.client("member") for _ in range(2))
            running = pool.submit(searched, first, ANNA)
            assert entered.wait(60)
            for accept in ("text/html", "text/event-stream"):
                files = {"photo": ("x.png", photo(ANNA))}
                refused = late.submit("/search", files=files, headers={"accept": accept})
                assert refused.status_code == 503
                assert refused.headers["retry-after"] == "10"
                assert "Too many searches wait already." in refused.text
            assert late.get("/photos").status_code == 200
            gate.set()
            assert "Anna Adler" in running.result(120)
    finally:
        gate.set()
        engine.find = found


@pytest.mark.parametrize(("at_once", "most_waiting"), [(1, 0), (1, 4), (2, 3)])
def test_those_who_wait_come_first_come_first_served(at_once: int, most_waiting: int) -> None:
    begun: list[int] = []
    most = 0

    async def everybody() -> None:
        line = search_line.SearchLine(at_once, most_waiting)
        running = 0

        def work(number: int) -> None:
            nonlocal running, most
            begun.append(number)
            running += 1
            most = max(most, running)
            time.sleep(0.02)
            running -= 1

        async def one(number: int) -> None:
            async with line.place():
                await line.run(lambda: work(number))

        async with anyio.create_task_group() as group:
            for number in range(at_once + most_waiting):
                group.start_soon(one, number)
            await anyio.sleep(0)
            await anyio.sleep(0)
            with pytest.raises(search_line.LineFull):
                line.require_room()
        line.require_room()

    anyio.run(everybody)
    # Of two that begin at once, either thread may be the first to say so.
    waited = [number // at_once for number in begun]
    assert at_once > 1 or waited == sorted(waited)
    assert sorted(begun) == list(range(at_once + most_waiting))
    assert most == at_once
