"""Which face of a photo is whose: one to one, best pairs first, what a human decided stays.

Both ways that compare (photos that arrive, people who enrol) decide by :func:`decide_photo`, over
the same templates made from the same stored crops, so that the order in which photos and people
come makes no difference to the links.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from likeness.records.link import Link, Proposal
from likeness.records.reference import Match


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
    matches: Mapping[int, Sequence[Match]], *, decided: Iterable[Link], strong: float
) -> Decided:
    """Assign the faces of one photo to people.

    Parameters
    ----------
    matches : mapping of face id to matches
        Every pair at or above the review threshold, of eligible people only.
    decided : iterable of Link
        What humans decided about faces of this photo; those by threshold are passed over.
    strong : float
        From here on a pair is linked without review.

    Returns
    -------
    Decided
        A face has one person at most, and a person one face of the photo at most.

    Examples
    --------
    >>> near = Match(person_id="ann", reference_id="r", score=0.99)
    >>> far = Match(person_id="ann", reference_id="r", score=0.96)
    >>> decide_photo({1: [far], 2: [near]}, decided=(), strong=0.98).links[0].face_id
    2
    """
    by_human = [link for link in decided if link.decided_by != "threshold"]
    refused = {(link.face_id, link.person_id) for link in by_human if link.decision == "different"}
    taken_faces = {link.face_id for link in by_human if link.decision == "same"}
    taken_people = {link.person_id for link in by_human if link.decision == "same"}
    links: list[Link] = []
    proposals: list[Proposal] = []
    for score, face_id, person_id in _pairs(matches):
        if (face_id, person_id) in refused or face_id in taken_faces or person_id in taken_people:
            continue
        taken_faces.add(face_id)
        taken_people.add(person_id)
        if score >= strong:
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


def _pairs(matches: Mapping[int, Sequence[Match]]) -> list[tuple[float, int, str]]:
    """Best score of each face and person, best first; ties by face, then by person."""
    best: dict[tuple[int, str], float] = {}
    for face_id, found in matches.items():
        for match in found:
            pair = (face_id, match.person_id)
            best[pair] = max(best.get(pair, match.score), match.score)
    return sorted(
        ((score, face_id, person_id) for (face_id, person_id), score in best.items()),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
