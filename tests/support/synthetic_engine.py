"""A face engine whose faces are drawn: which person a block of pixels shows can be read off it.

Everything around it is real: files are decoded, crops kept as JPEG, templates compared. Only what
the networks do is replaced: finding a drawn block, and making a unit vector of what it says.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from likeness.faces.frames import frame_name
from likeness.faces.packs import Pack
from likeness.records.face import DetectedFace, Quality

SIDE = 64
"""Side of a drawn face in pixels: a border of one cell, and six by six cells of one bit each."""

EXACT, NEAR, DOUBTFUL_ALONE, DOUBTFUL_AMONG_TEN = range(4)
"""How much a face looks like its person: as their reference, almost so, or so that it is proposed
(not linked) where one person is compared with, or two to ten are."""

_CELL = SIDE // 8
_MARK = np.array([255, 0, 255], dtype=np.uint8)
_LIGHT, _DARK = 230, 25
_FIRST_FRAME = "dlib-5"
_BITS = {"person": 16, "look": 2, "shot": 10, "blurred": 1, "seen": 2}

BY_BOTH, BY_FIRST, BY_SECOND, ELSEWHERE = range(4)
"""Which pack finds a drawn face: either, the first or the second alone, or either but the second at
a place that is not the same."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A face to draw: whose, how much it looks like them, and which of such shots it is."""

    person: int
    look: int = EXACT
    shot: int = 0
    blurred: bool = False
    seen: int = BY_BOTH


def draw(*faces: Drawn, salt: int = 0) -> Pixels:
    """A photo of these faces, left to right; the salt makes it another photo of the same."""
    picture = np.zeros((SIDE, SIDE * (len(faces) + 1), 3), dtype=np.uint8)
    # What is not a face: dark cells, so that no border is in them; they tell photos apart.
    cells = np.random.default_rng(salt).integers(0, 128, (8, 8, 3), dtype=np.uint8)
    picture[:, :SIDE] = cells.repeat(SIDE // 8, axis=0).repeat(SIDE // 8, axis=1)
    for place, face in enumerate(faces, start=1):
        picture[:, place * SIDE : (place + 1) * SIDE] = _block(face)
    return picture


def save(path: Path, *faces: Drawn, salt: int = 0) -> Path:
    """The same as a PNG file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw(*faces, salt=salt)).save(path, "PNG")
    return path


def second_pack(folder: Path) -> Path:
    """The manifest of a pack that differs from the default one in its frame and in all it finds."""
    first = Path(str(resources.files("likeness.faces").joinpath("manifests/dlib.toml")))
    text = first.read_text(encoding="utf-8")
    changed = text.replace('name = "dlib"', 'name = "second"').replace("= 0.25", "= 0.3")
    path = folder / "second.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(changed, encoding="utf-8")
    return path


class SyntheticEngine:
    """Stands where :class:`likeness.faces.engine.FaceEngine` stands.

    With another pack than the default one it is another engine: it keeps crops mirrored, finds some
    other faces, and its templates are those that the first one makes of somebody else, so that
    whatever is compared across packs shows.
    """

    def __init__(self, pack: Pack, *, fingerprint: str | None = None) -> None:
        self.pack = pack
        self.fingerprint = pack.fingerprint if fingerprint is None else fingerprint
        self.template_length = pack.template_length
        self.alignment = frame_name(pack)
        self._second = self.alignment != _FIRST_FRAME

    def of(self, pack: Pack) -> SyntheticEngine:
        """The engine of another pack."""
        return SyntheticEngine(pack)

    def find(self, image: Pixels) -> list[DetectedFace]:
        """Every drawn block, right to left: the order must not matter to anybody."""
        found = []
        for left in range(0, image.shape[1] - SIDE + 1, SIDE):
            block = image[:SIDE, left : left + SIDE]
            if block.shape == (SIDE, SIDE, 3) and (block[:_CELL] == _MARK).all():
                found += self._found(left, _read(block).seen)
        return found[::-1]

    def _found(self, left: int, seen: int) -> list[DetectedFace]:
        if seen == (BY_FIRST if self._second else BY_SECOND):
            return []
        if not self._second:
            return [_detected(left, 0)]
        return [_detected(left, 40)] if seen == ELSEWHERE else [_detected(left + 6, 2)]

    def find_many(self, images: Sequence[Pixels]) -> list[list[DetectedFace]]:
        return [self.find(image) for image in images]

    def crops(self, image: Pixels, faces: Sequence[DetectedFace], *, size: int = 192) -> Pixels:
        lefts = [round(face.box[0] / SIDE) * SIDE for face in faces]
        rows = [image[:SIDE, left : left + SIDE] for left in lefts]
        blocks = np.stack(rows) if rows else np.zeros((0, SIDE, SIDE, 3), np.uint8)
        blocks = self._aligned(blocks, self.alignment)
        return blocks.repeat(size // SIDE, axis=1).repeat(size // SIDE, axis=2)

    def quality(
        self, image: Pixels, faces: Sequence[DetectedFace], *, crops: Pixels | None = None
    ) -> list[Quality]:
        return [
            Quality(
                inter_eye=SIDE / 2,
                sharpness=0.0 if _read(crop).blurred else 500.0,
                yaw=0.0,
                roll=0.0,
                inside=1.0,
                under_exposure=0.0,
                over_exposure=0.0,
                dynamic_range=7.0,
                unified=0 if _read(crop).blurred else 90,
            )
            for crop in self._aligned(self.crops(image, faces), self.alignment)
        ]

    def templates(self, image: Pixels, faces: Sequence[DetectedFace]) -> NDArray[np.float32]:
        return self.templates_from_crops(self.crops(image, faces))

    def templates_from_crops(
        self, crops: Pixels, *, alignment: str | None = None
    ) -> NDArray[np.float32]:
        upright = self._aligned(crops, alignment or self.alignment)
        made = [self.template(_read(crop)) for crop in upright]
        return np.stack(made) if made else np.zeros((0, self.template_length), np.float32)

    def reference_templates(
        self, crops: Pixels, *, alignment: str | None = None
    ) -> NDArray[np.float32]:
        return self.templates_from_crops(crops, alignment=alignment)

    def template(self, face: Drawn) -> NDArray[np.float32]:
        """The unit vector of a face: its person's, turned away by the angle of its look."""
        person = face.person + self._second
        base = _direction(self.template_length, person)
        cosine = self._cosine(face.look)
        aside = _direction(self.template_length, person, 1 + face.look, 1 + face.shot)
        aside -= base * (aside @ base)
        aside /= np.linalg.norm(aside)
        turned = cosine * base + np.sqrt(1.0 - cosine**2) * aside
        return (turned / np.linalg.norm(turned)).astype(np.float32)

    def _aligned(self, crops: Pixels, alignment: str) -> Pixels:
        """There and back: crops of other frames than the first are mirrored."""
        return crops if alignment == _FIRST_FRAME else crops[:, :, ::-1]

    def _cosine(self, look: int) -> float:
        if look == EXACT:
            return 1.0
        if look == NEAR:
            highest = max(thresholds.strong for thresholds in self.pack.thresholds)
            return (1.0 + max(highest, 0.998)) / 2
        thresholds = self.pack.thresholds_for(1 if look == DOUBTFUL_ALONE else 10)
        return (thresholds.strong + thresholds.review) / 2


class RecordingEngine:
    """Another engine, which keeps every template that it makes."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self.made: list[NDArray[np.float32]] = []
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def templates(self, image: Pixels, faces: Sequence[DetectedFace]) -> NDArray[np.float32]:
        return self._kept(self._engine.templates(image, faces))

    def templates_many(
        self, images: Sequence[Pixels], faces: Sequence[Sequence[DetectedFace]]
    ) -> list[NDArray[np.float32]]:
        return [self._kept(made) for made in self._engine.templates_many(images, faces)]

    def templates_from_crops(
        self, crops: Pixels, *, alignment: str | None = None
    ) -> NDArray[np.float32]:
        return self._kept(self._engine.templates_from_crops(crops, alignment=alignment))

    def reference_templates(
        self, crops: Pixels, *, alignment: str | None = None
    ) -> NDArray[np.float32]:
        return self._kept(self._engine.reference_templates(crops, alignment=alignment))

    def of(self, pack: Pack) -> RecordingEngine:
        """The engine of another pack; what it makes is kept in the same place."""
        other = type(self)(self._engine.of(pack))
        other.made = self.made
        return other

    def _kept(self, made: NDArray[np.float32]) -> NDArray[np.float32]:
        with self._lock:
            self.calls += 1
            self.made.extend(made.copy())
        return made


class EngineInHand:
    """Stands where :class:`likeness.house.EngineSource` stands, with an engine that is there."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def get(self) -> Any:
        return self._engine

    def of(self, chosen: Any) -> EngineInHand:
        """The same for another pack."""
        return EngineInHand(self._engine.of(chosen.require()))


def _detected(left: int, top: int) -> DetectedFace:
    points = [(40, 24), (34, 24), (18, 24), (24, 24), (29, 40)]
    return DetectedFace(
        box=(left, top, left + SIDE, top + SIDE),
        score=1.0,
        landmarks=np.array([(left + x, top + y) for x, y in points], dtype=np.float32),
    )


def _block(face: Drawn) -> Pixels:
    bits: list[int] = []
    for name, length in _BITS.items():
        value = int(getattr(face, name))
        assert 0 <= value < 1 << length, f"{name} does not fit"
        bits += [value >> place & 1 for place in range(length)]
    cells = np.array(bits + [0] * (36 - len(bits)), dtype=np.uint8).reshape(6, 6)
    shades = np.where(cells == 1, _LIGHT, _DARK).astype(np.uint8)
    block = np.empty((SIDE, SIDE, 3), dtype=np.uint8)
    block[:] = _MARK
    inner = shades.repeat(_CELL, axis=0).repeat(_CELL, axis=1)
    block[_CELL:-_CELL, _CELL:-_CELL] = inner[:, :, None]
    return block


def _read(crop: Pixels) -> Drawn:
    """What a crop of any size says, also after it was a JPEG."""
    cell = crop.shape[0] // 8
    middles = crop[cell + cell // 2 :: cell, cell + cell // 2 :: cell, 1][:6, :6]
    bits = iter((middles > 128).astype(int).ravel().tolist())
    read = {
        name: sum(next(bits) << place for place in range(length)) for name, length in _BITS.items()
    }
    return Drawn(
        person=read["person"],
        look=read["look"],
        shot=read["shot"],
        blurred=bool(read["blurred"]),
        seen=read["seen"],
    )


def _direction(length: int, *seed: int) -> NDArray[np.float64]:
    drawn = np.random.default_rng(seed).standard_normal(length)
    direction: NDArray[np.float64] = drawn / np.linalg.norm(drawn)
    return direction
