"""The page of a task: how far it has come, live, and where to go on when it is done."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi.responses import Response

from likeness.web.access import OPERATORS, Pages
from likeness.web.events import event
from likeness.web.tasks import Task
from likeness.web.visit import Here

pages = Pages()

OWN = "tasks that this account began"


@pages.show("/tasks/{task_id}", roles=OPERATORS, whose=OWN)
def task(visit: Here, task_id: str) -> Response:
    """One task; without scripts the page loads itself again."""
    found = visit.parts.tasks.get(task_id, account_id=visit.account.account_id)
    if found.state == "done" and found.to:
        return visit.see_other(found.to, said=f"{found.title}: done.")
    return visit.page("task", task=found)


@pages.show("/tasks/{task_id}/events", roles=OPERATORS, whose=OWN)
def task_events(visit: Here, task_id: str) -> Response:
    """The same as events, each time that it changes."""
    account_id = visit.account.account_id
    visit.parts.tasks.get(task_id, account_id=account_id)

    async def changes() -> AsyncIterator[str]:
        async for found in visit.parts.tasks.watch(task_id, account_id=account_id):
            yield event("ended" if found.ended else "progress", _as_json(found))

    return visit.events(changes())


def _as_json(task: Task) -> dict[str, object]:
    progress = task.progress
    return {
        "state": task.state,
        "phase": progress.phase if progress else "",
        "done": progress.done if progress else 0,
        "total": progress.total if progress else None,
        "percent": task.percent,
        "what": task.what,
        "fix": task.fix,
    }
