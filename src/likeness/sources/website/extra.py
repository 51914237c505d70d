"""Whether what websites need is installed."""

from __future__ import annotations

from importlib.util import find_spec

from likeness.errors import UsageError

_NEEDED = ("dns", "lxml", "protego", "scrapy", "tldextract")


def require_extra() -> None:
    """Check that the packages are there; none is loaded.

    Raises
    ------
    UsageError
        One is not.
    """
    if any(find_spec(name) is None for name in _NEEDED):
        raise UsageError("Websites need an extra.", "Run: pip install 'likeness[websites]'")
