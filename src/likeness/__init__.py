"""Face search that only finds people who said yes."""

from __future__ import annotations

__version__ = "0.1.0"
