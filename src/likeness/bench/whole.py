"""From the bytes of photos to templates, ours and a peer's, and how that grows with the faces."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from likeness.bench.peer_package import FaceRecognitionPackage
from likeness.bench.photos import PhotoFile
from likeness.bench.timing import Work, medians_ms, times_as_fast
from likeness.errors import BadInput
from likeness.faces.decode import decode
from likeness.faces.engine import FaceEngine
from likeness.records.face import Box
from likeness.records.photo import ReadLimits

DETECTION_SIDE = 1600
"""Longer side that photos are reduced to, as a library does."""

BATCH = 16
"""Photos that are looked at together, as a library does."""

FACES_A_PHOTO = (1, 2, 4, 8, 16)
SIDE = 768
"""Side in pixels of the photos that are put together of faces."""

_TILES = 4
_AROUND = 1.8
_GROUND = 128

Image = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class WholeReport:
    """From the bytes of a photo to the templates of its faces: decode, find, align, embed.

    Attributes
    ----------
    ours_ms : float
        Milliseconds a photo, where many are at hand.
    ours_one_ms : float
        Milliseconds a photo, one photo at a time.
    ours_faces, peer_faces : int
        Faces found, and so templates made.
    peer_ms : float or None
        It has no call for many photos.
    ratio : float or None
        How many times as fast as the peer.
    """

    ours_ms: float
    ours_one_ms: float
    ours_faces: int
    peer_ms: float | None = None
    peer_faces: int | None = None
    ratio: float | None = None


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """Finding the faces of photos of one size, and making their templates, at one number of faces.

    Attributes
    ----------
    faces : int
        Faces a photo.
    found : float
        Faces that ours found, a photo.
    ours_ms, peer_ms : float
        Milliseconds a photo.
    ratio : float or None
        How many times as fast as the peer.
    """

    faces: int
    found: float
    ours_ms: float
    peer_ms: float | None = None
    ratio: float | None = None


def measure_whole(
    engine: FaceEngine,
    photos: Sequence[PhotoFile],
    peer: FaceRecognitionPackage | None,
    *,
    threads: int,
    repeats: int,
) -> WholeReport:
    """Measure photos to templates over the same photos."""
    files = [photo.data for photo in photos]
    at_once = partial(templates_of_files, engine, files, threads=threads)

    def one_by_one() -> None:
        for data in files:
            templates_of_files(engine, [data], threads=1)

    found = sum(map(len, at_once()))
    if peer is None:
        many, one = medians_ms([at_once, one_by_one], repeats)
        return WholeReport(
            ours_ms=round(many / len(files), 3),
            ours_one_ms=round(one / len(files), 3),
            ours_faces=found,
        )
    theirs = partial(_templates_of_peer, peer, files)
    many, one, others = medians_ms([at_once, one_by_one, theirs], repeats)
    return WholeReport(
        ours_ms=round(many / len(files), 3),
        ours_one_ms=round(one / len(files), 3),
        ours_faces=found,
        peer_ms=round(others / len(files), 3),
        peer_faces=sum(map(len, theirs())),
        ratio=times_as_fast(many, others),
    )


def templates_of_files(
    engine: FaceEngine, files: Sequence[bytes], *, threads: int
) -> list[NDArray[np.float32]]:
    """The templates of the faces of each photo, in batches."""
    made: list[NDArray[np.float32]] = []
    read = partial(decode, limits=ReadLimits(), long_side=DETECTION_SIDE)
    with ThreadPoolExecutor(threads) as readers:
        for start in range(0, len(files), BATCH):
            images = [photo.pixels for photo in readers.map(read, files[start : start + BATCH])]
            made += engine.templates_many(images, engine.find_many(images))
    return made


def _templates_of_peer(
    peer: FaceRecognitionPackage, files: Sequence[bytes]
) -> list[NDArray[np.float64]]:
    images = (peer.read(data) for data in files)
    return [peer.encode(image, peer.find(image)) for image in images]


def measure_curve(
    engine: FaceEngine,
    photos: Sequence[PhotoFile],
    peer: FaceRecognitionPackage | None,
    *,
    copies: int,
    repeats: int,
) -> list[CurvePoint]:
    """Measure find and embed at 1 to 16 faces a photo, on photos put together of the folder's."""
    tiles = face_tiles(engine, [photo.pixels for photo in photos])
    points = []
    for faces in FACES_A_PHOTO:
        images = [composed(tiles, faces, shift=copy) for copy in range(copies)]
        found = statistics.fmean(map(len, engine.find_many(images)))
        works: list[Work] = [partial(_templates_of_images, engine, images)]
        if peer is not None:
            works.append(partial(_encodings_of_images, peer, images))
        ours, *theirs = (time / copies for time in medians_ms(works, repeats))
        points.append(
            CurvePoint(
                faces=faces,
                found=found,
                ours_ms=round(ours, 3),
                peer_ms=round(theirs[0], 3) if theirs else None,
                ratio=times_as_fast(ours, theirs[0]) if theirs else None,
            )
        )
    return points


def _templates_of_images(engine: FaceEngine, images: Sequence[Image]) -> None:
    engine.templates_many(images, engine.find_many(images))


def _encodings_of_images(peer: FaceRecognitionPackage, images: Sequence[Image]) -> None:
    for image in images:
        peer.encode(image, peer.find(image))


def face_tiles(engine: FaceEngine, images: Sequence[Image]) -> list[Image]:
    """Squares with one face each, cut around the largest face of each image.

    Raises
    ------
    BadInput
        None of the images shows a face.
    """
    from PIL import Image as Pillow

    tiles = []
    for image, found in zip(images, engine.find_many(images), strict=True):
        if not found:
            continue
        box = max((face.box for face in found), key=lambda box: box[2] - box[0])
        place = _square(box, image)
        side = SIDE // _TILES
        tiles.append(np.asarray(Pillow.fromarray(image).resize((side, side), box=place)))
    if not tiles:
        raise BadInput(
            "None of the photos shows a face, so nothing can be measured.",
            "Give a folder with photos of people.",
        )
    return tiles


def _square(box: Box, image: Image) -> Box:
    """A square around a box, as far as the image goes."""
    half = round((box[2] - box[0]) * _AROUND / 2)
    x, y = (box[0] + box[2]) // 2, (box[1] + box[3]) // 2
    height, width = image.shape[:2]
    half = max(1, min(half, width // 2, height // 2))
    x, y = min(max(x, half), width - half), min(max(y, half), height - half)
    return x - half, y - half, x + half, y + half


def composed(tiles: Sequence[Image], faces: int, *, shift: int) -> Image:
    """A grey photo of one size with so many of the tiles on it: uint8 (768, 768, 3)."""
    photo = np.full((SIDE, SIDE, 3), _GROUND, dtype=np.uint8)
    side = SIDE // _TILES
    # Spread over the photo: neighbours come last.
    for number in range(faces):
        row, column = divmod(number * 7 % (_TILES * _TILES), _TILES)
        tile = tiles[(number + shift) % len(tiles)]
        photo[row * side : (row + 1) * side, column * side : (column + 1) * side] = tile
    return photo
