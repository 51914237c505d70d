"""High dynamic range on a screen of standard range."""

from __future__ import annotations

import numpy as np
import pytest

from likeness.sources.video.tone import BT2020, HLG, PQ, linear_table, on_screen, screen_table


def at(table: object, signal: float) -> float:
    return float(np.asarray(table)[round(65_535 * signal)])


def test_light_is_what_the_standards_say_of_it() -> None:
    # ITU-R BT.2408, table 1: white on paper is 58% of PQ and 75% of HLG; 100 cd/m2 is 50.8% of PQ.
    assert at(linear_table(PQ), 0.5806) == pytest.approx(1.0, rel=0.01)
    assert at(linear_table(HLG), 0.75) == pytest.approx(1.0, rel=0.01)
    assert at(linear_table(PQ), 0.5081) * 203 == pytest.approx(100, rel=0.01)
    assert at(linear_table(PQ), 1.0) * 203 == pytest.approx(10_000, rel=0.001)
    assert at(linear_table(HLG), 1.0) * 203 == pytest.approx(1_000, rel=0.001)


def test_what_is_no_brighter_than_skin_stays_and_the_rest_rises_to_white() -> None:
    screen = screen_table()
    half = np.searchsorted(np.linspace(0, 8, 65_536), 0.5)
    assert int(screen[half]) == round(255 * (1.055 * 0.5 ** (1 / 2.4) - 0.055))
    assert (np.diff(screen.astype(int)) >= 0).all()
    assert screen[0] == 0 and screen[-1] == 255


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize("primaries", [BT2020, 1])
def test_grey_stays_grey(transfer: int, primaries: int) -> None:
    ramp = np.linspace(0, 65_535, 500).astype(np.uint16)
    grey = np.repeat(ramp[None, :, None], 3, axis=2)
    shown = on_screen(grey, linear_table(transfer), screen_table(), primaries=primaries).astype(int)
    assert shown.shape == (1, 500, 3)
    assert np.ptp(shown, axis=2).max() <= 1


def test_a_colour_that_a_screen_cannot_show_is_cut_off_and_does_not_wrap() -> None:
    green = np.array([[[0, 65_535, 0]]], np.uint16)
    shown = on_screen(green, linear_table(PQ), screen_table(), primaries=BT2020)
    assert shown.tolist() == [[[0, 255, 0]]]
