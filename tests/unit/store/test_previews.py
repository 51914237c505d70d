"""Previews in the store: one a photo, gone with it."""

from __future__ import annotations

from sqlalchemy import Connection, func, select
from store_rows import PARTY, photo, see

from likeness.store import concerned, previews
from likeness.store.photos import delete_orphans
from likeness.store.previews import Preview
from likeness.store.schema import previews as preview_table

FIRST = Preview(jpeg=b"first", width=4, height=3)


def count(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(preview_table)).scalar_one())


def test_a_preview_is_made_once_a_photo(connection: Connection) -> None:
    photo_id, _ = photo(connection, "aa")
    assert previews.load(connection, photo_id) is None
    previews.put(connection, photo_id, FIRST)
    previews.put(connection, photo_id, Preview(jpeg=b"second", width=8, height=6))
    assert previews.load(connection, photo_id) == FIRST


def test_photos_without_one_are_told_by_hash_and_by_item(connection: Connection) -> None:
    with_one, _ = photo(connection, "aa")
    without, _ = photo(connection, "bb")
    see(connection, with_one, "a.jpg")
    see(connection, without, "b.jpg")
    see(connection, without, "again.jpg")
    previews.put(connection, with_one, FIRST)
    assert previews.without(connection, ["aa", "bb", "cc"]) == {"bb"}
    items = ["a.jpg", "b.jpg", "other.jpg"]
    assert previews.items_without(connection, f"src_{PARTY}", items) == {"b.jpg"}


def test_it_goes_with_a_photo_that_lost_its_last_place(connection: Connection) -> None:
    gone, _ = photo(connection, "aa")
    kept, _ = photo(connection, "bb")
    see(connection, kept, "b.jpg")
    for photo_id in (gone, kept):
        previews.put(connection, photo_id, FIRST)
    assert delete_orphans(connection, limit=10) == 1
    assert count(connection) == 1
    assert previews.load(connection, kept) == FIRST


def test_it_goes_with_a_photo_that_a_notice_takes(connection: Connection) -> None:
    photo_id, _ = photo(connection, "aa")
    previews.put(connection, photo_id, FIRST)
    concerned.delete_without_sighting(connection, [photo_id])
    assert count(connection) == 0
