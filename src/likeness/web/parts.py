"""What all visits share: the open library, how the server was started, and what runs beside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from likeness.library import Library
from likeness.web.rates import Rates
from likeness.web.tasks import Tasks
from likeness.web.templating import Templates


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How the server was started.

    Attributes
    ----------
    host : str
    port : int
    public_url : str
        What browsers type, without a slash at the end.
    proxies : tuple of str
        Addresses of proxies before the server, whose word about the visitor's address counts.
    tls_cert, tls_key : str
        Files; empty where the server speaks plain HTTP.
    """

    host: str = "127.0.0.1"
    port: int = 8420
    public_url: str = "http://localhost:8420"
    proxies: tuple[str, ...] = ()
    tls_cert: str = ""
    tls_key: str = ""

    @property
    def https(self) -> bool:
        """Whether browsers reach it by HTTPS."""
        return self.public_url.startswith("https://")

    @property
    def name(self) -> str:
        """The host that browsers type, without a port."""
        host = self.public_url.split("://", 1)[1].split("/", 1)[0]
        return host.rsplit(":", 1)[0] if not host.endswith("]") else host

    @property
    def secure_context(self) -> bool:
        """Whether browsers allow cameras and passkeys there."""
        return self.https or self.name == "localhost"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What all visits share.

    Attributes
    ----------
    library : Library
    options : ServeOptions
    templates : Templates
    tasks : Tasks
    rates : Rates
    languages : tuple of str
        Of the pages that people see who are not accounts.
    kept : dict
        What parts of the app keep in memory between requests, each under a name of its own.
    """

    library: Library
    options: ServeOptions
    templates: Templates
    tasks: Tasks
    rates: Rates
    languages: tuple[str, ...] = ("en", "de")
    kept: dict[str, Any] = field(default_factory=dict)
