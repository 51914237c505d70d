"""Near-identical photos become one picture, stay photos of their own, and can be told apart."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from copies_parts import grouped, look_at_photos, save_copy
from numpy.typing import NDArray
from PIL import Image
from portal_parts import sha256
from promise_house import acting_as, enrol, found_photos, rows
from synthetic_engine import Drawn, RecordingEngine

from likeness import copies
from likeness.copies import Looks
from likeness.errors import BadInput, NotFound, StorageError
from likeness.faces.resemblance import look_of, read_look
from likeness.library import Library
from likeness.store import audit_log

ANN, BOB = 1, 2


class Portraits(NamedTuple):
    collins: NDArray[np.uint8]
    hopper: NDArray[np.uint8]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "photos"


def take_in(library: Library, folder: Path, collection: str = "party") -> None:
    library.ingest(folder, collection=collection)
    look_at_photos(library, folder)


def save_changed(folder: Path, name: str, pixels: NDArray[np.uint8], **how: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    scale, box = how.get("scale", 1.0), how.get("box")
    image = Image.fromarray(pixels)
    image = image.crop(box) if box else image
    size = round(image.width * scale), round(image.height * scale)
    image.resize(size, Image.Resampling.LANCZOS).save(folder / name, quality=how.get("quality", 90))


def test_real_copies_are_one_picture_and_other_photos_are_not_in_it(
    library: Library, folder: Path, portraits: Portraits
) -> None:
    save_changed(folder, "a.png", portraits.collins)
    save_changed(folder, "b.jpg", portraits.collins, scale=0.35, quality=40)
    save_changed(folder, "c.webp", portraits.collins, box=(30, 10, 500, 490))
    save_changed(folder, "d.jpg", portraits.hopper)
    save_changed(folder, "e.png", portraits.hopper[:, ::-1])
    take_in(library, folder)
    assert grouped(library) == [{"a.png", "b.jpg", "c.webp"}]
    [(first,)] = rows(library, "SELECT min(photo_id) FROM photos WHERE picture IS NOT NULL")
    assert rows(library, "SELECT DISTINCT picture FROM photos WHERE picture IS NOT NULL") == [
        (first,)
    ]
    [(frame,)] = rows(
        library,
        "SELECT frame FROM photos JOIN sightings USING (photo_id) WHERE item = 'c.webp'",
    )
    expected = (30 / 512, 10 / 512, 500 / 512, 490 / 512)
    [(reference,)] = rows(library, "SELECT frame FROM photos WHERE photo_id = :first", first=first)
    assert json.loads(reference) == [0, 0, 1, 1]
    assert json.loads(frame) == pytest.approx(expected, abs=0.01)


def test_blank_photos_are_each_their_own(library: Library, folder: Path) -> None:
    for number, shade in enumerate((0, 1, 254, 255)):
        save_changed(folder, f"{number}.png", np.full((200, 200, 3), shade, np.uint8))
    take_in(library, folder)
    assert rows(library, "SELECT count(*) FROM photos WHERE look IS NOT NULL") == [(4,)]
    assert grouped(library) == []


def test_a_row_of_photos_each_hardly_unlike_the_next_is_not_one_picture(
    library: Library, folder: Path, portraits: Portraits
) -> None:
    """A face that moves by little and little is another photo before it is elsewhere."""
    left, top, right, bottom = 170, 60, 280, 200
    for number in range(8):
        moved = portraits.collins.copy()
        shift = 3 * number
        moved[top:bottom, left:right] = portraits.collins[top:bottom, left + shift : right + shift]
        save_changed(folder, f"{number}.png", moved)
    take_in(library, folder)
    for group in grouped(library):
        numbers = sorted(int(item[0]) for item in group)
        assert numbers[-1] - numbers[0] <= 2, group


def test_photos_are_grouped_with_no_template_at_all(
    library: Library, folder: Path, engine: RecordingEngine
) -> None:
    """Of strangers, with nobody enrolled and an engine that would notice."""
    save_copy(folder / "a.png", Drawn(person=901), shade=40)
    save_copy(folder / "b.png", Drawn(person=901), shade=42)
    save_copy(folder / "c.png", Drawn(person=902), shade=40)
    take_in(library, folder)
    assert grouped(library) == [{"a.png", "b.png"}]
    assert engine.calls == 0 and engine.made == []


def test_the_same_stranger_in_other_photos_is_not_grouped(library: Library, folder: Path) -> None:
    stranger = Drawn(person=901)
    save_copy(folder / "a.png", stranger, shade=40)
    save_copy(folder / "b.png", Drawn(person=902), stranger, shade=40)
    save_copy(folder / "c.png", stranger, Drawn(person=903), shade=40)
    take_in(library, folder)
    assert grouped(library) == []


def test_a_search_shows_copies_once_with_every_place(library: Library, folder: Path) -> None:
    for number in range(3):
        save_copy(folder / f"{number}.png", Drawn(person=ANN), shade=40 + number)
    take_in(library, folder)
    ann = enrol(library, "Ann", ANN)
    assert len(found_photos(library, ANN)) == 1
    seen, [photo] = library.show(ann)
    assert [s.item for s in photo.sightings] == ["0.png", "1.png", "2.png"]
    assert len(photo.copies) == 2
    assert seen.photos == 1


def test_what_one_source_brought_goes_alone(library: Library, tmp_path: Path) -> None:
    """Each copy has its own row: removing one source leaves the copy of the other."""
    one, other = tmp_path / "one", tmp_path / "other"
    save_copy(one / "a.png", Drawn(person=ANN), shade=40)
    save_copy(other / "b.png", Drawn(person=ANN), shade=41)
    ann = enrol(library, "Ann", ANN)
    take_in(library, one)
    take_in(library, other)
    assert grouped(library) == [{"a.png", "b.png"}]
    [gone] = [s for s in library.sources() if s.address.endswith("one")]
    library.remove(gone.source_id)
    _, [photo] = library.show(ann)
    assert [s.item for s in photo.sightings] == ["b.png"]
    assert photo.copies == ()
    assert rows(library, "SELECT count(*) FROM photos") == [(1,)]


def test_a_photo_said_to_be_no_copy_stays_so_until_that_is_taken_back(
    library: Library, folder: Path
) -> None:
    for number in range(3):
        save_copy(folder / f"{number}.png", Drawn(person=ANN), shade=40 + number)
    take_in(library, folder)
    ann = enrol(library, "Ann", ANN)
    first = sha256(library, "0.png")
    others = copies.split(library.house, first)
    assert {other.copy.sha256 for other in others} == {
        sha256(library, item) for item in ("1.png", "2.png")
    }
    assert grouped(library) == [{"1.png", "2.png"}]
    assert library.show(ann)[0].photos == 2
    assert [own.copy.apart for own in copies.copies_of(library.house, first)] == [True]
    save_copy(folder / "3.png", Drawn(person=ANN), shade=43)
    take_in(library, folder)
    assert grouped(library) == [{"1.png", "2.png", "3.png"}]
    assert len(copies.join_again(library.house, first)) == 3
    assert grouped(library) == [{"0.png", "1.png", "2.png", "3.png"}]
    assert library.show(ann)[0].photos == 1
    assert len(copies.join_again(library.house, first)) == 3, "joining twice changes nothing"
    assert copies.split(library.house, first) and copies.split(library.house, first) == []


def test_splitting_one_of_two_leaves_no_picture(library: Library, folder: Path) -> None:
    save_copy(folder / "a.png", Drawn(person=ANN), shade=40)
    save_copy(folder / "b.png", Drawn(person=ANN), shade=41)
    take_in(library, folder)
    copies.split(library.house, sha256(library, "b.png"))
    assert grouped(library) == []


def test_splitting_and_joining_are_in_the_log_for_who_did_it(
    library: Library, folder: Path
) -> None:
    save_copy(folder / "a.png", Drawn(person=ANN), shade=40)
    save_copy(folder / "b.png", Drawn(person=ANN), shade=41)
    take_in(library, folder)
    copies.split(library.house, sha256(library, "a.png"))
    copies.join_again(library.house, sha256(library, "a.png"))
    house = library.house
    with house.store.snapshot() as connection:
        own = house.account.account_id
        entries = audit_log.details_of(connection, own, key=house.keyring.key(own))
    did = [e["details"]["did"] for e in entries if set(e["details"]) == {"at", "did", "photo"}]
    assert did == ["split", "join"]


def test_only_copies_where_the_account_may_search_are_seen(
    library: Library, tmp_path: Path
) -> None:
    save_copy(tmp_path / "party" / "a.png", Drawn(person=ANN), shade=40)
    save_copy(tmp_path / "club" / "b.png", Drawn(person=ANN), shade=41)
    take_in(library, tmp_path / "party")
    take_in(library, tmp_path / "club", "club")
    assert grouped(library) == [{"a.png", "b.png"}]
    here, there = sha256(library, "a.png"), sha256(library, "b.png")
    assert [c.copy.sha256 for c in copies.copies_of(library.house, here)] == [here, there]
    library.create_account("helper")
    library.set_audience("club", add=["helper"])
    helper = acting_as(library, "helper").house
    assert [c.copy.sha256 for c in copies.copies_of(helper, there)] == [there]
    messages = set()
    for way in (copies.copies_of, copies.split, copies.join_again):
        for photo in (here, "0" * 64):
            with pytest.raises(NotFound) as caught:
                way(helper, photo)
            messages.add(str(caught.value))
    assert len(messages) == 1, "in the same words whether it is held or not"
    assert grouped(library) == [{"a.png", "b.png"}]


def test_a_photo_of_which_no_look_was_kept_cannot_join(library: Library, folder: Path) -> None:
    save_copy(folder / "a.png", Drawn(person=ANN))
    library.ingest(folder, collection="party")
    with library.house.transaction() as connection:
        connection.exec_driver_sql("UPDATE photos SET look = NULL")
    with pytest.raises(BadInput) as caught:
        copies.join_again(library.house, sha256(library, "a.png"))
    assert caught.value.fix


def test_a_damaged_look_stops_the_photo_that_is_compared_with_it(
    library: Library, folder: Path
) -> None:
    save_copy(folder / "a.png", Drawn(person=ANN), shade=40)
    take_in(library, folder)
    with library.house.transaction() as connection:
        connection.exec_driver_sql("UPDATE photos SET look = substr(look, 1, 200)")
    save_copy(folder / "b.png", Drawn(person=ANN), shade=41)
    with pytest.raises(StorageError):
        take_in(library, folder)


def test_looks_take_in_what_came_since_and_nothing_twice(library: Library, folder: Path) -> None:
    for number in range(3):
        save_copy(folder / f"{number}.png", Drawn(person=ANN + number))
    take_in(library, folder)
    looks = Looks()
    ids = [photo_id for (photo_id,) in rows(library, "SELECT photo_id FROM photos ORDER BY 1")]
    with library.house.store.snapshot() as connection:
        looks.refresh(connection, before=ids[2])
        assert len(looks) == 2
        for _ in range(2):
            looks.refresh(connection, before=ids[2] + 1)
            assert len(looks) == 3
    with Image.open(io.BytesIO((folder / "1.png").read_bytes())) as image:
        look = read_look(look_of(np.asarray(image)))
    assert looks.near(look)[0] == ids[1]
