"""Whether two looks are of one picture, and where one lies in the other.

The window of one picture in the other is found by Gauss-Newton on the grey thumbnails (Lucas and
Kanade 1981; Baker and Matthews 2004), coarse to fine, with brightness and contrast free. Two
pictures are one where what remains after that is nowhere more than compression and a shift of a
fraction of a pixel explain. That it has to hold everywhere keeps photos of one scene apart in which
one face moved. The bounds were chosen by ``bench/copies.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likeness.faces.resemblance import Look, views

Plane = NDArray[np.float64]
Window = tuple[float, float, float, float]
"""(left, top, right, bottom) of a picture in the unit square of another; may reach out of it."""

LEAST_CORRELATION = 0.99
"""Normalised correlation over the common part from which pictures may be one."""

MOST_LOCAL = 1.5
"""Largest local difference of one picture, in units of what compression and shifts explain."""

LEAST_OVERLAP = 0.6
"""Share of each picture that has to be common."""

MOST_STRETCH = 1.04
"""How much wider against its height a copy may be."""

LEAST_CROP_CORRELATION = 0.9
"""Normalised correlation from which the crops of a face in two copies show the same."""

_WHOLE: Window = (0.0, 0.0, 1.0, 1.0)
_CROP_SIDE = 16
_START_SIDE = 24
_START_NARROW = 12
_MIDDLE_SIDE = 48
_STARTS = 3
_FIRST_CORRELATION = 0.7
_COARSE_CORRELATION = 0.9
_LEAST_GAIN = 0.25
_ROUNDS = 8
_LONGEST_STEP = 0.05
_STILL = 2e-4
_NARROWEST = 0.5
# In grey levels, and in pixels of the thumbnail.
_NOISE = 3.0
_SHIFT = 0.35
_BLOCK = 5
_RIM = 2


@dataclass(frozen=True, kw_only=True)
class Registration:
    """How one picture lies in another.

    Attributes
    ----------
    window : Window
        Of the second in the first.
    correlation : float
    local : float
        Largest local difference (`MOST_LOCAL`).
    """

    window: Window
    correlation: float
    local: float


def register(one: Look, other: Look) -> Window | None:
    """Where the other picture lies in the unit square of the first; None where they are two."""
    found = measure(one, other)
    return found.window if found is not None and accepted(found) else None


def accepted(found: Registration) -> bool:
    """Whether a registration is good enough for one picture."""
    return found.correlation >= LEAST_CORRELATION and found.local <= MOST_LOCAL


def measure(one: Look, other: Look) -> Registration | None:
    """The best registration of two looks, whatever it is worth; None where there is none at all."""
    if not (one.telling and other.telling):
        return None
    side = min(max(one.thumbnail.shape), max(other.thumbnail.shape))
    slimmest = max(max(k.thumbnail.shape) / min(k.thumbnail.shape) for k in (one, other))
    start = min(side, max(_START_SIDE, round(_START_NARROW * slimmest)))
    window = _first_window(*_planes(one, other, start, _WHOLE))
    if window is None:
        return None
    # The finer of the two is laid upon the other: so both are smoothed once, and which of them came
    # first makes no difference.
    turned = _coarser(one, other, window) > 1
    if turned:
        one, other, window = other, one, inverse(window)
    planes = None
    # The last is done twice: only with a window can both be brought to one scale.
    for level in (min(side, max(start, _MIDDLE_SIDE)), side, side):
        planes = _planes(one, other, level, window)
        window = _refined(*planes, window)
        if window is None or not _plausible(one, other, window):
            return None
    assert planes is not None
    return Registration(
        window=inverse(window) if turned else window,
        correlation=_correlation(*planes, window),
        local=_local(*planes, window),
    )


def show_the_same(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Whether two crops of one place of two copies show the same, pixel upon pixel.

    Tells a face from another that took its place. It does not tell whether two are one person: two
    crops of a person show the same only where they come of one photo.

    Parameters
    ----------
    one, other : uint8 arrays of shape (s, s, 3)
    """
    a, b = (_small(crop) for crop in (one, other))
    scale = np.sqrt((a @ a) * (b @ b))
    return bool(scale > 0 and a @ b >= LEAST_CROP_CORRELATION * scale)


def inverse(window: Window) -> Window:
    """Where the first picture lies in the second, from where the second lies in the first.

    >>> inverse((0.0, 0.0, 0.5, 0.5))
    (0.0, 0.0, 2.0, 2.0)
    """
    left, top, right, bottom = window
    wide, high = right - left, bottom - top
    return (0 - left) / wide, (0 - top) / high, (1 - left) / wide, (1 - top) / high


def within(outer: Window, inner: Window) -> Window:
    """Where a picture lies in the first of three: ``inner`` in the second, that one at ``outer``.

    >>> within((0.0, 0.0, 0.5, 0.5), (0.5, 0.5, 1.0, 1.0))
    (0.25, 0.25, 0.5, 0.5)
    """
    left, top, right, bottom = outer
    wide, high = right - left, bottom - top
    return (
        left + inner[0] * wide,
        top + inner[1] * high,
        left + inner[2] * wide,
        top + inner[3] * high,
    )


def _small(crop: NDArray[np.uint8]) -> Plane:
    from PIL import Image

    size = (_CROP_SIDE, _CROP_SIDE)
    grey = Image.fromarray(crop).convert("L").resize(size, Image.Resampling.BILINEAR)
    flat = np.asarray(grey, np.float64).ravel()
    centred: Plane = flat - flat.mean()
    return centred


def _first_window(one: Plane, other: Plane) -> Window | None:
    """The best of the views that either may be of the other, refined; None where none will do."""
    tried = [*views(), *(inverse(view) for view in views()[1:])]
    scored = sorted(((_correlation(one, other, view), view) for view in tried), reverse=True)
    if scored[0][0] < _FIRST_CORRELATION:
        return None
    refined = [_refined(one, other, view) for _, view in scored[:_STARTS]]
    found = [(_correlation(one, other, window), window) for window in refined if window]
    if not found:
        return None
    score, best = max(found)
    return best if score >= _COARSE_CORRELATION else None


def _planes(one: Look, other: Look, side: int, window: Window) -> tuple[Plane, Plane]:
    """Both in grey, a pixel of either as large a part of the scene, ``side`` at most."""
    coarser = _coarser(one, other, window)
    longest = max(
        max(one.thumbnail.shape) * min(1.0, 1 / coarser),
        max(other.thumbnail.shape) * min(1.0, coarser),
    )
    scale = min(1.0, side / longest)
    return (
        _reduced(one.thumbnail, scale * min(1.0, 1 / coarser)),
        _reduced(other.thumbnail, scale * min(1.0, coarser)),
    )


def _coarser(one: Look, other: Look, window: Window) -> float:
    """How many pixels of the first picture's thumbnail a pixel of the other's is as wide as."""
    across = (window[2] - window[0]) * one.thumbnail.shape[1] / other.thumbnail.shape[1]
    down = (window[3] - window[1]) * one.thumbnail.shape[0] / other.thumbnail.shape[0]
    return float(np.sqrt(across * down))


def _reduced(thumbnail: NDArray[np.uint8], scale: float) -> Plane:
    from PIL import Image

    height, width = thumbnail.shape
    smallest = 2 * _RIM + 1
    size = max(smallest, round(width * scale)), max(smallest, round(height * scale))
    image = Image.fromarray(thumbnail.astype(np.float32))
    return _blurred(np.asarray(image.resize(size, Image.Resampling.BILINEAR), np.float64))


def _blurred(plane: Plane) -> Plane:
    padded = np.pad(plane, 1, mode="edge")
    rows = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    blurred: Plane = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4
    return blurred


def _grid(one: Plane, shape: tuple[int, ...], window: Window) -> tuple[Plane, Plane]:
    """Where the pixels of the other picture lie in the first: x of its columns, y of its rows."""
    left, top, right, bottom = window
    height, width = one.shape
    x = (left + (np.arange(shape[1]) + 0.5) / shape[1] * (right - left)) * width - 0.5
    y = (top + (np.arange(shape[0]) + 0.5) / shape[0] * (bottom - top)) * height - 0.5
    return x, y


def _sampled(plane: Plane, x: Plane, y: Plane) -> Plane:
    """A picture at the crossings of columns and rows, bilinear; outside, what its edge shows."""
    return _mixed(_mixed(plane, y).T, x).T


def _mixed(plane: Plane, places: Plane) -> Plane:
    bounded = np.clip(places, 0, plane.shape[0] - 1)
    below = np.minimum(bounded.astype(np.intp), plane.shape[0] - 2)
    share = (bounded - below)[:, None]
    mixed: Plane = plane[below] * (1 - share) + plane[below + 1] * share
    return mixed


def _inside(one: Plane, x: Plane, y: Plane) -> NDArray[np.bool_]:
    """Where both have something to say: not at their rims, where what is beyond them is missing."""
    across = (x >= _RIM) & (x <= one.shape[1] - 1 - _RIM)
    down = (y >= _RIM) & (y <= one.shape[0] - 1 - _RIM)
    for bounded in (across, down):
        bounded[:_RIM] = bounded[-_RIM:] = False
    inside: NDArray[np.bool_] = down[:, None] & across[None, :]
    return inside


def _correlation(one: Plane, other: Plane, window: Window) -> float:
    x, y = _grid(one, other.shape, window)
    inside = _inside(one, x, y)
    if inside.mean() < LEAST_OVERLAP / 2:
        return -1.0
    a, b = _sampled(one, x, y)[inside], other[inside]
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else -1.0


def _refined(one: Plane, other: Plane, window: Window) -> Window | None:
    """The window after some rounds of Gauss-Newton; None where it runs away."""
    height, width = other.shape
    u = ((np.arange(width) + 0.5) / width)[None, :]
    v = ((np.arange(height) + 0.5) / height)[:, None]
    down, across = _slopes(one)
    down, across = down * one.shape[0], across * one.shape[1]
    left, top, right, bottom = window
    for _ in range(_ROUNDS):
        x, y = _grid(one, other.shape, (left, top, right, bottom))
        inside = _inside(one, x, y)
        if inside.mean() < LEAST_OVERLAP / 2:
            return None
        values, dx, dy = (_sampled(plane, x, y) for plane in (one, across, down))
        columns = (dx * (1 - u), dy * (1 - v), dx * u, dy * v, values, np.ones_like(values))
        system = np.stack([column.ravel() for column in columns])
        weighted = system * inside.ravel()
        gram, sums = weighted @ system.T, weighted @ other.ravel()
        # What a picture does not tell, such as a shift along a straight edge, stays as it is.
        gram[np.diag_indices(len(gram))] = gram.diagonal() * (1 + 1e-6) + 1e-6
        solved = np.linalg.solve(gram, sums)
        gain = float(solved[4])
        if gain <= _LEAST_GAIN:
            return None
        step = np.clip(solved[:4] / gain, -_LONGEST_STEP, _LONGEST_STEP).tolist()
        left, top, right, bottom = left + step[0], top + step[1], right + step[2], bottom + step[3]
        if right - left < _NARROWEST or bottom - top < _NARROWEST:
            return None
        if max(map(abs, step)) < _STILL:
            break
    return left, top, right, bottom


def _slopes(plane: Plane) -> tuple[Plane, Plane]:
    """How steep a picture is downwards and across, in grey levels a pixel."""
    down, across = np.gradient(plane)
    return np.asarray(down), np.asarray(across)


def _plausible(one: Look, other: Look, window: Window) -> bool:
    left, top, right, bottom = window
    wide, high = right - left, bottom - top
    stretch = (wide / high) * one.aspect / other.aspect
    common = max(0.0, min(1, right) - max(0, left)) * max(0.0, min(1, bottom) - max(0, top))
    return (
        1 / MOST_STRETCH <= stretch <= MOST_STRETCH
        and common >= LEAST_OVERLAP
        and common / (wide * high) >= LEAST_OVERLAP
    )


def _local(one: Plane, other: Plane, window: Window) -> float:
    """The largest difference over a block, against what compression and small shifts explain."""
    x, y = _grid(one, other.shape, window)
    inside, values = _inside(one, x, y), _sampled(one, x, y)
    a, b = values[inside], other[inside]
    if a.std() == 0 or b.std() == 0:
        return float("inf")
    # A straight line through both, the same whichever comes first.
    matched = (values - a.mean()) * (b.std() / a.std()) + b.mean()
    steep = np.maximum(*(down**2 + across**2 for down, across in map(_slopes, (matched, other))))
    allowed = _NOISE**2 + _SHIFT**2 * _blurred(_blurred(steep))
    excess = np.where(inside, (matched - other) ** 2, 0.0)
    return float((_block_sums(excess) / _block_sums(allowed)).max())


def _block_sums(plane: Plane) -> Plane:
    size = min(_BLOCK, *plane.shape)
    total = np.pad(plane.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    sums: Plane = (
        total[size:, size:] - total[:-size, size:] - total[size:, :-size] + total[:-size, :-size]
    )
    return sums
