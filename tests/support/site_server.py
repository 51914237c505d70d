"""Websites on loopback, over TLS, that note every request and misbehave when told to."""

from __future__ import annotations

import contextlib
import io
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from PIL import Image

Misbehave = Callable[[BaseHTTPRequestHandler], None]
"""Writes an answer as it likes, on ``handler.wfile``."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request, and when it came (seconds, monotonic)."""

    at: float
    host: str
    path: str
    headers: Mapping[str, str]


@dataclass(kw_only=True)
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    misbehave: Misbehave | None = None


class SiteServer:
    """Any number of hosts on one port; to be used as a context manager.

    Answers conditional requests where an answer has an ``ETag`` or ``Last-Modified``.

    Attributes
    ----------
    port : int
    asked : list of Asked
        In the order in which the requests came.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.asked: list[Asked] = []
        self.ending = threading.Event()
        self._answers: dict[tuple[str, str], Answer] = {}
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.site = self
        self._server.context = context
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> SiteServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def put(
        self,
        host: str,
        path: str,
        body: bytes | str = b"",
        *,
        kind: str = "",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer a path (with its query) of a host."""
        content = body.encode() if isinstance(body, str) else body
        guessed = "text/html; charset=utf-8" if isinstance(body, str) else "image/jpeg"
        self._answers[host, path] = Answer(
            body=content,
            status=status,
            headers={"Content-Type": kind or guessed, **(headers or {})},
        )

    def misbehave(self, host: str, path: str, how: Misbehave) -> None:
        self._answers[host, path] = Answer(misbehave=how)

    def answer(self, host: str, path: str) -> Answer:
        return self._answers.get((host, path)) or self._answers.get((host, "*")) or _NOT_FOUND

    def paths(self, host: str | None = None) -> list[str]:
        return [each.path for each in list(self.asked) if host in (None, each.host)]


_NOT_FOUND = Answer(body=b"not here", status=404, headers={"Content-Type": "text/plain"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    site: SiteServer
    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        # In the thread of the connection, so that a handshake that never ends holds up nobody.
        request.settimeout(30)
        with (
            contextlib.suppress(OSError),
            self.context.wrap_socket(request, server_side=True) as secure,
        ):
            super().finish_request(secure, client_address)

    def shutdown_request(self, request: Any) -> None:
        with contextlib.suppress(OSError):
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        site = self.server.site
        host = self.headers.get("Host", "")
        site.asked.append(
            Asked(at=time.monotonic(), host=host, path=self.path, headers=dict(self.headers))
        )
        answer = site.answer(host, self.path)
        if answer.misbehave is not None:
            self.close_connection = True
            answer.misbehave(self)
            return
        etag, changed = answer.headers.get("ETag"), answer.headers.get("Last-Modified")
        same = (etag and self.headers.get("If-None-Match") == etag) or (
            changed and self.headers.get("If-Modified-Since") == changed
        )
        body = b"" if same else answer.body
        self.send_response(304 if same else answer.status)
        for name, value in answer.headers.items():
            for each in value.split("\n"):
                self.send_header(name, each)
        if not same:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


def photo_bytes(number: int = 0, *, side: int = 48, form: str = "JPEG") -> bytes:
    """A small picture, another one for each number."""
    color = (number * 37 % 256, number // 7 % 256, number // 1792 % 256)
    image = Image.new("RGB", (side, side), color)
    image.putpixel((number % side, number // side % side), (255, 255, 255))
    file = io.BytesIO()
    image.save(file, form)
    return file.getvalue()


def site_of_pages(server: SiteServer, host: str, *, pages: int, a_page: int = 1) -> set[str]:
    """Put up pages that form a tree of links, each with photos; returns the photos' paths."""
    photos = set()
    server.put(host, "/robots.txt", "User-agent: *\nDisallow:\n", kind="text/plain")
    for page in range(pages):
        children = [child for child in range(10 * page + 1, 10 * page + 11) if child < pages]
        links = "".join(f'<a href="{_page(child)}">on</a>' for child in children)
        figures = ""
        for number in range(a_page):
            path = f"/photos/{page}-{number}.jpg"
            photos.add(path)
            figures += (
                f'<figure><img src="{path}" alt="Picture {page}"><figcaption>Caption {page}'
                "</figcaption></figure>"
            )
            server.put(
                host,
                path,
                photo_bytes(page * a_page + number),
                headers={
                    "ETag": f'"{page}-{number}"',
                    "Last-Modified": "Sat, 04 May 2024 10:00:00 GMT",
                },
            )
        server.put(
            host,
            _page(page),
            f"<html><title>{page}</title><body>{links}{figures}</body></html>",
            headers={"ETag": f'"page {page}"'},
        )
    return photos


def _page(number: int) -> str:
    return f"/page/{number}" if number else "/"
