"""A web server on this machine that misbehaves as it is told, one answer after the other."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers each request with the next of the server's answers; the last one goes on for good."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.seen.append(Seen(path=self.path, headers=dict(self.headers.items())))
            answers = self.server.answers
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        try:
            answer(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass

    def head(self, status: int, **headers: str) -> None:
        """Status and headers; ``content_length="5"`` is ``Content-Length: 5``."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-").title(), value)
        self.end_headers()

    def drop(self) -> None:
        """Cut the connection."""
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True


@dataclass(frozen=True)
class Seen:
    """A request that came."""

    path: str
    headers: dict[str, str]


class Server(ThreadingHTTPServer):
    """See :func:`serving`."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, answers: tuple[Answer, ...]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = list(answers)
        self.seen: list[Seen] = []
        self.lock = threading.Lock()
        self.scheme = "http"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def address(self, path: str = "/model.onnx", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def ranges(self) -> list[str | None]:
        """What each request asked for."""
        return [seen.headers.get("Range") for seen in self.seen]


@contextmanager
def serving(*answers: Answer, certificate: Path | None = None) -> Iterator[Server]:
    """A server that gives these answers; over TLS where there is a certificate with its key."""
    server = Server(answers)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def good(data: bytes, *, etag: str | None = '"one"', breaks_after: int | None = None) -> Answer:
    """The file, or the part of it that was asked for, as RFC 9110 has it."""

    def answer(handler: Handler) -> None:
        start = _asked(handler)
        same = handler.headers.get("If-Range") in (None, etag)
        tag = {"etag": etag} if etag else {}
        if start and same:
            if start >= len(data):
                handler.head(416, content_range=f"bytes */{len(data)}", content_length="0")
                return
            span = f"bytes {start}-{len(data) - 1}/{len(data)}"
            handler.head(206, content_range=span, content_length=str(len(data) - start), **tag)
        else:
            start = 0
            handler.head(200, content_length=str(len(data)), **tag)
        body = data[start:]
        if breaks_after is not None and breaks_after < len(body):
            handler.wfile.write(body[:breaks_after])
            handler.drop()
            return
        handler.wfile.write(body)

    return answer


def without_ranges(data: bytes, *, breaks_after: int | None = None) -> Answer:
    """The whole file, whatever was asked for."""

    def answer(handler: Handler) -> None:
        handler.head(200, content_length=str(len(data)))
        handler.wfile.write(data[:breaks_after])
        if breaks_after is not None:
            handler.drop()

    return answer


def status(code: int, **headers: str) -> Answer:
    """No file."""
    return lambda handler: handler.head(code, content_length="0", **headers)


def redirect(location: str, code: int = 302) -> Answer:
    """On to another address."""
    return status(code, location=location)


def answering(code: int, body: bytes, **headers: str) -> Answer:
    """Just this."""

    def answer(handler: Handler) -> None:
        handler.head(code, **({"content_length": str(len(body))} | headers))
        handler.wfile.write(body)

    return answer


def until_closed(body: bytes) -> Answer:
    """A body that ends where the connection does, with nothing that says how long it is."""

    def answer(handler: Handler) -> None:
        handler.head(200, connection="close")
        handler.wfile.write(body)
        handler.drop()

    return answer


def endless(handler: Handler) -> None:
    """Data that never ends."""
    handler.head(200, connection="close")
    while True:
        handler.wfile.write(b"x" * 65536)


def trickle(data: bytes, *, seconds: float) -> Answer:
    """A byte now and then."""

    def answer(handler: Handler) -> None:
        handler.head(200, content_length=str(len(data)))
        for byte in data:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(seconds)

    return answer


def silent(handler: Handler) -> None:
    """Headers, and then nothing until the client has had enough."""
    handler.head(200, content_length="300000")
    handler.connection.settimeout(10)
    handler.connection.recv(1)


def _asked(handler: Handler) -> int:
    found = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    return int(found[1]) if found else 0


@dataclass
class Proxy:
    """A proxy on this machine; see :func:`proxying`."""

    port: int
    lines: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def proxying(to: int | None) -> Iterator[Proxy]:
    """A proxy that passes everything on to one port of this machine, or refuses where it is None.

    It notes the first line of each request, so that a test can say that it was asked.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = Proxy(port=listener.getsockname()[1])

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    def serve(client: socket.socket) -> None:
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(65536)
            line = head.split(b"\r\n")[0].decode()
            proxy.lines.append(line)
            if to is None:
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", to)) as server:
                if line.startswith("CONNECT"):
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    server.sendall(re.sub(rb"^GET http://[^/]+", b"GET ", head))
                back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
                back.start()
                _pass_on(client, server)
                back.join(5)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        # Closing alone would leave the thread in accept().
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
