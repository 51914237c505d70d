"""The photos that are measured on, and what is known of the faces in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likeness.errors import BadInput, PhotoUnreadable, SourceUnreadable
from likeness.faces.decode import decode
from likeness.records.face import Box
from likeness.records.photo import ReadLimits

SAME_FACE = 0.3
"""Least IoU of a box found and a labelled one. People draw boxes from chin to hair and detectors
from chin to brow, so that the boxes of one face may share less than half of what they cover."""

LabelledBox = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class PhotoFile:
    """A photo as its file's bytes and as pixels.

    Attributes
    ----------
    name : str
        Of the file.
    data : bytes
    pixels : uint8 array of shape (height, width, 3), RGB
        Perhaps reduced.
    scale : float
        How many times as wide the photo itself is.
    """

    name: str
    data: bytes
    pixels: NDArray[np.uint8]
    scale: float


@dataclass(frozen=True, kw_only=True)
class Recall:
    """What was found of the labelled faces of some photos.

    Attributes
    ----------
    faces : int
        Labelled faces.
    recall : float
        Share of them with a box of their own at IoU >= 0.3.
    false_a_photo : float
        Boxes on no labelled face, a photo.
    """

    faces: int
    recall: float
    false_a_photo: float


def read_photos(folder: Path, *, most: int, long_side: int | None) -> list[PhotoFile]:
    """At most so many photos of a folder, evenly from its names in order.

    Raises
    ------
    SourceUnreadable
        The folder is not there.
    BadInput
        It holds no photo that can be read.
    """
    photos: list[PhotoFile] = []
    for path in _evenly(folder, most):
        if len(photos) == most:
            break
        try:
            data = path.read_bytes()
            photo = decode(data, limits=ReadLimits(), long_side=long_side)
        except (PhotoUnreadable, OSError):
            continue
        scale = photo.width / photo.pixels.shape[1]
        photos.append(PhotoFile(name=path.name, data=data, pixels=photo.pixels, scale=scale))
    if not photos:
        raise BadInput(
            "The folder holds no photo that can be read.", "Give a folder with photos of people."
        )
    return photos


def _evenly(folder: Path, most: int) -> Iterator[Path]:
    """Some of the folder's files at even distances, then the rest in case some are no photos."""
    if not folder.is_dir():
        raise SourceUnreadable(
            f"There is no folder {folder.name!r}.", "Give a folder that holds photos."
        )
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    step = max(len(paths) // most, 1)
    yield from dict.fromkeys([*paths[::step], *paths])


def read_labels(path: Path) -> dict[str, list[LabelledBox]]:
    """The boxes of faces by the name of the photo.

    Parameters
    ----------
    path : Path
        One JSON object a line: ``{"photo": NAME, "boxes": [[left, top, right, bottom]]}``, in
        pixels of the photo.

    Raises
    ------
    BadInput
        It is not there or of another form; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise BadInput(
            f"The labels {path.name} cannot be read.", "Give a file of JSON objects, one a line."
        ) from None
    labels: dict[str, list[LabelledBox]] = {}
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            labels[str(row["photo"])] = [_labelled(box) for box in row["boxes"]]
        except (ValueError, KeyError, TypeError):
            raise BadInput(
                f"Line {number} of the labels {path.name} is not a photo with its boxes.",
                'Write {"photo": "NAME", "boxes": [[left, top, right, bottom]]}.',
            ) from None
    return labels


def _labelled(box: Any) -> LabelledBox:
    left, top, right, bottom = map(float, box)
    return left, top, right, bottom


def recall_of(
    found: Mapping[str, Sequence[Box]], labels: Mapping[str, Sequence[LabelledBox]]
) -> Recall:
    """How much of what is labelled was found, over the photos of ``found`` that have labels.

    Boxes are in the pixels of the labels. Each is given to the labelled face that it fits best
    among those that have none yet, the best fits first.
    """
    faces, met, boxes, photos = 0, 0, 0, 0
    for name, seen in found.items():
        if name not in labels:
            continue
        wanted = labels[name]
        fits = sorted(
            (
                (intersection_over_union(one, other), i, j)
                for i, one in enumerate(seen)
                for j, other in enumerate(wanted)
            ),
            reverse=True,
        )
        taken: set[int] = set()
        given: set[int] = set()
        for fit, i, j in fits:
            if fit >= SAME_FACE and i not in taken and j not in given:
                taken.add(i)
                given.add(j)
        faces, met = faces + len(wanted), met + len(given)
        boxes, photos = boxes + len(seen), photos + 1
    return Recall(
        faces=faces,
        recall=round(met / faces, 4) if faces else 1.0,
        false_a_photo=round((boxes - met) / photos, 4) if photos else 0.0,
    )


def intersection_over_union(one: LabelledBox | Box, other: LabelledBox | Box) -> float:
    """Common area of two boxes by the area that either covers, 0 to 1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    covered = sum(areas) - common
    return common / covered if covered > 0 else 0.0
