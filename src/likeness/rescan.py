"""Compare photos that the library holds with people who enrolled since: newest first, resumable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from likeness.eligibility import Eligible
from likeness.faces.crops import FACE_CROP_SIZE, decode_crops
from likeness.house import House, Progress, ProgressListener, no_progress
from likeness.matching import Decided, decide_photo
from likeness.store.changes import gallery_change
from likeness.store.links import (
    delete_automatic,
    links_of_photo,
    proposals_of_photo,
    put_link,
    put_proposals,
)
from likeness.store.people import comparable_since, newest_comparable
from likeness.store.photos import (
    NEVER_MATCHED,
    count_matched_before,
    crops_of,
    matched_through_of,
    photos_matched_before,
    set_matched_through,
)
from likeness.store.sightings import collections_of_photos
from likeness.turns import taking_turns

PHOTOS_AT_ONCE = 64
NOBODY = NEVER_MATCHED
"""Not newer than any photo: where nobody is eligible, no template is made."""
NOTHING = Decided(links=(), proposals=())


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
    """
    photos = linked = proposed = total = 0
    people: _Everybody | None = None
    target, last = NEVER_MATCHED, None
    with taking_turns(house, "rescan"):
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
    rows = iter(_templates(house, [jpeg for own in crops.values() for _, jpeg in own]))
    of_photo = {p: {face_id: next(rows) for face_id, _ in own} for p, own in crops.items()}
    told_of: dict[frozenset[str], frozenset[str]] = {}
    linked = proposed = 0
    with house.transaction() as connection, house.eligibility.held():
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
            gained = _decide_again(house, connection, photo_id, of_photo[photo_id], found)
            if gained == NOTHING:
                continue
            if names not in told_of:
                told_of[names] = house.may_find(connection, names)
            linked += sum(link.person_id in told_of[names] for link in gained.links)
            proposed += sum(proposal.person_id in told_of[names] for proposal in gained.proposals)
        set_matched_through(connection, [p for p in settled if p in of_photo], current)
        set_matched_through(connection, [p for p in settled if p not in of_photo], change)
    return RescanReport(photos=len(settled), linked=linked, proposed=proposed)


def _templates(house: House, jpegs: list[bytes]) -> NDArray[np.float32]:
    if not jpegs:
        return np.zeros((0, house.pack.template_length), np.float32)
    return house.engine().templates_from_crops(decode_crops(jpegs, size=FACE_CROP_SIZE))


def _decide_again(
    house: House,
    connection: Connection,
    photo_id: int,
    templates: Mapping[int, NDArray[np.float32]],
    eligible: Eligible,
) -> Decided:
    """Decide one photo anew over everybody eligible; returns the links and proposals it gained."""
    thresholds = house.thresholds(len(eligible.person_ids))
    matches = house.eligibility.gallery.search(
        np.stack(list(templates.values())),
        eligible=eligible.person_ids,
        threshold=thresholds.floor,
    )
    before = links_of_photo(connection, photo_id)
    proposed_before = set(proposals_of_photo(connection, photo_id))
    decided = decide_photo(
        dict(zip(templates, matches, strict=True)), decided=before, thresholds=thresholds
    )
    linked_before = {link for link in before if link.decided_by == "threshold"}
    if set(decided.links) == linked_before and set(decided.proposals) == proposed_before:
        return NOTHING
    now = house.clock()
    delete_automatic(connection, photo_id)
    for link in decided.links:
        put_link(connection, link, photo_id=photo_id, at=now)
    put_proposals(connection, decided.proposals, photo_id=photo_id, at=now)
    had = {(link.face_id, link.person_id) for link in linked_before}
    offered = {(p.face_id, p.person_id) for p in proposed_before}
    return Decided(
        links=tuple(link for link in decided.links if (link.face_id, link.person_id) not in had),
        proposals=tuple(p for p in decided.proposals if (p.face_id, p.person_id) not in offered),
    )
