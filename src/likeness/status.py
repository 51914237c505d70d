"""How a library stands: what it holds, what waits, and whether keyring and audit log are in order.

People are counted and named only as far as the acting account may find them.
"""

from __future__ import annotations

from dataclasses import dataclass

from likeness.audit_check import checkpoint
from likeness.calibrate import standing
from likeness.desk import count_visible_proposals
from likeness.errors import LikenessError
from likeness.house import House
from likeness.operating import Calibration
from likeness.records.collection import Account, Collection, SourceRecord
from likeness.store import audit_log, erasures
from likeness.store import collections as collection_rows
from likeness.store.packs import pack_in_use
from likeness.store.people import newest_comparable
from likeness.store.photos import count_photos
from likeness.store.redetected import count_waiting
from likeness.store.sightings import count_of_source


@dataclass(frozen=True, kw_only=True)
class SourceStatus:
    """A source and what the library holds of it.

    Attributes
    ----------
    source : SourceRecord
    sightings : int
    """

    source: SourceRecord
    sightings: int


@dataclass(frozen=True, kw_only=True)
class Status:
    """How a library stands.

    Attributes
    ----------
    library : str
        Its folder.
    account : Account
        Who is acting.
    pack : str
    pack_problem : str
        Empty where it is here, so that faces can be compared.
    calibration : Calibration or None
        Where the thresholds come from; None where the pack is not here.
    photos, faces : int
    waiting : int
        Photos that wait to be compared with people who enrolled since, or relinked with the pack.
    proposals : int
        Links that wait to be decided, of people whom the acting account may find.
    collections : tuple of Collection
    sources : tuple of SourceStatus
    keyring : str
        Its file.
    keyring_problem : str
        Empty where the keyring carries every erasure that the library knows of.
    audit_entries : int
    audit_problem : str
        Empty where the log's last checkpoint is signed and witnessed; :mod:`likeness.audit_check`
        checks all of it.
    """

    library: str
    account: Account
    pack: str
    pack_problem: str
    calibration: Calibration | None
    photos: int
    faces: int
    waiting: int
    proposals: int
    collections: tuple[Collection, ...]
    sources: tuple[SourceStatus, ...]
    keyring: str
    keyring_problem: str
    audit_entries: int
    audit_problem: str


def status(house: House) -> Status:
    """How the library stands now."""
    proposals = count_visible_proposals(house)
    with house.store.snapshot() as connection:
        photos, faces = count_photos(connection)
        waiting = count_waiting(
            connection,
            pack_in_use(connection).fingerprint,
            change=newest_comparable(connection),
        )
        collections = tuple(collection_rows.all_collections(connection))
        sources = tuple(
            SourceStatus(source=source, sightings=count_of_source(connection, source.source_id))
            for source in collection_rows.all_sources(connection)
        )
        entries, _ = audit_log.head(connection)
    return Status(
        library=str(house.settings.path),
        account=house.account,
        pack=house.chosen.name,
        pack_problem=f"{house.chosen.problem} {house.chosen.fix}".strip(),
        calibration=standing(house),
        photos=photos,
        faces=faces,
        waiting=waiting,
        proposals=proposals,
        collections=collections,
        sources=sources,
        keyring=str(house.settings.keyring),
        keyring_problem=_keyring_problem(house),
        audit_entries=entries,
        audit_problem=_audit_problem(house),
    )


def sources(house: House) -> list[SourceRecord]:
    """Every source, in the order in which they were added."""
    with house.store.snapshot() as connection:
        return collection_rows.all_sources(connection)


def _keyring_problem(house: House) -> str:
    try:
        with house.store.snapshot() as connection:
            house.keyring.covers(*erasures.tombstone_head(connection))
    except LikenessError as error:
        return str(error)
    return ""


def _audit_problem(house: House) -> str:
    witnessed = house.keyring.witnessed()
    if house.keyring.lost_witnesses():
        return "The audit log was rolled back, as by restoring an old backup."
    try:
        checkpoint(house)
    except LikenessError as error:
        return str(error)
    with house.store.snapshot() as connection:
        size, root = audit_log.head(connection)
    if witnessed is not None and size < witnessed[0]:
        return f"The audit log has {size} entries, and {witnessed[0]} were witnessed."
    if witnessed is not None and size == witnessed[0] and root != witnessed[1]:
        return f"The audit log forked: another history of {size} entries was witnessed."
    return ""
