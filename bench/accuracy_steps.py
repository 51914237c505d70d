"""The steps that were tried to make a pack's templates more accurate, each against what was kept.

A scheme says how references and probes are made and how several references become one score. A step
makes another scheme of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from open_set import Floats, Places, Score
from portrait_passes import Passes, Way

SMALLER, LARGER = 136, 164
SHIFT = 4


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """How people are compared.

    Attributes
    ----------
    references, probes : tuple of Way
        Whose embeddings are averaged.
    mirror : bool
        Whether the mirror image of each is averaged too.
    fuse : {"best", "mean", "quality", "length"}
        A person's score: the best of the references', that of their mean, or of their mean weighted
        by quality or by the length of the embedding.
    """

    references: tuple[Way, ...]
    probes: tuple[Way, ...]
    mirror: bool
    fuse: str

    def passes(self) -> tuple[int, int]:
        """Passes of the network for a reference and for a probe."""
        both = 2 if self.mirror else 1
        return both * len(self.references), both * len(self.probes)

    def each(self, change: Callable[[Way], Way]) -> Scheme:
        """The scheme with every way changed."""
        return replace(
            self,
            references=tuple(change(way) for way in self.references),
            probes=tuple(change(way) for way in self.probes),
        )


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something tried.

    Attributes
    ----------
    name : str
        In a few words.
    change : callable
        From the scheme kept so far to the one tried.
    taken_anyway : str
        Why it is taken whatever it gives here; else empty.
    """

    name: str
    change: Callable[[Scheme], Scheme]
    taken_anyway: str = ""


START = Scheme(
    references=(Way(boxes="plain"),), probes=(Way(boxes="plain"),), mirror=False, fuse="best"
)
"""As dlib's own examples do it: one pass, the best of the references."""


def steps(inner: int) -> tuple[Step, ...]:
    """Everything tried, in order; ``inner`` is the side of the frame's inner square."""

    def add(ways: tuple[Way, ...], *more: Way) -> tuple[Way, ...]:
        return ways + more

    def squares(ways: tuple[Way, ...]) -> tuple[Way, ...]:
        first = ways[0]
        return add(ways, replace(first, square=SMALLER), replace(first, square=LARGER))

    def shifts(ways: tuple[Way, ...]) -> tuple[Way, ...]:
        moves = ((SHIFT, 0), (-SHIFT, 0), (0, SHIFT), (0, -SHIFT))
        return add(ways, *(replace(ways[0], right=x, down=y) for x, y in moves))

    def landmarks(how: str) -> Callable[[Scheme], Scheme]:
        return lambda scheme: scheme.each(lambda way: replace(way, landmarks=how))

    def tones(how: str) -> Callable[[Scheme], Scheme]:
        return lambda scheme: scheme.each(lambda way: replace(way, tones=how))

    sizes = f"squares of {SMALLER}, {inner} and {LARGER} px averaged"
    return (
        Step(name="mirror image averaged", change=lambda s: replace(s, mirror=True)),
        Step(name="mean of the references, not the best", change=lambda s: replace(s, fuse="mean")),
        Step(name="mean weighted by quality", change=lambda s: replace(s, fuse="quality")),
        Step(
            name="mean weighted by the embedding's length",
            change=lambda s: replace(s, fuse="length"),
        ),
        Step(
            name="boxes of the pack's detection, not of photos as they are",
            change=lambda s: s.each(lambda way: replace(way, boxes="pack")),
            taken_anyway="for its recall",
        ),
        Step(name="landmarks averaged over 16 boxes", change=landmarks("averaged")),
        Step(name="landmarks to half a pixel", change=landmarks("enlarged")),
        Step(name="contrast stretched", change=tones("stretched")),
        Step(name="brightened (gamma 0.8)", change=tones("brightened")),
        Step(
            name=f"references: {sizes}",
            change=lambda s: replace(s, references=squares(s.references)),
        ),
        Step(
            name=f"references: moved by {SHIFT} px four ways, averaged too",
            change=lambda s: replace(s, references=shifts(s.references)),
        ),
        Step(name=f"probes: {sizes}", change=lambda s: replace(s, probes=squares(s.probes))),
        Step(
            name=f"probes: squares of {SMALLER} and {LARGER} px in place of the mirror's pair",
            change=lambda s: replace(
                s,
                probes=(
                    replace(s.probes[0], square=SMALLER),
                    replace(s.probes[0], square=LARGER),
                ),
            ),
        ),
    )


def scores_of(scheme: Scheme, passes: Passes) -> Score:
    """How a scheme scores photos of references and of probes."""
    lengths = _averaged(scheme.references, passes, mirror=scheme.mirror)
    probes = _unit(_averaged(scheme.probes, passes, mirror=scheme.mirror))
    references = _unit(lengths)
    weights = np.ones(len(references))
    if scheme.fuse == "length":
        weights = np.nan_to_num(np.linalg.norm(lengths, axis=1)) ** 2
    elif scheme.fuse == "quality":
        weights = passes.qualities(scheme.references[0])

    def best(given: Places, searched: Places) -> Floats:
        each = np.stack([references[column] @ probes[searched].T for column in given.T])
        highest: Floats = np.nan_to_num(np.max(each, axis=0), nan=-2.0)
        return highest

    def mean(given: Places, searched: Places) -> Floats:
        fused = np.nansum(references[given] * weights[given][..., None], axis=1)
        scores: Floats = np.nan_to_num(_unit(fused) @ probes[searched].T, nan=-2.0)
        return scores

    return best if scheme.fuse == "best" else mean


def _averaged(ways: tuple[Way, ...], passes: Passes, *, mirror: bool) -> NDArray[np.float64]:
    """The mean embedding of each photo, not of unit length; nan where no face was found."""
    total = np.zeros(1)
    for way in ways:
        both = passes.embeddings(way)
        total = total + (both.mean(axis=1) if mirror else both[:, 0])
    mean: NDArray[np.float64] = total / len(ways)
    return mean


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: NDArray[np.float64] = vectors / np.maximum(lengths, 1e-12)
    return scaled
