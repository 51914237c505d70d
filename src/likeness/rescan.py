"""Compare photos that the library holds with people who enrolled since: newest first, resumable.

Photos whose faces another model pack found come first: theirs are found anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Connection

from likeness.deciding import NOTHING, decide_again
from likeness.errors import ModelFileInvalid, PackMismatch
from likeness.faces.crops import FACE_CROP_SIZE
from likeness.house import House, Progress, ProgressListener, no_progress
from likeness.kept_crops import templates_of_crops
from likeness.redetect import redetect
from likeness.store.changes import gallery_change
from likeness.store.people import comparable_since, newest_comparable
from likeness.store.photos import (
    NEVER_MATCHED,
    count_matched_before,
    crops_of,
    matched_through_of,
    photos_matched_before,
    set_matched_through,
)
from likeness.store.redetected import count_found_otherwise
from likeness.store.sightings import collections_of_photos
from likeness.turns import taking_turns

Then = Callable[[House], object]
"""What is done once something is durable: photos are compared anew. Pages hand it to a thread."""

PHOTOS_AT_ONCE = 64
NOBODY = NEVER_MATCHED
"""Not newer than any photo: where nobody is eligible, no template is made."""


@dataclass(frozen=True, kw_only=True)
class RescanReport:
    """What a rescan did.

    Attributes
    ----------
    photos : int
        Photos brought up to date.
    linked, proposed : int
        Links and proposals that these photos gained, of people whom the acting account may find.
    """

    photos: int
    linked: int
    proposed: int


def rescan(house: House, *, progress: ProgressListener = no_progress) -> RescanReport:
    """Bring every photo up to the newest enrolment, one pass for all who wait.

    Killed and run again it goes on where it was. Two processes take turns.

    Raises
    ------
    PackMismatch
        Where the library's model pack is not here, or changed meanwhile.
    """
    with taking_turns(house, "rescan"):
        again = redetect(house, progress=progress)
        compared = _compare_waiting(house, progress)
    return RescanReport(
        photos=again.photos + compared.photos,
        linked=again.linked + compared.linked,
        proposed=again.proposed + compared.proposed,
    )


def rescan_where_possible(house: House, *, progress: ProgressListener = no_progress) -> None:
    """The same for ways that end well without the models: photos go on waiting then.

    A change of pack that is under way is left to whoever is at it: it may take hours, and nobody
    waits for that to take a name off a face.
    """
    with suppress(PackMismatch, ModelFileInvalid):
        fingerprint = house.pack.fingerprint
        with house.store.snapshot() as connection:
            changing = count_found_otherwise(connection, fingerprint)
        if not changing:
            rescan(house, progress=progress)


def _compare_waiting(house: House, progress: ProgressListener) -> RescanReport:
    photos = linked = proposed = total = 0
    people: _Everybody | None = None
    target, last = NEVER_MATCHED, None
    while True:
        with house.store.snapshot() as connection:
            change = house.eligibility.refresh(connection)
            if people is None or people.change < change:
                people = _everybody(connection)
            if people.change < change:
                # What is held is newer than this snapshot: the next one shows everybody.
                continue
            if last is None or target != people.newest:
                target, last = people.newest, None
                total = photos + count_matched_before(connection, target)
                if total == photos:
                    return RescanReport(photos=photos, linked=linked, proposed=proposed)
            batch = photos_matched_before(
                connection,
                target,
                limit=min(PHOTOS_AT_ONCE, total - photos),
                older_than=last,
            )
        if not batch:
            last = None
            continue
        progress(Progress(phase="rescan", done=photos, total=total))
        gained = _rescan_batch(house, batch, change, people.since)
        photos += gained.photos
        linked += gained.linked
        proposed += gained.proposed
        # At the end of a pass, and where a photo was left waiting, the next begins at the top.
        passed = gained.photos == len(batch) and photos < total
        last = min(batch) if passed else None


@dataclass(frozen=True, kw_only=True)
class _Everybody:
    """From which change number photos must have been compared with whom, as of one number."""

    change: int
    since: Mapping[str, int]
    # -1 marks photos that came into a further collection; they wait also at change 0.
    newest: int


def _everybody(connection: Connection) -> _Everybody:
    return _Everybody(
        change=gallery_change(connection),
        since=comparable_since(connection),
        newest=newest_comparable(connection),
    )


def _rescan_batch(
    house: House, batch: Mapping[int, int], change: int, since: Mapping[str, int]
) -> RescanReport:
    """Compare one batch (photo id to its ``matched_through``); says how many were settled."""
    with house.store.snapshot() as connection:
        collections = collections_of_photos(connection, batch)
        eligible = {
            names: house.eligibility.comparable(names) for names in set(collections.values())
        }
        if any(found.change < change for found in eligible.values()):
            # What was held was given up because it could not be checked: the next turn says why.
            return RescanReport(photos=0, linked=0, proposed=0)
        newest = {
            names: max((since.get(person_id, 0) for person_id in found.person_ids), default=NOBODY)
            for names, found in eligible.items()
        }
        # Only photos that somebody newer may be found in need their templates.
        crops = crops_of(
            connection, [p for p, names in collections.items() if newest[names] > batch[p]]
        )
    every = [(crop.jpeg, crop.alignment) for own in crops.values() for crop in own]
    rows = iter(templates_of_crops(house.engine(), every, size=FACE_CROP_SIZE) if every else ())
    of_photo = {p: {crop.face_id: next(rows) for crop in own} for p, own in crops.items()}
    told_of: dict[frozenset[str], frozenset[str]] = {}
    linked = proposed = 0
    with house.transaction() as connection, house.eligibility.held():
        house.require_pack(connection)
        current = house.eligibility.refresh(connection)
        # A photo that was removed, came into another collection or was marked to be compared
        # again meanwhile waits for the next batch.
        collections_now = collections_of_photos(connection, batch)
        marks_now = matched_through_of(connection, batch)
        settled = [
            p
            for p in batch
            if collections_now.get(p) == collections.get(p) and marks_now.get(p) == batch[p]
        ]
        for photo_id in settled:
            if photo_id not in of_photo:
                continue
            names = collections[photo_id]
            found = house.eligibility.comparable(names)
            gained = decide_again(house, connection, photo_id, of_photo[photo_id], found)
            if gained == NOTHING:
                continue
            if names not in told_of:
                told_of[names] = house.may_find(connection, names)
            linked += sum(link.person_id in told_of[names] for link in gained.links)
            proposed += sum(proposal.person_id in told_of[names] for proposal in gained.proposals)
        set_matched_through(connection, [p for p in settled if p in of_photo], current)
        set_matched_through(connection, [p for p in settled if p not in of_photo], change)
    return RescanReport(photos=len(settled), linked=linked, proposed=proposed)
