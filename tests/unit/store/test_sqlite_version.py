from __future__ import annotations

import pytest

from likeness.errors import StorageUnsafe
from likeness.store.sqlite_version import require_safe_sqlite, sqlite


def test_the_sqlite_in_use_is_safe() -> None:
    require_safe_sqlite()
    assert sqlite.__name__.startswith("pysqlite3")


@pytest.mark.parametrize("version", [(3, 51, 2), (3, 50, 9), (2, 99, 99)])
def test_an_sqlite_that_can_corrupt_a_library_is_refused(version: tuple[int, int, int]) -> None:
    with pytest.raises(StorageUnsafe, match=r"3\.51\.3"):
        require_safe_sqlite(version)


@pytest.mark.parametrize("version", [(3, 51, 3), (3, 52, 0), (4, 0, 0)])
def test_later_versions_are_accepted(version: tuple[int, int, int]) -> None:
    require_safe_sqlite(version)
