"""Photos given by hand, to enrol or to search with: read, one face chosen, never stored."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from likeness.errors import FaceChoiceNeeded, FaceUnusable, PhotoUnreadable, UsageError
from likeness.faces.crops import REFERENCE_CROP_SIZE, decode_crop, encode_crop
from likeness.faces.quality import HELPS, INSTRUCTIONS, Problem, problems
from likeness.house import House
from likeness.records.face import DetectedFace, scaled_box

Image = str | os.PathLike[str] | bytes | NDArray[np.uint8]
"""A photo as a path, as a file's bytes, or as uint8 (height, width, 3) RGB pixels."""

FaceChoice = int | Literal["middle"] | None
"""Which face of a photo: its number from 1, left to right, the one nearest the photo's middle, or
nothing where there is but one."""

_WORDS: Mapping[Problem, str] = MappingProxyType(
    {
        "too_small": "the face is too small",
        "cut_off": "the face is cut off",
        "too_dark": "the face is too dark",
        "too_bright": "the face is too bright",
        "too_blurred": "the face is too blurred",
        "turned_away": "the face is turned away",
    }
)


def name_of(image: Image, number: int) -> str:
    """What to call a photo in a message: its file name, or its place among those given."""
    if isinstance(image, str | os.PathLike):
        return Path(image).name
    return f"photo {number}"


def pixels_of(house: House, image: Image, *, number: int = 1) -> tuple[NDArray[np.uint8], float]:
    """The upright pixels of a photo, reduced as for detection, and by how much.

    Parameters
    ----------
    image : photo
    number : int
        Its place among those given, to name it by.

    Returns
    -------
    pixels : uint8 array of shape (height, width, 3)
    scale : float
        Pixels of the original for one of these.

    Raises
    ------
    PhotoUnreadable
        Where the file is missing, not a photo, broken, or beyond the limits; the message names it.
    """
    if isinstance(image, np.ndarray):
        return image, 1.0
    limits = house.settings.limits
    data = image if isinstance(image, bytes) else _read(Path(image), limits.max_bytes)
    try:
        photo = house.decoders.decode(data, long_side=house.settings.detection_side)
    except PhotoUnreadable as error:
        raise PhotoUnreadable(
            f"{name_of(image, number)} cannot be used: {error.what[0].lower()}{error.what[1:]}",
            error.fix,
            reason=error.reason,
        ) from None
    return photo.pixels, photo.width / photo.pixels.shape[1]


def the_face(
    house: House, pixels: NDArray[np.uint8], *, scale: float, face: FaceChoice
) -> DetectedFace:
    """The face to search with.

    Parameters
    ----------
    scale : float
        Pixels of the original for one of these; the boxes of an error are in the original's.
    face : int, "middle" or None
        Which face; needed where there are several.

    Raises
    ------
    FaceUnusable
        Where no face was found.
    FaceChoiceNeeded
        Where there are several and none, or one that is not there, was chosen.
    """
    found = sorted(house.engine().find(pixels), key=lambda one: one.box)
    if not found:
        raise FaceUnusable(
            "No face was found in this photo.",
            "Use a photo that shows the face larger and from the front.",
            reason="none",
        )
    if face == "middle":
        return min(found, key=lambda one: _from_middle(one, pixels))
    boxes = tuple(scaled_box(one.box, scale) for one in found)
    if face is None and len(found) > 1:
        raise FaceChoiceNeeded(
            f"There are {len(found)} faces in this photo.",
            f"Choose one with --face 1 to --face {len(found)}, counted from the left.",
            boxes=boxes,
        )
    if face is not None and not 1 <= face <= len(found):
        raise FaceChoiceNeeded(
            f"There is no face {face} in this photo.",
            f"Choose one with --face 1 to --face {len(found)}, counted from the left.",
            boxes=boxes,
        )
    return found[(face or 1) - 1]


def template_of(house: House, pixels: NDArray[np.uint8], face: DetectedFace) -> NDArray[np.float32]:
    """The template of one face, float32 of shape (d,)."""
    template: NDArray[np.float32] = house.engine().templates(pixels, [face])[0]
    return template


def reference_crops(house: House, images: Sequence[Image]) -> list[bytes]:
    """The aligned 256 px crop, as JPEG, of the one usable face of each photo.

    Raises
    ------
    UsageError
        Where no photo was given, or one in place of a list of them.
    PhotoUnreadable
    FaceUnusable
        Where a photo has no face, several, or one that is too poor; the message names the photo
        and says what would help.
    """
    if isinstance(images, str | bytes | os.PathLike):
        raise UsageError("One photo was given where a list is expected.", "Put it in a list.")
    if not images:
        raise UsageError("No photo was given to enrol with.", "Give at least one with --photo.")
    return [_reference_crop(house, image, number) for number, image in enumerate(images, 1)]


def reference_templates(house: House, jpegs: Sequence[bytes]) -> NDArray[np.float32]:
    """The templates of reference crops, float32 of shape (n, d)."""
    crops = np.stack([decode_crop(jpeg, size=REFERENCE_CROP_SIZE) for jpeg in jpegs])
    templates: NDArray[np.float32] = house.engine().reference_templates(crops)
    return templates


def require_one_person(
    templates: NDArray[np.float32], images: Sequence[Image], *, threshold: float
) -> None:
    """Check that reference photos show the same person.

    Raises
    ------
    FaceUnusable
        Naming the photo that agrees least with the others.
    """
    if len(templates) < 2:
        return
    scores = templates @ templates.T
    np.fill_diagonal(scores, -1.0)
    nearest = scores.max(axis=1)
    worst = int(nearest.argmin())
    if nearest[worst] < threshold:
        raise FaceUnusable(
            f"{name_of(images[worst], worst + 1)} does not seem to show the same person as the "
            "other photos.",
            "Leave it out, or use photos that are alike in age.",
            reason="disagrees",
        )


def _reference_crop(house: House, image: Image, number: int) -> bytes:
    name = name_of(image, number)
    pixels, _ = pixels_of(house, image, number=number)
    engine = house.engine()
    found = engine.find(pixels)
    wrong = [problems(quality) for quality in engine.quality(pixels, found)]
    usable = [face for face, reasons in zip(found, wrong, strict=True) if not reasons]
    if len(usable) > 1:
        raise FaceUnusable(
            f"{name} shows {len(usable)} faces; it has to show exactly one.",
            "Cut the photo down to the person.",
            reason="several",
        )
    if not found:
        raise FaceUnusable(
            f"No face was found in {name}.",
            "Use a photo that shows the face larger and from the front.",
            reason="none",
        )
    if not usable:
        largest = max(range(len(found)), key=lambda number: _area(found[number]))
        reasons = wrong[largest]
        raise FaceUnusable(
            f"{name} cannot be used: {', '.join(_WORDS[reason] for reason in reasons)}.",
            " ".join(INSTRUCTIONS[HELPS[reason]] for reason in reasons),
            reason=reasons[0],
        )
    return encode_crop(engine.crops(pixels, usable, size=REFERENCE_CROP_SIZE)[0])


def _from_middle(face: DetectedFace, pixels: NDArray[np.uint8]) -> float:
    """How far from the middle of a photo a face is, squared."""
    left, top, right, bottom = face.box
    height, width = pixels.shape[:2]
    return float((left + right - width) ** 2 + (top + bottom - height) ** 2)


def _area(face: DetectedFace) -> int:
    left, top, right, bottom = face.box
    return (right - left) * (bottom - top)


def _read(path: Path, max_bytes: int) -> bytes:
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise PhotoUnreadable(
            f"{path.name} is not a regular file.", "Give a photo.", reason="not_a_file"
        )
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError:
        raise PhotoUnreadable(
            f"There is no file {path.name}.", "Check the path.", reason="missing"
        ) from None
    except IsADirectoryError:
        raise PhotoUnreadable(
            f"{path.name} is a folder.", "Give a photo.", reason="folder"
        ) from None
    except OSError as error:
        raise PhotoUnreadable(
            f"{path.name} cannot be read: {error.strerror}.",
            "Check its permissions.",
            reason="unreadable",
        ) from None
    if len(data) > max_bytes:
        raise PhotoUnreadable(
            f"{path.name} is larger than {max_bytes} bytes.",
            "Use a smaller copy.",
            reason="too_large",
        )
    return data
