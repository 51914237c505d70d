"""Server-sent events, as the HTML standard writes them."""

from __future__ import annotations

import json
from typing import Any


def event(name: str, data: str | dict[str, Any]) -> str:
    r"""One event.

    >>> event("done", {"to": "/sources"})
    'event: done\ndata: {"to": "/sources"}\n\n'
    """
    text = data if isinstance(data, str) else json.dumps(data)
    lines = "".join(f"data: {line}\n" for line in text.splitlines() or [""])
    return f"event: {name}\n{lines}\n"
