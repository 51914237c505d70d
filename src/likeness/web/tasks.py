"""Long work beside the requests: a few threads, progress that pages can watch, and what came of it.

A task is known to this process alone. What it does is durable by itself, so whatever a restart
breaks off is begun again by hand.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import anyio

from likeness.errors import LikenessError, NotFound
from likeness.house import House, Progress
from likeness.rescan import rescan_where_possible

if TYPE_CHECKING:
    from likeness.web.visit import Visit

TaskState = Literal["waiting", "running", "done", "failed"]

WORKERS = 2
MOST_KEPT = 200
SECONDS_BETWEEN = 0.25
SECONDS_WATCHED = 600.0


@dataclass(frozen=True, kw_only=True)
class Task:
    """One piece of long work, as it stands.

    Attributes
    ----------
    task_id : str
    account_id : str
        Who began it.
    title : str
        What is done; nothing personal.
    state : TaskState
    begun_at : datetime
    progress : Progress or None
    what, fix : str
        Why it failed.
    to : str
        The page that shows what came of it.
    """

    task_id: str
    account_id: str
    title: str
    state: TaskState
    begun_at: datetime
    progress: Progress | None = None
    what: str = ""
    fix: str = ""
    to: str = ""

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.state in ("done", "failed")

    @property
    def percent(self) -> int | None:
        """How far it has come; None where nobody knows."""
        if self.progress is None or not self.progress.total:
            return None
        return min(100, 100 * self.progress.done // self.progress.total)


Work = Callable[[Callable[[Progress], None]], Any]


class Tasks:
    """Runs tasks and remembers the latest of them."""

    def __init__(self, *, workers: int = WORKERS) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="likeness-task")
        self._comparer = ThreadPoolExecutor(1, thread_name_prefix="likeness-compare")
        self._asked_to_compare = False
        self._tasks: OrderedDict[str, Task] = OrderedDict()
        self._changed = threading.Condition()

    def start(
        self,
        visit: Visit,
        *,
        title: str,
        work: Work,
        done: Callable[[Any], str] = lambda _result: "",
    ) -> Task:
        """Begin a task.

        Parameters
        ----------
        visit : Visit
            Whose account begins it.
        title : str
            What is done, such as ``"Adding photos"``; nothing personal.
        work : callable
            Gets a listener for progress; acts as the account that began it.
        done : callable
            Gives the page that shows what ``work`` returned.
        """
        task = Task(
            task_id=secrets.token_urlsafe(12),
            account_id=visit.account.account_id,
            title=title,
            state="waiting",
            begun_at=visit.house.clock(),
        )
        self._put(task)
        self._pool.submit(self._run, task.task_id, work, done)
        return task

    def get(self, task_id: str, *, account_id: str) -> Task:
        """One task of an account.

        Raises
        ------
        NotFound
        """
        with self._changed:
            task = self._tasks.get(task_id)
        if task is None or task.account_id != account_id:
            raise NotFound(
                "This task is not known here any more.", "See the sources for what was done."
            )
        return task

    async def watch(self, task_id: str, *, account_id: str) -> AsyncIterator[Task]:
        """The task each time that it has changed, until it ends or ten minutes are over.

        Many pages may watch: none of them holds a thread.
        """
        end = time.monotonic() + SECONDS_WATCHED
        seen = None
        while time.monotonic() < end:
            task = self.get(task_id, account_id=account_id)
            if task != seen:
                yield task
                seen = task
            if task.ended:
                return
            await anyio.sleep(SECONDS_BETWEEN)

    def wait(self, task_id: str, *, account_id: str, seconds: float) -> Task:
        """The task when it has ended, or as it stands after so many seconds."""
        end = time.monotonic() + seconds
        with self._changed:
            while not self.get(task_id, account_id=account_id).ended:
                left = end - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
        return self.get(task_id, account_id=account_id)

    def compare_later(self, house: House) -> None:
        """Compare photos that wait, beside the requests: nobody waits for it or watches it.

        One pass sees to all who ask before it begins; what it leaves is for the next.
        """
        with self._changed:
            if self._asked_to_compare:
                return
            self._asked_to_compare = True
        self._comparer.submit(self._compare, house)

    def close(self) -> None:
        """Begin nothing more, and wait for what runs."""
        self._comparer.shutdown(wait=True, cancel_futures=True)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _compare(self, house: House) -> None:
        with self._changed:
            self._asked_to_compare = False
        with suppress(LikenessError):
            rescan_where_possible(house)

    def _run(self, task_id: str, work: Work, done: Callable[[Any], str]) -> None:
        self._change(task_id, state="running")
        try:
            result = work(lambda progress: self._change(task_id, progress=progress))
            self._change(task_id, state="done", to=done(result))
        except LikenessError as error:
            self._change(task_id, state="failed", what=error.what, fix=error.fix)
        except Exception as error:
            self._change(
                task_id,
                state="failed",
                what=f"Something failed that Likeness does not know ({type(error).__name__}).",
                fix="What was done is kept. Try it again; please report it if it stays.",
            )

    def _change(self, task_id: str, **values: Any) -> None:
        with self._changed:
            self._tasks[task_id] = replace(self._tasks[task_id], **values)
            self._changed.notify_all()

    def _put(self, task: Task) -> None:
        with self._changed:
            self._tasks[task.task_id] = task
            ended = [known for known, t in self._tasks.items() if t.ended]
            for old in ended[: max(0, len(self._tasks) - MOST_KEPT)]:
                del self._tasks[old]
