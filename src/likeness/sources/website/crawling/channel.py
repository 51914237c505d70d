"""The two pipes to the parent, without ever holding more for it than a few photos."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any, cast

from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from likeness.sources.website.crawl_protocol import (
    ASK,
    DONE,
    PHOTO,
    SEEN,
    SETUP,
    SKIPPED,
    TOLD,
    ProtocolBroken,
    Reader,
    pack,
    pack_remembered,
    read_remembered,
)
from likeness.sources.website.memory import Remembered

PARENT_GONE = 3
"""What the process exits with when its parent has gone or made no sense."""

_LONGEST_ADDRESS = 2048


class Channel(Protocol):
    """Speaks to the parent. The process ends with the pipes."""

    def __init__(self) -> None:
        self._reader = Reader(from_child=False)
        self._setup: asyncio.Future[Mapping[str, Any]] | None = None
        self._asked: dict[str, asyncio.Future[Remembered | None]] = {}
        self._room = asyncio.Event()
        self._room.set()

    def connectionMade(self) -> None:  # noqa: N802
        """Ask the pipe to say when it is full."""
        if self.transport is not None:
            self.transport.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Read what the parent says."""
        try:
            self._reader.feed(data)
            while (message := self._reader.next()) is not None:
                self._take(message.kind, message.details)
        except ProtocolBroken:
            os._exit(PARENT_GONE)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        """End at once: nobody is there to allow another request."""
        os._exit(PARENT_GONE)

    def pauseProducing(self) -> None:  # noqa: N802
        """The pipe is full."""
        self._room.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        """The pipe has room."""
        self._room.set()

    def stopProducing(self) -> None:  # noqa: N802
        """Nobody reads any more."""
        os._exit(PARENT_GONE)

    async def setup(self) -> Mapping[str, Any]:
        """Wait for what is to be crawled."""
        self._setup = self._setup or asyncio.get_running_loop().create_future()
        return await self._setup

    async def room(self) -> None:
        """Wait until the parent has taken what it was sent; to be done before each request."""
        await self._room.wait()

    async def recall(self, url: str) -> Remembered | None:
        """Ask what is remembered of an address."""
        waiting = self._asked.get(url)
        if waiting is None:
            waiting = self._asked[url] = asyncio.get_running_loop().create_future()
            self._send(ASK, {"url": url})
        return await waiting

    def photo(self, details: Mapping[str, Any], body: bytes) -> None:
        """Tell of a photo."""
        self._send(PHOTO, details, body)

    def skipped(self, item: str, reason: str, *, hides: bool = False, ends: bool = False) -> None:
        """Tell of something that is not taken."""
        self._send(SKIPPED, {"item": item, "reason": reason, "hides": hides, "ends": ends})

    def seen(self, page: Remembered) -> None:
        """Tell of a page to remember."""
        self._send(SEEN, pack_remembered(page))

    def done(self, *, whole: bool) -> None:
        """Tell that this was all."""
        self._send(DONE, {"whole": whole})

    def ready(self, kind: bytes) -> None:
        """Tell that the process has started."""
        self._send(kind, {})

    def _send(self, kind: bytes, details: Mapping[str, Any], body: bytes = b"") -> None:
        if self.transport is not None:
            cast(Any, self.transport).write(pack(kind, details, body))

    def _take(self, kind: bytes, details: Mapping[str, Any]) -> None:
        if kind == SETUP:
            self._setup = self._setup or asyncio.get_running_loop().create_future()
            if not self._setup.done():
                self._setup.set_result(details)
            return
        waiting = self._asked.pop(str(details.get("asked")), None) if kind == TOLD else None
        if waiting is None:
            raise ProtocolBroken("an answer to nothing")
        known = details.get("known")
        remembered = (
            read_remembered(known, longest_address=_LONGEST_ADDRESS)
            if isinstance(known, dict)
            else None
        )
        if not waiting.done():
            waiting.set_result(remembered)
