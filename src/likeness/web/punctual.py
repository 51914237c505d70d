"""Connections that ask in time, or are closed."""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol

SECONDS_TO_ASK: Final = 30.0
"""How long the head of a request may be on its way, the first byte included."""


class PunctualProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with an end to waiting.

    Uvicorn waits without end for the first byte of a connection, for the rest of a head that came
    in part, and for what was sent to a page that has already answered. Strangers could so hold as
    many connections as there may be.
    """

    _deadline: asyncio.TimerHandle | None = None

    # The type is uvicorn's own, which is narrower than that of asyncio.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take what came; a request that is whole ends the wait."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request, where it is not there already."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop()
        super().connection_lost(exc)

    def _watch(self) -> None:
        # There is none before the first request, whatever its type says.
        asked = self.cycle is not None
        if asked and not self.cycle.response_complete:
            self._stop()
        elif self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(SECONDS_TO_ASK, self.transport.close)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
