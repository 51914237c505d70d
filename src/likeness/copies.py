"""Copies: an arriving photo -> looks alike -> one picture in full agreement -> decisions shared.

Near-identical photos are shown as one picture and stay photos of their own. What brings them
together is the look of the whole picture (`faces.resemblance`): no face, crop or template has a
part in it, so no stranger is ever grouped with themself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from likeness.errors import BadInput, NotFound
from likeness.faces.registration import Registration, accepted, measure, within
from likeness.faces.resemblance import (
    HASHES,
    HEAD_LENGTH,
    Look,
    hashes_of_head,
    near_ones,
    read_look,
)
from likeness.house import House
from likeness.records.stored import StoredSighting
from likeness.rescan import rescan_where_possible
from likeness.sharing import share_decisions
from likeness.store import collections as collection_rows
from likeness.store import copies as copy_rows
from likeness.store.copies import WHOLE, Copy, Frame
from likeness.store.sightings import sightings_of_photos

LOOKED_AT = 64
"""Of how many pictures that look alike the thumbnails are compared."""

AGREEING = 16
"""How many copies of a picture have to agree that another belongs to it, the largest first."""


class Looks:
    """The looks of all photos, in memory for as long as photos arrive: 96 bytes a photo.

    Not for several threads at once.
    """

    def __init__(self) -> None:
        self._hashes = np.zeros((HASHES, 0), np.uint64)
        self._ids = np.zeros(0, np.int64)
        self._count = 0
        self._last = 0

    def __len__(self) -> int:
        return self._count

    def refresh(self, connection: Connection, *, before: int) -> None:
        """Take in photos with lower ids than ``before``, also those of other processes."""
        while rows := copy_rows.heads_of_looks(connection, after=self._last, before=before):
            self._make_room(len(rows))
            end = self._count + len(rows)
            self._ids[self._count : end] = [photo_id for photo_id, _ in rows]
            self._hashes[:, self._count : end] = np.stack(
                [hashes_of_head(head) for _, head in rows], axis=1
            )
            self._count, self._last = end, rows[-1][0]

    def near(self, look: Look) -> list[int]:
        """Ids of photos that may be copies, the likeliest first, `LOOKED_AT` at most."""
        held = self._hashes[:, : self._count]
        return [int(self._ids[place]) for place in near_ones(look.hashes, held, limit=LOOKED_AT)]

    def _make_room(self, more: int) -> None:
        room = len(self._ids)
        if self._count + more <= room:
            return
        grown = max(1024, 2 * room, self._count + more)
        hashes = np.zeros((HASHES, grown), np.uint64)
        hashes[:, : self._count] = self._hashes[:, : self._count]
        self._hashes = hashes
        self._ids = np.concatenate([self._ids, np.zeros(grown - room, np.int64)])


@dataclass(frozen=True, kw_only=True)
class SeenCopy:
    """A copy of a photo that the acting account may see.

    Attributes
    ----------
    copy : Copy
    sightings : tuple of StoredSighting
        In the collections that the account may search.
    """

    copy: Copy
    sightings: tuple[StoredSighting, ...]


def join(connection: Connection, looks: Looks, photo_id: int, look: bytes) -> int | None:
    """Bring a photo to its copies, in the transaction that keeps it.

    Parameters
    ----------
    connection : Connection
    looks : Looks
    photo_id : int
        Of a photo that is kept already and is no copy yet.
    look : bytes
        Its look, kept as well by this.

    Returns
    -------
    int or None
        The number of the picture, for `share_decisions`; None where there is no other copy.

    Raises
    ------
    StorageError
        Where a look in the library is damaged.
    """
    copy_rows.set_look(connection, photo_id, look, head=look[:HEAD_LENGTH])
    looks.refresh(connection, before=photo_id)
    return _join_among(connection, looks, photo_id, read_look(look))


def copies_of(house: House, sha256: str) -> list[SeenCopy]:
    """The copies of a photo, itself first, as far as the acting account may see them.

    Raises
    ------
    NotFound
        In the same words whether it is not held or lies where this account may not search.
    """
    with house.store.snapshot() as connection:
        return _seen(house, connection, sha256)


def split(house: House, sha256: str) -> list[SeenCopy]:
    """Say that a photo is no copy of another; returns those that it is no longer a copy of.

    It stays so until `join_again`. What people decided about its faces stays too.

    Raises
    ------
    NotFound
        As `copies_of`.
    """
    with house.transaction() as connection:
        own, *others = _seen(house, connection, sha256)
        copy_rows.take_out(connection, own.copy)
        copy_rows.set_apart(connection, own.copy.photo_id, apart=True)
        _audit(house, connection, "split", own.copy.photo_id)
    return others


def join_again(house: House, sha256: str) -> list[SeenCopy]:
    """Take back that a photo is no copy, and look for its copies; returns them.

    Raises
    ------
    NotFound
        As `copies_of`.
    BadInput
        Where the photo was kept by a version that did not note how photos look.
    """
    with house.transaction() as connection:
        own = _seen(house, connection, sha256)[0].copy
        look = copy_rows.look_of_photo(connection, own.photo_id)
        if look is None:
            raise BadInput(
                "How this photo looks is not known: it was added before copies were told.",
                "Remove its source and add it again.",
            )
        copy_rows.set_apart(connection, own.photo_id, apart=False)
        picture = own.picture
        if picture is None:
            looks = Looks()
            looks.refresh(connection, before=copy_rows.beyond_all(connection))
            picture = _join_among(connection, looks, own.photo_id, read_look(look))
        if picture is not None:
            share_decisions(house, connection, picture)
        _audit(house, connection, "join", own.photo_id)
        others = _seen(house, connection, sha256)[1:]
    rescan_where_possible(house)
    return others


def _join_among(connection: Connection, looks: Looks, photo_id: int, look: Look) -> int | None:
    if not look.telling:
        return None
    near = [one for one in looks.near(look) if one != photo_id]
    candidates = copy_rows.copies_that_may_join(connection, near)
    found: list[tuple[float, int, Registration]] = []
    for candidate in candidates:
        registration = registered(connection, candidate, look)
        if registration is not None:
            found.append((registration.local, candidate, registration))
    tried: set[int] = set()
    for _, candidate, registration in sorted(found, key=lambda one: one[:2]):
        copy = candidates[candidate]
        picture = copy.picture
        if picture is None:
            copy_rows.put_into(connection, candidate, picture=candidate, frame=WHOLE)
            frame: Frame | None = registration.window
            picture = candidate
        elif picture in tried:
            continue
        else:
            tried.add(picture)
            frame = _frame_in(connection, copy_rows.copies_in(connection, picture), look)
        if frame is not None:
            copy_rows.put_into(connection, photo_id, picture=picture, frame=frame)
            return picture
    return None


def _frame_in(connection: Connection, members: Sequence[Copy], look: Look) -> Frame | None:
    """Where a picture has room for another copy; None unless its copies agree that it is one.

    Were one enough, a row of photos each hardly different from the next would end as one picture.
    """
    largest = sorted(members, key=lambda copy: (-copy.width * copy.height, copy.photo_id))
    frame: Frame | None = None
    for copy in largest[:AGREEING]:
        registration = registered(connection, copy.photo_id, look)
        if registration is None:
            return None
        frame = frame or within(copy.frame, registration.window)
    return frame


def registered(connection: Connection, photo_id: int, look: Look) -> Registration | None:
    """Where a picture lies in a photo that is held, by its look; None where they differ."""
    held = copy_rows.look_of_photo(connection, photo_id)
    if held is None:
        return None
    registration = measure(read_look(held), look)
    return registration if registration is not None and accepted(registration) else None


def _seen(house: House, connection: Connection, sha256: str) -> list[SeenCopy]:
    own = copy_rows.copy_of_sha256(connection, sha256)
    found = [own] if own else []
    if own is not None and own.picture is not None:
        found += [c for c in copy_rows.copies_in(connection, own.picture) if c != own]
    searchable = collection_rows.collections_for(connection, house.account.account_id, name=None)
    places = sightings_of_photos(
        connection,
        [copy.photo_id for copy in found],
        collection_ids=[collection.collection_id for collection in searchable],
    )
    if own is None or own.photo_id not in places:
        raise NotFound(
            "This account may see no such photo.", "Check the photo's SHA-256, and the account."
        )
    return [
        SeenCopy(copy=copy, sightings=tuple(places[copy.photo_id]))
        for copy in found
        if copy.photo_id in places
    ]


def _audit(house: House, connection: Connection, did: str, photo_id: int) -> None:
    house.audit_deed(connection, kind="copies", details={"did": did, "photo": photo_id})
