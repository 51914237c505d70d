"""What pages call a source: its collection, and what it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType

from likeness.house import House
from likeness.records.collection import SourceRecord
from likeness.store import collections as collection_rows

_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "folder": "folder",
        "website": "site",
        "iiif": "IIIF",
        "bucket": "bucket",
    }
)


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
    kind = _KINDS.get(source.kind, "")
    if source.kind == "folder":
        return f"folder “{PurePosixPath(source.address).name}”"
    if kind:
        return f"{kind} {source.address}"
    return source.kind.removeprefix("export-").replace("-", " ")
