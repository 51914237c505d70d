"""Connections that ask nothing are closed, and there are only so many."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from web_server import WebServer, serving

from likeness.library import Library

HEAD = b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\n"
SECONDS = 1.0


@pytest.fixture
def server(library: Library, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    monkeypatch.setattr("likeness.web.punctual.SECONDS_TO_ASK", SECONDS)
    monkeypatch.setattr("likeness.web.serve.MOST_CONNECTIONS", 5)
    with serving(library) as running:
        yield running


def _line(server: WebServer) -> socket.socket:
    return socket.create_connection(("localhost", int(server.url.rsplit(":", 1)[1])), timeout=20)


def _ended_after(line: socket.socket) -> float:
    begun = time.monotonic()
    try:
        while line.recv(65_536):
            pass
    except ConnectionResetError:
        pass
    return time.monotonic() - begun


def _trickle(line: socket.socket, ended: threading.Event) -> None:
    try:
        while not ended.wait(SECONDS / 10):
            line.sendall(b"x")
    except OSError:
        pass


@pytest.mark.parametrize(
    ("begins", "trickles"),
    [
        (b"", False),
        (HEAD, False),
        (HEAD + b"X-Slow: ", True),
        # The page has answered, and something is sent to it still.
        (HEAD + b"Content-Length: 100000\r\n\r\n", True),
    ],
)
def test_a_connection_that_asks_nothing_whole_is_closed(
    server: WebServer, begins: bytes, trickles: bool
) -> None:
    ended = threading.Event()
    with _line(server) as line:
        line.sendall(begins)
        slow = threading.Thread(target=_trickle, args=(line, ended))
        if trickles:
            slow.start()
        after = _ended_after(line)
        ended.set()
        if trickles:
            slow.join()
    assert SECONDS * 0.8 < after < 10


def test_a_connection_that_asks_again_in_time_goes_on(server: WebServer) -> None:
    with _line(server) as line:
        for _ in range(3):
            time.sleep(SECONDS * 0.6)
            line.sendall(HEAD + b"\r\n")
            assert b" 200 " in line.recv(65_536)


def test_beyond_so_many_connections_every_request_has_to_wait(server: WebServer) -> None:
    with ExitStack() as held:
        for _ in range(4):
            held.enter_context(_line(server))
        with _line(server) as line:
            line.sendall(HEAD + b"\r\n")
            assert b" 503 " in line.recv(65_536)
        end = time.monotonic() + 10
        status = 503
        while status == 503 and time.monotonic() < end:
            time.sleep(0.1)
            with server.client() as client:
                status = client.get("/sign-in").status_code
        # Those who asked nothing are gone by now.
        assert status == 200
