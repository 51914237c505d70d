"""Templates in four bits a number, from which no cosine is ever judged lower than it is.

A reference x is approximated by ``centre + axes @ levels`` and its code says the levels, how far it
lies from that approximation (e), and how far towards the centre. For a probe q

    <q, x> = <q, centre> + <q, axes @ levels> + <centre, e> + <q - centre, e>

and the last term is at most ``|q - centre| * |e|`` (Cauchy-Schwarz). Each other term is read from a
table of 16 entries for every four bits, rounded up. So what a scan of the codes adds up is never
below the cosine: a reference that it leaves out cannot reach the threshold, whatever the
distribution of the templates. That only decides how many are proposed in vain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

LEVELS = 16
FEWEST_COLUMNS, MOST_COLUMNS = 80, 256
"""Four-bit columns of a code; 256 at most, so that the sum of a row fits in 16 bits."""

RANGE = 5.5
"""Standard deviations that the levels of an axis span; what lies outside has a larger error."""

CLAMPED = 0.85
"""The widest table is rounded to 255 steps of this share of its span; what is lower is raised."""

HOPELESS = 1.3
"""A probe is scanned where its threshold is this many deviations above the scores expected."""

_EPSILON = float(np.finfo(np.float32).eps)
_ROUNDING = 1e-6
"""A score is rounded to float32, and a threshold compared with it."""

_AT_ONCE = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class Tables:
    """What to add up for each probe, and from which sum on it is proposed.

    Attributes
    ----------
    scanned : int64 array of shape (m,)
        Rows of the probes that have a table; for the others a scan would propose too much.
    entries : float32 array of shape (m, columns, 16)
        Whole numbers of 0 to 255, but for the first column, which is shifted so that every
        probe's sums are to be above 0.
    """

    scanned: NDArray[np.int64]
    entries: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantiser:
    """Makes codes of references and tables of probes; see :func:`train`.

    Attributes
    ----------
    centre : float32 array of shape (d,)
    axes : float32 array of shape (d, k)
        Nearly orthonormal; the bound does not rest on that.
    deviations : float32 array of shape (k,)
    steps : float32 array of shape (k,)
        Distance of neighbouring levels.
    levels : int64 array of shape (k,)
        Highest level of each axis, a multiple of 15; the middle one is the centre.
    axis_of : int64 array of shape (columns - 2,)
        The axis that each column belongs to; columns of one axis add up to its level.
    part_of : int64 array of shape (columns - 2,)
        Which of its axis's columns it is.
    errors, shifts : float64 arrays of shape (16,)
        Upper edges of the last two columns: of ``|e|`` and of ``<centre, e>``.
    usual_error : float
    """

    centre: NDArray[np.float32]
    axes: NDArray[np.float32]
    deviations: NDArray[np.float32]
    steps: NDArray[np.float32]
    levels: NDArray[np.int64]
    axis_of: NDArray[np.int64]
    part_of: NDArray[np.int64]
    errors: NDArray[np.float64]
    shifts: NDArray[np.float64]
    usual_error: float

    @property
    def columns(self) -> int:
        """Four-bit numbers in one code, an even number."""
        return len(self.axis_of) + 2

    def encode(self, vectors: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Codes of references, and which of them no code can bound.

        Parameters
        ----------
        vectors : float32 array of shape (n, d)

        Returns
        -------
        uint8 array of shape (n, columns), values 0 to 15
        bool array of shape (n,)
            True where a reference lies too far from its approximation: it is to be compared always.
        """
        codes = np.empty((len(vectors), self.columns), dtype=np.uint8)
        loose = np.empty(len(vectors), dtype=np.bool_)
        for start in range(0, len(vectors), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            level, error, shift = self._approximate(vectors[some])
            parts = level[:, self.axis_of] - 15 * self.part_of.astype(np.int32)
            codes[some, :-2] = np.clip(parts, 0, LEVELS - 1)
            loose[some] = (error > self.errors[-1]) | (shift > self.shifts[-1])
            for column, edges, value in ((-2, self.errors, error), (-1, self.shifts, shift)):
                codes[some, column] = np.searchsorted(edges, value).clip(max=LEVELS - 1)
            for copy in (level, parts, error, shift):
                copy.fill(0)
        _forget_products(len(vectors), self)
        return codes, loose

    def tables(self, probes: NDArray[np.float32], threshold: float) -> Tables:
        """What a scan adds up for probes, float32 (n, d), to find whatever reaches a threshold.

        The sum over a code's columns, times a step, plus a constant, is at least the cosine: every
        entry is rounded up.
        """
        wide = probes.astype(np.float64)
        along = wide @ self.axes.astype(np.float64)
        apart = np.linalg.norm(wide - self.centre, axis=1)
        base = wide @ self.centre.astype(np.float64)
        low = base - (along * self.steps * self.levels).sum(axis=1) / 2
        values = np.empty((len(probes), self.columns, LEVELS))
        np.multiply(
            (along * self.steps)[:, self.axis_of, None], np.arange(LEVELS), out=values[:, :-2]
        )
        values[:, -2] = apart[:, None] * self.errors
        values[:, -1] = self.shifts
        tops = values.max(axis=2)
        step = (tops - values.min(axis=2)).max(axis=1) * CLAMPED / 255
        values -= tops[:, :, None]
        values /= step[:, None, None]
        np.maximum(np.ceil(values, out=values), -255, out=values)
        lows = values.min(axis=2)
        values -= lows[:, :, None]
        wanted = (threshold - _ROUNDING - low - tops.sum(axis=1)) / step - lows.sum(axis=1)
        sums = np.floor(wanted).clip(max=65_536)
        values[:, 0] -= (sums - 1)[:, None]
        expected = base + step * self.columns / 2 + apart * self.usual_error
        spread = np.linalg.norm(along * self.deviations, axis=1)
        scanned = np.flatnonzero((threshold > expected + HOPELESS * spread) & (sums >= 1))
        return Tables(scanned=scanned, entries=values[scanned].astype(np.float32))

    def wipe(self) -> None:
        """Overwrite what was learnt from references."""
        for numbers in (self.centre, self.axes, self.deviations, self.steps):
            numbers.fill(0)

    def _approximate(
        self, vectors: NDArray[np.float32]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
        """Levels of the axes, and upper bounds of ``|e|`` and ``<centre, e>``."""
        apart = vectors - self.centre
        place = apart @ self.axes
        half = (self.levels / 2).astype(np.float32)
        place /= np.where(self.steps > 0, self.steps, 1)
        place += half
        np.clip(np.rint(place, out=place), 0, self.levels, out=place)
        level = place.astype(np.int32)
        place -= half
        place *= self.steps
        back = place @ np.ascontiguousarray(self.axes.T)
        apart -= back
        # A float32 product of k terms is off by k * eps / 2 of their sizes (Higham 2002, 3.5), and
        # the place is no longer than 3.
        count = self.axes.shape[1]
        slack = 2 * (count + 8) * _EPSILON * float(np.sqrt(count))
        error = np.sqrt(np.einsum("ij,ij->i", apart, apart, dtype=np.float64)) + slack
        shift = np.einsum("ij,j->i", apart, self.centre, dtype=np.float64) + slack
        for copy in (apart, place, back):
            copy.fill(0)
        return level, error, shift


def train(sample: NDArray[np.float32]) -> Quantiser:
    """Learn from references how they are spread: their mean and the axes of their covariance.

    Parameters
    ----------
    sample : float32 array of shape (n, d)
        At least one; overwritten with zeros.
    """
    length = sample.shape[1]
    centre = sample.mean(axis=0, dtype=np.float64).astype(np.float32)
    variances, axes = np.linalg.eigh(_covariance(sample, centre))
    variances, axes = np.maximum(variances[::-1], 0.0), axes[:, ::-1]
    counts = _share_out(variances, min(max(FEWEST_COLUMNS, length // 2), MOST_COLUMNS) - 2)
    used = counts > 0
    counts, deviations = counts[used], np.sqrt(variances[used])
    rough = Quantiser(
        centre=centre,
        axes=np.ascontiguousarray(axes[:, used], dtype=np.float32),
        deviations=deviations.astype(np.float32),
        steps=(RANGE * deviations / (15 * counts)).astype(np.float32),
        levels=15 * counts,
        axis_of=np.repeat(np.arange(len(counts)), counts),
        part_of=np.concatenate([np.arange(count) for count in counts]),
        errors=np.zeros(LEVELS),
        shifts=np.zeros(LEVELS),
        usual_error=0.0,
    )
    errors, shifts = [], []
    for start in range(0, len(sample), _AT_ONCE):
        level, error, shift = rough._approximate(sample[start : start + _AT_ONCE])
        level.fill(0)
        errors.append(error)
        shifts.append(shift)
    _forget_products(len(sample), rough)
    sample.fill(0)
    return _with_edges(rough, np.concatenate(errors), np.concatenate(shifts))


def _covariance(sample: NDArray[np.float32], centre: NDArray[np.float32]) -> NDArray[np.float64]:
    length = sample.shape[1]
    total = np.zeros((length, length))
    for start in range(0, len(sample), _AT_ONCE):
        apart = sample[start : start + _AT_ONCE] - centre
        total += apart.T @ apart
        apart.fill(0)
        total += apart.T @ apart
    return total / len(sample)


def _share_out(variances: NDArray[np.float64], columns: int) -> NDArray[np.int64]:
    """Give the columns to the axes, each to the one whose squared error it lowers most."""
    counts = np.zeros(len(variances), dtype=np.int64)
    one = variances * (RANGE / 15) ** 2 / 12
    for _ in range(columns):
        held = np.where(counts == 0, variances, one / np.maximum(counts, 1) ** 2)
        counts[np.argmax(held - one / (counts + 1) ** 2)] += 1
    return counts


def _with_edges(
    rough: Quantiser, errors: NDArray[np.float64], shifts: NDArray[np.float64]
) -> Quantiser:
    """Divide what the sample shows finely, and leave room above for what is still to come."""
    fine = np.linspace(0, 0.99, LEVELS - 2)[1:]
    most = float(np.quantile(errors, 0.99))
    low, high = np.quantile(shifts, (0.001, 0.999))
    span = max(float(high - low), 1e-3)
    return replace(
        rough,
        errors=np.append(np.quantile(errors, fine), most * np.array((1.4, 2.0, 3.0))),
        shifts=np.append(np.linspace(low, high, LEVELS - 3), high + span * np.array((0.2, 0.5, 1))),
        usual_error=float(errors.mean()),
    )


def _forget_products(count: int, quantiser: Quantiser) -> None:
    """Overwrite what products of that many references left behind.

    The library that multiplies matrices copies them into memory of its own, which nothing reaches
    but another product of the same shape.
    """
    length, axes = quantiser.axes.shape
    for rows in {min(count, _AT_ONCE), count % _AT_ONCE} - {0}:
        _ = np.zeros((rows, length), np.float32) @ np.zeros((length, axes), np.float32)
        _ = np.zeros((rows, axes), np.float32) @ np.zeros((axes, length), np.float32)
