"""The pages of sources: added as a task, told in words, run again, and removed with a receipt."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from synthetic_engine import Drawn, save

from likeness.store.collections import begin_run

WITHIN = 60.0


@pytest.fixture
def operator(site: Any) -> Any:
    return site.client("operator")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        save(tmp_path / "fair" / f"{number}.png", Drawn(person=9, shot=number), salt=number + 77)
    return tmp_path / "fair"


def ended(client: Any, answer: Any) -> Any:
    """The page that a task ends at."""
    end = time.monotonic() + WITHIN
    while "/tasks/" in str(answer.url) and time.monotonic() < end:
        if 'role="alert"' in answer.text:
            return answer
        time.sleep(0.05)
        answer = client.get(str(answer.url), headers={"accept": "text/html"})
    return answer


def test_a_folder_is_added_run_again_and_removed(site: Any, operator: Any, folder: Path) -> None:
    begun = operator.submit("/sources", {"what": str(folder), "collection": "club"})
    page = ended(operator, begun)
    found = re.search(r"/sources/(src_\w+)$", str(page.url))
    assert found, page.text
    assert "Found 3 photos: 3 new, 0 known before." in page.text
    assert "folder on the server" in operator.get("/sources").text
    save(folder / "more.png", Drawn(person=9), salt=99)
    page = ended(operator, operator.submit(f"/sources/{found[1]}/run"))
    assert "Found 4 photos: 1 new, 3 known before." in page.text
    asked = operator.get(f"/sources/{found[1]}/remove")
    assert "The files in the folder are not touched." in asked.text
    before = len(site.library.receipts())
    page = ended(operator, operator.submit(f"/sources/{found[1]}/remove"))
    (serial, kind, _) = site.library.receipts()[0]
    assert f'href="/receipts/{serial}.json"' in page.text
    assert (len(site.library.receipts()), kind) == (before + 1, "removal")
    page = operator.get(f"/sources/{found[1]}")
    assert "removed" in page.text
    assert f"/sources/{found[1]}/run" not in page.text
    assert len(list(folder.iterdir())) == 4


def test_what_cannot_be_added_is_said_with_what_to_do(operator: Any, tmp_path: Path) -> None:
    answer = operator.submit("/sources", {"what": "", "collection": "club"})
    assert (answer.status_code, "Nothing was named." in answer.text) == (400, True)
    answer = operator.submit("/sources", {"what": str(tmp_path), "collection": "nothing"})
    assert "There is no such collection." in answer.text
    page = ended(
        operator,
        operator.submit("/sources", {"what": str(tmp_path / "gone"), "collection": "club"}),
    )
    assert "there is nothing there" in page.text
    page = ended(
        operator,
        operator.submit("/sources", {"what": "https://photos.example.org/", "collection": "club"}),
    )
    assert "likeness source authorise" in page.text


def test_a_run_that_was_broken_off_is_told_as_such(site: Any, operator: Any) -> None:
    source = next(s for s in site.library.sources() if s.state == "active")
    house = site.library.house
    site.clock.advance(minutes=1)
    with house.store.transaction() as connection:
        begin_run(connection, run_id="run_broken", source_id=source.source_id, at=house.clock())
    page = operator.get(f"/sources/{source.source_id}")
    assert "It was broken off." in page.text
    assert "Run it again" in page.text
    assert "broken off" in operator.get("/sources").text


def test_the_line_for_an_owner_is_shown_once(site: Any, operator: Any) -> None:
    page = operator.submit("/sources/sites", {"place": "photos.example.org", "days": "30"})
    line = re.search(r'<pre id="line">([^<]+)</pre>', page.text)
    assert line and "no page shows it again" in page.text
    listed = operator.get("/sources/sites")
    assert "photos.example.org" in listed.text
    assert line[1] not in listed.text
    ended_page = operator.submit("/sources/sites/end", {"place": "photos.example.org"})
    assert "Nothing more is fetched from there." in ended_page.text
    assert site.library.authorisations() == []


@pytest.mark.parametrize(
    ("place", "days"), [("", "30"), ("10.0.0.1", "30"), ("www.facebook.com", "30"), ("a.org", "x")]
)
def test_a_place_that_cannot_be_asked_is_said_on_the_form(
    operator: Any, place: str, days: str
) -> None:
    page = operator.submit("/sources/sites", {"place": place, "days": days})
    assert page.status_code in (400, 403, 422)
    assert 'role="alert"' in page.text


def test_a_source_that_is_not_there_is_not_found(operator: Any) -> None:
    for path in ("/sources/src_nothing", "/sources/src_nothing/remove"):
        assert operator.get(path).status_code == 404
    for path in ("/sources/src_nothing/run", "/sources/src_nothing/remove"):
        assert operator.submit(path).status_code == 404
