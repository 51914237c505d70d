"""The command that serves the web app."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likeness.cli.call import call_of
from likeness.cli.options import LibraryOption
from likeness.cli.screen import note
from likeness.errors import UsageError

if TYPE_CHECKING:
    from likeness.library import Library


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("serve", short_help="Serve the web app.")(serve)


def serve(
    context: typer.Context,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, metavar="N", help="The port to listen at.")
    ] = 8420,
    public_url: Annotated[
        str,
        typer.Option(
            "--public-url",
            metavar="URL",
            help="What people type, where it is not https://localhost or http://localhost.",
        ),
    ] = "",
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", metavar="FILE", help="Certificate chain (PEM).")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option("--tls-key", metavar="FILE", help="Its private key (PEM).")
    ] = None,
    proxy: Annotated[
        list[str] | None,
        typer.Option(
            "--proxy",
            metavar="ADDRESS",
            help="A proxy before it, which says whose address a request came from.",
        ),
    ] = None,
    library: LibraryOption = None,
) -> None:
    """Serve the web app of a library until you stop it with Ctrl+C.

    The first start prints a link that makes the owner. Phones give cameras and passkeys to HTTPS
    only: give a certificate, or put a proxy before it.
    """
    call = call_of(context, library=library)
    with call.opened() as opened:
        serve_opened(
            opened,
            host=host,
            port=port,
            public_url=public_url,
            proxies=tuple(proxy or ()),
            tls_cert=tls_cert,
            tls_key=tls_key,
        )


def serve_opened(opened: Library, **options: Any) -> None:
    """Serve an open library.

    Raises
    ------
    UsageError
        What serves it is not installed, or the options exclude each other.
    StorageError
        It cannot listen there.
    """
    try:
        from likeness.web.serve import options_of
        from likeness.web.serve import serve as run
    except ModuleNotFoundError as error:
        if str(error.name).startswith("likeness"):
            raise
        raise UsageError(
            "What serves the web app is not installed.",
            "Install it with: pip install 'likeness[web]'",
        ) from None
    run(opened, options_of(**options), say=note)
