"""Give a notice about a domain that a library holds many sightings of, and time its parts.

    python bench/notices.py --sightings 1000000

The library is made for it: that many photos with a sighting on the domain each, every tenth with a
face, and a tenth as many photos from elsewhere, which have to stay. Said are the time until nothing
from there shows any more (the first transaction), the time until it is all gone and the receipt is
there, sightings a second, and the most memory that this process had.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from likeness.bench.timing import this_machine
from likeness.library import Library
from likeness.records.address import address_key
from likeness.store.schema import faces, photos, sightings, sources

AT_ONCE = 20_000
NOW = datetime(2026, 1, 1, tzinfo=UTC).isoformat()


def fill(library: Library, count: int, others: int) -> None:
    """Write the rows of that many photos on the domain, and of the others elsewhere."""
    [collection] = library.collections()
    for source, host, first, number in (
        ("src_stop", "photos.example.org", 1, count),
        ("src_stay", "example.net", count + 1, others),
    ):
        with library.house.store.transaction() as connection:
            connection.execute(
                insert(sources).values(
                    source_id=source,
                    collection_id=collection.collection_id,
                    kind="folder",
                    address=f"/photos/{source}",
                    state="active",
                    added_at=NOW,
                    sightings_removed=0,
                    photos_removed=0,
                )
            )
        for start in range(first, first + number, AT_ONCE):
            ids = range(start, min(start + AT_ONCE, first + number))
            with library.house.store.transaction() as connection:
                connection.execute(insert(photos), list(_photos(ids)))
                connection.execute(insert(sightings), list(_sightings(ids, source, host)))
                if with_face := [n for n in ids if n % 10 == 0]:
                    connection.execute(insert(faces), list(_faces(with_face)))


def _photos(ids: range) -> Iterator[dict[str, Any]]:
    for number in ids:
        yield {
            "photo_id": number,
            "sha256": f"{number:064x}",
            "width": 640,
            "height": 480,
            "format": "JPEG",
            "added_at": NOW,
            "matched_through": 0,
        }


def _sightings(ids: range, source: str, host: str) -> Iterator[dict[str, Any]]:
    for number in ids:
        page, media = f"https://{host}/page/{number}", f"https://{host}/media/{number}.jpg"
        yield {
            "photo_id": number,
            "source_id": source,
            "item": f"{number:09}.jpg",
            "size": 100_000,
            "modified_ns": 0,
            "link_mark": "",
            "page_url": page,
            "media_url": media,
            "text": "A caption of the usual length, as pages have them",
            "link_confidence": "exact",
            "link_from": "links.csv",
            "seen_in_run": "run",
            "page_key": address_key(page),
            "media_key": address_key(media),
        }


def _faces(ids: list[int]) -> Iterator[dict[str, Any]]:
    for number in ids:
        yield {
            "photo_id": number,
            "number": 1,
            "left": 10,
            "top": 10,
            "right": 90,
            "bottom": 90,
            "score": 1.0,
            "landmarks": bytes(40),
            "inter_eye": 40.0,
            "sharpness": 100.0,
            "yaw": 0.0,
            "roll": 0.0,
            "inside": 1.0,
            "crop": number.to_bytes(8, "big") * 600,
        }


def measure(count: int) -> dict[str, Any]:
    """Make the library, give the notice, and say what was measured."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Library.create(Path(folder) / "library", keyring=Path(folder) / "keys") as library,
    ):
        library.create_collection("bench", controller="Benchmark")
        fill(library, count, count // 10)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        would = library.dry_run_notice(kind="domain", about="example.org")
        dry = time.perf_counter() - began
        hidden: list[float] = []
        began = time.perf_counter()
        given = library.give_notice(
            kind="domain",
            about="example.org",
            given_by="bench",
            reason="",
            # The first word of the purge comes once the transaction that hides is durable.
            progress=lambda _progress: hidden.append(time.perf_counter() - began),
        )
        seconds = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if given.counts["photos"] != count or would["photos"] != count:
            raise SystemExit(f"{given.counts['photos']} of {count} photos went")
        if library.status().photos != count // 10:
            raise SystemExit("photos from elsewhere went too")
    return {
        "machine": asdict(this_machine()),
        "sightings": count,
        "dry_run_s": round(dry, 2),
        "hidden_after_ms": round(hidden[0] * 1000, 1),
        "seconds": round(seconds, 1),
        "sightings_a_second": round(count / seconds),
        "memory_before_mb": round(before / 1000),
        "memory_most_mb": round(after / 1000),
    }


def main() -> None:
    """Read the arguments, measure, and write one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sightings", type=int, default=1_000_000)
    print(json.dumps(measure(parser.parse_args().sightings), indent=2))


if __name__ == "__main__":
    main()
