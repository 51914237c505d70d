"""The SQLite that a library may stand on, and the module that brings it.

SQLite before 3.51.3 can corrupt a database in write-ahead mode when its log is reset while another
process writes (sqlite.org/releaselog/3_51_3.html), and many Pythons link an older one. So the
library never uses the ``sqlite3`` of Python: it uses the ``pysqlite3`` wheel, which has the same
interface.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from likeness.errors import StorageUnsafe

if TYPE_CHECKING:
    import sqlite3 as sqlite
else:
    from pysqlite3 import dbapi2 as sqlite

__all__ = ["SAFE_SQLITE", "require_safe_sqlite", "sqlite"]

SAFE_SQLITE = (3, 51, 3)
"""The oldest SQLite that is trusted with a library."""


def require_safe_sqlite(version: tuple[int, int, int] | None = None) -> None:
    """Refuse to go on with an SQLite that can corrupt a library.

    Parameters
    ----------
    version : (major, minor, patch), optional
        Version to judge; that of the SQLite in use where absent.

    Raises
    ------
    StorageUnsafe
        The version is older than ``SAFE_SQLITE``.
    """
    found = version or sqlite.sqlite_version_info
    if found < SAFE_SQLITE:
        raise StorageUnsafe(
            f"SQLite {'.'.join(map(str, found))} can corrupt a library that several processes use.",
            "Install a newer 'pysqlite3' wheel: SQLite 3.51.3 or later is needed.",
        )
