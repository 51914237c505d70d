"""Photos by a query: the same whether few or many rows lead to them, and by indices alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, event, text

from likeness.records.photo_query import PhotoQuery, parse
from likeness.store import photo_queries
from likeness.store.photo_queries import Within, matching_photos, people_in_photos
from likeness.store.sqlite import SqliteStore

QUERIES = (
    "",
    "with:p_0",
    "with:p_1,p_2",
    "together:p_0,p_1",
    "without:p_0",
    "only:p_0,p_1",
    "atleast:2:p_0,p_1,p_2",
    "date:2024-02..2024-03",
    "source:s_1",
    "collection:c_2 without:p_2",
    "text:sea with:p_0",
)
NAMED = {f"p_{number}": ("c_1", "c_2") for number in range(3)}


@pytest.fixture
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """60 photos in two collections; a face a person whose number divides that of the photo."""
    store = SqliteStore.create(tmp_path_factory.mktemp("queries") / "library.sqlite3")
    with store.transaction() as made:
        for number in (1, 2):
            run(
                made,
                f"INSERT INTO collections VALUES ('c_{number}', 'c{number}', '', '', '', NULL, 0)",
            )
            source = f"'s_{number}', 'c_{number}', 'folder', '/{number}', 'active', '', 0, 0"
            run(made, f"INSERT INTO sources VALUES ({source})")
        for number in range(3):
            run(made, f"INSERT INTO people VALUES ('p_{number}', x'', '', 0, 0)")
        for photo in range(1, 61):
            add_photo(made, photo)
    with store.snapshot() as opened:
        yield opened
    store.close()


def run(connection: Connection, statement: str) -> None:
    connection.execute(text(statement))


def add_photo(connection: Connection, photo: int) -> None:
    run(
        connection,
        "INSERT INTO photos (photo_id, sha256, width, height, format, added_at, matched_through)"
        f" VALUES ({photo}, '{photo:064x}', 9, 9, 'PNG', '2026-01-01T00:00:00+00:00', 0)",
    )
    words = "the sea" if photo % 4 == 0 else "a hill"
    taken = f"'2024-{1 + photo % 6:02}-10T12:00:00+02:00'" if photo % 5 else "NULL"
    run(
        connection,
        "INSERT INTO sightings (photo_id, source_id, item, size, modified_ns, link_mark, page_url,"
        " media_url, taken_at, text, link_confidence, link_from, seen_in_run) VALUES"
        f" ({photo}, 's_{1 + photo % 2}', '{photo}.png', 1, 1, '', '', '', {taken}, '{words}',"
        " 'exact', 'file', '')",
    )
    for person in range(3):
        if photo % (person + 2) == 0:
            face = 10 * photo + person
            run(
                connection,
                'INSERT INTO faces (face_id, photo_id, number, "left", top, "right", bottom, score,'
                " landmarks, inter_eye, sharpness, yaw, roll, inside, crop)"
                f" VALUES ({face}, {photo}, {person + 1}, 0, 0, 1, 1, 1, x'', 1, 1, 0, 0, 1, x'')",
            )
            run(
                connection,
                f"INSERT INTO links VALUES ({face}, 'p_{person}', {photo}, 'same', 0.9,"
                " 'threshold', '')",
            )


def found(connection: Connection, query: PhotoQuery, people: int = 3) -> list[int]:
    everybody = frozenset(f"p_{number}" for number in range(people))
    findable = [Within(person_ids=everybody, collection_ids=("c_1", "c_2"))]
    photos = matching_photos(
        connection, query, findable=findable, named=NAMED, before=None, limit=100
    )
    return [photo.photo_id for photo in photos]


def holds(photo: int, query: str) -> bool:
    """What a query says, in arithmetic."""
    inside = {f"p_{person}" for person in range(3) if photo % (person + 2) == 0}
    month = 1 + photo % 6 if photo % 5 else 0
    return (
        bool(inside)
        and {
            "": True,
            "with:p_0": "p_0" in inside,
            "with:p_1,p_2": bool(inside & {"p_1", "p_2"}),
            "together:p_0,p_1": {"p_0", "p_1"} <= inside,
            "without:p_0": "p_0" not in inside,
            "only:p_0,p_1": inside <= {"p_0", "p_1"},
            "atleast:2:p_0,p_1,p_2": len(inside) >= 2,
            "date:2024-02..2024-03": month in (2, 3),
            "source:s_1": photo % 2 == 0,
            "collection:c_2 without:p_2": photo % 2 == 1 and "p_2" not in inside,
            "text:sea with:p_0": photo % 4 == 0 and "p_0" in inside,
        }[query]
    )


@pytest.mark.parametrize("few", [0, 100_000])
@pytest.mark.parametrize("people", [3, 2_000])
@pytest.mark.parametrize("query", QUERIES)
def test_a_query_finds_the_same_by_whichever_way(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, query: str, people: int, few: int
) -> None:
    monkeypatch.setattr(photo_queries, "FEW", few)
    expected = [photo for photo in range(60, 0, -1) if holds(photo, query)]
    assert expected
    assert found(connection, parse(query), people) == expected


def test_nobody_who_may_be_found_finds_nothing(connection: Connection) -> None:
    nothing = matching_photos(connection, parse(""), findable=[], named={}, before=None, limit=9)
    assert nothing == []
    elsewhere = [Within(person_ids=frozenset({"p_0"}), collection_ids=("c_3",))]
    assert not matching_photos(
        connection, parse(""), findable=elsewhere, named={}, before=None, limit=9
    )


@pytest.mark.parametrize("query", QUERIES)
def test_no_table_but_that_of_photos_is_read_from_end_to_end(
    connection: Connection, query: str
) -> None:
    asked: list[tuple[str, object]] = []

    def note(_conn: object, _cursor: object, sql: str, values: object, *_rest: object) -> None:
        asked.append((sql, values))

    event.listen(connection, "before_cursor_execute", note)
    found(connection, parse(query), 2_000)
    event.remove(connection, "before_cursor_execute", note)
    for sql, values in asked:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
        scanned = [row[3] for row in plan if row[3].startswith("SCAN") and "anon" not in row[3]]
        assert set(scanned) <= {"SCAN photos"}, (query, scanned)


def test_a_photo_links_few_people_and_is_never_asked_about_each_of_many(
    connection: Connection,
) -> None:
    statements: list[str] = []
    event.listen(
        connection, "before_cursor_execute", lambda _c, _k, sql, *_rest: statements.append(sql)
    )
    found(connection, parse(""), 2_000)
    plan = connection.exec_driver_sql(
        f"EXPLAIN QUERY PLAN {statements[-1]}", tuple("" for _ in range(statements[-1].count("?")))
    )
    assert not [row[3] for row in plan if "photo_id=? AND person_id=?" in row[3]]


def test_who_is_in_a_photo_comes_by_face(connection: Connection) -> None:
    inside = people_in_photos(connection, [12, 7, 9])
    assert [(one.person_id, one.face.number, one.proposed) for one in inside[12]] == [
        ("p_0", 1, False),
        ("p_1", 2, False),
        ("p_2", 3, False),
    ]
    assert [one.person_id for one in inside[9]] == ["p_1"]
    assert 7 not in inside
