"""Start the server: one open library, its upkeep each hour, and the first owner's link."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from likeness import signing_in
from likeness.errors import LikenessError, StorageError, UsageError
from likeness.library import Library
from likeness.web.app import THREADS, create_app
from likeness.web.parts import ServeOptions
from likeness.web.quiet import Quiet
from likeness.web.security import SecurityHeaders

if TYPE_CHECKING:
    import uvicorn

UPKEEP_SECONDS: Final = 3600.0
LONGEST_HEADER: Final = 64 * 1024
MOST_CONNECTIONS: Final = 4 * THREADS
"""Connections at once, of which most wait: for a next request, or for what a task tells them.

Beyond them every request is answered with 503, until some of them end.
"""
ON_THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def options_of(
    *,
    host: str = "127.0.0.1",
    port: int = 8420,
    public_url: str = "",
    proxies: tuple[str, ...] = (),
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
) -> ServeOptions:
    """How to start, checked.

    Raises
    ------
    UsageError
        Half of a certificate, an address that is none, or a server for others without the name
        that they type.
    """
    if (tls_cert is None) != (tls_key is None):
        raise UsageError(
            "A certificate needs its key, and a key its certificate.",
            "Give both --tls-cert and --tls-key.",
        )
    for file in (tls_cert, tls_key):
        if file is not None and not file.is_file():
            raise UsageError(f"There is no file {file}.", "Check --tls-cert and --tls-key.")
    if not public_url:
        if host not in ON_THIS_MACHINE:
            raise UsageError(
                "Others reach this server, and nothing says by which name.",
                "Give what they type, such as --public-url https://photos.example.org",
            )
        public_url = f"{'https' if tls_cert else 'http'}://localhost:{port}"
    public_url = public_url.rstrip("/").lower()
    if not _is_whole_server(public_url):
        raise UsageError(
            "The public address is not one of a whole server.",
            "Give scheme, name and perhaps a port, such as https://photos.example.org:8443",
        )
    if tls_cert and not public_url.startswith("https://"):
        raise UsageError(
            "With a certificate the public address begins with https://.", "Correct --public-url."
        )
    return ServeOptions(
        host=host,
        port=port,
        public_url=public_url,
        proxies=proxies,
        tls_cert=str(tls_cert or ""),
        tls_key=str(tls_key or ""),
    )


def _is_whole_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    name = f"[{host}]" if ":" in host else host
    told = name if port is None else f"{name}:{port}"
    known = bool(host) and url.isascii() and parts.scheme in ("http", "https")
    return known and url == f"{parts.scheme}://{told}"


def make_server(library: Library, options: ServeOptions) -> uvicorn.Server:
    """A server that is ready to run.

    Its own log of requests is off: addresses of pages hold secrets of links.
    """
    import uvicorn

    from likeness.web.punctual import PunctualProtocol

    config = uvicorn.Config(
        # The headers lie outside of what answers a defect, so that its page has them too.
        Quiet(SecurityHeaders(create_app(library, options), options=options)),
        http=PunctualProtocol,
        ws="none",
        host=options.host,
        port=options.port,
        ssl_certfile=options.tls_cert or None,
        ssl_keyfile=options.tls_key or None,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=10,
        h11_max_incomplete_event_size=LONGEST_HEADER,
    )
    return uvicorn.Server(config)


def serve(library: Library, options: ServeOptions, *, say: Callable[[str], None]) -> None:
    """Serve a library until somebody stops the server.

    Raises
    ------
    StorageError
        Where the port is taken or not allowed, or the certificate cannot be used.
    """
    server = make_server(library, options)
    bound = _bound(options)
    stop = threading.Event()
    upkeep = threading.Thread(target=keep_up, args=(library, stop), daemon=True)
    try:
        say(f"Likeness is at {options.public_url}")
        link = signing_in.owner_link(library.house)
        if link is not None:
            say("Nobody can sign in yet. Open this link once, within a day, to become the owner:")
            say(f"{options.public_url}/set-up/{link}")
        if not options.secure_context:
            say(
                "Browsers allow cameras and passkeys over HTTPS only: give --tls-cert and "
                "--tls-key, or put a proxy with HTTPS before it. Until then there are passwords, "
                "and references are photos that are marked as not live."
            )
        say("Stop it with Ctrl+C.")
        upkeep.start()
        server.run(sockets=[bound])
    finally:
        stop.set()
        bound.close()


def _bound(options: ServeOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((options.host, options.port))
    except OSError as error:
        bound.close()
        raise StorageError(
            f"The server cannot listen at {options.host}, port {options.port}: {error.strerror}.",
            "End what listens there, or choose another with --port.",
        ) from None
    return bound


def keep_up(library: Library, stop: threading.Event) -> None:
    """What time alone brings about: consents that ended, photos past their time, old sessions."""
    from likeness.maintenance import maintain

    while not stop.is_set():
        # Where it fails, the next hour tries again; `likeness doctor` says what is wrong.
        try:
            maintain(library.house)
        except LikenessError:
            pass
        except Exception as defect:
            # What it was working on may be personal: only the kind of the defect is told.
            kind = type(defect).__name__
            print(f"The upkeep failed in a way that nothing foresaw: {kind}", file=sys.stderr)
        stop.wait(UPKEEP_SECONDS)
