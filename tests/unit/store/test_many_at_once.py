"""Long lists of ids are asked for in pieces, and counts start at the people asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, event
from store_rows import ANN, BOB, CLUB, PARTY, link, make_store, photo, propose, see

from likeness.store import changes, links, people, photos, sightings
from likeness.store.chunks import IDS_AT_ONCE, in_chunks

MANY = 2 * IDS_AT_ONCE + 1


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    made = make_store(tmp_path)
    with made.transaction() as opened:
        yield opened
    made.close()


@given(st.lists(st.integers(0, 3 * IDS_AT_ONCE), max_size=4 * IDS_AT_ONCE))
def test_each_id_comes_once_in_order_and_no_piece_is_too_long(ids: list[int]) -> None:
    pieces = list(in_chunks(ids))
    assert [one for piece in pieces for one in piece] == sorted(set(ids))
    assert all(0 < len(piece) <= IDS_AT_ONCE for piece in pieces)


def test_more_ids_than_a_statement_takes_are_asked_for(connection: Connection) -> None:
    """SQLite takes 250,000 values at most, or 32,766, by how it was built."""
    beyond = range(1_000_000, 1_300_000)
    photo_id, [face_id] = photo(connection, "a")
    see(connection, photo_id, "a.jpg")
    best = propose(connection, photo_id, face_id)
    ids = [*beyond, photo_id]
    names = [*(f"p_{number}" for number in beyond), ANN]
    assert sightings.collections_of_photos(connection, ids) == {photo_id: frozenset({PARTY})}
    assert list(sightings.sightings_of_photos(connection, ids, collection_ids=[PARTY])) == [1]
    assert links.proposals_for(connection, names) == [best]
    assert links.proposals_by_person(connection, names, collection_ids=[PARTY]) == {ANN: 1}
    assert people.kept_among(connection, names) == [ANN]
    photos.set_matched_through(connection, ids, 7)
    assert photos.photos_matched_before(connection, 8, limit=9) == {photo_id: 7}


def test_pieces_together_answer_as_one_list_would(connection: Connection) -> None:
    made = []
    for number in range(MANY):
        photo_id, _ = photo(connection, f"{number:05}", faces=0)
        see(connection, photo_id, f"{MANY - number:05}.jpg")
        see(connection, photo_id, f"{number:05}.jpg", collection=CLUB)
        made.append(photo_id)
    where = sightings.sightings_of_photos(connection, made + made, collection_ids=[PARTY, CLUB])
    assert set(where) == set(made)
    for places in where.values():
        assert [place.source_id for place in places] == [f"src_{CLUB}", f"src_{PARTY}"]
    assert sightings.collections_of_photos(connection, made + made) == dict.fromkeys(
        made, frozenset({PARTY, CLUB})
    )
    photos.set_matched_through(connection, made[:-1], 3)
    assert photos.count_matched_before(connection, 3) == 1
    assert list(photos.photos_matched_before(connection, 3, limit=9)) == made[-1:]


def test_photos_that_wait_can_be_paged_through(connection: Connection) -> None:
    made = [photo(connection, f"{number}", faces=0)[0] for number in range(5)]
    first = photos.photos_matched_before(connection, 1, limit=2)
    assert list(first) == [made[4], made[3]]
    rest = photos.photos_matched_before(connection, 1, limit=9, older_than=min(first))
    assert list(rest) == [made[2], made[1], made[0]]
    assert photos.photos_matched_before(connection, 1, limit=9, older_than=made[0]) == {}


def test_a_photo_in_two_of_the_collections_counts_once(connection: Connection) -> None:
    both, [in_both] = photo(connection, "both")
    club, [in_club] = photo(connection, "club")
    for collection in (PARTY, CLUB):
        see(connection, both, "x.jpg", collection=collection)
        see(connection, both, "y.jpg", collection=collection)
    see(connection, club, "z.jpg", collection=CLUB)
    link(connection, both, in_both)
    link(connection, club, in_club, decision="different")
    propose(connection, club, in_club, person=BOB)
    asked = [ANN, BOB, "p_unknown"]
    for collection_ids in ([PARTY, CLUB], [PARTY], None):
        counted = links.links_by_person(connection, asked, collection_ids=collection_ids)
        assert counted == {ANN: 1}
    assert links.links_by_person(connection, asked, collection_ids=[]) == {}
    assert links.proposals_by_person(connection, asked, collection_ids=[CLUB]) == {BOB: 1}
    assert links.proposals_by_person(connection, asked, collection_ids=[PARTY]) == {}


def _plans(connection: Connection, ask: Any) -> list[str]:
    """How SQLite goes about each statement that ``ask`` sends."""
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        sent.append((statement, values))

    event.listen(connection, "before_cursor_execute", note)
    ask()
    event.remove(connection, "before_cursor_execute", note)
    return [
        row.detail
        for statement, values in sent
        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    ]


def test_counts_and_changes_are_read_by_their_indexes(connection: Connection) -> None:
    plans = _plans(
        connection,
        lambda: (
            links.links_by_person(connection, [ANN, "p_unknown"], collection_ids=[PARTY]),
            links.proposals_by_person(connection, [ANN], collection_ids=[PARTY]),
            links.delete_links_outside(connection, "p_unknown", collection_ids=[PARTY]),
            changes.people_changed_since(connection, 1),
        ),
    )
    assert not [step for step in plans if step.startswith(("SCAN", "LIST SUBQUERY"))]
    for index in (
        "links_by_person",
        "proposals_by_person",
        "sightings_by_photo",
        "people_by_changed",
        "erasures_by_changed",
    ):
        assert any(index in step for step in plans), index
