"""A real S3-compatible server on loopback (moto's), which counts what is asked of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import pytest

ACCOUNT = "123456789012"
PROOF_KEY = ".well-known/likeness.txt"
PROOF = "likeness-authorisation=of-this-test"

Answer = tuple[int, Mapping[str, str], bytes]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request that arrived.

    Attributes
    ----------
    path : str
        Decoded, with the bucket first.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def lists(self) -> bool:
        return "list-type" in self.query or self.query.get("comp") == "list"


class S3Server:
    """Moto's S3 behind a counter, and behind answers that a test puts in its place.

    Attributes
    ----------
    asked : list of Asked
        Every request so far, in order.
    answer : callable or None
        Asked first for each request; what it returns is sent instead of moto's answer.
    change : callable or None
        Given each request and the body of moto's answer, returns the body to send.
    """

    def __init__(self) -> None:
        # Imported here, as it takes seconds.
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from moto.s3.models import s3_backends

        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], Answer | None] | None = None
        self.change: Callable[[Asked, bytes], bytes] | None = None
        self._made: list[str] = []
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._backend = s3_backends[ACCOUNT]["aws"]

    def bucket(self, objects: Mapping[str, bytes], *, proof: bytes | None = PROOF.encode()) -> str:
        """Make a bucket with these objects by key, and with a proof unless there is to be none."""
        name = f"photos{token_hex(8)}"
        self._backend.create_bucket(name, "us-east-1")
        self._made.append(name)
        if proof is not None:
            self.put(name, PROOF_KEY, proof)
        for key, content in objects.items():
            self.put(name, key, content)
        return name

    def put(self, bucket: str, key: str, content: bytes) -> None:
        self._backend.put_object(bucket, key, content)

    def delete(self, bucket: str, key: str) -> None:
        self._backend.delete_object(bucket, key)

    def drop(self, bucket: str) -> None:
        """Delete a bucket with all that is in it."""
        for key in list(self._backend.buckets[bucket].keys):
            self.delete(bucket, key)
        self._backend.delete_bucket(bucket)
        self._made.remove(bucket)

    def drop_all(self) -> None:
        for bucket in list(self._made):
            self.drop(bucket)

    def fingerprint(self, bucket: str) -> dict[str, tuple[str, bytes]]:
        """What is in a bucket, by key."""
        keys = self._backend.buckets[bucket].keys
        return {key: (found.etag, found.value) for key, found in keys.items()}

    def listings(self) -> list[Asked]:
        return [each for each in self.asked if each.lists]

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        from werkzeug.test import run_wsgi_app
        from werkzeug.wrappers import Request, Response

        request = Request(environ)
        asked = Asked(
            method=request.method,
            path=request.path,
            query=dict(request.args),
            headers={name.lower(): value for name, value in request.headers},
        )
        self.asked.append(asked)
        answer = self.answer(asked) if self.answer else None
        if answer is not None:
            status, headers, body = answer
            return Response(body, status, headers=dict(headers))(environ, start)
        if self.change is None:
            return self._moto(environ, start)
        chunks, line, headers_ = run_wsgi_app(self._moto, environ, buffered=True)
        body = self.change(asked, b"".join(chunks))
        response = Response(body, line, headers=list(headers_))
        response.headers["Content-Length"] = str(len(body))
        return response(environ, start)


@contextmanager
def serving(application: Any) -> Iterator[str]:
    """Serve a WSGI application on loopback while the context lasts; gives its address."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, type: str, message: str, *args: Any) -> None:
            pass

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def s3_server(patch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """Run a server, with the environment set so that s3:// and gs:// addresses lead to it."""
    server = S3Server()
    with serving(server) as address:
        clear_environment(patch)
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIDOFTHISTEST")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-this-test")
        patch.setenv("AWS_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", address)
        patch.setenv("AWS_ALLOW_HTTP", "true")
        patch.setenv("GOOGLE_BEARER_TOKEN", "token-of-this-test")
        patch.setenv("GOOGLE_BASE_URL", address)
        patch.setenv("GOOGLE_ALLOW_HTTP", "true")
        try:
            yield server
        finally:
            server.drop_all()


def clear_environment(patch: pytest.MonkeyPatch) -> None:
    """Take out whatever the environment says of object stores."""
    import os

    for name in list(os.environ):
        if name.startswith(("AWS_", "GOOGLE_", "AZURE_")) and name != "AWS_CA_BUNDLE":
            patch.delenv(name)


def prove(text: str) -> str:
    """Take the proof that `S3Server.bucket` puts into a bucket, and nothing else."""
    from likeness.errors import NotAuthorised

    if text.strip() != PROOF:
        raise NotAuthorised("The proof is not the one of this test.")
    return text
