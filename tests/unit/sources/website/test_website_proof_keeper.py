"""How a proof is kept fresh while a crawl runs."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from likeness.errors import NotAuthorised
from likeness.sources.website.proof import PROOF_LASTS, Proof
from likeness.sources.website.proof_keeper import ProofKeeper

HOST = "photos.example.org"


class _Owner:
    """Publishes the proof, until it does not."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 28, tzinfo=UTC)
        self.published = True
        self.looks = 0
        self.answering = threading.Event()
        self.answering.set()

    def clock(self) -> datetime:
        return self.now

    def check(self) -> Proof:
        self.looks += 1
        self.answering.wait(5)
        if not self.published:
            raise NotAuthorised("It is gone.")
        return Proof(
            domain=HOST, method="dns", checked_at=self.now, until=datetime(2027, 1, 1, tzinfo=UTC)
        )


def _until(condition: object) -> None:
    for _ in range(200):
        if condition():  # type: ignore[operator]
            return
        time.sleep(0.01)
    raise AssertionError("it never came true")


def test_nothing_is_allowed_before_the_first_look() -> None:
    owner = _Owner()
    with pytest.raises(NotAuthorised):
        ProofKeeper(owner.check, owner.clock).require()
    assert owner.looks == 0


def test_each_beginning_looks_anew() -> None:
    owner = _Owner()
    keeper = ProofKeeper(owner.check, owner.clock)
    keeper.begin(HOST)
    keeper.require()
    owner.published = False
    with pytest.raises(NotAuthorised):
        keeper.begin(HOST)
    assert owner.looks == 2


def test_it_is_looked_for_again_within_a_day_and_asking_does_not_wait() -> None:
    owner = _Owner()
    keeper = ProofKeeper(owner.check, owner.clock)
    keeper.begin(HOST)
    owner.now += timedelta(hours=22, minutes=59)
    keeper.require()
    assert owner.looks == 1
    owner.answering.clear()
    owner.now += timedelta(minutes=2)
    started = time.monotonic()
    keeper.require()
    keeper.require()
    assert time.monotonic() - started < 0.5
    _until(lambda: owner.looks == 2)
    owner.answering.set()
    _until(lambda: not threading.active_count() > 1 or owner.looks == 2)
    owner.now += timedelta(hours=20)
    _until(lambda: _allowed(keeper))
    assert owner.looks == 2


def test_a_look_that_finds_nothing_ends_it_for_good() -> None:
    owner = _Owner()
    keeper = ProofKeeper(owner.check, owner.clock)
    keeper.begin(HOST)
    owner.published = False
    owner.now += timedelta(hours=23)
    _until(lambda: not _allowed(keeper))
    owner.published = True
    assert not _allowed(keeper)


def test_a_look_that_does_not_answer_leaves_it_a_day_old() -> None:
    owner = _Owner()
    keeper = ProofKeeper(owner.check, owner.clock)
    keeper.begin(HOST)
    owner.answering.clear()
    owner.now += timedelta(hours=23, minutes=59)
    assert _allowed(keeper)
    owner.now += timedelta(minutes=1)
    assert not _allowed(keeper)
    owner.answering.set()


def test_an_end_that_was_published_ends_it_on_time() -> None:
    owner = _Owner()
    keeper = ProofKeeper(owner.check, owner.clock)
    owner.now = datetime(2026, 12, 31, 23, tzinfo=UTC)
    keeper.begin(HOST)
    assert _allowed(keeper)
    owner.now = datetime(2027, 1, 1, tzinfo=UTC)
    assert owner.now - datetime(2026, 12, 31, 23, tzinfo=UTC) < PROOF_LASTS
    assert not _allowed(keeper)


def test_a_proof_for_another_host_is_none() -> None:
    owner = _Owner()
    with pytest.raises(NotAuthorised):
        ProofKeeper(owner.check, owner.clock).begin("www." + HOST)


def _allowed(keeper: ProofKeeper) -> bool:
    try:
        keeper.require()
    except NotAuthorised:
        return False
    return True
