"""Quantiles of the beta distribution, which exact intervals of a rate are made of."""

from __future__ import annotations

import math

_TINY = 1e-300
_ENOUGH = 1e-14
_MOST_TERMS = 10_000


def beta_quantile(share: float, a: float, b: float) -> float:
    """The value below which a share of the beta distribution with these two shapes lies.

    Parameters
    ----------
    share : float
        Between 0 and 1.
    a, b : float
        Above 0.

    Examples
    --------
    >>> round(beta_quantile(0.5, 1, 1), 6), round(beta_quantile(0.975, 5, 196), 6)
    (0.5, 0.050414)
    """
    low, high = 0.0, 1.0
    # Halving 80 times is exact to the last bit, and needs no derivative that vanishes at an end.
    for _ in range(80):
        middle = (low + high) / 2
        if beta_share(middle, a, b) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def beta_share(value: float, a: float, b: float) -> float:
    """The share of the beta distribution at or below a value (regularised incomplete beta).

    By the continued fraction of DLMF 8.17.22, which converges fast below the mean; above it by the
    symmetry I(x; a, b) = 1 - I(1 - x; b, a).
    """
    if value <= 0:
        return 0.0
    if value >= 1:
        return 1.0
    if value > (a + 1) / (a + b + 2):
        return 1.0 - beta_share(1 - value, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(scale + a * math.log(value) + b * math.log1p(-value)) / a
    return front / _fraction(value, a, b)


def _fraction(value: float, a: float, b: float) -> float:
    """1 + d1/(1 + d2/(1 + ...)), from the front (modified Lentz)."""
    result, up, down = 1.0, 1.0, 0.0
    for term in range(1, _MOST_TERMS):
        m, odd = divmod(term, 2)
        if odd:
            part = -(a + m) * (a + b + m) * value / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            part = m * (b - m) * value / ((a + 2 * m - 1) * (a + 2 * m))
        down = 1.0 / _away_from_zero(1.0 + part * down)
        up = _away_from_zero(1.0 + part / up)
        result *= up * down
        if abs(up * down - 1.0) < _ENOUGH:
            break
    return result


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
