"""The revisions give exactly the tables of the schema, and nothing older or newer is taken."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from likeness.errors import LibraryExists, LibraryMissing, StorageError, StorageUnsafe
from likeness.store import sqlite_version
from likeness.store.schema import metadata
from likeness.store.schema_accounts import sessions as sessions
from likeness.store.sqlite import SqliteStore, migrate
from likeness.store.sqlite_version import sqlite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "library.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore.create(path)
    yield made
    made.close()


@pytest.fixture
def plain() -> Iterator[Engine]:
    """A database in memory, with no tables."""
    engine = create_engine("sqlite+pysqlite://", module=sqlite)
    yield engine
    engine.dispose()


def test_the_revisions_give_the_tables_of_the_schema(store: SqliteStore) -> None:
    with store.transaction() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_they_agree_in_every_column_key_index_and_check(store: SqliteStore, plain: Engine) -> None:
    """Also in what Alembic does not compare."""
    metadata.create_all(plain)
    with store.snapshot() as migrated, plain.connect() as declared:
        assert described(migrated) == described(declared)


def described(connection: Connection) -> dict[str, Any]:
    found = inspect(connection)
    tables = {}
    for name in sorted(set(found.get_table_names()) - {"alembic_version"}):
        statement = connection.execute(
            text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": name}
        ).scalar_one()
        tables[name] = {
            "columns": [
                (c["name"], str(c["type"]), c["nullable"], c["default"], c["primary_key"])
                for c in found.get_columns(name)
            ],
            "foreign": sorted(
                (tuple(f["constrained_columns"]), f["referred_table"], tuple(f["referred_columns"]))
                for f in found.get_foreign_keys(name)
            ),
            "unique": sorted(tuple(u["column_names"]) for u in found.get_unique_constraints(name)),
            "checks": sorted(c["sqltext"] for c in found.get_check_constraints(name)),
            "indexes": sorted(
                (
                    str(i["name"]),
                    tuple(i["column_names"]),
                    i["unique"],
                    str(i.get("dialect_options", {}).get("sqlite_where")),
                )
                for i in found.get_indexes(name)
            ),
            "never used twice": "AUTOINCREMENT" in statement,
        }
    return tables


def test_there_is_one_line_of_revisions_and_each_is_numbered() -> None:
    config = Config()
    config.set_main_option("script_location", "likeness:store/migrations")
    scripts = ScriptDirectory.from_config(config)
    revisions = [script.revision for script in scripts.walk_revisions("base", "heads")]
    assert revisions == [f"{n:04}" for n in range(len(revisions), 0, -1)]
    assert scripts.get_heads() == [revisions[0]]


def test_opening_again_changes_nothing(path: Path, store: SqliteStore) -> None:
    with store.snapshot() as connection:
        before = connection.execute(text("SELECT * FROM sqlite_master")).all()
    again = SqliteStore(path)
    with again.snapshot() as connection:
        assert connection.execute(text("SELECT * FROM sqlite_master")).all() == before
    again.close()


def test_several_that_open_a_new_database_at_once_make_its_tables_once(path: Path) -> None:
    path.touch()
    failed: list[BaseException] = []

    def open_it() -> None:
        try:
            SqliteStore(path).close()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.parametrize("revision", ["9999", "", "0001'; DROP TABLE people; --"])
def test_a_database_of_another_revision_is_refused_and_left_as_it_is(
    path: Path, store: SqliteStore, revision: str
) -> None:
    with store.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
        connection.execute(text("CREATE TABLE of_the_future (x)"))
    store.close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match="newer version of Likeness") as caught:
        SqliteStore(path)
    assert "Install the newest version" in caught.value.fix
    assert path.read_bytes() == before


def test_a_revision_that_breaks_off_leaves_the_database_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic.operations import Operations

    made = 0
    create = Operations.create_index

    def breaking(*given: Any, **named: Any) -> Any:
        nonlocal made
        made += 1
        if made == 5:
            raise KeyboardInterrupt
        return create(*given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(Operations, "create_index", breaking)
        with pytest.raises(KeyboardInterrupt):
            SqliteStore.create(path)
    with sqlite.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()
    whole = SqliteStore(path)
    with whole.snapshot() as reading:
        assert set(metadata.tables) <= set(inspect(reading).get_table_names())
    whole.close()


def test_an_sqlite_that_is_too_old_opens_and_makes_nothing(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_version.sqlite, "sqlite_version_info", (3, 51, 2))
    with pytest.raises(StorageUnsafe, match=r"SQLite 3\.51\.2"):
        SqliteStore(path)
    other = path.with_name("other.sqlite3")
    with pytest.raises(StorageUnsafe):
        SqliteStore.create(other)
    assert not other.exists(), "nothing half-made is left in the way of the next attempt"


def test_a_database_is_never_made_over_something_or_nowhere(path: Path) -> None:
    path.write_bytes(b"mine")
    with pytest.raises(LibraryExists):
        SqliteStore.create(path)
    assert path.read_bytes() == b"mine"
    with pytest.raises(StorageError, match="cannot be made"):
        SqliteStore.create(path / "below a file")


def test_a_database_that_is_not_there_is_missing_and_not_made(path: Path) -> None:
    with pytest.raises(LibraryMissing, match="no library database"):
        SqliteStore(path)
    path.mkdir()
    with pytest.raises(LibraryMissing):
        SqliteStore(path)


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 500, b"SQLite format 3\0" + b"x" * 9000]
)
def test_a_file_that_is_no_database_is_said_to_be_damaged(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StorageError, match="database failed"):
        SqliteStore(path)
    assert path.read_bytes() == content


def test_the_database_keeps_to_what_it_was_set_up_for(store: SqliteStore) -> None:
    expected = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "trusted_schema": 0,
        "temp_store": 2,
        "busy_timeout": 30_000,
    }
    for block in (store.transaction, store.snapshot):
        with block() as connection:
            found = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in expected
            }
        assert found == expected


def test_there_is_one_row_about_the_library_and_a_consent_has_one_of_three_states(
    plain: Engine,
) -> None:
    migrate(plain)
    columns = [c.name for c in metadata.tables["library"].columns if c.name != "row"]
    library = f"INSERT INTO library ({', '.join(columns)}, row) VALUES ({'0, ' * len(columns)}2)"
    consent = "INSERT INTO consents VALUES ('c', 'p', 'granted', x'00')"
    for statement in (library, consent):
        with plain.connect() as connection, pytest.raises(IntegrityError, match="CHECK"):
            connection.execute(text(statement))
