"""Times of frames by time stamps that may be anything."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from likeness.sources.video.clock import FilmClock


def times(stamps: list[int | None], *, start: int | None = 0, frame: int = 40) -> list[int]:
    clock = FilmClock(start_ms=start, frame_ms=frame)
    return [clock.at(stamp) for stamp in stamps]


def test_time_stamps_are_counted_from_where_the_video_begins() -> None:
    assert times([5000, 5040, 5080], start=5000) == [0, 40, 80]
    assert times([-80, -40, 0], start=-80) == [0, 40, 80]


def test_a_picture_that_starts_after_the_sound_is_timed_with_it() -> None:
    assert times([5500, 5540], start=5000) == [500, 540]


def test_a_picture_far_from_the_stated_beginning_is_timed_from_itself() -> None:
    assert times([3_600_000, 3_600_040], start=0) == [0, 40]
    assert times([100, 140], start=5000) == [0, 40]
    assert times([700, 740], start=None) == [0, 40]


def test_missing_time_stamps_go_on_by_one_frame() -> None:
    assert times([None, None, None]) == [0, 40, 80]
    assert times([0, 40, None, None, 160]) == [0, 40, 80, 120, 160]


def test_recordings_strung_together_go_on() -> None:
    assert times([0, 40, 80, 0, 40, 80]) == [0, 40, 80, 80, 80, 80]
    assert times([0, 4000, 8000, 0, 40, 80]) == [0, 4000, 8000, 8040, 8080, 8120]
    assert times([0, 40, 9_000_000, 9_000_040]) == [0, 40, 80, 120]


def test_a_long_still_is_as_long_as_it_says() -> None:
    assert times([0, 300_000]) == [0, 300_000]


@given(
    stamps=st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=40),
    start=st.none() | st.integers(-(2**63), 2**63 - 1),
    frame=st.integers(1, 1000),
)
def test_time_never_goes_back_nor_leaps_whatever_the_stamps(
    stamps: list[int | None], start: int | None, frame: int
) -> None:
    found = times(stamps, start=start, frame=frame)
    assert found == sorted(found)
    assert all(ms >= 0 for ms in found)
    assert all(b - a <= 600_000 for a, b in pairwise(found))
