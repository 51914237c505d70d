"""The live capture as pages use it: one keeper of captures an app, and steps as JSON."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse, Response

from likeness.captures import Captures
from likeness.house import House
from likeness.web.parts import Parts
from likeness.web.visit import Visit
from likeness.web.words import Words

KEPT = "captures"


def captures_of(visit: Visit) -> Captures:
    """The captures of this app."""
    # A keeper costs nothing until its first picture, so one that loses the race is only dropped.
    kept: Captures = visit.parts.kept.setdefault(KEPT, Captures())
    return kept


def close(parts: Parts) -> None:
    """Wipe every capture of an app that ends."""
    kept = parts.kept.pop(KEPT, None)
    if kept is not None:
        kept.close()


def camera_words(visit: Visit, language: str) -> Words:
    """The words beside the camera."""
    return visit.words("capture", language)


def begun(visit: Visit, key: str, house: House) -> Response:
    """Begin a capture, or begin it anew; answers with its first step.

    Raises
    ------
    RateLimited, PackMismatch
        As :meth:`likeness.captures.Captures.begin`.
    """
    step = captures_of(visit).begin(key, engine=house.engine(), thresholds=house.thresholds(1))
    return _answer(step.as_json())


def looked(visit: Visit, key: str, body: bytes) -> Response:
    """Look at one picture; answers with the step after it, or that it was not looked at.

    Raises
    ------
    NotFound, PhotoUnreadable
        As :meth:`likeness.captures.Captures.look`.
    """
    step = captures_of(visit).look(key, body)
    return _answer({"state": "busy"} if step is None else step.as_json())


def _answer(content: dict[str, Any]) -> Response:
    return JSONResponse(content, headers={"Cache-Control": "no-store"})
