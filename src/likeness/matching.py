"""Which face of a photo is whose: one to one, best pairs first, what a human decided stays.

Both ways that compare (photos that arrive, people who enrol) decide by :func:`decide_photo`, over
the same templates made from the same stored crops, so that the order in which photos and people
come makes no difference to the links.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from likeness.faces.packs import Thresholds
from likeness.records.link import Link, Proposal
from likeness.records.reference import Match, Reference

NOBODY_MERGED: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What follows for the faces of one photo.

    Attributes
    ----------
    links : tuple of Link
        Sure enough to stand without review.
    proposals : tuple of Proposal
        Wait for a person or an operator.
    """

    links: tuple[Link, ...]
    proposals: tuple[Proposal, ...]


def decide_photo(
    matches: Mapping[int, Sequence[Match]],
    *,
    decided: Iterable[Link],
    thresholds: Thresholds,
    groups: Mapping[str, str] = NOBODY_MERGED,
) -> Decided:
    """Assign the faces of one photo to people.

    Parameters
    ----------
    matches : mapping of face id to matches
        In the order of the faces; every pair at or above ``thresholds.floor``, of eligible people
        only.
    decided : iterable of Link
        What humans decided about faces of this photo; those by threshold are passed over.
    thresholds : Thresholds
        At or above ``strong``, and ``margin`` ahead of the face's next person, a pair is linked
        without review; else at or above ``review`` it is proposed.
    groups : mapping of person id to group
        Enrolments of one human being: none of them is the next person to another.

    Returns
    -------
    Decided
        A face has one person at most, and a person one face of the photo at most.
    """
    by_human = [link for link in decided if link.decided_by != "threshold"]
    refused = {(link.face_id, link.person_id) for link in by_human if link.decision == "different"}
    taken_faces = {link.face_id for link in by_human if link.decision == "same"}
    taken_people = {link.person_id for link in by_human if link.decision == "same"}
    links: list[Link] = []
    proposals: list[Proposal] = []
    pairs = [pair for pair in _pairs(matches) if (pair[1], pair[2]) not in refused]
    for score, face_id, person_id in pairs:
        if score < thresholds.review or face_id in taken_faces or person_id in taken_people:
            continue
        taken_faces.add(face_id)
        taken_people.add(person_id)
        human = who(person_id, groups)
        others = (s for s, f, p in pairs if f == face_id and who(p, groups) != human)
        rival = max(others, default=-1.0)
        if stands_out(score, rival, thresholds):
            links.append(
                Link(
                    face_id=face_id,
                    person_id=person_id,
                    decision="same",
                    score=score,
                    decided_by="threshold",
                )
            )
        else:
            proposals.append(Proposal(face_id=face_id, person_id=person_id, score=score))
    return Decided(links=tuple(links), proposals=tuple(proposals))


def who(person_id: str, groups: Mapping[str, str]) -> str:
    """What stands for one human being: the group of an enrolment, or the enrolment itself.

    Examples
    --------
    >>> who("p_1", {"p_1": "g_1"}), who("p_2", {"p_1": "g_1"})
    ('g_1', 'p_2')
    """
    return groups.get(person_id, person_id)


def stands_out(score: float, rival: float, thresholds: Thresholds) -> bool:
    """Whether a score is sure enough without review: strong, and ahead of the next person's.

    A face that resembles two people nearly alike is a relative or a stranger more often than not.
    In a gallery larger than the pack was ever calibrated for nothing is sure enough.

    Examples
    --------
    >>> from likeness.faces.packs import Thresholds
    >>> few = Thresholds(gallery_size=9, strong=0.95, review=0.93, margin=0.02, measured_on="")
    >>> stands_out(0.97, 0.90, few), stands_out(0.97, 0.96, few), stands_out(0.94, 0.9, few)
    (True, False, False)
    """
    return (
        not thresholds.beyond_calibration
        and score >= thresholds.strong
        and score - rival >= thresholds.margin
    )


def fuse(references: Sequence[Reference]) -> Reference:
    """One reference that stands for all of a person's: their mean, scaled to unit length.

    A probe is compared with it alone. On people with three references each it missed a third
    fewer than the best single reference at the same false positives (``bench/thresholds.py``).

    Parameters
    ----------
    references : sequence of Reference
        At least one, all of one person; templates float32 of shape (d,), unit length.
    """
    mean = sum((r.template.astype(np.float64) for r in references), start=np.float64(0))
    return Reference(
        reference_id=references[0].person_id,
        person_id=references[0].person_id,
        template=np.asarray(mean / np.linalg.norm(mean), dtype=np.float32),
    )


def _pairs(matches: Mapping[int, Sequence[Match]]) -> list[tuple[float, int, str]]:
    """Best score of each face and person, best first; ties by face as given, then by person."""
    # Not by id: a face that was found anew keeps its own, wherever it stands among the others now.
    places = {face_id: place for place, face_id in enumerate(matches)}
    best: dict[tuple[int, str], float] = {}
    for face_id, found in matches.items():
        for match in found:
            pair = (face_id, match.person_id)
            best[pair] = max(best.get(pair, match.score), match.score)
    return sorted(
        ((score, face_id, person_id) for (face_id, person_id), score in best.items()),
        key=lambda pair: (-pair[0], places[pair[1]], pair[2]),
    )
