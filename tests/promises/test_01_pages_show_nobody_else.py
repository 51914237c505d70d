"""Promise 1 in the web app: no page of searching, photos, previews or crops shows an account
anybody whose consent does not cover it, and nobody found reads the same whoever it is."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from promise_house import Clock, enrol, make_place, rows, said_yes
from synthetic_engine import DOUBTFUL_AMONG_TEN, Drawn, SyntheticEngine, draw, save
from web_server import Client, WebServer, serving

from likeness.faces.packs import load_manifest
from likeness.faces.sandbox import DecodeWorkers
from likeness.library import Library

ANNA, BEN, CARL, DORA, STRANGER, NOWHERE = 1, 2, 3, 4, 900, 901
HIDDEN = ("Ben Berg", "Carl Castor", "Dora Dunn")
"""Who said yes to another account, to themself alone, or elsewhere."""


def photo(*people: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(draw(*(Drawn(person=one, shot=6) for one in people), salt=8)).save(
        buffer, "PNG"
    )
    return buffer.getvalue()


@contextmanager
def peopled(folder: Path, decoders: DecodeWorkers) -> Iterator[WebServer]:
    """Anna may be found by the member at the party; the others are beside her, and may not."""
    engine = SyntheticEngine(load_manifest("dlib"))
    place = make_place(folder / "place", clock=Clock(), engine=engine, decoders=decoders)
    with place.open() as library:
        for name, role in (("member", "member"), ("other", "member"), ("operator", "operator")):
            library.create_account(name, role=role)
        for collection in ("party", "club"):
            library.set_audience(collection, add=("member", "other", "operator"))
        everybody = (ANNA, BEN, CARL, DORA, STRANGER)
        save(folder / "party" / "all.png", *(Drawn(person=one) for one in everybody), salt=1)
        for number, one in enumerate(everybody[1:]):
            save(folder / "party" / f"only-{number}.png", Drawn(person=one), salt=10 + number)
            perhaps = Drawn(person=one, look=DOUBTFUL_AMONG_TEN)
            save(folder / "party" / f"perhaps-{number}.png", perhaps, salt=20 + number)
        save(folder / "club" / "club.png", Drawn(person=DORA), salt=5)
        for collection in ("party", "club"):
            library.ingest(folder / collection, collection=collection)
        staff, other = frozenset({"member", "operator", "owner"}), frozenset({"other"})
        enrol(library, "Anna Adler", ANNA, consent=said_yes(audience=staff))
        enrol(library, "Ben Berg", BEN, consent=said_yes(audience=other))
        enrol(library, "Carl Castor", CARL, "find_me")
        elsewhere = said_yes(collections=("club",), audience=other)
        enrol(library, "Dora Dunn", DORA, consent=elsewhere)
        with serving(library) as served:
            yield served


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, decoders: DecodeWorkers
) -> Iterator[WebServer]:
    with peopled(tmp_path_factory.mktemp("pages"), decoders) as served:
        yield served


def every_photo(library: Library) -> dict[str, str]:
    """SHA-256 of every photo, by item."""
    return {
        str(item): str(sha256)
        for item, sha256 in rows(
            library, "SELECT item, sha256 FROM photos JOIN sightings USING (photo_id)"
        )
    }


def pages(client: Client, library: Library) -> Iterator[tuple[str, str]]:
    """Everything that the pages of searching and photos answer, by what was asked."""
    for path in ("/search", "/searches", "/photos", "/photos?q=text:png", "/photos?q=date:1990.."):
        yield path, client.get(path).text
    for people in ((ANNA,), (BEN,), (CARL,), (DORA,), (STRANGER,), (BEN, CARL), (NOWHERE,)):
        for accept in ("text/html", "text/event-stream"):
            answer = client.submit(
                "/search", files={"photo": ("x.png", photo(*people))}, headers={"accept": accept}
            )
            yield f"search for {people} as {accept}", answer.text
    ids = [str(one) for (one,) in rows(library, "SELECT person_id FROM people")]
    token = client.token()
    for named in (*HIDDEN, *ids):
        for word in ("with", "without", "only", "atleast:1"):
            form = {"csrf": token, "q": f'{word}:"{named}"'}
            typed = client.post("/photos", data=form, headers={"accept": "text/html"}).text
            # What was typed stands in the box again; nothing else may say the name.
            yield f"{word}:{named}", typed.replace(f'{word}:&#34;{named}&#34;"', "")
        opened = client.get(f'/photos?q=with:"{named}"').text
        yield f"?with:{named}", opened.replace(f'with:&#34;{named}&#34;"', "")
    for item, sha256 in every_photo(library).items():
        yield item, client.get(f"/photos/{sha256}").text


@pytest.mark.parametrize("account", ["member", "owner"])
def test_no_page_names_anybody_whose_consent_does_not_cover_the_account(
    server: WebServer, account: str
) -> None:
    client = server.client(account)
    seen = dict(pages(client, server.library))
    for asked, text in seen.items():
        for name in HIDDEN:
            assert name not in text, asked
    assert "Anna Adler" in seen["/photos"] and "Anna Adler" in seen["all.png"]
    assert seen["all.png"].count("<rect") == 1


def test_no_image_of_anybody_else_is_given_by_any_address(server: WebServer) -> None:
    library = server.library
    photos = every_photo(library)
    for account in ("member", "owner"):
        client = server.client(account)
        for item, sha256 in photos.items():
            shown = item == "all.png"
            assert (client.get(f"/photos/{sha256}").status_code == 200) is shown, item
            preview = client.get(f"/photos/{sha256}/preview.jpg")
            assert (preview.status_code == 200) is shown, item
            for face in range(6):
                crop = client.get(f"/photos/{sha256}/faces/{face}.jpg")
                assert (crop.status_code == 200) is (shown and face == 1), (item, face)


def test_a_person_sees_images_of_their_own_photos_alone(server: WebServer) -> None:
    photos = every_photo(server.library)
    [(carl,)] = rows(
        server.library,
        "SELECT DISTINCT person_id FROM links JOIN sightings s USING (photo_id)"
        " WHERE item = 'only-1.png'",
    )
    client = server.client(person_id=str(carl))
    own = {"all.png", "only-1.png", "perhaps-1.png"}
    for item, sha256 in photos.items():
        answer = client.get(f"/photos/{sha256}/preview.jpg")
        assert (answer.status_code == 200) is (item in own), item
        assert client.get(f"/photos/{sha256}").status_code == 403
    assert client.get(f"/photos/{photos['all.png']}/faces/3.jpg").status_code == 200
    assert client.get(f"/photos/{photos['all.png']}/faces/1.jpg").status_code == 404


def test_nobody_found_reads_the_same_to_the_byte(server: WebServer) -> None:
    client = server.client("member")
    answers = set()
    for who in (BEN, CARL, DORA, STRANGER, NOWHERE):
        page = client.submit("/search", files={"photo": ("x.png", photo(who))})
        stream = client.submit(
            "/search",
            files={"photo": ("x.png", photo(who))},
            headers={"accept": "text/event-stream"},
        )
        answers.add((page.status_code, page.content, stream.content))
    assert len(answers) == 1
    assert b"Nobody who consented matches" in answers.pop()[1]


def test_the_id_of_somebody_reads_like_one_that_nobody_has(server: WebServer) -> None:
    client = server.client("member")
    hidden = {str(one) for (one,) in rows(server.library, "SELECT person_id FROM people")} - {
        server.library.resolve_person("Anna Adler")
    }
    assert len(hidden) == 3
    token = client.token()
    answers = set()
    for person_id in (*hidden, "p_aaaaaaaaaaaaaaaa"):
        form = {"csrf": token, "q": f"with:{person_id}"}
        typed = client.post(
            "/photos", data=form, headers={"accept": "text/html"}, follow_redirects=False
        )
        opened = client.get(f"/photos?q=with:{person_id}", follow_redirects=False)
        assert typed.status_code == opened.status_code == 404
        answers |= {typed.text.replace(person_id, ""), opened.text.replace(person_id, "")}
    assert len(answers) == 1


def test_a_photo_that_may_not_be_seen_reads_like_one_that_is_not_held(server: WebServer) -> None:
    client = server.client("member")
    photos = every_photo(server.library)
    hidden = [photos["only-0.png"], photos["only-3.png"], photos["club.png"], "0" * 64]
    for address in ("/photos/{}", "/photos/{}/preview.jpg", "/photos/{}/faces/1.jpg"):
        answers = [client.get(address.format(sha256)) for sha256 in hidden]
        assert {one.status_code for one in answers} == {404}
        assert len({one.content for one in answers}) == 1


def test_what_was_shown_is_shown_no_more_once_somebody_withdrew(
    tmp_path: Path, decoders: DecodeWorkers
) -> None:
    with peopled(tmp_path, decoders) as server:
        _withdraw_anna(server)


def _withdraw_anna(server: WebServer) -> None:
    client, library = server.client("member"), server.library
    photo_of_all = every_photo(library)["all.png"]
    assert client.get(f"/photos/{photo_of_all}/preview.jpg").status_code == 200
    library.withdraw(library.resolve_person("Anna Adler"))
    for path in ("", "/preview.jpg", "/faces/1.jpg"):
        assert client.get(f"/photos/{photo_of_all}{path}").status_code == 404
    assert 'class="photo"' not in client.get("/photos").text
    found = client.submit("/search", files={"photo": ("x.png", photo(ANNA))})
    assert "Nobody who consented matches" in found.text
