"""Labelled photos: a folder a person, a CSV of photos and people, or a CSV of pairs.

Nothing of a label or a path is trusted: photos lie below one folder, and a file that leads out of
it is refused with its line.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from likeness.errors import BadInput
from likeness.records.photo_formats import PHOTO_SUFFIXES

MOST_BYTES = 100_000_000
"""Of a CSV file."""

MOST_PHOTOS = 50_000

Kind = Literal["folders", "photos", "pairs"]


@dataclass(frozen=True, kw_only=True)
class LabelledPhoto:
    """One photo of a data set.

    Attributes
    ----------
    item : str
        Its path below ``folder``, with ``/`` between parts.
    person : str
        Whom it shows.
    """

    item: str
    person: str


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two photos to be compared: places in the data set's ``photos``."""

    first: int
    second: int
    mated: bool


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """What an evaluation is made on.

    Attributes
    ----------
    name : str
        Of its folder or file.
    kind : Kind
    folder : Path
        The photos lie below it.
    photos : tuple of LabelledPhoto
        Each item once.
    pairs : tuple of Pair
        Empty unless the data set is one of pairs; then no others are compared.
    notes : tuple of str
        What a reader has to know about how it was read.
    """

    name: str
    kind: Kind
    folder: Path
    photos: tuple[LabelledPhoto, ...]
    pairs: tuple[Pair, ...] = ()
    notes: tuple[str, ...] = ()


def read_dataset(
    path: Path, *, photos: Path | None = None, same: Sequence[tuple[str, str]] = ()
) -> Dataset:
    """Read a data set's labels; no photo is opened.

    Parameters
    ----------
    path : Path
        A folder with a folder for each person, or a CSV file with the columns ``photo`` and
        ``person`` (without ``person`` each photo shows somebody else), or ``photo_a``, ``photo_b``
        and ``mated`` (0 or 1). Photos of a CSV are named from its own folder, or from the folder
        beside it that is named as the file is.
    photos : Path, optional
        The folder that a CSV file's photos are named from, where it is another.
    same : sequence of (person, person)
        Labels that are one person's.

    Raises
    ------
    BadInput
        It is not there, is no such thing, names a photo outside its folder, or none that is there.
    """
    if path.is_dir():
        found = _of_folder(path)
    elif path.is_file():
        found = _of_file(path)
    else:
        raise BadInput(
            f"There is no data set {path.name!r}.",
            "Give a folder with a folder for each person, or a CSV file of photos.",
        )
    if photos is not None and found.kind != "folders":
        found = replace(found, folder=photos)
    if not found.photos:
        raise BadInput(
            f"The data set {found.name!r} has no photo.",
            "Put each person's photos into a folder of their own, or name them in a CSV file.",
        )
    if len(found.photos) > MOST_PHOTOS:
        raise BadInput(
            f"The data set has {len(found.photos):,} photos; {MOST_PHOTOS:,} are the most.",
            "Take a part of the people.",
        )
    if not any((found.folder / photo.item).is_file() for photo in found.photos):
        raise BadInput(
            f"None of the photos that {found.name!r} names is there.",
            "Say which folder they are named from with --photos.",
        )
    return _merged(found, same)


def table_rows(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns and rows of a CSV file with a line of headings.

    Raises
    ------
    BadInput
        It cannot be read, is no UTF-8 or too large, or a row has more cells than there are columns.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput(f"{path.name} is larger than 100 MB.", "Give a smaller table.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="", strict=True)
            columns = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = columns
            rows = list(reader)
    except OSError as error:
        raise BadInput(f"{path.name} cannot be read: {error.strerror}.", "Check it.") from None
    except (csv.Error, UnicodeDecodeError):
        raise BadInput(
            f"{path.name} is not a CSV file in UTF-8.", "Save it as CSV with commas, in UTF-8."
        ) from None
    if len(set(columns)) != len(columns):
        raise BadInput(f"{path.name} names a column twice.", "Give each column a name of its own.")
    for number, row in enumerate(rows, 2):
        if None in row:
            raise BadInput(f"{path.name}, row {number}, has too many cells.", "Correct the row.")
    return columns, rows


def photo_folder(path: Path, items: Iterable[str]) -> Path:
    """Where the photos that a CSV file names lie: beside it, or in the folder of its own name."""
    named = path.with_suffix("")
    first = next(iter(items), "")
    beside = (path.parent / first).is_file()
    return named if named.is_dir() and not beside else path.parent


def _of_folder(path: Path) -> Dataset:
    photos, empty, loose = [], 0, 0
    for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if not entry.is_dir(follow_symlinks=False):
            loose += entry.name.lower().endswith(tuple(PHOTO_SUFFIXES))
            continue
        own = list(_photos_below(Path(entry.path), entry.name))
        empty += not own
        photos += [LabelledPhoto(item=item, person=entry.name) for item in own]
    notes = []
    if empty:
        notes.append(f"Folders without a photo, which count as nobody: {empty}.")
    if loose:
        notes.append(f"Photos that lie in no person's folder, and were passed over: {loose}.")
    return Dataset(
        name=path.resolve().name,
        kind="folders",
        folder=path,
        photos=tuple(photos),
        notes=tuple(notes),
    )


def _photos_below(folder: Path, item: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders.sort()
        below = PurePosixPath(item, *Path(place).relative_to(folder).parts)
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in PHOTO_SUFFIXES:
                yield str(below / name)


def _of_file(path: Path) -> Dataset:
    columns, rows = table_rows(path)
    if {"photo_a", "photo_b", "mated"} <= set(columns):
        return _of_pairs(path, columns, rows)
    if "photo" in columns:
        return _of_photos(path, columns, rows)
    raise BadInput(
        f"{path.name} has neither the column photo nor the columns photo_a, photo_b and mated.",
        "Give it a first line such as: photo,person",
    )


def _of_photos(path: Path, columns: list[str], rows: list[dict[str, str]]) -> Dataset:
    labels: dict[str, str] = {}
    repeated = 0
    for number, row in enumerate(rows, 2):
        item = _checked(path, number, row["photo"])
        person = row["person"].strip() if "person" in columns else item
        if not person:
            raise BadInput(f"{path.name}, row {number}, names no person.", "Fill in the column.")
        if labels.setdefault(item, person) != person:
            raise BadInput(
                f"{path.name}, row {number}, gives a photo to a second person.",
                "Give each photo to one person; merge two labels with --same ONE=OTHER.",
            )
        repeated += 1
    notes = []
    if repeated > len(labels):
        notes.append(f"Rows that name a photo again, and count once: {repeated - len(labels)}.")
    if "person" not in columns:
        notes.append(
            "There is no column person: each photo counts as somebody else, so that only "
            "comparisons of different people are made."
        )
    return Dataset(
        name=path.name,
        kind="photos",
        folder=photo_folder(path, labels),
        photos=tuple(LabelledPhoto(item=i, person=p) for i, p in labels.items()),
        notes=tuple(notes),
    )


def _of_pairs(path: Path, columns: list[str], rows: list[dict[str, str]]) -> Dataset:
    places: dict[str, int] = {}
    pairs: dict[tuple[int, int], bool] = {}
    repeated = 0
    for number, row in enumerate(rows, 2):
        ends = [_checked(path, number, row[name]) for name in ("photo_a", "photo_b")]
        first, second = sorted(places.setdefault(item, len(places)) for item in ends)
        if row["mated"].strip() not in ("0", "1"):
            raise BadInput(f"{path.name}, row {number}: mated is neither 0 nor 1.", "Correct it.")
        if first == second:
            raise BadInput(f"{path.name}, row {number}, compares a photo with itself.", "Drop it.")
        mated = row["mated"].strip() == "1"
        repeated += (first, second) in pairs
        if pairs.setdefault((first, second), mated) != mated:
            raise BadInput(
                f"{path.name}, row {number}, says of a pair both that it is mated and is not.",
                "Keep one of the two rows.",
            )
    labels = _people_of_pairs(list(places), pairs)
    for (first, second), mated in pairs.items():
        if not mated and labels[first] == labels[second]:
            raise BadInput(
                f"{path.name} calls two photos different people that its mated pairs make one.",
                "Look for the pair that is labelled wrongly.",
            )
    notes = ["Who is one person was taken from the mated pairs."]
    if repeated:
        notes.append(f"Pairs that are named again, and count once: {repeated}.")
    return Dataset(
        name=path.name,
        kind="pairs",
        folder=photo_folder(path, places),
        photos=tuple(
            LabelledPhoto(item=item, person=labels[place]) for item, place in places.items()
        ),
        pairs=tuple(Pair(first=a, second=b, mated=m) for (a, b), m in pairs.items()),
        notes=tuple(notes),
    )


def _people_of_pairs(items: list[str], pairs: Mapping[tuple[int, int], bool]) -> list[str]:
    """A label for each photo: one for all that mated pairs join."""
    root = list(range(len(items)))

    def top(place: int) -> int:
        while root[place] != place:
            root[place] = root[root[place]]
            place = root[place]
        return place

    for (first, second), mated in pairs.items():
        if mated:
            root[top(second)] = top(first)
    return [items[top(place)] for place in range(len(items))]


def _checked(path: Path, number: int, item: str) -> str:
    item = item.strip().replace("\\", "/")
    parts = PurePosixPath(item).parts
    if not item or "\0" in item or PurePosixPath(item).is_absolute() or ".." in parts:
        raise BadInput(
            f"{path.name}, row {number}, does not name a photo below its folder.",
            "Name photos by their path from the folder of the CSV file.",
        )
    return "/".join(parts)


def _merged(dataset: Dataset, same: Sequence[tuple[str, str]]) -> Dataset:
    if not same:
        return dataset
    known = {photo.person for photo in dataset.photos}
    one_of: dict[str, str] = {}
    for first, second in same:
        for label in (first, second):
            if label not in known:
                raise BadInput(
                    "A label to be merged is nobody's in the data set.",
                    "Write --same ONE=OTHER with two labels as the data set has them.",
                )
        target = one_of.get(first, first)
        one_of = {k: target if v == second else v for k, v in one_of.items()}
        one_of[second] = target
    photos = tuple(replace(p, person=one_of.get(p.person, p.person)) for p in dataset.photos)
    note = f"Labels that were merged with another: {len(one_of)}."
    return replace(dataset, photos=photos, notes=(*dataset.notes, note))
