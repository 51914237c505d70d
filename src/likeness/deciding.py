"""Decide one photo that the library holds anew, over everybody eligible now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from likeness.eligibility import Eligible
from likeness.house import House
from likeness.matching import Decided, decide_photo
from likeness.records.link import Link, Proposal
from likeness.store.links import (
    delete_automatic,
    links_of_photo,
    proposals_of_photo,
    put_link,
    put_proposals,
)

NOTHING = Decided(links=(), proposals=())


def decide_again(
    house: House,
    connection: Connection,
    photo_id: int,
    templates: Mapping[int, NDArray[np.float32]],
    eligible: Eligible,
) -> Decided:
    """Decide one photo anew; returns the links and proposals that it gained.

    Parameters
    ----------
    templates : mapping of face id to float32 array of shape (d,)
        In the order of the faces. What was decided without review about any other face of the
        photo goes.
    """
    thresholds = house.thresholds(len(eligible.person_ids))
    found = house.eligibility.gallery.search(
        np.stack(list(templates.values())) if templates else _none(house),
        eligible=eligible.person_ids,
        threshold=thresholds.floor,
    )
    before = links_of_photo(connection, photo_id)
    proposed_before = proposals_of_photo(connection, photo_id)
    decided = decide_photo(
        dict(zip(templates, found, strict=True)),
        decided=before,
        thresholds=thresholds,
        groups=house.eligibility.groups,
    )
    return _replace(house, connection, photo_id, decided, before, proposed_before)


def _replace(
    house: House,
    connection: Connection,
    photo_id: int,
    decided: Decided,
    before: list[Link],
    proposed_before: list[Proposal],
) -> Decided:
    linked_before = {link for link in before if link.decided_by == "threshold"}
    if set(decided.links) == linked_before and set(decided.proposals) == set(proposed_before):
        return NOTHING
    now = house.clock()
    delete_automatic(connection, photo_id)
    for link in decided.links:
        put_link(connection, link, photo_id=photo_id, at=now)
    # Somebody who was not sure of one is still not.
    unsure = {(p.face_id, p.person_id): p.unsure_at for p in proposed_before}
    proposed = [
        replace(p, unsure_at=unsure.get((p.face_id, p.person_id))) for p in decided.proposals
    ]
    put_proposals(connection, proposed, photo_id=photo_id, at=now)
    had = {(link.face_id, link.person_id) for link in linked_before}
    offered = {(p.face_id, p.person_id) for p in proposed_before}
    return Decided(
        links=tuple(link for link in decided.links if (link.face_id, link.person_id) not in had),
        proposals=tuple(p for p in decided.proposals if (p.face_id, p.person_id) not in offered),
    )


def _none(house: House) -> NDArray[np.float32]:
    return np.zeros((0, house.pack.template_length), np.float32)
