"""A store of rows for tests that need no library around it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection
from store_rows import make_store

from likeness.store.sqlite import SqliteStore


@pytest.fixture(scope="module")
def store_of_rows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    """Collections with a source each, two people, and no photo."""
    made = make_store(tmp_path_factory.mktemp("store"))
    yield made
    made.close()


@pytest.fixture
def connection(store_of_rows: SqliteStore) -> Iterator[Connection]:
    """A transaction of which nothing is kept."""
    with pytest.raises(InterruptedError), store_of_rows.transaction() as connection:
        yield connection
        raise InterruptedError
