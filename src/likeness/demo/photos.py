"""Forty photos of two people in a folder, with links back: what the demo adds to its library."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

from PIL import Image

from likeness.demo.portraits import Portrait, Shot, collins, hopper, take

Who = Literal["Collins", "Hopper"]

SITE = "https://example.org/albums/portraits"
SHOTS: tuple[Shot, ...] = (
    Shot(words="as it was taken", frame=3.0, side=560),
    Shot(words="close up", frame=1.9, side=420),
    Shot(words="mirrored", frame=2.6, mirror=True),
    Shot(words="in bright light", frame=2.6, light=1.25),
    Shot(words="in low light", frame=2.8, light=0.65),
    Shot(words="in warm light", frame=2.4, warmth=1.0),
    Shot(words="in cold light", frame=2.4, warmth=-1.0, mirror=True),
    Shot(words="turned to the left", frame=2.3, turn=6.0),
    Shot(words="turned to the right", frame=2.3, turn=-6.0, mirror=True),
    Shot(words="off the middle", frame=3.0, aside=0.4),
    Shot(words="small and compressed", frame=2.6, side=300, quality=35),
    Shot(words="with strong contrast", frame=2.7, contrast=1.3, quality=60),
    Shot(words="with little contrast", frame=2.5, contrast=0.7, light=1.1),
    Shot(words="turned, mirrored, compressed", frame=2.8, turn=4.0, mirror=True, quality=45),
)
"""Each is taken of both people."""

GROUPS = 12
REFERENCES: tuple[Shot, ...] = (
    Shot(words="for enrolment, wide", frame=2.9, side=600, quality=95),
    Shot(words="for enrolment, near", frame=2.2, side=600, quality=95, light=1.08),
    Shot(words="for enrolment, mirrored", frame=2.5, side=600, quality=95, mirror=True),
)
PROBE = Shot(
    words="to search with", frame=2.5, turn=3.0, light=0.9, warmth=0.5, side=520, quality=80
)

_WALLS: tuple[tuple[int, int, int], ...] = (
    (222, 214, 202),
    (188, 204, 196),
    (202, 206, 220),
    (84, 92, 108),
)
_IN_METADATA = (6, 13, 20, 27, 34)
"""Numbers of the photos that say themselves where they are from, and are in no list."""
_NO_LINK = 40
_FIRST_DAY = datetime(2024, 4, 6, 10, 30, tzinfo=UTC)

_XMP = """\
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/"
    xmlns:dc="http://purl.org/dc/elements/1.1/" xmpRights:WebStatement="{page}">
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""


@dataclass(frozen=True, kw_only=True)
class DemoPhotos:
    """What was made, all in one folder.

    Attributes
    ----------
    shows : tuple of (item, who is in it)
        Of each photo to add, by its name in ``photos``.
    references : tuple of str
        Photos of Collins to enrol with, relative to the folder.
    probe_collins, probe_hopper : str
        Photos to search with, relative to the folder.
    """

    shows: tuple[tuple[str, frozenset[Who]], ...]
    references: tuple[str, ...]
    probe_collins: str
    probe_hopper: str

    def of(self, who: Who) -> frozenset[str]:
        """The photos that show one of them."""
        return frozenset(item for item, people in self.shows if who in people)


def make_photos(folder: Path) -> DemoPhotos:
    """Write the photos, their ``links.csv``, and the photos to enrol and to search with.

    Raises
    ------
    UsageError
        Where the packages that hold the portraits are not installed.
    """
    first, second = collins(), hopper()
    for name in ("photos", "references", "probes"):
        (folder / name).mkdir()
    rows, shows = [], []
    for number, (picture, people, words, quality) in enumerate(_pictures(first, second), 1):
        item = f"photo-{number:02}.jpg"
        page = f"{SITE}/{number:02}"
        path = folder / "photos" / item
        if number in _IN_METADATA:
            picture.save(path, quality=quality, xmp=_packet(page, words), exif=_dated(number))
        else:
            picture.save(path, quality=quality)
            if number != _NO_LINK:
                rows.append((item, page, _taken_at(number).isoformat(), words))
        shows.append((item, people))
    with (folder / "photos" / "links.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "page_url", "taken_at", "text"), *rows])
    references = []
    for number, shot in enumerate(REFERENCES, 1):
        references.append(f"references/collins-{number}.jpg")
        take(first, shot).save(folder / references[-1], quality=shot.quality)
    probes = {"probes/collins.jpg": first, "probes/hopper.jpg": second}
    for name, portrait in probes.items():
        take(portrait, PROBE).save(folder / name, quality=PROBE.quality)
    probe_collins, probe_hopper = probes
    return DemoPhotos(
        shows=tuple(shows),
        references=tuple(references),
        probe_collins=probe_collins,
        probe_hopper=probe_hopper,
    )


def _pictures(
    first: Portrait, second: Portrait
) -> Iterator[tuple[Image.Image, frozenset[Who], str, int]]:
    """Each photo with who is in it, its caption and its quality."""
    alone: tuple[tuple[Portrait, Who], ...] = ((first, "Collins"), (second, "Hopper"))
    for shot in SHOTS:
        for portrait, who in alone:
            yield take(portrait, shot), frozenset({who}), f"A portrait, {shot.words}", shot.quality
    for number in range(GROUPS):
        yield (
            _group(first, second, number),
            frozenset[Who]({"Collins", "Hopper"}),
            "Two portraits, side by side",
            85,
        )


def _group(first: Portrait, second: Portrait, number: int) -> Image.Image:
    """Both portraits on a wall, in changing order, light and size."""
    wall = Image.new("RGB", (960, 600), _WALLS[number % len(_WALLS)])
    side = 400 - 15 * (number % 4)
    ordered = (first, second) if number % 2 else (second, first)
    for place, portrait in enumerate(ordered):
        shot = SHOTS[(3 * number + 5 * place) % len(SHOTS)]
        picture = take(portrait, shot, side=side)
        wall.paste(picture, (50 + place * 460, 80 + 30 * ((number + place) % 3)))
    return wall


def _taken_at(number: int) -> datetime:
    return _FIRST_DAY + timedelta(days=9 * number, minutes=17 * number)


def _packet(page: str, words: str) -> bytes:
    return _XMP.format(page=escape(page, {'"': "&quot;"}), text=escape(words)).encode()


def _dated(number: int) -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[36867] = _taken_at(number).strftime("%Y:%m:%d %H:%M:%S")
    return exif
