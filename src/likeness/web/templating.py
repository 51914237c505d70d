"""Templates: escaped by default, and an unknown name in one is an error."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any
from urllib.parse import unquote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

STATIC = files("likeness.web") / "static"
MEDIA_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}


class Templates:
    """Renders the templates of this package."""

    def __init__(self) -> None:
        self.static_files = _static_files()
        every = b"".join(self.static_files[name] for name in sorted(self.static_files))
        self.version = hashlib.sha256(every).hexdigest()[:12]
        self._environment = Environment(
            loader=PackageLoader("likeness.web", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(static=self.static, icon=self.icon)
        self._environment.filters.update(
            day=day, moment=moment, number=number, web_address=web_address, unquoted=unquote
        )

    def render(self, name: str, /, **context: Any) -> str:
        """Render one template."""
        return self._environment.get_template(name).render(**context)

    def static(self, name: str) -> str:
        """Address of a file that browsers may keep for good: it changes with what is in it."""
        return f"/static/{self.version}/{name}"

    def icon(self, name: str) -> Markup:
        """One of our drawn icons; it says nothing to a screen reader."""
        return Markup(
            '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>'
        ).format(self.static("icons.svg"), name)


def _static_files() -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in STATIC.iterdir() if file.is_file()}


def day(value: datetime | None) -> str:
    """A date as ``5 Jun 2026``; empty where there is none.

    >>> from datetime import UTC
    >>> day(datetime(2026, 6, 5, tzinfo=UTC))
    '5 Jun 2026'
    """
    return f"{value.day} {value:%b %Y}" if value else ""


def moment(value: datetime | None) -> str:
    """A date with its time in UTC; empty where there is none.

    >>> from datetime import UTC
    >>> moment(datetime(2026, 6, 5, 14, 3, tzinfo=UTC))
    '5 Jun 2026, 14:03 UTC'
    """
    return f"{day(value)}, {value:%H:%M} UTC" if value else ""


def number(value: int) -> str:
    """A number with its thousands apart.

    >>> number(12000)
    '12,000'
    """
    return f"{value:,}"


def web_address(address: str) -> str:
    """An address that a link may lead to: one of the web, or nothing.

    >>> web_address("https://example.org/a"), web_address("javascript:alert(1)")
    ('https://example.org/a', '')
    """
    try:
        scheme = urlsplit(address).scheme
    except ValueError:
        return ""
    return address if scheme in ("http", "https") else ""
