"""What every answer carries: nothing from elsewhere, nothing inline, no framing, no sniffing."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from likeness.web.parts import ServeOptions, name_of

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types likeness",
    )
)
HEADERS: Final = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Permissions-Policy", "camera=(self), microphone=(), geolocation=(), browsing-topics=()"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
ONE_YEAR: Final = "max-age=31536000"


class SecurityHeaders:
    """Middleware: adds the headers, and answers only to the names that the server has.

    A page that another name leads to would let that name's owner read it (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, *, options: ServeOptions) -> None:
        self._app = app
        self._https = options.https
        self._names = frozenset({options.name, "localhost", "127.0.0.1", "[::1]"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS:
                    headers.setdefault(name, value)
                if self._https:
                    headers.setdefault("Strict-Transport-Security", ONE_YEAR)
            await send(message)

        if self._name(scope) not in self._names:
            refusal = PlainTextResponse(
                "This server does not go by that name. Start it with --public-url.", 421
            )
            await refusal(scope, receive, headed)
            return
        await self._app(scope, receive, headed)

    @staticmethod
    def _name(scope: Scope) -> str:
        host = next((v for k, v in scope["headers"] if k == b"host"), b"").decode("latin-1")
        return name_of(host).lower()
