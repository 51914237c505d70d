"""Stages side by side: in order, bounded, with their errors, and stopped when nobody takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.overlap import overlapped

STAGE = "likeness-stage"


def stages() -> int:
    return sum(thread.name == STAGE for thread in threading.enumerate())


def no_stage_within(seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while stages() and time.monotonic() < deadline:
        time.sleep(0.005)
    return stages() == 0


@given(st.lists(st.integers(), max_size=30), st.integers(1, 4))
def test_everything_comes_once_and_in_order(items: list[int], depth: int) -> None:
    assert list(overlapped(items, depth=depth)) == items
    twice = overlapped((item + 1 for item in overlapped(items, depth=depth)), depth=1)
    assert list(twice) == [item + 1 for item in items]


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_the_producer_is_never_further_ahead_than_the_depth(depth: int) -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(20):
            made.append(number)
            yield number

    for taken, number in enumerate(overlapped(items(), depth=depth), start=1):
        assert number == taken - 1
        time.sleep(0.002)
        # What was taken, what is in line, and the one that waits to get into it.
        assert len(made) <= taken + depth + 1
    assert len(made) == 20


def test_the_producer_works_while_the_item_before_is_used() -> None:
    second = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        second.set()
        yield 2

    for number in overlapped(items(), depth=1):
        if number == 1:
            assert second.wait(10), "made while the first was still in use"


@pytest.mark.parametrize("error", [ValueError("a bad photo"), KeyboardInterrupt()])
def test_an_error_comes_where_its_item_would_have_come(error: BaseException) -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise error

    taken = []
    with pytest.raises(type(error)) as caught:
        for number in overlapped(items(), depth=2):
            taken.append(number)
    assert taken == [1, 2]
    assert caught.value is error
    assert no_stage_within(5)


def test_an_error_passes_through_every_stage() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("a bad photo")

    inner = overlapped(items(), depth=1)
    with pytest.raises(ValueError, match="a bad photo"):
        list(overlapped((number for number in inner), depth=1))
    assert no_stage_within(5)


def test_who_leaves_early_stops_the_producer_before_its_next_item() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10_000):
            made.append(number)
            yield number

    line = overlapped(items(), depth=2)
    assert next(line) == 0
    line.close()  # type: ignore[attr-defined]
    assert no_stage_within(5)
    after = len(made)
    assert after <= 5
    time.sleep(0.05)
    assert len(made) == after


def test_who_leaves_the_last_stage_early_stops_every_stage_and_closes_what_they_read() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    line = overlapped((n for n in overlapped(items(), depth=1)), depth=1)
    assert next(line) == 1
    line.close()  # type: ignore[attr-defined]
    assert closed.wait(5), "a folder that is being listed is let go of"
    assert no_stage_within(5)


def test_an_error_of_who_takes_stops_the_producer() -> None:
    def failing() -> None:
        for number in overlapped(iter(range(1000)), depth=1):
            if number == 3:
                raise RuntimeError("a full disk")

    with pytest.raises(RuntimeError, match="a full disk"):
        failing()
    assert no_stage_within(5)
