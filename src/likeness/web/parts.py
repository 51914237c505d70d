"""What all visits share: the open library, how the server was started, and what runs beside."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from likeness.library import Library
from likeness.web.rates import Rates
from likeness.web.tasks import Tasks
from likeness.web.templating import Templates

Kept = TypeVar("Kept")


def name_of(host: str) -> str:
    """The name of a host without its port.

    >>> name_of("photos.example.org:8443"), name_of("[2001:db8::1]:80"), name_of("[::1]")
    ('photos.example.org', '[2001:db8::1]', '[::1]')
    """
    return host if host.endswith("]") else host.rsplit(":", 1)[0]


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
        return name_of(self.public_url.split("://", 1)[1])

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
    """

    library: Library
    options: ServeOptions
    templates: Templates
    tasks: Tasks
    rates: Rates
    _kept: dict[str, Any] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def kept(self, name: str, make: Callable[[], Kept]) -> Kept:
        """What a part of the app keeps in memory between requests; made once, when first asked for.

        Parameters
        ----------
        name : str
            Of its own.
        make : callable
        """
        with self._lock:
            if name not in self._kept:
                self._kept[name] = make()
            made: Kept = self._kept[name]
            return made

    def give_up(self, name: str) -> Any:
        """What was kept under a name, for whoever ends it; None where nothing was."""
        with self._lock:
            return self._kept.pop(name, None)
