"""Long work goes on beside the requests, is seen by who began it, and says how it ended."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import pytest

from likeness.errors import BadInput, NotFound
from likeness.house import Progress
from likeness.web.parts import Parts
from likeness.web.tasks import Tasks
from likeness.web.visit import Visit

SECONDS = 20.0


@pytest.fixture
def visit(site: Any) -> Any:
    tasks = Tasks()
    account = next(a for a in site.library.accounts() if a.name == "operator")
    parts = Parts(
        library=site.library,
        options=None,  # type: ignore[arg-type]
        templates=None,  # type: ignore[arg-type]
        tasks=tasks,
        rates=None,  # type: ignore[arg-type]
    )
    yield Visit(
        request=None,  # type: ignore[arg-type]
        parts=parts,
        role="operator",
        secret="",
        acting=account,
    )
    tasks.close()


def test_a_task_tells_how_far_it_has_come_and_where_to_go_on(visit: Any) -> None:
    go_on, halfway = threading.Event(), threading.Event()

    def work(progress: Any) -> int:
        progress(Progress(phase="photos", done=1, total=4))
        halfway.set()
        assert go_on.wait(SECONDS)
        return 4

    tasks, own = visit.parts.tasks, visit.account.account_id
    task = tasks.start(visit, title="Adding photos", work=work, done=lambda n: f"/sources?{n}")
    assert halfway.wait(SECONDS)
    running = tasks.get(task.task_id, account_id=own)
    assert (running.state, running.percent, running.ended) == ("running", 25, False)
    go_on.set()
    ended = tasks.wait(task.task_id, account_id=own, seconds=SECONDS)
    assert (ended.state, ended.to) == ("done", "/sources?4")


def test_a_task_that_fails_says_why_and_what_to_do(visit: Any) -> None:
    def refuses(_progress: Any) -> None:
        raise BadInput("The archive is cut short.", "Upload it again.")

    def breaks(_progress: Any) -> None:
        raise ValueError("Anna Adler")

    tasks, own = visit.parts.tasks, visit.account.account_id
    told = []
    for work in (refuses, breaks):
        task = tasks.start(visit, title="Adding photos", work=work)
        told.append(tasks.wait(task.task_id, account_id=own, seconds=SECONDS))
    assert (told[0].state, told[0].what, told[0].fix) == (
        "failed",
        "The archive is cut short.",
        "Upload it again.",
    )
    assert told[1].state == "failed"
    assert "ValueError" in told[1].what and "Anna" not in told[1].what


def test_nobody_sees_what_another_account_began(visit: Any) -> None:
    task = visit.parts.tasks.start(visit, title="Adding photos", work=lambda _progress: None)
    with pytest.raises(NotFound):
        visit.parts.tasks.get(task.task_id, account_id="a_somebodyelse")


def test_watching_ends_with_the_task(visit: Any) -> None:
    tasks, own = visit.parts.tasks, visit.account.account_id
    task = tasks.start(visit, title="Adding photos", work=lambda _progress: None)
    assert anyio.run(_states, tasks, task.task_id, own)[-1] == "done"


def test_pages_that_watch_hold_no_thread_while_nothing_happens(visit: Any) -> None:
    go_on = threading.Event()
    tasks, own = visit.parts.tasks, visit.account.account_id
    task = tasks.start(visit, title="Adding photos", work=lambda _progress: go_on.wait(SECONDS))
    before = threading.active_count()

    async def many() -> list[list[str]]:
        seen: list[list[str]] = []

        async def one() -> None:
            seen.append(await _states(tasks, task.task_id, own))

        async with anyio.create_task_group() as pages:
            for _ in range(100):
                pages.start_soon(one)
            await anyio.sleep(0.1)
            assert threading.active_count() <= before and not seen
            go_on.set()
        return seen

    assert {states[-1] for states in anyio.run(many)} == {"done"}


async def _states(tasks: Tasks, task_id: str, account_id: str) -> list[str]:
    return [seen.state async for seen in tasks.watch(task_id, account_id=account_id)]
