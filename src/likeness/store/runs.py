"""Runs over sources, as they were written down, and how much each source and collection holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from likeness.store.schema import runs, sightings, sources


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """One run of ``add`` over a source.

    Attributes
    ----------
    run_id, source_id : str
    started_at : datetime
    finished_at : datetime or None
        None while it runs, and for good where it was broken off.
    account : mapping of str to int
        What it did; empty where it did not end.
    """

    run_id: str
    source_id: str
    started_at: datetime
    finished_at: datetime | None
    account: Mapping[str, int]


def runs_of(connection: Connection, source_id: str, *, limit: int) -> list[StoredRun]:
    """The latest runs over a source, newest first."""
    rows = connection.execute(
        select(runs)
        .where(runs.c.source_id == source_id)
        .order_by(runs.c.started_at.desc(), runs.c.run_id)
        .limit(limit)
    )
    return [_run(row) for row in rows]


def sightings_by_source(connection: Connection) -> dict[str, int]:
    """How many sightings each source has; those without any are absent."""
    rows = connection.execute(
        select(sightings.c.source_id, func.count()).group_by(sightings.c.source_id)
    )
    return {row[0]: int(row[1]) for row in rows}


def photos_by_collection(connection: Connection) -> dict[str, int]:
    """How many photos each collection holds; those without any are absent."""
    rows = connection.execute(
        select(sources.c.collection_id, func.count(sightings.c.photo_id.distinct()))
        .join(sources, sources.c.source_id == sightings.c.source_id)
        .group_by(sources.c.collection_id)
    )
    return {row[0]: int(row[1]) for row in rows}


def _run(row: Row[*tuple[Any, ...]]) -> StoredRun:
    return StoredRun(
        run_id=row.run_id,
        source_id=row.source_id,
        started_at=datetime.fromisoformat(row.started_at),
        finished_at=datetime.fromisoformat(row.finished_at) if row.finished_at else None,
        account=json.loads(row.account) if row.account else {},
    )
