from __future__ import annotations

import time
from threading import Barrier, Event, Thread

import pytest

from likeness.gallery.lock import ReadWriteLock

LONG = 10.0
SHORT = 0.05


def test_readers_hold_the_lock_together() -> None:
    lock, together = ReadWriteLock(), Barrier(3, timeout=LONG)

    def read() -> None:
        with lock.reading():
            together.wait()

    threads = [Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert not together.broken


def test_a_writer_waits_for_readers_and_later_readers_wait_for_the_writer() -> None:
    lock, order = ReadWriteLock(), []
    reading, release = Event(), Event()

    def read_first() -> None:
        with lock.reading():
            reading.set()
            release.wait(LONG)
            order.append("first reader")

    def write() -> None:
        with lock.writing():
            order.append("writer")

    def read_later() -> None:
        with lock.reading():
            order.append("later reader")

    first, writer, later = (Thread(target=work) for work in (read_first, write, read_later))
    first.start()
    assert reading.wait(LONG)
    writer.start()
    until = time.monotonic() + LONG
    while not lock._writers_waiting and time.monotonic() < until:
        time.sleep(0.001)
    later.start()
    time.sleep(SHORT)
    assert order == []
    release.set()
    for thread in (first, writer, later):
        thread.join(LONG)
    assert order == ["first reader", "writer", "later reader"]


@pytest.mark.parametrize("side", ["reading", "writing"])
def test_an_error_inside_lets_go_of_the_lock(side: str) -> None:
    lock = ReadWriteLock()
    with pytest.raises(RuntimeError, match="inside"), getattr(lock, side)():
        raise RuntimeError("inside")
    entered = Event()

    def write() -> None:
        with lock.writing():
            entered.set()

    Thread(target=write, daemon=True).start()
    assert entered.wait(LONG)


def test_writers_hold_the_lock_one_at_a_time() -> None:
    lock, inside, most = ReadWriteLock(), [], []

    def write() -> None:
        for _ in range(50):
            with lock.writing():
                inside.append(1)
                most.append(len(inside))
                time.sleep(0)
                inside.pop()

    threads = [Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert len(most) == 200
    assert max(most) == 1
