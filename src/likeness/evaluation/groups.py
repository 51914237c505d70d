"""Errors by group of people: any columns of a table of photos, one threshold for all.

A false match is counted between two people of one group; a false non-match where both photos are of
the group. Worst-to-average ratios as in NIST's FRTE (worst over arithmetic and over geometric mean
of the groups). Source: ISO/IEC 19795-10:2024.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likeness.errors import BadInput
from likeness.evaluation.comparisons import mated_of, non_mated_errors
from likeness.evaluation.dataset import photo_folder, table_rows
from likeness.evaluation.intervals import PeopleBootstrap, Rate
from likeness.evaluation.subjects import Subjects

MOST_VALUES = 12
MOST_CROSSED = 24
AGE_BANDS = (0, 18, 30, 45, 60)
BANDS = 4
UNSAID = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Grouping:
    """One way to part photos into groups.

    Attributes
    ----------
    column : str
        Its name, or two of them such as ``"group and sex"``.
    labels : array of n str
        Of each photo; empty where nothing is said of it.
    """

    column: str
    labels: NDArray[np.str_]

    def values(self) -> list[str]:
        """Every group, in the order of their names."""
        return sorted((str(v) for v in set(self.labels) if v), key=_natural)


@dataclass(frozen=True, kw_only=True)
class GroupRates:
    """What was measured of one group.

    Attributes
    ----------
    value : str
    people, photos : int
    not_acquired : Rate
        Photos without a template.
    fmr, fnmr : Rate
    """

    value: str
    people: int
    photos: int
    not_acquired: Rate
    fmr: Rate
    fnmr: Rate


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """The worst group's rate over the mean of all groups.

    Attributes
    ----------
    worst : str
    to_arithmetic, to_geometric : float
    at_least : bool
        Whether groups with too few errors count with the upper end of their interval, so that the
        ratios are at least these.
    """

    worst: str
    to_arithmetic: float
    to_geometric: float
    at_least: bool


def read_groups(path: Path, items: Sequence[str], folder: Path) -> tuple[list[Grouping], list[str]]:
    """The groupings of a table, for photos of a data set; and what a reader has to know.

    Parameters
    ----------
    path : Path
        A CSV file with the column ``photo`` and any others.
    items : sequence of n str
        Photos of the data set, below ``folder``.
    folder : Path

    Raises
    ------
    BadInput
        It cannot be read, has no column ``photo``, or names none of the photos.
    """
    columns, rows = table_rows(path)
    if "photo" not in columns or len(columns) < 2:
        raise BadInput(
            f"{path.name} has no column photo with others beside it.",
            "Give it a first line such as: photo,group,sex,age",
        )
    named = [row["photo"].strip().replace("\\", "/") for row in rows]
    base = photo_folder(path, named).resolve()
    below = folder.resolve()
    # The table may start from a folder above that of the data set.
    ahead = below.relative_to(base).as_posix() + "/" if below.is_relative_to(base) else ""
    known = dict(zip(named, rows, strict=True))
    prefixes = ["", ahead] if ahead not in ("", "./") else [""]
    found = [next((known[p + item] for p in prefixes if p + item in known), None) for item in items]
    if not any(found):
        raise BadInput(
            f"{path.name} names no photo of the data set.",
            "Name photos as the data set does, by their path from its folder.",
        )
    notes = []
    if missing := sum(row is None for row in found):
        notes.append(
            f"Photos of which {path.name} says nothing, and which are in no group: {missing}."
        )
    single: list[Grouping] = []
    plain: list[Grouping] = []
    for column in columns:
        if column in ("photo", "person") or not column:
            continue
        cells = [row[column].strip() if row else UNSAID for row in found]
        labels, banded = _labels(column, cells)
        grouping = Grouping(column=column, labels=np.array(labels, dtype=str))
        if len(grouping.values()) > MOST_VALUES:
            notes.append(f"The column {column} has more than {MOST_VALUES} values: passed over.")
            continue
        single.append(grouping)
        plain += [] if banded else [grouping]
    return [*single, *_crossed(plain)], notes


def rates_by_group(
    subjects: Subjects, grouping: Grouping, threshold: float, random: np.random.Generator
) -> list[GroupRates]:
    """Errors of each group at one threshold."""
    found = []
    for value in grouping.values():
        own = subjects.some(grouping.labels == value)
        bootstrap = PeopleBootstrap(own.count, random)
        photos = np.bincount(own.people, minlength=own.count).astype(np.float64)
        failed = np.bincount(own.people[~own.found], minlength=own.count).astype(np.float64)
        seen = own.some(own.found)
        mated = mated_of(own)
        fmr = non_mated_errors(seen, [threshold])[0].rate(PeopleBootstrap(seen.count, random))
        found.append(
            GroupRates(
                value=value,
                people=own.count,
                photos=len(own.items),
                not_acquired=bootstrap.rate(failed, photos),
                fmr=fmr,
                fnmr=bootstrap.rate(mated.misses(threshold), mated.trials),
            )
        )
    return found


def ratio_of(rates: Mapping[str, Rate]) -> Ratio | None:
    """Worst to average over groups, by their names; None where fewer than two can be compared.

    The worst is among groups with at least 30 errors. A group with fewer counts in the mean with
    the upper end of its interval, which makes the ratio smaller, never larger.
    """
    tried = {name: rate for name, rate in rates.items() if rate.observed is not None}
    told = {name: rate.rate for name, rate in tried.items() if rate.rate}
    if len(tried) < 2 or not told:
        return None
    worst = max(told, key=lambda name: told[name] or 0.0)
    values = [rate.rate or rate.high or 0.0 for rate in tried.values()]
    top = told[worst] or 0.0
    return Ratio(
        worst=worst,
        to_arithmetic=top / (sum(values) / len(values)),
        to_geometric=top / math.exp(sum(math.log(v) for v in values) / len(values)),
        at_least=len(told) < len(tried),
    )


def _labels(column: str, cells: list[str]) -> tuple[list[str], bool]:
    """The group of each photo, and whether numbers were put into bands."""
    numbers = [_number(cell) for cell in cells]
    said = [number for number, cell in zip(numbers, cells, strict=True) if cell]
    distinct = {number for number in said if number is not None}
    if None in said or len(distinct) <= BANDS + 2:
        return cells, False
    if column.lower() in ("age", "years"):
        edges = [float(edge) for edge in AGE_BANDS]
    else:
        quantiles = np.quantile(sorted(n for n in said if n is not None), np.arange(BANDS) / BANDS)
        edges = sorted({float(edge) for edge in quantiles})
    return [UNSAID if n is None else _band(n, edges) for n in numbers], True


def _band(number: float, edges: list[float]) -> str:
    place = max(0, int(np.searchsorted(edges, number, side="right")) - 1)
    if place + 1 == len(edges):
        return f"{edges[place]:g} and over"
    # Whole numbers read as people say them: 18 to 29.
    if all(edge.is_integer() for edge in edges):
        return f"{edges[place]:g} to {edges[place + 1] - 1:g}"
    return f"{edges[place]:g} to below {edges[place + 1]:g}"


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _crossed(plain: Sequence[Grouping]) -> list[Grouping]:
    made = []
    for one, other in combinations(plain, 2):
        both = (one.labels != UNSAID) & (other.labels != UNSAID)
        joined = np.where(both, np.char.add(np.char.add(one.labels, ", "), other.labels), UNSAID)
        grouping = Grouping(column=f"{one.column} and {other.column}", labels=joined)
        if 1 < len(grouping.values()) <= MOST_CROSSED:
            made.append(grouping)
    return made


def _natural(name: str) -> tuple[float, str]:
    number = _number(name.split(" ")[0])
    return (math.inf if number is None else number, name)
