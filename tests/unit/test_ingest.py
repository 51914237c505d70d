"""Taking photos in: what comes, moves, changes and goes is followed."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ingest_parts import (
    ANN,
    BOB,
    CountingDecoders,
    LookingEngine,
    add,
    counts,
    held,
    items,
    linked,
    save_three,
)
from PIL import Image
from promise_house import enrol, found_photos, rows, said_yes
from synthetic_engine import Drawn, SyntheticEngine, draw, save

from likeness.arrivals import BATCH
from likeness.errors import NotFound
from likeness.faces.packs import Pack
from likeness.house import Progress
from likeness.library import Library
from likeness.records.photo import DecodedPhoto
from likeness.store import audit_log


@pytest.fixture
def engine(pack: Pack) -> LookingEngine:
    return LookingEngine(SyntheticEngine(pack))


@pytest.fixture
def decoders() -> CountingDecoders:
    return CountingDecoders()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_three(tmp_path / "photos")


def test_the_account_of_a_run_counts_what_came(library: Library, folder: Path) -> None:
    enrol(library, "Ann", ANN)
    report = add(library, folder)
    assert counts(report) == (3, 3, 0, 0)
    assert (report.faces, report.linked, report.proposed, report.skipped) == (3, 2, 0, ())
    assert items(library) == ["ann.png", "sub/both.png", "sub/nobody.png"]
    assert held(library) == (3, 3)


def test_a_second_run_reads_nothing_again_and_changes_nothing(
    library: Library, folder: Path, engine: LookingEngine, decoders: CountingDecoders
) -> None:
    enrol(library, "Ann", ANN)
    add(library, folder)
    before = (decoders.decoded, engine.looked, engine.calls, rows(library, "SELECT * FROM links"))
    report = add(library, folder)
    assert counts(report) == (3, 0, 3, 0)
    assert (report.faces, report.linked) == (0, 0)
    after = (decoders.decoded, engine.looked, engine.calls, rows(library, "SELECT * FROM links"))
    assert after == before


def test_faces_are_numbered_from_the_left_with_boxes_in_the_original(
    library: Library, folder: Path
) -> None:
    add(library, folder)
    boxes = rows(
        library,
        'SELECT number, "left", top, "right", bottom FROM faces JOIN sightings USING (photo_id)'
        " WHERE item = 'sub/both.png' ORDER BY number",
    )
    assert boxes == [(1, 64, 0, 128, 64), (2, 128, 0, 192, 64)]


def test_boxes_of_a_photo_that_was_reduced_are_in_pixels_of_the_original(
    library: Library, folder: Path, decoders: CountingDecoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = np.asarray(Image.open(folder / "sub" / "both.png")).repeat(3, 0).repeat(3, 1)
    Image.fromarray(large).save(folder / "sub" / "both.png")
    read = decoders.decode

    def reduced(data: bytes, **how: Any) -> DecodedPhoto:
        photo = read(data, **how)
        return replace(photo, pixels=np.ascontiguousarray(photo.pixels[::3, ::3]))

    monkeypatch.setattr(decoders, "decode", reduced)
    add(library, folder / "sub" / "both.png")
    assert rows(library, "SELECT width, height FROM photos") == [(576, 192)]
    boxes = rows(library, 'SELECT "left", top, "right", bottom, landmarks FROM faces')
    assert [box[:4] for box in boxes] == [(192, 0, 384, 192), (384, 0, 576, 192)]
    points = np.frombuffer(boxes[0][4], "<f4").reshape(5, 2)
    assert points[0].tolist() == [3 * (64 + 40), 3 * 24]


def test_a_file_that_moved_is_the_same_photo_with_its_links(
    library: Library, folder: Path, engine: LookingEngine
) -> None:
    enrol(library, "Ann", ANN)
    add(library, folder)
    before = rows(library, "SELECT photo_id, sha256, matched_through FROM photos")
    links = rows(library, "SELECT * FROM links")
    looked, templates = engine.looked, engine.calls
    (folder / "elsewhere").mkdir()
    (folder / "ann.png").rename(folder / "elsewhere" / "renamed.png")
    report = add(library, folder)
    assert counts(report) == (3, 0, 3, 1)
    assert items(library) == ["elsewhere/renamed.png", "sub/both.png", "sub/nobody.png"]
    assert rows(library, "SELECT photo_id, sha256, matched_through FROM photos") == before
    assert rows(library, "SELECT * FROM links") == links
    assert (engine.looked, engine.calls) == (looked, templates), "nobody looks a second time"


def test_a_file_that_is_gone_takes_photo_faces_and_links_with_it(
    library: Library, folder: Path
) -> None:
    ann = enrol(library, "Ann", ANN)
    add(library, folder)
    (folder / "sub" / "both.png").unlink()
    report = add(library, folder)
    assert counts(report) == (2, 0, 2, 1)
    assert items(library) == ["ann.png", "sub/nobody.png"]
    assert held(library) == (2, 1)
    assert linked(library) == {"ann.png"}
    assert library.people()[0].photos == 1
    assert len(found_photos(library, ANN, as_person=ann)) == 0, "she said be_found alone"


def test_other_bytes_under_the_same_name_are_another_photo(library: Library, folder: Path) -> None:
    enrol(library, "Ann", ANN)
    add(library, folder)
    old = rows(library, "SELECT photo_id FROM sightings WHERE item = 'ann.png'")
    save(folder / "ann.png", Drawn(person=BOB), salt=9)
    report = add(library, folder)
    assert counts(report) == (3, 1, 2, 0)
    assert rows(library, "SELECT photo_id FROM sightings WHERE item = 'ann.png'") != old
    assert held(library) == (3, 3)
    assert linked(library) == {"sub/both.png"}


def test_a_photo_that_other_bytes_replaced_stays_elsewhere_without_the_people_of_here(
    library: Library, tmp_path: Path
) -> None:
    """It is in the club still, and her consent covers the party alone."""
    party = save(tmp_path / "party" / "x.png", Drawn(person=ANN), salt=1)
    (tmp_path / "club").mkdir()
    shutil.copy(party, tmp_path / "club" / "y.png")
    enrol(library, "Ann", ANN)
    for name in ("party", "club"):
        add(library, tmp_path / name, collection=name)
    assert linked(library) == {"x.png", "y.png"}
    save(party, salt=2)
    add(library, tmp_path / "party")
    assert items(library) == ["x.png", "y.png"]
    assert linked(library) == set()


def test_a_file_that_was_only_touched_is_read_and_known(
    library: Library, folder: Path, engine: LookingEngine
) -> None:
    add(library, folder)
    looked = engine.looked
    os.utime(folder / "ann.png", ns=(1, 1))
    assert counts(add(library, folder)) == (3, 0, 3, 0)
    assert engine.looked == looked
    assert rows(library, "SELECT modified_ns FROM sightings WHERE item = 'ann.png'") == [(1,)]


def test_the_same_photo_twice_is_one_photo_in_two_places(
    library: Library, tmp_path: Path, engine: LookingEngine
) -> None:
    """Beside each other in one batch, and batches apart."""
    folder = tmp_path / "photos"
    same = save(folder / "00 first.png", Drawn(person=ANN), salt=1)
    shutil.copy(same, folder / "01 beside.png")
    for number in range(2 * BATCH):
        save(folder / f"50 {number:02}.png", salt=100 + number)
    shutil.copy(same, folder / "99 last.png")
    enrol(library, "Ann", ANN)
    report = add(library, folder)
    assert counts(report) == (2 * BATCH + 3, 2 * BATCH + 1, 2, 0)
    assert (report.faces, report.linked) == (1, 1)
    assert engine.looked <= 2 * BATCH + 2, "beside each other it is looked at once"
    [photo] = library.show(library.people()[0].person.person_id)[1]
    assert [s.item for s in photo.sightings] == ["00 first.png", "01 beside.png", "99 last.png"]
    (folder / "00 first.png").unlink()
    assert counts(add(library, folder))[3] == 1
    assert linked(library) == {"01 beside.png", "99 last.png"}


def test_an_edited_link_list_changes_the_links_back_and_nothing_is_looked_at_again(
    library: Library, folder: Path, engine: LookingEngine
) -> None:
    enrol(library, "Ann", ANN)
    add(library, folder)
    before = rows(library, "SELECT * FROM photos")
    looked, templates = engine.looked, engine.calls
    for page in ("https://example.org/first", "https://example.org/second", ""):
        listed = f"path,page_url,text\nann.png,{page},The party\n" if page else "path,page_url\n"
        (folder / "links.csv").write_text(listed)
        assert counts(add(library, folder)) == (3, 0, 3, 0)
        [(url, link_from, words)] = rows(
            library, "SELECT page_url, link_from, text FROM sightings WHERE item = 'ann.png'"
        )
        if page:
            assert (url, link_from, words) == (page, "links.csv", "The party")
        else:
            assert (url, link_from) == ((folder / "ann.png").as_uri(), "file")
    assert rows(library, "SELECT * FROM photos") == before
    assert (engine.looked, engine.calls) == (looked, templates)


def test_an_empty_folder_is_no_error(library: Library, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert counts(add(library, tmp_path / "empty")) == (0, 0, 0, 0)


def test_one_photo_can_be_added_and_leaves_the_rest_of_its_folder_alone(
    library: Library, folder: Path
) -> None:
    add(library, folder)
    extra = save(folder / "extra.png", salt=8)
    (folder / "ann.png").unlink()
    report = add(library, extra)
    assert counts(report) == (1, 1, 0, 0)
    assert items(library) == ["ann.png", "extra.png", "sub/both.png", "sub/nobody.png"]
    assert len(library.sources()) == 1
    assert counts(add(library, folder)) == (3, 0, 3, 1)


def test_a_collection_that_does_not_exist_is_named(library: Library, folder: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        add(library, folder, collection="nowhere")
    assert library.sources() == []


def test_a_removed_source_can_be_added_again_by_name(library: Library, folder: Path) -> None:
    add(library, folder)
    [source] = library.sources()
    library.remove(source.source_id)
    assert library.sources()[0].state == "removed"
    assert counts(add(library, folder)) == (3, 3, 0, 0)
    assert [s.state for s in library.sources()] == ["active"]
    assert library.sources()[0].source_id == source.source_id


def test_progress_rises_to_the_total_and_says_what_is_done(
    library: Library, tmp_path: Path
) -> None:
    for number in range(2 * BATCH + 1):
        save(tmp_path / "photos" / f"{number:02}.png", Drawn(person=ANN), salt=number)
    steps: list[Progress] = []
    add(library, tmp_path / "photos", progress=steps.append)
    total = 2 * BATCH + 1
    assert [(s.phase, s.done, s.total) for s in steps] == [
        ("photos", done, total) for done in (0, BATCH, 2 * BATCH, total)
    ]


def test_the_run_is_in_the_audit_log_without_a_name_of_folder_or_file(
    library: Library, folder: Path
) -> None:
    add(library, folder)
    house = library.house
    with house.store.snapshot() as connection:
        key = house.keyring.key(house.account.account_id)
        details = audit_log.details_of(connection, house.account.account_id, key=key)[-1]["details"]
    assert details.pop("at") and details.pop("source") == library.sources()[0].source_id
    assert details == {
        "found": 3,
        "new": 3,
        "known": 0,
        "without_link": 3,
        "gone": 0,
        "skipped": 0,
    }
    assert rows(library, "SELECT count(*) FROM runs WHERE finished_at IS NOT NULL") == [(1,)]


def test_photos_for_people_who_said_only_find_me_are_linked_and_not_told_of(
    library: Library, folder: Path
) -> None:
    ann = library.enrol("Ann", [draw(Drawn(person=ANN))], consent=said_yes("find_me")).person_id
    report = add(library, folder)
    assert (report.linked, linked(library)) == (0, {"ann.png", "sub/both.png"})
    assert len(found_photos(library, ANN, as_person=ann)) == 2
