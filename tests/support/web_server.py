"""A real server over a library, and clients that are signed in as anybody.

    with serving(library) as server:
        owner = server.client("owner")            # an account by name
        anna = server.client(person_id=anna_id)   # a person in their portal
        nobody = server.client()
        page = owner.get("/desk")
        owner.submit("/collections", {"name": "party"})   # POST of a form, CSRF token included

The library may hold the synthetic engine; everything between the socket and the store is real.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from likeness import signing_in
from likeness.library import Library
from likeness.web.parts import ServeOptions
from likeness.web.serve import make_server

STARTED_WITHIN = 20.0


class Client(httpx.Client):
    """A browser without scripts: keeps cookies, follows redirects, knows its CSRF token."""

    def token(self) -> str:
        """The CSRF token of this visitor's forms, as a page that it may open carries it."""
        page = self.get("/", headers={"accept": "text/html"}, follow_redirects=True)
        found = re.search(r'<meta name="csrf" content="([0-9a-f]{64})">', page.text)
        assert found, f"no token on {page.url}: {page.status_code}"
        return found[1]

    def submit(
        self,
        path: str,
        fields: Mapping[str, Any] | None = None,
        *,
        files: Any = None,
        **options: Any,
    ) -> httpx.Response:
        """POST a form as a browser would."""
        data = {"csrf": self.token(), **(fields or {})}
        options.setdefault("headers", {"accept": "text/html"})
        return self.post(path, data=data, files=files, **options)

    def submit_raw(self, path: str, body: bytes, **options: Any) -> httpx.Response:
        """POST bytes as a script would."""
        headers = {
            "x-csrf-token": self.token(),
            "accept": "application/json",
            "content-type": "application/octet-stream",
            **options.pop("headers", {}),
        }
        return self.post(path, content=body, headers=headers, **options)


@dataclass(frozen=True, kw_only=True)
class WebServer:
    """A server that runs in a thread."""

    library: Library
    url: str
    clients: list[Client] = field(default_factory=list)

    def client(self, account: str = "", *, person_id: str = "") -> Client:
        """A client: signed in as an account, as a person, or not at all."""
        client = Client(base_url=self.url, timeout=60.0, follow_redirects=True)
        self.clients.append(client)
        if account or person_id:
            client.cookies.set("likeness", self.secret(account, person_id=person_id))
        return client

    def secret(self, account: str = "", *, person_id: str = "") -> str:
        """The secret of a new session."""
        house = self.library.house
        if account:
            subject = next(a.account_id for a in self.library.accounts() if a.name == account)
        else:
            subject = person_id
        secret, _ = signing_in.begin_session(
            house,
            subject_id=subject,
            device="a test",
        )
        return secret


@contextmanager
def serving(library: Library, **options: Any) -> Iterator[WebServer]:
    """Serve a library on a free port of this machine."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        chosen = ServeOptions(**{"port": port, "public_url": f"http://localhost:{port}", **options})
        server = make_server(library, chosen)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        end = time.monotonic() + STARTED_WITHIN
        while not server.started and time.monotonic() < end:
            time.sleep(0.01)
        assert server.started, "the server did not start"
        made = WebServer(library=library, url=f"http://localhost:{port}")
        try:
            yield made
        finally:
            for client in made.clients:
                client.close()
            server.should_exit = True
            thread.join(STARTED_WITHIN)
