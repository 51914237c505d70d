"""Parts for tests of taking photos in: what was looked at, decoded, counted and held."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from promise_house import rows
from synthetic_engine import NEAR, Drawn, RecordingEngine, save

from likeness.faces.decode import decode
from likeness.ingest import IngestReport
from likeness.library import Library
from likeness.records.photo import DecodedPhoto, ReadLimits

ANN, BOB = 1, 2


class LookingEngine(RecordingEngine):
    """Counts the photos in which faces were looked for."""

    def __init__(self, engine: Any) -> None:
        super().__init__(engine)
        self.looked = 0

    def find_many(self, images: Any) -> Any:
        self.looked += len(images)
        return self._engine.find_many(images)


class CountingDecoders:
    """Decodes in this process, and counts."""

    def __init__(self) -> None:
        self.limits = ReadLimits()
        self.decoded = 0

    def decode(self, data: bytes, *, long_side: int | None) -> DecodedPhoto:
        self.decoded += 1
        return decode(data, limits=self.limits, long_side=long_side)

    def close(self) -> None:
        """Nothing is held."""


def save_three(folder: Path) -> Path:
    """A photo of Ann, one of her with Bob, and one of nobody, in two folders."""
    save(folder / "ann.png", Drawn(person=ANN, look=NEAR), salt=1)
    save(folder / "sub" / "both.png", Drawn(person=BOB), Drawn(person=ANN), salt=2)
    save(folder / "sub" / "nobody.png", salt=3)
    return folder


def add(library: Library, folder: Path, **how: Any) -> IngestReport:
    return library.ingest(folder, **{"collection": "party", **how})


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    return report.found, report.new, report.known, report.gone


def items(library: Library) -> list[str]:
    return [item for (item,) in rows(library, "SELECT item FROM sightings ORDER BY item")]


def held(library: Library) -> tuple[int, int]:
    return (
        rows(library, "SELECT count(*) FROM photos")[0][0],
        rows(library, "SELECT count(*) FROM faces")[0][0],
    )


def linked(library: Library) -> set[str]:
    """Items in which somebody is linked."""
    found = rows(
        library,
        "SELECT item FROM sightings JOIN links USING (photo_id) WHERE decision = 'same'",
    )
    return {item for (item,) in found}
