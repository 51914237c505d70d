"""Upkeep: what time alone brings about, whenever a server starts and each hour that it runs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from likeness.errors import LibraryBusy
from likeness.house import House
from likeness.retention import apply_retention
from likeness.signing_in import IDLE
from likeness.store import sessions
from likeness.uploaded import sweep
from likeness.uploads import forget_lapsed
from likeness.withdraw import erase_expired


@dataclass(frozen=True, kw_only=True)
class Maintained:
    """What went because its time was over.

    Attributes
    ----------
    people : int
        Whose last consent ended more than 30 days ago.
    photos : int
        That left a collection by its retention rule.
    uploads : int
        That nothing had happened to for a week.
    files : int
        Uploaded files of which no photo was held, such as after a crash.
    """

    people: int
    photos: int
    uploads: int
    files: int


def maintain(house: House) -> Maintained:
    """Erase, take out and forget what is over.

    Raises
    ------
    LogTampered
        The audit log is damaged: what is due is gone, and its receipts wait.
    """
    # (1) People whose consent ended 30 days ago, and labels of invitations that ended.
    people = erase_expired(house)
    # (2) Sessions and links that nobody can use any more, and uploads that nobody goes on with.
    now = house.clock()
    with house.store.transaction() as connection:
        for kind, idle in IDLE.items():
            sessions.delete_ended(connection, kind, now=now, idle_since=now - idle)
        sessions.delete_links_before(connection, now)
    uploads = forget_lapsed(house)
    # (3) Photos that their collections have held for as long as they say.
    retained = apply_retention(house)
    files = sweep(house).total()
    # (4) Nothing of any of it stays in the files; a reader may keep an older state for a while.
    with suppress(LibraryBusy):
        house.store.overwrite_deleted()
    return Maintained(people=people, photos=retained.photos, uploads=uploads, files=files)
