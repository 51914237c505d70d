"""Run the stages of long work side by side, a bounded number of steps apart."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


class _End:
    """Marks the end of a stage, or the error that ended it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def overlapped(items: Iterable[T], *, depth: int) -> Iterator[T]:
    """Produce ``items`` in a thread, at most ``depth`` ahead of whoever takes them.

    An error of the producer is raised where its item would have come. Leaving early (closing the
    iterator) stops the producer before its next item.
    """
    line: queue.Queue[T | _End] = queue.Queue(maxsize=depth)
    stopped = threading.Event()

    def put(item: T | _End) -> bool:
        while not stopped.is_set():
            try:
                line.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for item in items:
                if not put(item):
                    return
        except BaseException as error:
            put(_End(error))
        else:
            put(_End())

    producer = threading.Thread(target=produce, name="likeness-stage", daemon=True)
    producer.start()
    try:
        while True:
            item = line.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stopped.set()
        producer.join()
