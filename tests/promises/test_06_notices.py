"""Promise 6: a stop notice stops collection at once and removes what came from there, with a
receipt; and neither a kill nor a restored backup brings it back."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from byte_scan import scan
from promise_house import Place, enrol, found_photos, kill, rows, start_process, wait_for
from site_house import HOST, site_house
from site_server import site_of_pages
from synthetic_engine import Drawn, save

from likeness.audit.receipt_file import verify_receipt
from likeness.errors import NotVerified, SourceBlocked
from likeness.library import Library

ANN = 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six photos of Ann, every second of them from example.org."""
    lines = ["path,page_url,text"]
    for number in range(6):
        save(tmp_path / "fair" / f"{number}.png", Drawn(person=ANN, shot=number), salt=number)
        if number % 2:
            lines.append(f"{number}.png,https://example.org/secret-{number},words-{number}")
    (tmp_path / "fair" / "links.csv").write_text("\n".join(lines))
    return tmp_path / "fair"


def give(library: Library, **what: Any) -> Any:
    return library.give_notice(**{"given_by": "owner of example.org", "reason": "stop", **what})


def items(library: Library) -> set[str]:
    return {item for (item,) in rows(library, "SELECT item FROM sightings")}


def test_from_the_notice_on_nobody_finds_what_came_from_there(
    library: Library, folder: Path
) -> None:
    enrol(library, "Ann", ANN)
    library.ingest(folder, collection="party")
    assert len(found_photos(library, ANN)) == 6
    given = give(library, kind="domain", about="example.org")
    assert len(found_photos(library, ANN)) == 3
    verified = verify_receipt(given.receipt, key=library.verifier_key).receipt.body
    assert (verified.counts["sightings"], verified.counts["photos"]) == (3, 3)
    assert library.receipt(given.serial) == given.receipt


def test_a_restored_backup_of_the_data_cannot_bring_it_back(
    place: Place, folder: Path, tmp_path: Path
) -> None:
    with place.open() as library:
        enrol(library, "Ann", ANN)
        library.ingest(folder, collection="party")
        source_id = library.sources()[0].source_id
    backup = place.back_up("backup")
    with place.open() as library:
        give(library, kind="domain", about="example.org")
        give(library, kind="source", about=source_id)
        assert items(library) == set()
    place.restore(backup)
    with place.open() as library:
        assert items(library) == set()
        assert found_photos(library, ANN) == set()
        assert [known.notice.state for known in library.notices()] == ["done", "done"]
        with pytest.raises(SourceBlocked):
            library.ingest(folder, collection="party")


def test_a_restored_backup_cannot_bring_back_a_block_that_was_lifted(
    place: Place, folder: Path
) -> None:
    with place.open() as library:
        library.ingest(folder, collection="party")
        given = give(library, kind="domain", about="example.org")
    backup = place.back_up("backup")
    with place.open() as library:
        library.lift_notice(given.notice_id, code=given.lift_code)
    place.restore(backup)
    with place.open() as library:
        assert library.ingest(folder, collection="party").new == 3


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_killed_half_way_it_is_finished_at_the_next_open(
    place: Place, folder: Path, batches: int
) -> None:
    with place.open() as library:
        enrol(library, "Ann", ANN)
        library.ingest(folder, collection="party")
    process = start_process(place, "notice", "domain", "example.org")
    for _ in range(batches):
        wait_for(process, "purge")
    kill(process)
    with place.open() as library:
        assert items(library) == {"0.png", "2.png", "4.png"}
        assert len(found_photos(library, ANN)) == 3
        [known] = library.notices()
        assert known.notice.state == "done"
        receipt = library.receipt(known.notice.serial)
        body = verify_receipt(receipt, key=library.verifier_key).receipt.body
        assert body.counts["sightings"] == 3


def test_no_byte_of_what_went_is_left_in_the_files(place: Place, folder: Path) -> None:
    with place.open() as library:
        library.ingest(folder, collection="party")
        crops = {
            item: bytes(crop)
            for item, crop in rows(
                library, "SELECT item, crop FROM faces JOIN sightings USING (photo_id)"
            )
        }
    gone = [crops[f"{number}.png"] for number in (1, 3, 5)]
    forms = {f"crop {number}": crop[len(crop) // 3 :] for number, crop in enumerate(gone)}
    forms |= {"page": b"secret-1", "words": b"words-3", "key": b"org.example/secret-5"}
    assert {name for _, name in scan(place.files(), forms)} == set(forms), "planted"
    with place.open() as library:
        give(library, kind="domain", about="example.org")
    assert scan(place.files(), forms) == set()


def test_the_operator_cannot_lift_it_without_the_code_of_whoever_gave_it(
    library: Library, folder: Path
) -> None:
    library.ingest(folder, collection="party")
    given = give(library, kind="domain", about="example.org")
    [known] = library.notices()
    for guess in (given.notice_id, given.serial, known.terms.code_digest, ""):
        with pytest.raises(NotVerified):
            library.lift_notice(given.notice_id, code=guess)


def test_a_crawl_of_five_hundred_pages_makes_no_request_once_the_notice_is_given(
    place: Place, tmp_path: Path, record_property: Any
) -> None:
    with site_house(tmp_path) as house, place.open() as running, place.open() as other:
        site_of_pages(house.server, HOST, pages=500)
        own = Library(replace(running.house, network=house.network))
        house.network.texts[f"_likeness.{HOST}"] = [own.authorise(HOST).line]
        raised: list[BaseException] = []

        def crawl() -> None:
            try:
                own.ingest(f"https://{HOST}/", collection="party")
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=crawl)
        thread.start()
        deadline = time.monotonic() + 60
        while len(house.server.asked) < 6 and time.monotonic() < deadline:
            time.sleep(0.05)
        began = time.monotonic()
        given = give(other, kind="domain", about=HOST)
        returned = time.monotonic()
        thread.join(timeout=30)
        assert not thread.is_alive()
        time.sleep(2.5)
        asked = [one.at for one in house.server.asked]
        record_property("seconds_to_last_request", round(max(asked) - began, 3))
        record_property("seconds_to_return", round(returned - began, 3))
        assert 6 <= len(asked) < 500
        assert max(asked) <= returned, "the call returned when the last request was made"
        assert max(asked) - began < 2.0
        assert [type(error) for error in raised] == [SourceBlocked]
        assert given.counts["sources_stopped"] == 1
        assert rows(other, "SELECT count(*) FROM sightings") == [(0,)]
        assert rows(other, "SELECT count(*) FROM fetched") == [(0,)]
        assert other.authorisations() == []
        with pytest.raises(SourceBlocked):
            own.ingest(f"https://{HOST}/", collection="party")
        with pytest.raises(SourceBlocked):
            own.authorise(HOST)
