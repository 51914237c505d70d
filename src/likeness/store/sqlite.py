"""The embedded store: one SQLite file, one writer at a time, durable at each commit."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from likeness.errors import BadInput, LibraryBusy, LibraryExists, LibraryMissing, StorageError
from likeness.store.sqlite_version import require_safe_sqlite

BUSY_SECONDS = 30.0

_PRAGMAS = (
    f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA synchronous = FULL",
    # The database comes from outside when a backup is restored: no function it names may run.
    "PRAGMA trusted_schema = OFF",
)


class SqliteStore:
    """The tables in one SQLite file: write-ahead log, ``synchronous=FULL``, ``secure_delete``.

    Parameters
    ----------
    path : Path
        The database file; made by :meth:`create`.

    Raises
    ------
    LibraryMissing
        Where there is no such file.
    StorageUnsafe
        Where the SQLite in use is older than 3.51.3.
    StorageError
        Where the file is damaged, or of a newer version of Likeness.
    """

    def __init__(self, path: Path) -> None:
        require_safe_sqlite()
        if not path.is_file():
            raise LibraryMissing(
                f"There is no library database at {path}.", "Make one with: likeness init DIR"
            )
        self._engine = _engine(path)
        with _clear_errors():
            migrate(self._engine)

    @classmethod
    def create(cls, path: Path) -> SqliteStore:
        """Make the file, readable by its owner only, and the tables in it.

        Raises
        ------
        LibraryExists
            Where there is something at the path already.
        StorageError
            Where the file cannot be made, or the SQLite in use is too old.
        """
        require_safe_sqlite()
        try:
            path.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            raise LibraryExists(
                f"There is something at {path} already.", "Choose a new folder."
            ) from None
        except OSError as error:
            raise StorageError(
                f"The database {path} cannot be made: {error.strerror}.",
                "Make room on the disk, or choose another folder.",
            ) from None
        return cls(path)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One writing transaction; see :class:`likeness.store.base.Store`."""
        with _clear_errors(), self._begun("BEGIN IMMEDIATE", writing=True) as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """One reading transaction; see :class:`likeness.store.base.Store`."""
        with _clear_errors(), self._begun("BEGIN", writing=False) as connection:
            yield connection

    def overwrite_deleted(self) -> None:
        """Move the write-ahead log into the file and cut it to nothing, waiting for readers."""
        deadline = time.monotonic() + BUSY_SECONDS
        with _clear_errors(), self._engine.connect() as connection:
            while True:
                busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one()
                if not busy:
                    return
                if time.monotonic() > deadline:
                    raise LibraryBusy(
                        "A reader kept the write-ahead log of the library open.",
                        "End the other process, then open the library again.",
                    )
                time.sleep(0.05)

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    @contextmanager
    def _begun(self, begin: str, *, writing: bool) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writing else 'ON'}")
            connection.exec_driver_sql(begin)
            try:
                yield connection
            except BaseException:
                _roll_back(connection)
                raise
            try:
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest revision (Alembic), inside one transaction.

    Raises
    ------
    StorageError
        Where the tables are of a revision that this version does not know; nothing is changed.
    """
    config = Config()
    config.set_main_option("script_location", "likeness:store/migrations")
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        try:
            _require_known_revision(config, connection)
            command.upgrade(config, "head")
        except BaseException:
            _roll_back(connection)
            raise
        connection.exec_driver_sql("COMMIT")


def _require_known_revision(config: Config, connection: Connection) -> None:
    revisions = ScriptDirectory.from_config(config).walk_revisions()
    known = {script.revision for script in revisions}
    if not known.issuperset(MigrationContext.configure(connection).get_current_heads()):
        raise StorageError(
            "The library was last opened by a newer version of Likeness, whose tables this one "
            "does not know; nothing was changed.",
            "Install the newest version of Likeness, then open it again.",
        )


def _engine(path: Path) -> Engine:
    from pysqlite3 import dbapi2

    engine = create_engine(
        # A file that went away is an error: SQLite must not put an empty one in its place.
        URL.create(
            "sqlite+pysqlite",
            database=f"file:{quote(os.fspath(path.absolute()))}",
            query={"mode": "rw", "uri": "true"},
        ),
        module=dbapi2,
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": BUSY_SECONDS},
        # Values of a failed statement may be personal: they stay out of messages.
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        _use_write_ahead_log(cursor)
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    return engine


def _use_write_ahead_log(cursor: Any) -> None:
    """Have a new file use one; of several that open it at once SQLite makes nobody wait."""
    from pysqlite3 import dbapi2

    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except dbapi2.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _roll_back(connection: Connection) -> None:
    raw = connection.connection.dbapi_connection
    if raw is not None and getattr(raw, "in_transaction", False):
        connection.exec_driver_sql("ROLLBACK")


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Say what a failing database means, without the statement's values."""
    try:
        yield
    except UnicodeEncodeError:
        raise BadInput(
            "A name or another word holds characters that are not valid text.",
            "Type it again in a terminal that uses UTF-8.",
        ) from None
    except DBAPIError as error:
        reason = str(error.orig)
        if "locked" in reason or "busy" in reason:
            raise LibraryBusy(
                f"Another process kept the library for more than {BUSY_SECONDS:.0f} seconds.",
                "Wait for it to end, then try again.",
            ) from None
        if "full" in reason:
            raise StorageError(
                "The disk that holds the library is full; nothing was changed.",
                "Free some space, then try again.",
            ) from None
        if "readonly" in reason:
            raise StorageError(
                "The library cannot be written.", "Check the permissions of its folder."
            ) from None
        damaged = "malformed" in reason or "not a database" in reason
        if damaged or isinstance(error, OperationalError):
            raise StorageError(
                f"The library's database failed: {reason}.",
                "Check the disk; restore the library from a backup if it is damaged.",
            ) from None
        raise
    except NoConnectionLeft:
        raise LibraryBusy(
            "Too many tasks of this process use the library at once.", "Try again in a while."
        ) from None
