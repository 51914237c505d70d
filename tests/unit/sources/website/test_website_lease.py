"""The lease: how long a crawling process may go on after its parent's last word."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

import pytest

from likeness.sources.website import lease as leases
from likeness.sources.website.lease import LEASE_SECONDS, Lease, LeaseEnd, shared_clock


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    theirs, ours = os.pipe()
    yield theirs, ours
    for descriptor in (theirs, ours):
        try:
            os.close(descriptor)
        except OSError:
            continue


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    told = _Clock()
    monkeypatch.setattr(leases, "shared_clock", told)
    return told


def test_nothing_may_be_sent_before_the_first_word(pipe: tuple[int, int]) -> None:
    lease = Lease(pipe[0])
    assert not lease.holds()
    assert not lease.ran_out()


def test_a_word_lasts_its_time_and_no_longer(pipe: tuple[int, int], clock: _Clock) -> None:
    lease, end = Lease(pipe[0]), LeaseEnd(pipe[1])
    end.extend()
    assert lease.holds()
    clock.now += LEASE_SECONDS - 0.01
    assert lease.holds()
    clock.now += 0.01
    assert not lease.holds()
    assert lease.ran_out()
    end.extend()
    assert lease.holds()


def test_words_that_waited_in_the_pipe_are_as_old_as_they_are(
    pipe: tuple[int, int], clock: _Clock
) -> None:
    lease, end = Lease(pipe[0]), LeaseEnd(pipe[1])
    for _ in range(5):
        end.extend()
    clock.now += LEASE_SECONDS + 1
    assert not lease.holds()


def test_a_parent_that_is_gone_ends_it(pipe: tuple[int, int]) -> None:
    lease, end = Lease(pipe[0]), LeaseEnd(pipe[1])
    end.extend()
    assert lease.holds()
    os.close(pipe[1])
    assert not lease.holds()
    assert lease.ended


def test_a_lease_longer_than_any_that_is_given_is_none(pipe: tuple[int, int]) -> None:
    lease = Lease(pipe[0])
    for until in (float("inf"), float("nan"), shared_clock() + 3600):
        os.write(pipe[1], struct.pack("!d", until))
        assert not lease.holds()


def test_half_a_word_is_waited_for(pipe: tuple[int, int], clock: _Clock) -> None:
    lease = Lease(pipe[0])
    word = struct.pack("!d", clock.now + 1)
    os.write(pipe[1], word[:3])
    assert not lease.holds()
    os.write(pipe[1], word[3:])
    assert lease.holds()


def test_a_full_pipe_does_not_hold_up_the_parent(pipe: tuple[int, int]) -> None:
    end = LeaseEnd(pipe[1])
    for _ in range(20_000):
        end.extend()


def test_a_child_that_is_gone_is_told(pipe: tuple[int, int]) -> None:
    end = LeaseEnd(pipe[1])
    os.close(pipe[0])
    with pytest.raises(OSError):
        end.extend()
