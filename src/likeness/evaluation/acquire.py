"""Photos of a data set to templates in memory: what failed is kept beside what did not.

A photo without a template is a failure to acquire (ISO/IEC 19795-1): it stays in every count.
Templates are never written anywhere.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from likeness.errors import PhotoUnreadable
from likeness.evaluation.dataset import Dataset
from likeness.faces.crops import REFERENCE_CROP_SIZE
from likeness.faces.packs import Pack
from likeness.faces.sandbox import DecodeWorkers
from likeness.records.face import DetectedFace
from likeness.records.photo import ReadLimits

BATCH = 16
LONG_SIDE = 1600
READERS = 2

Image = NDArray[np.uint8]
Listener = Callable[[int, int], None]
"""Called with how many photos are done, and of how many."""

Failure = Literal["unreadable", "no face"]


class Engine(Protocol):
    """What an evaluation needs of :class:`likeness.faces.engine.FaceEngine`."""

    @property
    def pack(self) -> Pack:
        """The manifest."""

    @property
    def template_length(self) -> int:
        """Numbers in a template."""

    def find_many(self, images: Sequence[Image]) -> list[list[DetectedFace]]:
        """The faces of each image."""

    def crops(self, image: Image, faces: Sequence[DetectedFace], *, size: int) -> Image:
        """An aligned square around each face."""

    def templates_from_crops(self, crops: Image) -> NDArray[np.float32]:
        """Templates of faces in photos."""

    def reference_templates(self, crops: Image) -> NDArray[np.float32]:
        """Templates of references, of crops of 256 px."""


@dataclass(frozen=True, kw_only=True)
class NotAcquired:
    """A photo that gave no template.

    Attributes
    ----------
    item : str
    failure : Failure
    reason : str
        Why it could not be read, in a word of the decoder's; empty for ``"no face"``.
    """

    item: str
    failure: Failure
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Speed:
    """What a photo took, each on average over batches, in ms of wall-clock time."""

    detect_ms: float
    template_ms: float
    photos: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Acquired:
    """What the photos of a data set gave, in its order.

    Attributes
    ----------
    templates : float32 array of shape (photos, d)
        Unit vectors; zero where there is none.
    references : float32 array of shape (photos, d)
        The same faces as a reference has them, which a pack may make otherwise.
    found : bool array of shape (photos,)
        Where there is one.
    several : int
        Photos with more than one face; the one nearest to the middle was taken.
    failures : tuple of NotAcquired
    digests : tuple of str
        SHA-256 of each photo's bytes; empty where they could not be read.
    speed : Speed
    """

    templates: NDArray[np.float32]
    references: NDArray[np.float32]
    found: NDArray[np.bool_]
    several: int
    failures: tuple[NotAcquired, ...]
    digests: tuple[str, ...]
    speed: Speed


@dataclass(frozen=True, kw_only=True, eq=False)
class _Read:
    digest: str
    pixels: Image | None
    reason: str


def acquire(
    dataset: Dataset,
    engine: Engine,
    *,
    decoders: DecodeWorkers,
    limits: ReadLimits,
    progress: Listener = lambda _done, _total: None,
) -> Acquired:
    """Make a template of each photo's most central face.

    Parameters
    ----------
    dataset : Dataset
    engine : FaceEngine
    decoders : DecodeWorkers
        Decode in children, since photos of a test set are no more to be trusted than others.
    limits : ReadLimits
    progress : callable
    """
    total = len(dataset.photos)
    templates = np.zeros((total, engine.template_length), dtype=np.float32)
    references = templates.copy()
    found = np.zeros(total, dtype=bool)
    digests: list[str] = []
    failures: list[NotAcquired] = []
    several = 0
    spent = np.zeros(2)
    root = dataset.folder.resolve()
    items = [photo.item for photo in dataset.photos]
    for start, batch in _batches(root, items, decoders, limits):
        digests += [one.digest for one in batch]
        places = [start + n for n, one in enumerate(batch) if one.pixels is not None]
        images = [one.pixels for one in batch if one.pixels is not None]
        began = time.perf_counter()
        faces = engine.find_many(images)
        detected = time.perf_counter()
        spent[0] += detected - began
        several += sum(len(own) > 1 for own in faces)
        there = [place for place, own in zip(places, faces, strict=True) if own]
        if there:
            crops = _central_crops(engine, images, faces)
            found[there] = True
            templates[there] = engine.templates_from_crops(crops)
            spent[1] += time.perf_counter() - detected
            references[there] = _as_references(engine, crops, templates[there])
        failures += _failures(items, start, batch, found)
        progress(start + len(batch), total)
    looked = max(1, sum(bool(digest) for digest in digests))
    detect_ms, template_ms = spent * 1000 / looked
    return Acquired(
        templates=templates,
        references=references,
        found=found,
        several=several,
        failures=tuple(failures),
        digests=tuple(digests),
        speed=Speed(detect_ms=detect_ms, template_ms=template_ms, photos=looked),
    )


def _central_crops(
    engine: Engine, images: Sequence[Image], faces: Sequence[Sequence[DetectedFace]]
) -> Image:
    """The most central face of each image that has one, as uint8 (n, 256, 256, 3)."""
    crops = [
        engine.crops(image, most_central(image, own), size=REFERENCE_CROP_SIZE)
        for image, own in zip(images, faces, strict=True)
        if own
    ]
    return np.concatenate(crops)


def _as_references(
    engine: Engine, crops: Image, templates: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Templates of the same faces as references have them."""
    if not engine.pack.preprocessing.reference_squares:
        return templates
    return engine.reference_templates(crops)


def most_central(image: Image, faces: Sequence[DetectedFace]) -> list[DetectedFace]:
    """The face nearest to the middle of an image, as a list of at most one."""
    middle_x, middle_y = image.shape[1] / 2, image.shape[0] / 2

    def distance(face: DetectedFace) -> float:
        left, top, right, bottom = face.box
        return float(np.hypot((left + right) / 2 - middle_x, (top + bottom) / 2 - middle_y))

    return sorted(faces, key=distance)[:1]


def _batches(
    root: Path, items: Sequence[str], decoders: DecodeWorkers, limits: ReadLimits
) -> Iterator[tuple[int, list[_Read]]]:
    """Photos in batches, the next being read while one is looked at."""
    starts = range(0, len(items), BATCH)

    def read(item: str) -> _Read:
        return _read(root, item, decoders, limits)

    with ThreadPoolExecutor(READERS, thread_name_prefix="likeness-evaluate") as readers:
        ahead = [readers.submit(read, item) for item in items[:BATCH]]
        for start in starts:
            coming = items[start + BATCH : start + 2 * BATCH]
            following = [readers.submit(read, item) for item in coming]
            yield start, [future.result() for future in ahead]
            ahead = following


def _read(root: Path, item: str, decoders: DecodeWorkers, limits: ReadLimits) -> _Read:
    try:
        data = _bytes_of(root, item, limits.max_bytes)
    except OSError as error:
        return _Read(digest="", pixels=None, reason=error.strerror or "could not be read")
    digest = hashlib.sha256(data).hexdigest()
    try:
        photo = decoders.decode(data, long_side=LONG_SIDE)
    except PhotoUnreadable as error:
        return _Read(digest=digest, pixels=None, reason=error.reason)
    return _Read(digest=digest, pixels=photo.pixels, reason="")


def _bytes_of(root: Path, item: str, most: int) -> bytes:
    """A regular file's bytes; a link that leads out of the folder, a pipe or a device is none."""
    path = Path(os.path.realpath(root / item))
    if not path.is_relative_to(root):
        raise OSError(0, "outside the folder")
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "not a regular file")
        if status.st_size > most:
            raise OSError(0, "too large")
        return file.read(most)


def _failures(
    items: Sequence[str], start: int, batch: Sequence[_Read], found: NDArray[np.bool_]
) -> Iterator[NotAcquired]:
    for offset, one in enumerate(batch):
        place = start + offset
        if one.pixels is None:
            yield NotAcquired(item=items[place], failure="unreadable", reason=one.reason)
        elif not found[place]:
            yield NotAcquired(item=items[place], failure="no face")
