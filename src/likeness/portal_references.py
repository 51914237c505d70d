"""A person's own references: see them, give better ones, take one back.

What they enrolled with is the measure of all that comes later, and one of it stays: else each new
reference could be a step further, until the last ones are somebody else's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from likeness.errors import ConsentRefused, FaceUnusable, NotFound, PackMismatch, UsageError
from likeness.faces.frames import frame_name
from likeness.faces.packs import UNREACHABLE
from likeness.house import House, new_id
from likeness.matching import fuse
from likeness.portal import Self, acting_person, consenting_person
from likeness.probe import Image, name_of, reference_crops, reference_templates
from likeness.records.reference import Reference
from likeness.rescan import Then, rescan_where_possible
from likeness.store import own_data, people
from likeness.store.changes import raise_change
from likeness.store.own_data import HeldReference
from likeness.store.people import ReferenceCrop, references_of_many

MOST_REFERENCES = 20
"""More of one person add nothing to what the first few say."""


def my_references(house: House) -> tuple[HeldReference, ...]:
    """The person's references.

    Raises
    ------
    Refused
        Where it is an account that acts.
    """
    with house.store.snapshot() as connection:
        own = acting_person(house, connection)
        return own_data.references_held(connection, own.person_id, key=own.key)


def add_references(
    house: House,
    photos: Sequence[Image],
    *,
    live: bool = False,
    then: Then = rescan_where_possible,
) -> int:
    """Give more references; every photo is then compared with the person anew.

    Parameters
    ----------
    photos : sequence of photos
        Each with exactly one usable face, which is like the references that they enrolled with.
    live : bool
        Whether a camera that saw the person move as asked took them.

    Returns
    -------
    int
        How many references they have now.

    Raises
    ------
    FaceUnusable, PhotoUnreadable
        Naming the photo and why.
    UsageError
        Where they would be too many, or there are none.
    ConsentRefused
        Where no consent of theirs is live: photos are compared with nobody's by then.
    PackMismatch
        Also where no threshold was measured for the pack in use, so that nothing can be compared.
    Refused
    """
    # (1) Who gives them, and that they may be compared at all.
    with house.store.snapshot() as connection:
        own = _consenting(house, connection, more=len(photos))
    # (2) One usable face in each photo; their templates.
    crops = reference_crops(house, photos)
    templates = reference_templates(house, crops)
    # (3) In one transaction: each is like those that the person enrolled with, and they are kept.
    with house.transaction() as connection:
        house.require_pack(connection)
        own = _consenting(house, connection, more=len(photos))
        _require_like_own(house, connection, own, templates, photos)
        fresh = _fresh(house, own, templates, crops, live=live)
        people.insert_references(
            connection, fresh, key=own.key, pack_fingerprint=house.pack.fingerprint
        )
        _changed(house, connection, own, did="add", count=len(crops))
        held = people.count_references(connection, own.person_id)
    house.eligibility.refresh()
    # (4) Photos are compared with what stands for the person now.
    then(house)
    return held


def drop_reference(house: House, reference_id: str, *, then: Then = rescan_where_possible) -> None:
    """Take back one reference, but never the last of those that the person enrolled with.

    Raises
    ------
    NotFound
        Where they have no such reference.
    ConsentRefused
        Where it is the last.
    Refused
    """
    with house.transaction() as connection:
        own = acting_person(house, connection)
        if own_data.given_at_enrolment(connection, own.person_id) == {reference_id}:
            raise ConsentRefused(
                "This is the last reference of those that you enrolled with.",
                "Keep it, or withdraw everything and enrol anew.",
            )
        if not own_data.delete_reference(connection, own.person_id, reference_id):
            raise NotFound("You have no such reference.", "Open My references again.")
        _changed(house, connection, own, did="drop", count=1)
    house.store.overwrite_deleted()
    house.eligibility.refresh()
    then(house)


def own_template(house: House, connection: Connection, own: Self) -> NDArray[np.float32] | None:
    """What stands for the person wherever they are compared, float32 of shape (d,).

    None where they have no reference that was made with the pack in use.
    """
    held = _held(house, connection, own)
    return fuse(held).template if held else None


def _held(house: House, connection: Connection, own: Self) -> list[Reference]:
    keys = {own.person_id: own.key}
    return list(references_of_many(connection, keys, pack_fingerprint=house.pack.fingerprint))


def _consenting(house: House, connection: Connection, *, more: int) -> Self:
    own = consenting_person(house, connection)
    if people.count_references(connection, own.person_id) + more > MOST_REFERENCES:
        raise UsageError(
            f"A person has {MOST_REFERENCES} references at most.", "Drop a poor one first."
        )
    return own


def _fresh(
    house: House,
    own: Self,
    templates: NDArray[np.float32],
    crops: Sequence[bytes],
    *,
    live: bool,
) -> list[ReferenceCrop]:
    return [
        ReferenceCrop(
            reference=Reference(
                reference_id=new_id("ref"), person_id=own.person_id, template=template
            ),
            jpeg=jpeg,
            alignment=frame_name(house.pack),
            live=live,
            added=True,
        )
        for template, jpeg in zip(templates, crops, strict=True)
    ]


def _require_like_own(
    house: House,
    connection: Connection,
    own: Self,
    templates: NDArray[np.float32],
    photos: Sequence[Image],
) -> None:
    """Each new reference is compared with what the person enrolled with.

    Not with what they added since: it could lead step by step to somebody else.
    """
    least = house.thresholds(1).review
    first = own_data.given_at_enrolment(connection, own.person_id)
    enrolled_with = [one for one in _held(house, connection, own) if one.reference_id in first]
    if least >= UNREACHABLE or not enrolled_with:
        raise PackMismatch(
            "Nothing can be compared with your references with the model pack in use.",
            "Ask whoever runs this library to calibrate it.",
        )
    scores = templates @ fuse(enrolled_with).template
    for number, score in enumerate(scores, start=1):
        if score < least:
            raise FaceUnusable(
                f"{name_of(photos[number - 1], number)} does not seem to show the same person as "
                "your references.",
                "Use a photo that is like them in age and from the front.",
                reason="disagrees",
            )


def _changed(house: House, connection: Connection, own: Self, *, did: str, count: int) -> None:
    """Note it, and let every photo be compared with the person again."""
    people.mark_changed(connection, own.person_id, changed=raise_change(connection), widened=True)
    house.audit_deed(connection, kind="references", details={"did": did, "references": count})
