"""A person in their own portal; what photos are called, and what was decided about their faces."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from promise_house import rows

from likeness.house import House
from likeness.library import Library
from likeness.records.collection import Account


def own_house(library: Library, person_id: str) -> House:
    """The library with a person acting as themself."""
    return library.acting_as(Account(account_id=person_id, name="")).house


def sha256(library: Library, item: str) -> str:
    """The photo that an item is."""
    [(found,)] = rows(
        library,
        "SELECT DISTINCT sha256 FROM photos JOIN sightings USING (photo_id) WHERE item = :item",
        item=item,
    )
    return str(found)


def decisions(library: Library) -> set[tuple[Any, ...]]:
    """(item, face, person, decision, who decided)."""
    return set(
        rows(
            library,
            "SELECT s.item, f.number, l.person_id, l.decision, l.decided_by FROM links l"
            " JOIN faces f ON f.face_id = l.face_id"
            " JOIN sightings s ON s.photo_id = l.photo_id",
        )
    )


def file_of(pixels: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    """A photo as the bytes of a file."""
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, kind, **({"lossless": True} if kind == "WEBP" else {}))
    return held.getvalue()
