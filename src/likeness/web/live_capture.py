"""The live capture as pages use it: one keeper of captures an app, and steps as JSON."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse, Response

from likeness.captures import Captures
from likeness.web.drafts import Draft
from likeness.web.parts import Parts
from likeness.web.visit import Visit

KEPT = "captures"


def captures_of(visit: Visit) -> Captures:
    """The captures of this app."""
    return visit.parts.kept(KEPT, Captures)


def close(parts: Parts) -> None:
    """Wipe every capture of an app that ends."""
    kept = parts.give_up(KEPT)
    if kept is not None:
        kept.close()


def begun(visit: Visit, draft: Draft) -> Response:
    """Begin a capture, or begin it anew; answers with its first step.

    Raises
    ------
    RateLimited, PackMismatch
        As :meth:`likeness.captures.Captures.begin`.
    """
    house = visit.parts.library.house
    step = captures_of(visit).begin(
        draft.capture,
        invitation_id=draft.invitation_id,
        engine=house.engine(),
        thresholds=house.thresholds(1),
    )
    return _answer(step.as_json())


def looked(visit: Visit, draft: Draft, body: bytes) -> Response:
    """Look at one picture; answers with the step after it, or that it was not looked at.

    Raises
    ------
    NotFound, PhotoUnreadable
        As :meth:`likeness.captures.Captures.look`.
    """
    step = captures_of(visit).look(draft.capture, body)
    return _answer({"state": "busy"} if step is None else step.as_json())


def _answer(content: dict[str, Any]) -> Response:
    return JSONResponse(content, headers={"Cache-Control": "no-store"})
