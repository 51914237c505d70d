"""A person's photos as one ZIP file, made while it is sent, with the ways back in a table beside.

Nothing of it touches a disk, and each photo is asked for anew: a download that is under way when
the person withdraws ends there.
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from likeness.errors import NotFound, PhotoUnreadable, Refused
from likeness.house import House
from likeness.portal import OwnPhoto, OwnPlace, acting_person, linked_of, not_theirs
from likeness.portal_decisions import theirs_in
from likeness.records.photo_formats import SUFFIXES_OF
from likeness.sources.base import item_of
from likeness.sources.folder_entry import read_item
from likeness.store import previews
from likeness.store.previews import Preview
from likeness.store.sightings import sightings_of_photos
from likeness.uploaded import UPLOADED, folder_of

TABLE = "photos.csv"
FOLDER = "folder"

_COLUMNS = (
    "file",
    "sha256",
    "what",
    "taken",
    "collection",
    "held by",
    "page",
    "image",
    "link",
    "link from",
    "text",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True)
class _File:
    """A file of the archive: its name, whether it is the original, and its bytes."""

    name: str
    what: str
    content: bytes


def own_archive(house: House) -> Iterator[bytes]:
    """The photos of the person who acts, as pieces of a ZIP file.

    The original where it lies in a folder or upload and is still the same, else the preview.

    Raises
    ------
    Refused
        Where it is an account that acts; before the first piece.
    """
    with house.store.snapshot() as connection:
        own = acting_person(house, connection)
        photos = linked_of(connection, own)
    with house.transaction() as connection:
        house.audit_deed(
            connection, kind="export", details={"did": "archive", "photos": len(photos)}
        )
    return _pieces(house, photos)


def _pieces(house: House, photos: Sequence[OwnPhoto]) -> Iterator[bytes]:
    pipe = _Pipe()
    table = io.StringIO(newline="")
    rows = csv.writer(table)
    rows.writerow(_COLUMNS)
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for number, begun_with in enumerate(photos, start=1):
            try:
                photo, preview = _as_of_now(house, begun_with)
            except NotFound:
                # It is not theirs any more, or nobody may show it.
                continue
            except Refused:
                # They withdrew meanwhile: the archive ends with what it has.
                break
            file = _file(house, photo, preview, number)
            rows.writerows(_rows(photo, file))
            if file is not None:
                archive.writestr(_entry(file.name, house.clock()), file.content)
                yield pipe.taken()
        archive.writestr(_entry(TABLE, house.clock()), "\ufeff" + table.getvalue())
    yield pipe.taken()


def _as_of_now(house: House, begun_with: OwnPhoto) -> tuple[OwnPhoto, Preview | None]:
    """A photo with the places where it still is, and its preview.

    Raises
    ------
    NotFound
        Where it is theirs no more.
    Refused
        Where they are not here any more.
    """
    with house.store.snapshot() as connection:
        own = acting_person(house, connection)
        photo, links, _ = theirs_in(connection, own, begun_with.photo.sha256)
        if not links:
            raise not_theirs()
        asked = {one.sighting.photo_id for one in begun_with.places}
        held = sightings_of_photos(connection, asked, collection_ids=own.collection_ids)
        preview = previews.load(connection, photo.photo_id)
    still = {one.sighting_id for some in held.values() for one in some}
    places = tuple(one for one in begun_with.places if one.sighting.sighting_id in still)
    return replace(begun_with, places=places), preview


def _file(house: House, own: OwnPhoto, preview: Preview | None, number: int) -> _File | None:
    """A photo's file; None where there is nothing to give."""
    name = _name(own, number)
    for place in own.places:
        if place.sighting.link.span is None:
            content = _original(house, place)
            if content is not None and hashlib.sha256(content).hexdigest() == own.photo.sha256:
                suffix = SUFFIXES_OF.get(own.photo.format, (".bin",))[0]
                return _File(name=f"{name}{suffix}", what="original", content=content)
    if preview is None:
        return None
    return _File(name=f"{name}-preview.jpg", what="preview", content=preview.jpeg)


def _original(house: House, place: OwnPlace) -> bytes | None:
    """The file as it lies in a folder or an upload; nobody else is asked for one."""
    kind, address = place.source.kind, place.source.address
    if kind == UPLOADED:
        address = item_of(str(folder_of(house, address)))
    elif kind != FOLDER:
        return None
    try:
        return read_item(address, place.sighting.item, house.settings.limits.max_bytes)
    except PhotoUnreadable:
        return None


def _name(own: OwnPhoto, number: int) -> str:
    """A name that no other file of the archive has, and that no system reads as anything else."""
    taken = own.taken_at
    day = f"-{taken:%Y-%m-%d}" if taken else ""
    return f"{number:05}{day}-{own.photo.sha256[:8]}"


def _rows(own: OwnPhoto, file: _File | None) -> list[list[str]]:
    return [
        [
            _harmless(cell)
            for cell in (
                file.name if file else "",
                own.photo.sha256,
                file.what if file else "not kept",
                place.sighting.link.taken_at.isoformat() if place.sighting.link.taken_at else "",
                place.source.collection,
                place.source.controller,
                _address(place.sighting.link.page_url) or place.sighting.item,
                _address(place.sighting.link.media_url),
                place.sighting.link.confidence,
                place.sighting.link.link_from,
                place.sighting.link.text,
            )
        ]
        for place in own.places
    ]


def _address(url: str) -> str:
    """An address on the web; the path of a file on the server says nothing to the person."""
    return url if url.startswith(("https://", "http://")) else ""


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _entry(name: str, at: datetime) -> zipfile.ZipInfo:
    moment = at.astimezone(UTC)
    entry = zipfile.ZipInfo(name, date_time=moment.timetuple()[:6])
    entry.external_attr = 0o644 << 16
    return entry


class _Pipe(io.RawIOBase):
    """What a ZIP file is written to, which cannot go back; `taken` hands on what came so far."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        piece = bytes(data)  # type: ignore[call-overload]  # whatever holds bytes
        self._held += piece
        return len(piece)

    def taken(self) -> bytes:
        """What was written since the last time."""
        piece = bytes(self._held)
        self._held.clear()
        return piece
