"""Templates without people: drawn with the spread of real ones, to fill galleries of any size.

How fast and how well an index finds depends on how its vectors are spread. Templates of faces lie
in a narrow cone (with the default pack the cosine of two strangers averages 0.84) and vary along
some axes far more than along others, so random directions would flatter any index.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likeness.errors import BadInput, PhotoUnreadable, SourceUnreadable
from likeness.faces.decode import decode
from likeness.faces.engine import FaceEngine
from likeness.records.photo import ReadLimits

Floats = NDArray[np.float32]

MEASURED_ON = "1,748 people of LFW with the default pack"
CENTRE = 0.914
VARIANCE = 0.1644
AXES = (1, 2, 4, 8, 16, 24, 32, 48, 64, 78)
SHARES = (0.0896, 0.165, 0.268, 0.405, 0.577, 0.694, 0.782, 0.902, 0.973, 1.0)
"""Share of the variance that the first so many axes hold; the templates have no more than 78."""

WITHIN = 0.072
"""Variance of the difference of two templates of one person."""

PER_PERSON, MOST_PHOTOS, FEWEST_PEOPLE = 3, 2000, 200
_AT_ONCE = 32_768
_BATCH = 16
_LONG_SIDE = 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class Spread:
    """How templates lie, and how those of one person differ.

    Attributes
    ----------
    centre : float64 array of shape (d,)
    between, within : float32 arrays of shape (d, d)
        Their products with standard normal rows have the covariance of templates, and of the
        difference of two templates of one person.
    mated : float32 array of shape (n, 2, d)
        Real pairs of templates of one person; none where the spread is not measured.
    source : str
    """

    centre: NDArray[np.float64]
    between: Floats
    within: Floats
    mated: Floats
    source: str

    def draw(self, count: int, random: np.random.Generator) -> Floats:
        """Templates of as many people, float32 (count, d), unit length."""
        templates = np.empty((count, len(self.centre)), dtype=np.float32)
        for start in range(0, count, _AT_ONCE):
            some = templates[start : start + _AT_ONCE]
            some[:] = random.standard_normal(some.shape, dtype=np.float32) @ self.between
            some += self.centre.astype(np.float32)
            some /= np.linalg.norm(some, axis=1, keepdims=True)
        return templates

    def again(self, templates: Floats, random: np.random.Generator) -> Floats:
        """Other templates of the same people."""
        noise = random.standard_normal(templates.shape, dtype=np.float32) @ self.within
        made: Floats = templates + noise
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        return made

    def at(
        self, templates: Floats, cosines: NDArray[np.float64], random: np.random.Generator
    ) -> Floats:
        """Templates with these cosines to the given ones, in directions in which people differ."""
        base = templates.astype(np.float64)
        aside = self.again(templates, random).astype(np.float64)
        aside -= (aside * base).sum(axis=1, keepdims=True) * base
        aside /= np.linalg.norm(aside, axis=1, keepdims=True)
        sines = np.sqrt(1 - cosines**2)
        made: Floats = (cosines[:, None] * base + sines[:, None] * aside).astype(np.float32)
        return made


def stated() -> Spread:
    """The spread of the default pack's templates, by figures alone; the axes are random ones."""
    length = 128
    random = np.random.default_rng(2026)
    axes = np.linalg.qr(random.standard_normal((length, length)))[0]
    shares = np.diff(np.interp(np.arange(AXES[-1] + 1), (0, *AXES), (0.0, *SHARES)))
    sizes = np.zeros(length)
    sizes[: len(shares)] = np.sqrt(shares)
    root = (sizes[:, None] * axes.T).astype(np.float32)
    towards = axes[:, : AXES[-1]] @ random.standard_normal(AXES[-1])
    return Spread(
        centre=CENTRE * towards / np.linalg.norm(towards),
        between=root * np.float32(np.sqrt(VARIANCE)),
        within=root * np.float32(np.sqrt(WITHIN)),
        mated=np.zeros((0, 2, length), dtype=np.float32),
        source=f"drawn from figures measured on {MEASURED_ON}",
    )


def measured(folder: Path) -> Spread:
    """The spread of the templates of real photos, with the default pack.

    Parameters
    ----------
    folder : Path
        A folder a person, with photos in which the largest face is theirs.

    Raises
    ------
    SourceUnreadable
        The folder is not there.
    BadInput
        Too few people in it have two photos with a face.
    """
    if not folder.is_dir():
        raise SourceUnreadable(
            f"There is no folder {folder.name!r}.",
            "Give a folder with a folder of photos a person.",
        )
    people = [_photos(person) for person in sorted(folder.iterdir()) if person.is_dir()]
    step = max(1, -(-sum(map(len, people)) // MOST_PHOTOS))
    found = _templates(people[::step])
    several = [own for own in found if len(own) > 1]
    if len(several) < FEWEST_PEOPLE:
        raise BadInput(
            f"Only {len(several)} people have two photos with a face; that is too few to measure "
            f"how templates are spread.",
            f"Give photos of {FEWEST_PEOPLE} people or more, or leave --like out.",
        )
    first = np.stack([own[0] for own in found]).astype(np.float64)
    mated = np.stack([np.stack(pair) for own in several for pair in combinations(own, 2)])
    differences = (mated[:, 0] - mated[:, 1]).astype(np.float64)
    return Spread(
        centre=first.mean(axis=0),
        between=_root(np.cov(first.T)),
        within=_root(differences.T @ differences / len(differences)),
        mated=mated,
        source=f"drawn with the mean and covariance of {len(found)} people's templates",
    )


def _root(covariance: NDArray[np.float64]) -> Floats:
    variances, axes = np.linalg.eigh(covariance)
    root: Floats = (np.sqrt(np.maximum(variances, 0))[:, None] * axes.T).astype(np.float32)
    return root


def _photos(person: Path) -> list[Path]:
    return sorted(path for path in person.iterdir() if path.is_file())[:PER_PERSON]


def _templates(people: list[list[Path]]) -> list[Floats]:
    """Templates of the largest face of each photo, a person at a time; without empty ones."""
    engine = FaceEngine.load()
    owners: list[int] = []
    images: list[NDArray[np.uint8]] = []
    made: dict[int, list[Floats]] = {}

    def flush() -> None:
        faces = [
            sorted(own, key=lambda face: face.box[0] - face.box[2])[:1]
            for own in engine.find_many(images)
        ]
        for owner, own in zip(owners, engine.templates_many(images, faces), strict=True):
            if len(own):
                made.setdefault(owner, []).append(own[0])
        owners.clear()
        images.clear()

    for number, photos in enumerate(people):
        for path in photos:
            try:
                images.append(
                    decode(path.read_bytes(), limits=ReadLimits(), long_side=_LONG_SIDE).pixels
                )
            except (PhotoUnreadable, OSError):
                continue
            owners.append(number)
        if len(images) >= _BATCH:
            flush()
    if images:
        flush()
    return [np.stack(own) for own in made.values()]
