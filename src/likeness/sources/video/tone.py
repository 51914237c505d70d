"""Pictures of high dynamic range on a screen of standard range.

Light up to seven tenths of white on paper stays as it is, so that skin does; what is brighter is
pressed together. libswscale can do this too, but works on a table for ten seconds a video first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PQ, HLG = 16, 18
"""Transfer characteristics by ITU-T H.273: SMPTE ST 2084 and ARIB STD-B67."""
BT2020 = 9
"""Colour primaries by ITU-T H.273."""

_WHITE = 203.0  # cd/m2 of white on paper (ITU-R BT.2408)
_HLG_PEAK = 1000.0
_BRIGHTEST = 8.0
_KNEE = 0.7
_STEPS = 65_536


def linear_table(transfer: int) -> NDArray[np.float32]:
    """Return light for each of 65,536 signal values, 1 being white on paper; float32 (65536,)."""
    signal = np.linspace(0.0, 1.0, _STEPS)
    if transfer == PQ:
        # SMPTE ST 2084, equation 4.1.
        m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
        power = signal ** (1 / m2)
        light = 10_000.0 * (np.maximum(power - c1, 0.0) / (c2 - c3 * power)) ** (1 / m1)
    else:
        # ITU-R BT.2100, table 5; the system gamma is applied to each colour by itself.
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
        light = _HLG_PEAK * scene**1.2
    return (light / _WHITE).astype(np.float32)


def screen_table() -> NDArray[np.uint8]:
    """Return the sRGB value for each of 65,536 steps of light up to eight times white; uint8."""
    light = np.linspace(0.0, _BRIGHTEST, _STEPS)
    over = 1.0 - _KNEE
    pressed = np.where(light <= _KNEE, light, 1.0 - over * np.exp((_KNEE - light) / over))
    # IEC 61966-2-1.
    low, high = 12.92 * pressed, 1.055 * pressed ** (1 / 2.4) - 0.055
    encoded = np.where(pressed <= 0.0031308, low, high)
    return np.round(255 * encoded).clip(0, 255).astype(np.uint8)


def on_screen(
    signal: NDArray[np.uint16],
    linear: NDArray[np.float32],
    screen: NDArray[np.uint8],
    *,
    primaries: int,
) -> NDArray[np.uint8]:
    """Return a picture in sRGB.

    Parameters
    ----------
    signal : uint16 array of shape (height, width, 3)
        RGB.
    linear, screen
        Of `linear_table` and `screen_table`.
    primaries : int
        By ITU-T H.273; those of BT.2020 are converted (ITU-R BT.2407), others taken for sRGB's.

    Returns
    -------
    uint8 array of shape (height, width, 3)
    """
    light = linear[signal]
    if primaries == BT2020:
        to_srgb = np.array(
            [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
            np.float32,
        )
        light = light @ to_srgb.T
    steps = np.clip(light * ((_STEPS - 1) / _BRIGHTEST), 0, _STEPS - 1)
    shown: NDArray[np.uint8] = screen[steps.astype(np.uint16)]
    return shown
