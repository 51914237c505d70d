"""Make the references of a library anew with another model pack, and change over to it at once.

Templates are made from the kept crops and laid beside those in use, a batch at a time: the library
goes on working with its pack meanwhile, and what was killed goes on where it was. One transaction
then puts them all in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from likeness.faces.crops import REFERENCE_CROP_SIZE
from likeness.house import ChosenPack, House, Progress, ProgressListener
from likeness.kept_crops import templates_of_crops
from likeness.records.reference import Reference
from likeness.store.changes import raise_change
from likeness.store.packs import (
    UnstagedReference,
    compare_everybody_anew,
    count_unstaged,
    set_pack_in_use,
    stage_templates,
    take_staged,
    unstaged_references,
)

if TYPE_CHECKING:
    from likeness.faces.engine import FaceEngine

AT_ONCE = 64


def stage_references(house: House, engine: FaceEngine, *, progress: ProgressListener) -> None:
    """Make the template of every reference that lacks one of this engine's pack.

    Of everybody with a key: a consent that has ended may be renewed.
    """
    fingerprint, after, done = engine.fingerprint, "", 0
    with house.store.snapshot() as connection:
        total = count_unstaged(connection, pack_fingerprint=fingerprint)
    while True:
        progress(Progress(phase="references", done=done, total=max(total, done)))
        with house.store.snapshot() as connection:
            some = unstaged_references(
                connection, pack_fingerprint=fingerprint, after=after, limit=AT_ONCE
            )
        if not some:
            return
        keys = house.keyring.keys({reference.person_id for reference in some})
        made = _made(engine, some, keys)
        with house.store.transaction() as connection:
            stage_templates(connection, made, keys=keys, pack_fingerprint=fingerprint)
        after = some[-1].reference_id
        done += len(some)


def change_over(
    house: House, engine: FaceEngine, chosen: ChosenPack, *, most: int | None
) -> int | None:
    """Put the staged templates in place, in one transaction; returns how many.

    From here on the library uses the other pack, and every process that has it open with the former
    one compares nothing more.

    Parameters
    ----------
    most : int or None
        How many references that came since they were staged may be made in the transaction; where
        there are more nothing is done, and None returned.
    """
    with house.transaction() as connection:
        if not _complete(house, connection, engine, most):
            return None
        taken = take_staged(connection, pack_fingerprint=engine.fingerprint)
        set_pack_in_use(connection, chosen.in_use)
        compare_everybody_anew(connection, changed=raise_change(connection))
        house.audit_deed(
            connection,
            kind="pack",
            details={
                "did": "use",
                "pack": chosen.in_use.name,
                "fingerprint": chosen.in_use.fingerprint,
                "references": taken,
            },
        )
    return taken


def _complete(house: House, connection: Connection, engine: FaceEngine, most: int | None) -> bool:
    fingerprint, after = engine.fingerprint, ""
    missing = count_unstaged(connection, pack_fingerprint=fingerprint)
    if most is not None and missing > most:
        return False
    while some := unstaged_references(
        connection, pack_fingerprint=fingerprint, after=after, limit=AT_ONCE
    ):
        keys = house.keyring.keys({reference.person_id for reference in some})
        made = _made(engine, some, keys)
        stage_templates(connection, made, keys=keys, pack_fingerprint=fingerprint)
        after = some[-1].reference_id
    return True


def _made(
    engine: FaceEngine, some: Sequence[UnstagedReference], keys: dict[str, bytes]
) -> list[Reference]:
    """The references with templates of the engine's pack, of those whose key was not destroyed."""
    there = [reference for reference in some if reference.person_id in keys]
    crops = [(one.crop(keys[one.person_id]), one.alignment) for one in there]
    templates = templates_of_crops(engine, crops, size=REFERENCE_CROP_SIZE, of_references=True)
    return [
        Reference(reference_id=one.reference_id, person_id=one.person_id, template=template)
        for one, template in zip(there, templates, strict=True)
    ]
