"""Embeddings of labelled portraits, made in several ways and kept in the temporary folder.

A way is where the box comes from, how landmarks are found in it, how large a square is cut out and
what is done to its tones. Each is embedded as it is and mirrored.
"""

from __future__ import annotations

import hashlib
import io
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from likeness.faces.align import aligned_crops
from likeness.faces.components import Parts, load_parts
from likeness.faces.crops import REFERENCE_CROP_SIZE, decode_crop, encode_crop
from likeness.faces.packs import Pack
from likeness.faces.quality import measure
from likeness.faces.sampling import resized
from likeness.records.face import Box, DetectedFace

BATCH = 64
JITTERS = 16
ENLARGED = 2

Pixels = NDArray[np.uint8]
Points = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Way:
    """How an embedding is made.

    Attributes
    ----------
    boxes : {"pack", "plain"}
        As the pack detects, or by its detector on photos as they are.
    landmarks : {"pack", "averaged", "enlarged"}
        As the pack finds them, their mean over boxes moved a little, or found in the photo
        enlarged, which gives fractions of a pixel.
    square : int
        Side of what is cut out, in pixels of the frame's inner square.
    right, down : int
        How far its centre is moved, in such pixels.
    tones : {"as they are", "stretched", "brightened"}
    """

    boxes: str = "pack"
    landmarks: str = "pack"
    square: int = 0
    right: int = 0
    down: int = 0
    tones: str = "as they are"


@dataclass(kw_only=True)
class Passes:
    """Embeddings of all photos by any way.

    Attributes
    ----------
    pack : Pack
    folder : Path
        Of the photos.
    photos : tuple of str
    """

    pack: Pack
    folder: Path
    photos: tuple[str, ...]
    _parts: Parts | None = None
    _crops: dict[tuple[str, str], list[bytes | None]] = field(default_factory=dict)
    _boxes: dict[str, list[Box | None]] = field(default_factory=dict)

    def embeddings(self, way: Way) -> NDArray[np.float64]:
        """(photos, 2, d): of the chip and of its mirror image; nan where no face was found."""
        kept = self._kept("embeddings", way)
        if not kept.exists():
            began = time.monotonic()
            np.save(kept, self._embed(way))
            print(f"{way}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        made: NDArray[np.float64] = np.load(kept).astype(np.float64)
        return made

    def qualities(self, way: Way) -> NDArray[np.float64]:
        """The unified quality, 0 to 100, of each photo's face; 0 where no face was found."""
        made = np.zeros(len(self.photos))
        for place, (photo, box) in enumerate(
            zip(self.photos, self._central_boxes(way.boxes), strict=True)
        ):
            if box is not None:
                image = self.read(photo)
                points = self._locate(image, box, way.landmarks)
                face = DetectedFace(box=box, score=1.0, landmarks=points)
                made[place] = measure(image, [face], frame=self.parts().frame)[0].unified
        return made

    def crop(self, place: int, way: Way) -> Pixels | None:
        """The crop of one photo as it would be kept; None where no face was found."""
        jpeg = self._jpegs(way)[place]
        return None if jpeg is None else decode_crop(jpeg, size=REFERENCE_CROP_SIZE)

    def parts(self) -> Parts:
        """The pack's detector, landmarks and embedder."""
        if self._parts is None:
            self._parts = load_parts(self.pack, None)
        return self._parts

    def _kept(self, what: str, way: Way) -> Path:
        files = [(file.role, file.sha256) for file in self.pack.files]
        detection = self.pack.detection if way.boxes == "pack" else None
        how = (files, detection, self.pack.preprocessing.alignment)
        said = f"{what} {self.folder.resolve()} {self.photos} {how} {asdict(way)}"
        key = hashlib.sha256(said.encode()).hexdigest()[:24]
        kept = Path(tempfile.gettempdir()) / "likeness-accuracy" / f"{key}.npy"
        kept.parent.mkdir(exist_ok=True)
        return kept

    def _embed(self, way: Way) -> NDArray[np.float32]:
        embedder = self.parts().embedder
        made = np.full((len(self.photos), 2, embedder.length), np.nan, dtype=np.float32)
        for start in range(0, len(self.photos), BATCH):
            batch = range(start, min(start + BATCH, len(self.photos)))
            crops = {place: self.crop(place, way) for place in batch}
            there = [place for place, crop in crops.items() if crop is not None]
            chips = [self._chip(crop, way) for crop in crops.values() if crop is not None]
            if chips:
                stacked = np.stack(chips)
                made[there, 0] = embedder.embeddings(stacked)
                made[there, 1] = embedder.embeddings(np.ascontiguousarray(stacked[:, :, ::-1]))
        return made

    def _chip(self, crop: Pixels, way: Way) -> Pixels:
        parts = self.parts()
        side = way.square or parts.frame.inner
        left = (len(crop) - side) // 2 + way.right
        top = (len(crop) - side) // 2 + way.down
        square = crop[top : top + side, left : left + side]
        if way.tones == "stretched":
            square = np.asarray(ImageOps.autocontrast(Image.fromarray(square), cutoff=1))
        elif way.tones == "brightened":
            square = np.rint(255 * (square / 255) ** 0.8).astype(np.uint8)
        chip: Pixels = resized(np.ascontiguousarray(square)[None], parts.embedder.chip)[0]
        return chip

    def _jpegs(self, way: Way) -> list[bytes | None]:
        key = (way.boxes, way.landmarks)
        if key not in self._crops:
            boxes = self._central_boxes(way.boxes)
            self._crops[key] = [
                None if box is None else self._cut(self.read(photo), box, way.landmarks)
                for photo, box in zip(self.photos, boxes, strict=True)
            ]
        return self._crops[key]

    def _cut(self, image: Pixels, box: Box, how: str) -> bytes:
        parts = self.parts()
        points = self._locate(image, box, how)
        crops = aligned_crops(image, points[None], size=REFERENCE_CROP_SIZE, frame=parts.frame)
        return encode_crop(crops[0])

    def _locate(self, image: Pixels, box: Box, how: str) -> Points:
        landmarks = self.parts().landmarks
        if landmarks is None:
            raise SystemExit(f"The pack {self.pack.name} finds landmarks by its detector alone.")
        return FINDERS[how](landmarks.locate, image, box)

    def _central_boxes(self, how: str) -> list[Box | None]:
        if how not in self._boxes:
            pack = self.pack
            if how == "plain":
                pack = replace(pack, detection=None)
            kept = self._kept("boxes", Way(boxes=how))
            if not kept.exists():
                np.save(kept, self._detect(pack))
            self._boxes[how] = [
                None if left < -(10**8) else (left, top, right, bottom)
                for left, top, right, bottom in np.load(kept).tolist()
            ]
        return self._boxes[how]

    def _detect(self, pack: Pack) -> NDArray[np.int64]:
        """The most central box of each photo; far to the left where there is none."""
        detector = load_parts(pack, None).detector
        found = np.full((len(self.photos), 4), -(10**9), dtype=np.int64)
        for start in range(0, len(self.photos), BATCH):
            images = [self.read(photo) for photo in self.photos[start : start + BATCH]]
            for place, boxes in enumerate(detector.find_many(images), start):
                central = most_central(images[place - start], [one.box for one in boxes])
                if central is not None:
                    found[place] = central
        return found

    def read(self, photo: str) -> Pixels:
        """One photo, uint8 (H, W, 3) RGB."""
        with Image.open(io.BytesIO((self.folder / photo).read_bytes())) as image:
            return np.asarray(image.convert("RGB"))


def most_central(image: Pixels, boxes: Sequence[Box]) -> Box | None:
    """The box whose middle is nearest to the photo's; None where there is no box."""
    rows, columns = image.shape[:2]

    def distance(box: Box) -> float:
        left, top, right, bottom = box
        return float(np.hypot((left + right - columns) / 2, (top + bottom - rows) / 2))

    return min(boxes, key=distance, default=None)


Locate = Callable[[Pixels, Sequence[Box]], Points]


def _as_the_pack(locate: Locate, image: Pixels, box: Box) -> Points:
    found: Points = locate(image, [box])[0]
    return found


def _averaged(locate: Locate, image: Pixels, box: Box) -> Points:
    """The mean over boxes moved by up to 4% and larger or smaller by up to 6%."""
    random = np.random.default_rng(7)
    corners = np.array(box, dtype=np.float64).reshape(2, 2)
    side = corners[1] - corners[0]
    middle = corners.mean(axis=0) + random.uniform(-0.04, 0.04, (JITTERS, 2)) * side
    half = np.exp(random.uniform(-0.06, 0.06, (JITTERS, 1))) * side / 2
    moved = np.rint(np.concatenate([middle - half, middle + half], axis=1)).astype(int)
    found = locate(image, [(one[0], one[1], one[2], one[3]) for one in moved.tolist()])
    mean: Points = found.mean(axis=0, dtype=np.float32)
    return mean


def _enlarged(locate: Locate, image: Pixels, box: Box) -> Points:
    """In the photo enlarged, for fractions of a pixel."""
    rows, columns = (side * ENLARGED for side in image.shape[:2])
    larger = Image.fromarray(image).resize((columns, rows), Image.Resampling.BICUBIC)
    left, top, right, bottom = (side * ENLARGED for side in box)
    found = locate(np.asarray(larger), [(left, top, right, bottom)])[0]
    points: Points = ((found + 0.5) / ENLARGED - 0.5).astype(np.float32)
    return points


FINDERS = {"pack": _as_the_pack, "averaged": _averaged, "enlarged": _enlarged}
