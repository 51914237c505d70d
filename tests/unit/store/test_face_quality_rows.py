"""What was measured of a face is kept with it."""

from __future__ import annotations

from sqlalchemy import Connection, select
from store_rows import QUALITY, photo

from likeness.store.schema import faces


def test_every_measure_of_a_face_is_kept(connection: Connection) -> None:
    _, [face_id] = photo(connection, "a", faces=1)
    row = connection.execute(select(faces).where(faces.c.face_id == face_id)).one()._mapping
    assert {name: row[name] for name in vars(QUALITY)} == vars(QUALITY)
