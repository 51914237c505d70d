"""Portraits, and copies of them altered by known amounts, found and measured, for quality.py."""

from __future__ import annotations

import csv
import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from likeness.faces.engine import FaceEngine
from likeness.records.face import DetectedFace, Quality

PHOTOS_A_PERSON = 10
BATCH = 32
ALTERATIONS = ("reduced", "blurred", "darkened", "burnt", "cut")
READ_NOISE = 0.0008
"""Standard deviation of a camera's own noise, as a share of white, in linear light."""

Pixels = NDArray[np.uint8]
Points = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A photo to look at.

    Attributes
    ----------
    path : Path
    person : str
    alteration : str
        What is done to it; "" where nothing.
    strength : float
        How much, 0 (most) to 1 (least).
    landmarks : float32 array of shape (5, 2) or None
        Of the face in the original; where not known, it is the most central one.
    """

    path: Path
    person: str
    alteration: str = ""
    strength: float = 1.0
    landmarks: Points | None = None

    @property
    def said(self) -> str:
        """All of it in a line."""
        places = "" if self.landmarks is None else self.landmarks.astype("<f4").tobytes().hex()
        return f"{self.path} {self.alteration} {self.strength} {places}"


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What was found in a shot.

    Attributes
    ----------
    shot : Shot
    face : DetectedFace or None
        The face that is looked for.
    template : float32 array of shape (d,)
    quality : Quality or None
    """

    shot: Shot
    face: DetectedFace | None
    template: NDArray[np.float32]
    quality: Quality | None


def originals(labels: Path) -> list[Shot]:
    """The first photos of each person, in the order of the file."""
    seen: Counter[str] = Counter()
    shots = []
    for row in csv.DictReader(labels.open(encoding="utf-8")):
        seen[row["person"]] += 1
        if seen[row["person"]] <= PHOTOS_A_PERSON:
            shots.append(Shot(path=labels.with_suffix("") / row["photo"], person=row["person"]))
    return shots


def altered(looked: Sequence[Looked]) -> list[Shot]:
    """One altered copy of each photo of people with several; the photo's name says how."""
    photos = Counter(each.shot.person for each in looked)
    shots = []
    for each in looked:
        if photos[each.shot.person] < 2 or each.face is None:
            continue
        digest = hashlib.sha256(each.shot.path.name.encode()).digest()
        shots.append(
            Shot(
                path=each.shot.path,
                person=each.shot.person,
                alteration=ALTERATIONS[digest[0] % len(ALTERATIONS)],
                strength=int.from_bytes(digest[1:5], "big") / 2**32,
                landmarks=each.face.landmarks,
            )
        )
    return shots


def look(shots: Sequence[Shot], engine: FaceEngine, *, named: str) -> list[Looked]:
    """Find, measure and make templates; faces and templates are kept in the temporary folder."""
    said = "\n".join(shot.said for shot in shots) + engine.fingerprint
    key = hashlib.sha256(said.encode()).hexdigest()[:16]
    kept = Path(tempfile.gettempdir()) / f"likeness-quality-{named}-{key}.npz"
    if not kept.exists():
        _find(shots, engine, kept)
    with np.load(kept) as stored:
        found, places, templates = stored["found"], stored["landmarks"], stored["templates"]
    results = []
    for shot, is_found, landmarks, template in zip(shots, found, places, templates, strict=True):
        face = DetectedFace(box=(0, 0, 1, 1), score=1.0, landmarks=landmarks) if is_found else None
        quality = engine.quality(picture(shot)[0], [face])[0] if face else None
        results.append(Looked(shot=shot, face=face, template=template, quality=quality))
    return results


def _find(shots: Sequence[Shot], engine: FaceEngine, kept: Path) -> None:
    found = np.zeros(len(shots), dtype=bool)
    landmarks = np.zeros((len(shots), 5, 2), dtype=np.float32)
    templates = np.zeros((len(shots), engine.template_length), dtype=np.float32)
    for start in range(0, len(shots), BATCH):
        pictures = [picture(shot) for shot in shots[start : start + BATCH]]
        images = [pixels for pixels, _ in pictures]
        chosen = [
            _chosen(faces, pixels, places, shot)
            for faces, (pixels, places), shot in zip(
                engine.find_many(images), pictures, shots[start:], strict=False
            )
        ]
        made = engine.templates_many(images, chosen)
        for index, (faces, rows) in enumerate(zip(chosen, made, strict=True), start):
            for face, row in zip(faces, rows, strict=True):
                found[index], landmarks[index], templates[index] = True, face.landmarks, row
    np.savez(kept, found=found, landmarks=landmarks, templates=templates)


def _chosen(
    faces: Sequence[DetectedFace], pixels: Pixels, places: Points | None, shot: Shot
) -> list[DetectedFace]:
    """The face that is looked for, or none."""
    height, width = pixels.shape[:2]
    middle = np.array([width / 2, height / 2]) if places is None else places.mean(axis=0)
    reach = np.inf if places is None else float(np.ptp(places[:, 0]))

    def distance(face: DetectedFace) -> float:
        return float(np.hypot(*(face.landmarks.mean(axis=0) - middle)))

    nearest = [face for face in sorted(faces, key=distance)[:1] if distance(face) < reach]
    if not nearest and places is not None and shot.alteration == "reduced":
        # Other packs find faces that are too small for this one's detector.
        return [DetectedFace(box=(0, 0, 1, 1), score=0.0, landmarks=np.rint(places))]
    return nearest


def picture(shot: Shot) -> tuple[Pixels, Points | None]:
    """The pixels of a shot, and where its landmarks are in them."""
    with Image.open(shot.path) as file:
        image = file.convert("RGB")
    places = shot.landmarks
    if places is None:
        return np.asarray(image), None
    if shot.alteration == "reduced":
        return _reduced(image, places, shot.strength)
    if shot.alteration == "cut":
        return _cut(np.asarray(image), places, shot.strength)
    if shot.alteration == "blurred":
        image = image.filter(ImageFilter.GaussianBlur(6 * (0.7 / 6) ** shot.strength))
    pixels = np.asarray(image)
    if shot.alteration == "darkened":
        pixels = lit(pixels, 0.01 * 60**shot.strength)
    if shot.alteration == "burnt":
        pixels = lit(pixels, 12 * (1.3 / 12) ** shot.strength)
    return pixels, places


def lit(pixels: Pixels, light: float) -> Pixels:
    """The photo as if taken in that many times the light, with a camera's noise where darker."""
    linear = (pixels / 255) ** 2.2 * light
    if light < 1:
        linear += np.random.default_rng(7).normal(0, READ_NOISE, pixels.shape)
    return np.rint(255 * np.clip(linear, 0, 1) ** (1 / 2.2)).astype(np.uint8)


def _reduced(image: Image.Image, places: Points, strength: float) -> tuple[Pixels, Points]:
    factor = 0.12 * (0.8 / 0.12) ** strength
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS)), places * np.float32(factor)


def _cut(pixels: Pixels, places: Points, strength: float) -> tuple[Pixels, Points]:
    """One side, which the strength also chooses, cut off near the face or through it."""
    side, within = divmod(strength * 4, 1)
    reach = (1.5 * within - 0.2) * float(np.ptp(places[:, 0])) / 1.4
    height, width = pixels.shape[:2]
    x, y = places.mean(axis=0)
    left, top, right, bottom = 0, 0, width, height
    if side == 0:
        left = max(0, int(x - reach))
    elif side == 1:
        right = min(width, int(x + reach))
    elif side == 2:
        top = max(0, int(y - reach))
    else:
        bottom = min(height, int(y + reach))
    kept = np.ascontiguousarray(pixels[top:bottom, left:right])
    return kept, places - np.float32([left, top])


def in_less_light(
    looked: Sequence[Looked], engine: FaceEngine, light: float
) -> Iterator[Quality | None]:
    """What would be measured of the same faces in that many times the light."""
    for each in looked:
        if each.face is None:
            yield None
        else:
            yield engine.quality(lit(picture(each.shot)[0], light), [each.face])[0]
