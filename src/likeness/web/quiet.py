"""Keep what a defect was working on out of the server's log."""

from __future__ import annotations

import os
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

DEBUG_VARIABLE: Final = "LIKENESS_DEBUG"


class Quiet:
    """The outermost layer: a defect has been answered by then, and is not printed with its values.

    With ``LIKENESS_DEBUG=1`` it goes on to the server, which prints where it happened.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        try:
            await self._app(scope, receive, send)
        except Exception:
            if scope["type"] != "http" or os.environ.get(DEBUG_VARIABLE) == "1":
                raise
