"""Photos that are copies of one another, and looks for those that were taken in without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from promise_house import rows
from synthetic_engine import SIDE, Drawn, draw

from likeness.copies import Looks, join
from likeness.faces.resemblance import look_of
from likeness.library import Library
from likeness.sharing import share_decisions


def save_copy(path: Path, *faces: Drawn, cut: int = 0, shade: int = 40) -> Path:
    """A photo of these faces beside an even strip; files of one shade are copies of one another.

    Parameters
    ----------
    cut : int
        Pixels that are missing on the left of the strip.
    shade : int
        Of the strip: photos that differ in it by a few are other files of one picture.
    """
    pixels = draw(*faces)
    pixels[:, :SIDE] = shade
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels[:, cut:]).save(path, "PNG")
    return path


def look_at_photos(library: Library, folder: Path) -> None:
    """Bring every photo of a folder that has no look yet to its copies, in order of arrival."""
    house, looks = library.house, Looks()
    waiting = rows(
        library,
        "SELECT p.photo_id, s.item FROM photos p JOIN sightings s ON s.photo_id = p.photo_id"
        " WHERE p.look IS NULL GROUP BY p.photo_id ORDER BY p.photo_id",
    )
    for photo_id, item in waiting:
        pixels = np.asarray(Image.open(folder / item).convert("RGB"))
        with house.transaction() as connection:
            picture = join(connection, looks, photo_id, look_of(pixels))
            if picture is not None:
                share_decisions(house, connection, picture)


def grouped(library: Library) -> list[set[str]]:
    """The items that are one picture, of every picture."""
    found: dict[int, set[str]] = {}
    for picture, item in rows(
        library,
        "SELECT picture, item FROM photos JOIN sightings USING (photo_id)"
        " WHERE picture IS NOT NULL ORDER BY photo_id",
    ):
        found.setdefault(picture, set()).add(item)
    return list(found.values())
