"""Face search that only finds people who said yes.

    from likeness import Library

    with Library.create("photos.likeness") as library:
        library.create_collection("party", controller="Tennis club")
        library.ingest("~/Pictures/party", collection="party")

To follow the main path, read these four files in order, each from top to bottom:

1. ``ingest.py``: photos in, faces compared with people who said yes.
2. ``enrol.py``: somebody says yes, and is linked in photos already held.
3. ``search.py``: who is this, among people who said that this searcher may know.
4. ``withdraw.py``: somebody says stop, and gets a receipt.

``library.py`` puts the parts together. What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from likeness.faces.engine import FaceEngine
    from likeness.library import Library
    from likeness.records.consent import ConsentGiven

__version__ = "0.1.0"

__all__ = ["ConsentGiven", "FaceEngine", "Library", "__version__"]

_HOMES = (
    ("ConsentGiven", "likeness.records.consent"),
    ("FaceEngine", "likeness.faces.engine"),
    ("Library", "likeness.library"),
)


def __getattr__(name: str) -> Any:
    for known, home in _HOMES:
        if name == known:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
