"""The live capture behind its routes: JSON for its script, and words for all that may be said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from moving_portrait import jpeg
from promise_house import Clock, make_place
from synthetic_engine import SyntheticEngine
from web_server import Client, WebServer, serving

from likeness.faces.packs import load_manifest
from likeness.faces.sandbox import DecodeWorkers
from likeness.invitations import invite
from likeness.records.capture import Again, Word
from likeness.web.words import words_of

HTML = {"accept": "text/html"}
NOBODY = jpeg(np.full((480, 640, 3), 128, dtype=np.uint8))


@pytest.fixture
def server(tmp_path: Path, decoders: DecodeWorkers) -> Iterator[WebServer]:
    engine = SyntheticEngine(load_manifest("dlib"))
    place = make_place(tmp_path / "place", clock=Clock(), engine=engine, decoders=decoders)
    with place.open() as library, serving(library) as made:
        yield made


def _link(server: WebServer) -> str:
    made = invite(server.library.house, collections=["party"], purposes=["find_me"])
    return f"/enrol/{made.secret}"


def _before_the_camera(server: WebServer, path: str = "") -> tuple[Client, str]:
    client, path = server.client(), path or _link(server)
    shown = re.findall(r'name="shown" value="([^"]+)"', client.get(path, headers=HTML).text)
    answers = {"shown": shown, "purpose": ["find_me"], "name": "Ann Ahorn", "age": "adult"}
    assert client.submit(path, answers).url.path == f"{path}/camera"
    return client, path


@pytest.mark.parametrize("language", ["en", "de"])
def test_there_are_words_for_everything_that_a_step_says(language: str) -> None:
    words = words_of("capture", language)
    assert set(words.say) == set(get_args(Word))
    assert set(words.again) == set(get_args(Again)) - {""}
    assert {"time", "attempts", "pictures"} <= set(words.trouble)
    assert set(words) == set(words_of("capture", "en"))
    assert set(words.trouble) == set(words_of("capture", "en").trouble)


def test_the_page_holds_a_part_for_every_end_of_the_script(server: WebServer) -> None:
    client, path = _before_the_camera(server)
    page = client.get(f"{path}/camera", headers=HTML).text
    parts = set(re.findall(r'data-when="([^"]+)"', page))
    root = Path(__file__).resolve().parents[3] / "src/likeness/web/static/capture.js"
    script = root.read_text(encoding="utf-8")
    ended = set(re.findall(r'(?:end|Ended|show)\("(\w+)"', script))
    ended |= set(re.findall(r'Error: "(\w+)"', script))
    assert ended | {"time", "attempts", "pictures"} <= parts
    assert f'data-frames="{path}/frames"' in page


def test_a_picture_is_answered_with_what_to_do(server: WebServer) -> None:
    client, path = _before_the_camera(server)
    began = client.submit_raw(f"{path}/camera/again", b"").json()
    assert (began["state"], began["say"], began["seconds_left"]) == ("ready", "stay_like_this", 180)
    answer = client.submit_raw(f"{path}/frames", NOBODY)
    assert answer.headers["cache-control"] == "no-store"
    assert (answer.json()["say"], answer.json()["done"]) == ("no_face", 0)
    assert "good_for" not in answer.json()


def test_of_two_browsers_with_one_link_the_one_that_began_last_is_looked_at(
    server: WebServer,
) -> None:
    first, path = _before_the_camera(server)
    second, _ = _before_the_camera(server, path)
    for client in (first, second):
        client.submit_raw(f"{path}/camera/again", b"")
        assert client.submit_raw(f"{path}/frames", NOBODY).status_code == 200
    assert first.submit_raw(f"{path}/frames", NOBODY).status_code == 404
    assert second.submit_raw(f"{path}/frames", NOBODY).status_code == 200


def test_pictures_before_it_began_or_of_something_else_are_problems(server: WebServer) -> None:
    client, path = _before_the_camera(server)
    assert client.submit_raw(f"{path}/frames", NOBODY).status_code == 404
    client.submit_raw(f"{path}/camera/again", b"")
    assert client.submit_raw(f"{path}/frames", b"GIF89a" + bytes(100)).status_code == 422
    assert client.submit_raw(f"{path}/frames", NOBODY + bytes(500_000)).status_code == 413
