"""The sources of a library as they stand: what each holds, what its runs did, which broke off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from likeness.errors import LibraryBusy
from likeness.house import House, ProgressListener, no_progress
from likeness.ingest import IngestReport, ingest
from likeness.recognise import recognised
from likeness.records.collection import Collection, SourceRecord
from likeness.sources.base import name_of
from likeness.sources.upload import UploadSource
from likeness.store import collections as collection_rows
from likeness.store.runs import (
    StoredRun,
    photos_by_collection,
    runs_of,
    sightings_by_source,
)
from likeness.store.sightings import count_of_source
from likeness.turns import taking_turns
from likeness.uploaded import UPLOADED, folder_of

RUNS_SHOWN = 20

RunState = Literal["running", "done", "broken off"]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run over a source.

    Attributes
    ----------
    run : StoredRun
    state : RunState
        ``"broken off"`` where it neither ended nor goes on: what it took in is kept, and running it
        again takes in the rest.
    """

    run: StoredRun
    state: RunState


@dataclass(frozen=True, kw_only=True)
class SourceView:
    """A source as it stands.

    Attributes
    ----------
    source : SourceRecord
    collection : Collection
    sightings : int
    runs : tuple of Run
        The latest, newest first.
    """

    source: SourceRecord
    collection: Collection
    sightings: int
    runs: tuple[Run, ...]

    @property
    def can_run_again(self) -> bool:
        """Whether what it was added by is still known: an export came in an archive."""
        return self.source.state == "active" and not self.source.kind.startswith("export-")


def views(house: House) -> list[SourceView]:
    """Every source with its last run, in the order in which they were added."""
    with house.store.snapshot() as connection:
        by_id = {c.collection_id: c for c in collection_rows.all_collections(connection)}
        counts = sightings_by_source(connection)
        known = [
            (source, runs_of(connection, source.source_id, limit=1))
            for source in collection_rows.all_sources(connection)
        ]
    return [
        SourceView(
            source=source,
            collection=by_id[source.collection_id],
            sightings=counts.get(source.source_id, 0),
            runs=_runs(house, source, runs),
        )
        for source, runs in known
    ]


def view(house: House, source_id: str) -> SourceView:
    """One source with its latest runs.

    Raises
    ------
    NotFound
    """
    with house.store.snapshot() as connection:
        source = collection_rows.require_source(connection, source_id)
        collection = collection_rows.collection_with(connection, source.collection_id)
        count = count_of_source(connection, source_id)
        runs = runs_of(connection, source_id, limit=RUNS_SHOWN)
    return SourceView(
        source=source,
        collection=collection,
        sightings=count,
        runs=_runs(house, source, runs),
    )


def photos_held(house: House) -> dict[str, int]:
    """How many photos each collection holds, by its id; those without any are absent."""
    with house.store.snapshot() as connection:
        return photos_by_collection(connection)


def run_again(
    house: House, source_id: str, *, progress: ProgressListener = no_progress
) -> IngestReport:
    """Take in what is new at a source since its last run.

    Raises
    ------
    NotFound
        There is no such source.
    UsageError, Refused, BadInput
        As when it was added.
    """
    with house.store.snapshot() as connection:
        source = collection_rows.require_source(connection, source_id)
        collection = collection_rows.collection_with(connection, source.collection_id)
    if source.kind == UPLOADED:
        files = UploadSource(folder_of(house, source.address), upload_id=source.address)
        return ingest(house, files, collection=collection, progress=progress)
    what = name_of(source.address) if source.kind == "folder" else source.address
    with recognised(house, what, collection=collection) as found:
        # A folder that became an export since is another source: what was added is run.
        chosen = next((one for one in found if one.kind == source.kind), found[0])
        return ingest(house, chosen, collection=collection, progress=progress)


def _runs(house: House, source: SourceRecord, runs: list[StoredRun]) -> tuple[Run, ...]:
    told = []
    for place, run in enumerate(runs):
        state: RunState = "done"
        if run.finished_at is None:
            # Only the latest can be under way: runs over one source take turns.
            state = "running" if place == 0 and _is_running(house, source) else "broken off"
        told.append(Run(run=run, state=state))
    return tuple(told)


def _is_running(house: House, source: SourceRecord) -> bool:
    try:
        with taking_turns(house, f"add-{source.source_id}", wait=False):
            return False
    except LibraryBusy:
        return True
