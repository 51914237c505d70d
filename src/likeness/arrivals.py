"""Photos on their way in: read, decoded, their faces found and compared. Nothing is written here.

Each stage is an iterator over batches; :func:`arrivals` runs them side by side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from likeness.account import KEPT_LONG_ENOUGH, STOPPED_BY_A_NOTICE, ItemOutcome
from likeness.blocking import BlockList, stopped_photos
from likeness.eligibility import Eligible
from likeness.errors import PhotoUnreadable
from likeness.faces.crops import FACE_CROP_SIZE, decode_crops, encode_crop
from likeness.faces.frames import frame_name
from likeness.faces.preview import preview_of
from likeness.faces.resemblance import look_of
from likeness.house import House
from likeness.keeping_out import items_kept_out, photos_kept_out
from likeness.listing import Listed, WholeVideo
from likeness.overlap import overlapped
from likeness.records.collection import SourceRecord
from likeness.records.face import DetectedFace, scaled_box
from likeness.records.photo import DecodedPhoto
from likeness.records.preview import Preview
from likeness.records.reference import Match
from likeness.records.sighting import PageLink
from likeness.sources.base import SkippedEntry, SourceEntry
from likeness.store import previews
from likeness.store.photos import NewFace, known_sha256
from likeness.store.sightings import sighting_of

FETCHED = ("website", "iiif", "bucket")
"""Kinds of sources whose photos are not read again for want of a preview: that asks others."""

BATCH = 16
AHEAD = 2
READERS = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrival:
    """One photo that was read.

    Attributes
    ----------
    entry : SourceEntry
    link : PageLink
    sha256 : str
    decoded : DecodedPhoto
        Without its pixels once its faces were looked for.
    faces : tuple of NewFace or None
        None where the library holds the photo already, so that nobody looked.
    look : bytes
        The look of the whole picture, by which copies are told; empty where nobody looked.
    preview : Preview or None
        None where the library has one already, or keeps none.
    """

    entry: SourceEntry
    link: PageLink
    sha256: str
    decoded: DecodedPhoto
    faces: tuple[NewFace, ...] | None = None
    look: bytes = b""
    preview: Preview | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """What the gallery says to the faces of a batch.

    Attributes
    ----------
    eligible : Eligible
        With whom they were compared.
    templates : float32 array of shape (n, d) or None
        In the order of the batch's faces; None while nobody is eligible. Dropped with the batch.
    matches : list of n lists of Match
    """

    eligible: Eligible
    templates: NDArray[np.float32] | None
    matches: list[list[Match]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Some entries of a source, as far as they have come.

    Attributes
    ----------
    found : int
        How many photos were listed.
    unchanged : mapping of int to ItemOutcome
        Sightings whose item is as it was, by their id.
    videos : tuple of WholeVideo
        Those whose last frame is in this batch or an earlier one.
    kept : tuple of str
        Items that could not be read just now; what is known of them stays.
    skipped : tuple of SkippedEntry
    arrivals : tuple of Arrival
    comparison : Comparison or None
    """

    found: int
    unchanged: Mapping[int, ItemOutcome]
    videos: tuple[WholeVideo, ...]
    kept: tuple[str, ...]
    skipped: tuple[SkippedEntry, ...]
    arrivals: tuple[Arrival, ...]
    comparison: Comparison | None = None


def arrivals(
    house: House, entries: Iterable[Listed], record: SourceRecord, blocks: BlockList
) -> Iterator[Batch]:
    """Every entry of a source in batches, read, looked at and compared, the stages side by side."""
    read = overlapped(_read(house, entries, record, blocks), depth=AHEAD)
    looked = overlapped((_look(house, batch, record, blocks) for batch in read), depth=AHEAD)
    for batch in looked:
        yield replace(batch, comparison=compare(house, batch, record.collection_id))


def find_faces(house: House, decoded: Sequence[DecodedPhoto]) -> list[tuple[NewFace, ...]]:
    """The faces of photos, left to right, boxes and landmarks in pixels of the originals."""
    engine = house.engine()
    found = engine.find_many([photo.pixels for photo in decoded])
    results = []
    for photo, faces in zip(decoded, found, strict=True):
        ordered = sorted(faces, key=lambda face: face.box)
        crops = engine.crops(photo.pixels, ordered, size=FACE_CROP_SIZE)
        qualities = engine.quality(photo.pixels, ordered, crops=crops)
        scale = photo.width / photo.pixels.shape[1]
        results.append(
            tuple(
                NewFace(
                    face=_scaled(face, scale),
                    quality=quality,
                    crop=encode_crop(crop),
                    alignment=frame_name(engine.pack),
                )
                for face, quality, crop in zip(ordered, qualities, crops, strict=True)
            )
        )
    return results


def read_again(house: House, entry: SourceEntry) -> Arrival | SkippedEntry:
    """Read one photo and find its faces, where the photo went while its batch was on the way."""
    outcome = _read_one(house, entry)
    if isinstance(outcome, SkippedEntry):
        return outcome
    return replace(
        outcome,
        decoded=_without_pixels(outcome.decoded),
        faces=find_faces(house, [outcome.decoded])[0],
        look=look_of(outcome.decoded.pixels),
        preview=_preview(house, outcome.decoded),
    )


def compare(
    house: House, batch: Batch, collection_id: str, *, templates: NDArray[np.float32] | None = None
) -> Comparison:
    """Compare the faces of a batch with everybody eligible now.

    While nobody is eligible no template is computed at all.
    """
    crops = [face.crop for arrival in batch.arrivals for face in arrival.faces or ()]
    eligible = house.eligibility.comparable([collection_id])
    if not eligible.person_ids or not crops:
        return Comparison(eligible=eligible, templates=None, matches=[[] for _ in crops])
    if templates is None:
        pixels = decode_crops(crops, size=FACE_CROP_SIZE)
        templates = house.engine().templates_from_crops(pixels)
    with house.eligibility.held():
        eligible = house.eligibility.comparable([collection_id])
        matches = house.eligibility.gallery.search(
            templates,
            eligible=eligible.person_ids,
            threshold=house.thresholds(len(eligible.person_ids)).floor,
        )
    return Comparison(eligible=eligible, templates=templates, matches=matches)


def _read(
    house: House, entries: Iterable[Listed], record: SourceRecord, blocks: BlockList
) -> Iterator[Batch]:
    listing = iter(entries)
    with ThreadPoolExecutor(READERS, thread_name_prefix="likeness-read") as readers:
        while listed := list(islice(listing, BATCH)):
            photos = [entry for entry in listed if isinstance(entry, SourceEntry)]
            skipped = [entry for entry in listed if isinstance(entry, SkippedEntry)]
            unchanged, lacking, changed, out = _split_unchanged(house, record, photos, blocks)
            skipped += out
            kept, arrived = [], []
            wanted, held = [*lacking, *changed], {entry.item for entry in lacking}
            outcomes = readers.map(lambda entry: _read_one(house, entry), wanted)
            for entry, outcome in zip(wanted, outcomes, strict=True):
                if isinstance(outcome, Arrival):
                    arrived.append(outcome)
                    continue
                # A photo that is as it was is not given up for want of a preview.
                if outcome.hides or entry.item in held:
                    kept.append(entry.item)
                skipped.append(outcome)
            yield Batch(
                found=len(photos),
                unchanged=unchanged,
                videos=tuple(entry for entry in listed if isinstance(entry, WholeVideo)),
                kept=tuple(kept),
                skipped=tuple(skipped),
                arrivals=tuple(arrived),
            )


def _split_unchanged(
    house: House, record: SourceRecord, photos: Sequence[SourceEntry], blocks: BlockList
) -> tuple[dict[int, ItemOutcome], list[SourceEntry], list[SourceEntry], list[SkippedEntry]]:
    """Those that are as they were, of these those without a preview, others, and those kept out."""
    unchanged: dict[int, ItemOutcome] = {}
    lacking, changed = [], []
    with house.store.snapshot() as connection:
        without = _without_preview(house, connection, record, photos)
        for entry in photos:
            known = sighting_of(connection, record.source_id, entry.item)
            now = (entry.size, entry.modified_ns, entry.link_mark)
            if known is None or (known.size, known.modified_ns, known.link_mark) != now:
                changed.append(entry)
            elif entry.item in without:
                lacking.append(entry)
            else:
                unchanged[known.sighting_id] = ItemOutcome(
                    item=entry.item, outcome="unchanged", link=known.link
                )
        out = items_kept_out(connection, blocks, record, changed)
    skipped = [SkippedEntry(item=item, reason=KEPT_LONG_ENOUGH) for item in sorted(out)]
    return unchanged, lacking, [entry for entry in changed if entry.item not in out], skipped


def _without_preview(
    house: House, connection: Connection, record: SourceRecord, photos: Sequence[SourceEntry]
) -> frozenset[str]:
    """Items that are read again for want of a preview, such as those of an older library."""
    if not house.settings.preview_side or record.kind in FETCHED:
        return frozenset()
    return previews.items_without(connection, record.source_id, (entry.item for entry in photos))


def _read_one(house: House, entry: SourceEntry) -> Arrival | SkippedEntry:
    settings = house.settings
    try:
        data = entry.read(settings.limits.max_bytes)
    except PhotoUnreadable as error:
        # The file is there and may be readable tomorrow: its sighting is not given up.
        return SkippedEntry(item=entry.item, reason=error.reason, hides=True)
    try:
        decoded = house.decoders.decode(data, long_side=settings.detection_side)
    except PhotoUnreadable as error:
        return SkippedEntry(item=entry.item, reason=error.reason)
    return Arrival(
        entry=entry,
        link=entry.link(decoded.metadata),
        sha256=hashlib.sha256(data).hexdigest(),
        decoded=decoded,
    )


def reasons_to_pass_over(
    connection: Connection,
    record: SourceRecord,
    blocks: BlockList,
    found: Sequence[tuple[str, PageLink]],
) -> dict[int, str]:
    """Why some of a list of (SHA-256, link) are not taken in, by their place in it."""
    hashes = [sha256 for sha256, _ in found]
    out = photos_kept_out(connection, blocks, record.collection_id, hashes)
    stopped = stopped_photos(connection, blocks, found)
    return dict.fromkeys(out, KEPT_LONG_ENOUGH) | dict.fromkeys(stopped, STOPPED_BY_A_NOTICE)


def without_stopped(
    connection: Connection, batch: Batch, record: SourceRecord, blocks: BlockList
) -> Batch:
    """The batch less what is not to be taken in, which is told among what was skipped."""
    found = [(arrival.sha256, arrival.link) for arrival in batch.arrivals]
    stopped = reasons_to_pass_over(connection, record, blocks, found)
    if not stopped:
        return batch
    passed_over = [
        SkippedEntry(item=batch.arrivals[n].entry.item, reason=reason)
        for n, reason in sorted(stopped.items())
    ]
    return replace(
        batch,
        arrivals=tuple(a for n, a in enumerate(batch.arrivals) if n not in stopped),
        skipped=(*batch.skipped, *passed_over),
    )


def _look(house: House, batch: Batch, record: SourceRecord, blocks: BlockList) -> Batch:
    with house.store.snapshot() as connection:
        batch = without_stopped(connection, batch, record, blocks)
        known = known_sha256(connection, {arrival.sha256 for arrival in batch.arrivals})
        lacking = previews.without(connection, known)
    new: dict[str, DecodedPhoto] = {}
    for arrival in batch.arrivals:
        if arrival.sha256 not in known:
            new.setdefault(arrival.sha256, arrival.decoded)
    faces = dict(zip(new, find_faces(house, list(new.values())), strict=True)) if new else {}
    looked = []
    for arrival in batch.arrivals:
        # Of equal photos in one batch the first brings the faces.
        looked.append(
            replace(
                arrival,
                decoded=_without_pixels(arrival.decoded),
                look=look_of(arrival.decoded.pixels) if arrival.sha256 in faces else b"",
                preview=(
                    _preview(house, arrival.decoded)
                    if arrival.sha256 in faces or arrival.sha256 in lacking
                    else None
                ),
                faces=faces.pop(arrival.sha256, None),
            )
        )
    house.eligibility.refresh()
    return replace(batch, arrivals=tuple(looked))


def _preview(house: House, photo: DecodedPhoto) -> Preview | None:
    side = house.settings.preview_side
    return preview_of(photo.pixels, side=side) if side else None


def _without_pixels(photo: DecodedPhoto) -> DecodedPhoto:
    return replace(photo, pixels=np.zeros((0, 0, 3), np.uint8))


def _scaled(face: DetectedFace, scale: float) -> DetectedFace:
    landmarks = (face.landmarks * scale).astype(np.float32)
    return replace(face, box=scaled_box(face.box, scale), landmarks=landmarks)
