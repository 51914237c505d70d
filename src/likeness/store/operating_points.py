"""Operating points as kept: those of each model pack that was ever calibrated here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from likeness.records.operating_point import OperatingPoint
from likeness.store.schema import operating_points, photos


def load(connection: Connection, pack_fingerprint: str) -> tuple[OperatingPoint, ...]:
    """Those of one pack, by rising gallery size; none where it was not calibrated here."""
    rows = connection.execute(
        select(operating_points)
        .where(operating_points.c.pack_fingerprint == pack_fingerprint)
        .order_by(operating_points.c.gallery_size)
    )
    return tuple(
        OperatingPoint(
            gallery_size=row.gallery_size,
            strong=row.strong,
            review=row.review,
            margin=row.margin,
            measured_on=row.measured_on,
            calibrated_at=datetime.fromisoformat(row.calibrated_at),
        )
        for row in rows
    )


def replace_all(
    connection: Connection, pack_fingerprint: str, points: Iterable[OperatingPoint]
) -> None:
    """Put these in the place of all that the pack had here."""
    connection.execute(
        delete(operating_points).where(operating_points.c.pack_fingerprint == pack_fingerprint)
    )
    rows = [
        {
            "pack_fingerprint": pack_fingerprint,
            "gallery_size": point.gallery_size,
            "strong": point.strong,
            "review": point.review,
            "margin": point.margin,
            "measured_on": point.measured_on,
            "calibrated_at": point.calibrated_at.isoformat(),
        }
        for point in points
    ]
    if rows:
        connection.execute(insert(operating_points), rows)


def mark_all_photos(connection: Connection, matched_through: int) -> int:
    """Mark every photo as compared through a change number; returns how many there are."""
    return connection.execute(update(photos).values(matched_through=matched_through)).rowcount
