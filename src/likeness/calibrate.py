"""Calibrate: an evaluation's figures -> checked -> kept with the pack's fingerprint -> audit ->
every photo waits to be compared again.

Links that stand are not touched: they are decided anew, photo by photo, by the next rescan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from likeness.errors import BadInput, PackMismatch
from likeness.faces.packs import UNREACHABLE
from likeness.house import House
from likeness.operating import Calibration, largest_calibration
from likeness.records.operating_point import OperatingPoint
from likeness.store import collections as collection_rows
from likeness.store import operating_points
from likeness.store.changes import raise_change
from likeness.store.photos import NEVER_MATCHED

SCHEMA = "likeness.evaluate/1"
LONGEST_WORDS = 500
LARGEST_GALLERY = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """What calibrating did.

    Attributes
    ----------
    points : tuple of OperatingPoint
        By rising gallery size.
    photos : int
        Photos that wait to be compared again.
    """

    points: tuple[OperatingPoint, ...]
    photos: int


def calibrate(house: House, report: Mapping[str, Any]) -> Calibrated:
    """Take the thresholds of an evaluation for this library.

    Parameters
    ----------
    house : House
    report : mapping
        As written by ``likeness evaluate``. It comes from a file and is checked.

    Raises
    ------
    BadInput
        It is no such report, holds values that cannot be, or was made on too few photos.
    PackMismatch
        It was made with another model pack, or another version of this one.
    """
    # (1) What the report says, and that it says it of this pack.
    fingerprint = _text(_part(report, "pack"), "fingerprint")
    if report.get("schema") != SCHEMA:
        raise _not_usable(f"does not say that it is {SCHEMA}")
    if fingerprint != house.pack.fingerprint:
        raise PackMismatch(
            f"The evaluation was made with another model pack, or another version of it, than the "
            f"pack {house.pack.name!r} that this library uses.",
            f"Make it again with: likeness evaluate DATASET --pack {house.pack.name}",
        )
    points = _points(house, _part(report, "operating_point"))
    with house.transaction() as connection:
        house.require_pack(connection)
        # (2) Kept, under a change number of its own: whoever is comparing just now compares again.
        operating_points.replace_all(connection, fingerprint, points)
        raise_change(connection)
        # (3) Every photo waits for the next rescan; what is linked stays as it is until then.
        photos = operating_points.mark_all_photos(connection, NEVER_MATCHED)
        # (4) The account of it.
        house.audit_deed(
            connection,
            kind="calibrate",
            details={
                "pack": fingerprint,
                "thresholds": [
                    [point.gallery_size, point.strong, point.review, point.margin]
                    for point in points
                ],
            },
        )
    house.eligibility.refresh()
    return Calibrated(points=points, photos=photos)


def standing(house: House) -> Calibration | None:
    """Where this library's thresholds come from, and whether its galleries have outgrown them.

    None where the library's pack is not here, so that nothing is compared.
    """
    if house.chosen.manifest is None:
        return None
    with house.store.snapshot() as connection:
        collections = collection_rows.all_collections(connection)
    people = max(
        (len(house.eligibility.comparable([c.collection_id]).person_ids) for c in collections),
        default=0,
    )
    return largest_calibration(house.pack, house.eligibility.operating_points, people)


def _points(house: House, part: Mapping[str, Any]) -> tuple[OperatingPoint, ...]:
    rows = part.get("thresholds")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _not_usable("has no list of thresholds")
    if not rows:
        raise BadInput(
            "The evaluation was made on too few photos to say from which score on a face may be "
            "linked.",
            "Evaluate on at least 300 photos of several hundred people, given by person.",
        )
    margin = _cosine(part, "margin")
    words = _text(part, "measured_on")
    points = []
    for row in rows:
        size = row.get("gallery_size")
        if type(size) is not int or not 1 <= size <= LARGEST_GALLERY:
            raise _not_usable("has a gallery size that cannot be")
        strong = UNREACHABLE if row.get("strong") is None else _cosine(row, "strong")
        review = _cosine(row, "review")
        points.append(
            OperatingPoint(
                gallery_size=size,
                strong=strong,
                review=review,
                margin=margin,
                measured_on=words,
                calibrated_at=house.clock(),
            )
        )
    for before, after in pairwise(points):
        if (
            after.gallery_size <= before.gallery_size
            or after.strong < before.strong
            or after.review < before.review
        ):
            raise _not_usable("has thresholds that do not rise with the gallery")
    if any(point.review > point.strong for point in points) or margin < 0:
        raise _not_usable("proposes faces from a higher score on than it links them")
    return tuple(points)


def _part(report: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = report.get(name)
    if not isinstance(part, dict):
        raise _not_usable(f"has no {name}")
    return part


def _text(part: Mapping[str, Any], name: str) -> str:
    value = part.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_WORDS:
        raise _not_usable(f"has no {name}")
    return value


def _cosine(part: Mapping[str, Any], name: str) -> float:
    value = part.get(name)
    # Also refuses what is not a number: NaN is in no range.
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1 <= value <= 1:
        raise _not_usable(f"has a {name} that is no cosine")
    return float(value)


def _not_usable(why: str) -> BadInput:
    return BadInput(
        f"The report of the evaluation {why}.", "Make it again with: likeness evaluate DATASET"
    )
