"""Sources and their runs in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final

from likeness.account import IngestReport
from likeness.house import House
from likeness.records.collection import SourceRecord
from likeness.source_runs import Run
from likeness.store import collections as collection_rows

_KINDS: Final[Mapping[str, str]] = {
    "folder": "folder on the server",
    "upload": "uploaded photos",
    "website": "website",
    "iiif": "IIIF collection",
    "bucket": "bucket",
}
_WITH_ADDRESS: Final = ("website", "iiif", "bucket")
_EXPORTS: Final[Mapping[str, str]] = {
    "x": "X",
    "google-photos": "Google Photos",
    "youtube": "YouTube",
    "linkedin": "LinkedIn",
}


def kind_in_words(kind: str) -> str:
    """What sort of source it is.

    >>> kind_in_words("folder"), kind_in_words("export-google-photos")
    ('folder on the server', 'export of Google Photos')
    """
    if kind.startswith("export-"):
        platform = kind.removeprefix("export-")
        return f"export of {_EXPORTS.get(platform, platform.capitalize())}"
    return _KINDS.get(kind, kind)


def source_names(house: House, source_ids: Iterable[str]) -> dict[str, str]:
    """Names of some sources by id, such as ``party, folder "2024"``; no path of this machine."""
    wanted = set(source_ids)
    if not wanted:
        return {}
    with house.store.snapshot() as connection:
        collections = {
            one.collection_id: one.name for one in collection_rows.all_collections(connection)
        }
        return {
            source.source_id: f"{collections[source.collection_id]}, {_what(source)}"
            for source in collection_rows.all_sources(connection)
            if source.source_id in wanted
        }


def _what(source: SourceRecord) -> str:
    if source.kind == "folder":
        return f"folder “{PurePosixPath(source.address).name}”"
    kind = kind_in_words(source.kind)
    return f"{kind} {source.address}" if source.kind in _WITH_ADDRESS else kind


def page_of_run(report: IngestReport) -> str:
    """The page that shows what a run did; of several sources, all of them."""
    return "/sources" if " " in report.source_id else f"/sources/{report.source_id}"


def run_in_words(run: Run) -> str:
    """What a run did, in a sentence.

    >>> from datetime import UTC, datetime
    >>> from likeness.store.runs import StoredRun
    >>> at = datetime(2026, 3, 1, tzinfo=UTC)
    >>> account = {"found": 5, "new": 2, "known": 2, "skipped": 1, "gone": 0, "without_link": 0}
    >>> stored = StoredRun(
    ...     run_id="r", source_id="s", started_at=at, finished_at=at, account=account
    ... )
    >>> run_in_words(Run(run=stored, state="done"))
    'Found 5 photos: 2 new, 2 known before. 1 was not taken in.'
    """
    if run.state == "running":
        return "It is under way."
    if run.state == "broken off":
        return "It was broken off. What it took in is kept; run it again for the rest."
    told = run.run.account
    new, known = told.get("new", 0), told.get("known", 0)
    sentences = [f"Found {_photos(told.get('found', 0))}: {new:,} new, {known:,} known before."]
    for name, one, several in (
        ("skipped", "was not taken in", "were not taken in"),
        ("gone", "is no longer there", "are no longer there"),
        (
            "without_link",
            "has no link back but its own file",
            "have no link back but their own file",
        ),
    ):
        count = told.get(name, 0)
        if count:
            sentences.append(f"{count:,} {one if count == 1 else several}.")
    return " ".join(sentences)


def _photos(count: int) -> str:
    return f"{count:,} photo{'' if count == 1 else 's'}"
