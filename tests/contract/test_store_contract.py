"""What every store keeps to. Another database joins by an adapter in ``ADAPTERS``."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, event, insert, select
from sqlalchemy.exc import IntegrityError

from likeness.errors import BadInput, LibraryBusy, LikenessError, StorageError
from likeness.store.base import Store
from likeness.store.schema import accounts, receipts, sightings, sources
from likeness.store.sqlite import SqliteStore


class Adapter(ABC):
    """One database in a place of its own, and how a test gets at what no store offers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def open(self) -> Store:
        """Another store on the same database, as another process would open it."""

    @abstractmethod
    def impatient(self, store: Store) -> None:
        """Let this store wait for others for a moment only."""

    @abstractmethod
    def fill_disk(self, store: Store) -> None:
        """Leave this store hardly any room."""

    @abstractmethod
    def files(self) -> dict[str, bytes]:
        """Every file that the database keeps, by name."""


class Sqlite(Adapter):
    """The embedded store."""

    @property
    def path(self) -> Path:
        return self.folder / "library.sqlite3"

    def open(self) -> Store:
        return SqliteStore(self.path) if self.path.exists() else SqliteStore.create(self.path)

    def impatient(self, store: Store) -> None:
        self._with(store, "PRAGMA busy_timeout = 50")

    def fill_disk(self, store: Store) -> None:
        with store.snapshot() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        self._with(store, f"PRAGMA max_page_count = {pages + 4}")

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.folder.iterdir())}

    def _with(self, store: Store, pragma: str) -> None:
        assert isinstance(store, SqliteStore)

        def prepare(connection: Any, _record: Any) -> None:
            connection.execute(pragma)

        store.close()
        event.listen(store._engine, "connect", prepare)


ADAPTERS: tuple[type[Adapter], ...] = (Sqlite,)


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.__name__)
def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> Adapter:
    folder = tmp_path / "database"
    folder.mkdir()
    made: Adapter = request.param(folder)
    return made


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """Closes every store that a test opened."""
    with ExitStack() as stores:
        yield stores


@pytest.fixture
def store(adapter: Adapter, opened: ExitStack) -> Store:
    return another(adapter, opened)


def another(adapter: Adapter, opened: ExitStack) -> Store:
    store = adapter.open()
    opened.callback(store.close)
    return store


def add(connection: Connection, name: str) -> None:
    values = {"account_id": f"a_{name}", "name": name, "created_at": "2026-03-01T12:00:00+00:00"}
    connection.execute(insert(accounts).values(**values))


def names(store: Store) -> list[str]:
    with store.snapshot() as connection:
        return names_in(connection)


def names_in(connection: Connection) -> list[str]:
    return list(connection.execute(select(accounts.c.name).order_by(accounts.c.name)).scalars())


def keep(connection: Connection, serial: str, document: bytes) -> None:
    values = {"serial": serial, "kind": "removal", "issued_at": "", "document": document}
    connection.execute(insert(receipts).values(**values))


class Stopped(Exception):
    """Raised by a test in the middle of a block."""


def test_what_a_transaction_wrote_is_there_for_everybody_who_comes_after(
    adapter: Adapter, store: Store, opened: ExitStack
) -> None:
    with store.transaction() as connection:
        add(connection, "ann")
        assert names_in(connection) == ["ann"], "it sees what it wrote itself"
    assert names(store) == ["ann"]
    assert names(another(adapter, opened)) == ["ann"]
    store.close()
    assert names(another(adapter, opened)) == ["ann"]


def test_a_store_that_was_closed_opens_again_by_itself(store: Store) -> None:
    store.close()
    with store.transaction() as connection:
        add(connection, "ann")
    store.close()
    assert names(store) == ["ann"]


@pytest.mark.parametrize("error", [Stopped(), KeyboardInterrupt(), GeneratorExit()])
def test_a_block_that_ends_in_an_error_leaves_nothing_and_the_error_as_it_was(
    adapter: Adapter, store: Store, opened: ExitStack, error: BaseException
) -> None:
    with store.transaction() as connection:
        add(connection, "before")
    with pytest.raises(type(error)) as caught, store.transaction() as connection:
        add(connection, "ann")
        connection.execute(delete(accounts).where(accounts.c.name == "before"))
        raise error
    assert caught.value is error
    assert names(store) == ["before"]
    assert names(another(adapter, opened)) == ["before"]
    with store.transaction() as connection:
        add(connection, "after")
    assert names(store) == ["after", "before"], "and the store goes on working"


def test_a_statement_that_fails_leaves_nothing_of_the_block(store: Store) -> None:
    with pytest.raises(IntegrityError), store.transaction() as connection:
        add(connection, "ann")
        add(connection, "ann")
    assert names(store) == []


def test_a_failed_statement_does_not_tell_its_values(store: Store) -> None:
    with pytest.raises(IntegrityError) as caught, store.transaction() as connection:
        add(connection, "Zebulon Quarles")
        add(connection, "Zebulon Quarles")
    assert "Zebulon" not in str(caught.value) + repr(caught.value)


def test_a_text_with_half_a_character_is_refused_and_leaves_nothing(store: Store) -> None:
    with pytest.raises(BadInput, match="not valid text"), store.transaction() as connection:
        add(connection, "ann")
        add(connection, "bob \udce9")
    assert names(store) == []


def test_nothing_is_seen_before_it_is_committed(
    adapter: Adapter, store: Store, opened: ExitStack
) -> None:
    other = another(adapter, opened)
    with store.transaction() as connection:
        add(connection, "ann")
        assert names(other) == []
    assert names(other) == ["ann"]


def test_a_snapshot_goes_on_seeing_what_it_saw_first(
    adapter: Adapter, store: Store, opened: ExitStack
) -> None:
    other = another(adapter, opened)
    with store.snapshot() as connection:
        assert names_in(connection) == []
        with other.transaction() as writing:
            add(writing, "ann")
            keep(writing, "1", b"receipt")
        assert names(other) == ["ann"]
        assert names_in(connection) == []
        assert connection.execute(select(receipts.c.serial)).all() == [], "nor in another table"
    assert names(store) == ["ann"]


def test_a_snapshot_keeps_no_writer_waiting_and_no_writer_a_snapshot(
    adapter: Adapter, store: Store, opened: ExitStack
) -> None:
    adapter.impatient(store)
    other = another(adapter, opened)
    adapter.impatient(other)
    with store.snapshot() as reading, other.transaction() as writing:
        assert names_in(reading) == []
        add(writing, "ann")
        with store.snapshot() as second:
            assert names_in(second) == []
    assert names(store) == ["ann"]


def test_nothing_is_written_through_a_snapshot(
    adapter: Adapter, store: Store, opened: ExitStack
) -> None:
    with pytest.raises(StorageError), store.snapshot() as connection:
        add(connection, "ann")
    assert names(another(adapter, opened)) == []
    with store.transaction() as connection:
        add(connection, "bob")
    assert names(store) == ["bob"], "the same store writes on"


def test_one_writes_at_a_time_and_nothing_is_lost(
    adapter: Adapter, store: Store, opened: ExitStack
) -> None:
    """Each reads how many there are and writes the next: two at once would write the same."""
    failed: list[BaseException] = []

    def count_up(own: Store) -> None:
        try:
            for _ in range(10):
                with own.transaction() as connection:
                    add(connection, f"{len(names_in(connection)):03}")
        except BaseException as error:
            failed.append(error)

    stores = [store, another(adapter, opened), store]
    threads = [threading.Thread(target=count_up, args=(one,)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert names(store) == [f"{number:03}" for number in range(30)]


def test_who_waits_too_long_for_another_writer_is_told_so_and_has_written_nothing(
    adapter: Adapter, store: Store, opened: ExitStack
) -> None:
    other = another(adapter, opened)
    adapter.impatient(other)
    with store.transaction() as connection:
        add(connection, "ann")
        with pytest.raises(LibraryBusy, match="Another process"), other.transaction() as second:
            add(second, "bob")
    assert names(other) == ["ann"]
    with other.transaction() as connection:
        add(connection, "bob")
    assert names(store) == ["ann", "bob"]


def test_a_full_disk_is_said_and_nothing_of_the_block_stays(
    adapter: Adapter, store: Store, opened: ExitStack
) -> None:
    with store.transaction() as connection:
        add(connection, "ann")
    adapter.fill_disk(store)
    with pytest.raises(StorageError, match="full") as caught, store.transaction() as connection:
        add(connection, "bob")
        for number in range(100):
            keep(connection, str(number), bytes(4000))
    assert "Free some space" in caught.value.fix
    assert names(store) == ["ann"]
    with another(adapter, opened).transaction() as connection:
        add(connection, "carl")
    assert names(store) == ["ann", "carl"]


def test_what_refers_to_nothing_is_refused(store: Store) -> None:
    source = {
        "source_id": "src_1",
        "collection_id": "col_none",
        "kind": "folder",
        "address": "/photos",
        "state": "active",
        "added_at": "",
    }
    with pytest.raises(IntegrityError), store.transaction() as connection:
        connection.execute(insert(sources).values(**source))
    with pytest.raises(IntegrityError), store.transaction() as connection:
        row = {c.name: "" for c in sightings.c if c.name not in {"sighting_id", "photo_id"}}
        connection.execute(insert(sightings).values(**{**row, "photo_id": 1}))


def test_nothing_of_what_was_deleted_is_left_in_any_file(adapter: Adapter, store: Store) -> None:
    secret, kept = b"SECRET-" * 3000, b"KEPT---" * 3000
    with store.transaction() as connection:
        keep(connection, "gone", secret)
        keep(connection, "stays", kept)
        add(connection, "Zebulon")
    assert traces(adapter, b"SECRET-SECRET-") and traces(adapter, b"Zebulon"), "the scan can find"
    with store.transaction() as connection:
        connection.execute(delete(receipts).where(receipts.c.serial == "gone"))
        connection.execute(delete(accounts))
    store.overwrite_deleted()
    assert traces(adapter, b"SECRET-SECRET-") == []
    assert traces(adapter, b"Zebulon") == []
    with store.snapshot() as connection:
        assert connection.execute(select(receipts.c.document)).scalar_one() == kept


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(1, 9000), st.booleans()), min_size=1, max_size=12))
def test_what_was_deleted_is_gone_whatever_the_sizes_and_the_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, bool]]
) -> None:
    for make in ADAPTERS:
        adapter = make(tmp_path_factory.mktemp("database"))
        store = adapter.open()
        try:
            for number, (size, _) in enumerate(rows):
                with store.transaction() as connection:
                    keep(connection, f"{number}", f"<{number:03}|".encode() * size)
            with store.transaction() as connection:
                gone = [str(number) for number, (_, go) in enumerate(rows) if go]
                connection.execute(delete(receipts).where(receipts.c.serial.in_(gone)))
            store.overwrite_deleted()
            for number, (_, go) in enumerate(rows):
                assert bool(traces(adapter, f"<{number:03}|".encode())) is not go
        finally:
            store.close()


def traces(adapter: Adapter, secret: bytes) -> list[str]:
    return [name for name, content in adapter.files().items() if secret in content]


def test_overwriting_waits_for_a_reader_and_then_leaves_nothing(
    adapter: Adapter, store: Store, opened: ExitStack
) -> None:
    with store.transaction() as connection:
        keep(connection, "gone", b"SECRET-" * 3000)
    other = another(adapter, opened)
    reads, end = threading.Event(), threading.Event()

    def read() -> None:
        with other.snapshot() as connection:
            names_in(connection)
            reads.set()
            end.wait(10)

    reader = threading.Thread(target=read)
    reader.start()
    assert reads.wait(10)
    with store.transaction() as connection:
        connection.execute(delete(receipts))
    timer = threading.Timer(0.2, end.set)
    timer.start()
    store.overwrite_deleted()
    assert end.is_set(), "not before the reader had gone"
    assert traces(adapter, b"SECRET-SECRET-") == []
    reader.join()
    timer.join()


def test_the_files_are_their_owners_alone(adapter: Adapter, store: Store) -> None:
    with store.transaction() as connection:
        add(connection, "ann")
        modes = {path.name: path.stat().st_mode & 0o077 for path in adapter.folder.iterdir()}
    assert modes
    assert set(modes.values()) == {0}, modes


def test_every_error_of_a_store_that_is_damaged_is_one_that_says_what_to_do(
    adapter: Adapter, store: Store, opened: ExitStack
) -> None:
    with store.transaction() as connection:
        for number in range(50):
            keep(connection, str(number), bytes(4000))
    store.overwrite_deleted()
    store.close()
    for path in adapter.folder.iterdir():
        content = path.read_bytes()
        path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))
    with pytest.raises(LikenessError) as caught, another(adapter, opened).snapshot() as connection:
        connection.execute(select(receipts)).all()
    assert caught.value.fix
