"""Search: who asks -> audit intent -> probe template -> eligible gallery -> consent again in the
store -> threshold -> sightings -> audit outcome -> answer.

The index proposes and the store disposes. Nobody found reads the same, takes the same steps and
writes the same audit entries whether or not the person's face is in the library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from likeness.consent.policy import Permission, permit
from likeness.desk import one_of_each_picture
from likeness.errors import AudienceRefused, ConsentRefused, KeyErased, UsageError
from likeness.faces.packs import Thresholds
from likeness.gallery.base import best_per_person
from likeness.house import House
from likeness.limits import count_one_search
from likeness.matching import stands_out, who
from likeness.operating import Calibration, calibration_at
from likeness.probe import FaceChoice, Image, pixels_of, template_of, the_face
from likeness.records.collection import Collection
from likeness.records.consent import HowGiven, Purpose
from likeness.records.reference import Match
from likeness.records.stored import LinkedPhoto
from likeness.store import audit_log, people
from likeness.store import collections as collection_rows
from likeness.store.audit_log import Concerned
from likeness.store.links import linked_photos

Strength = Literal["strong", "possible"]

LONGEST_PURPOSE = 500
"""What somebody searches for is said in at most as many letters."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A person who consented and matches.

    Attributes
    ----------
    person_id, name : str
    score : float
        Best cosine of the probe with their references.
    strength : Strength
    how_given : HowGiven
        How the consent was given under which they are shown.
    photos : tuple of LinkedPhoto
        In the collections that their consent covers for this searcher, newest first.
    also : tuple of str
        Ids of their other enrolments, where somebody said that they are of one human being.
    """

    person_id: str
    name: str
    score: float
    strength: Strength
    how_given: HowGiven
    photos: tuple[LinkedPhoto, ...]
    also: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Confirmed:
    """A candidate whom the store confirmed, and who answers for where they may be found."""

    candidate: Candidate
    organisations: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SearchAnswer:
    """Candidates, best first. Empty is the same for everybody who may not be found.

    Attributes
    ----------
    candidates : tuple of Candidate
    calibration : Calibration or None
        Where the thresholds come from by which they are candidates: the same whoever was searched.
    """

    candidates: tuple[Candidate, ...] = ()
    calibration: Calibration | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class _Compared:
    """Whom the index proposes, which of them are one human being, and by which thresholds."""

    proposed: Sequence[tuple[Match, Strength]]
    groups: Mapping[str, str]
    calibration: Calibration


@dataclass(frozen=True, kw_only=True)
class _Scope:
    """Who searches where, for what; ``stated`` in their own words."""

    purpose: Purpose
    searcher: str
    collections: tuple[Collection, ...]
    stated: str = ""

    @property
    def collection_ids(self) -> tuple[str, ...]:
        return tuple(c.collection_id for c in self.collections)


def search(
    house: House,
    image: Image,
    *,
    purpose: Purpose | None = None,
    as_person: str | None = None,
    collection: str | None = None,
    face: FaceChoice = None,
    stated_purpose: str = "",
) -> SearchAnswer:
    """Find who this is among people who said that this searcher may.

    Parameters
    ----------
    image : photo
    purpose : "be_found", optional
    as_person : str, optional
        Id of the person who searches for themself (``find_me``), in place of ``purpose``.
    collection : str, optional
        Name; every collection that the account may search where absent.
    face : int or "middle", optional
        Which face of the photo, from 1, left to right, or the one nearest its middle.
    stated_purpose : str
        What the search is for, in the searcher's words; kept under their own key.

    Raises
    ------
    UsageError
        Where a collection asks what a search is for, and nothing was said.
    AudienceRefused
        Where the account may search no such collection.
    FaceChoiceNeeded
        Where the photo shows several faces and none was chosen.
    FaceUnusable, PhotoUnreadable
        Where the photo cannot be searched with.
    PackMismatch
        Where the library's model pack is not here, or changed meanwhile.
    RateLimited
    """
    # (1) Authorise: who searches, for which purpose, where.
    scope = _authorise(house, purpose, as_person, collection, stated_purpose)
    # (2) The intent is in the audit log before anything is compared.
    _audit_intent(house, scope)
    # (3) The probe's template, of one face; it lives in this call alone.
    pixels, scale = pixels_of(house, image)
    template = template_of(house, pixels, the_face(house, pixels, scale=scale, face=face))
    # (4) Compare with references of eligible people only, at the latest committed state.
    compared = _compared(house, scope, template)
    # (5) to (7) Consent again in the store, sightings, audit of the outcome: one transaction.
    confirmed = _disposed(house, scope, compared.proposed)
    # (8) Answer: the record of it is durable.
    return SearchAnswer(
        candidates=_as_human_beings(confirmed, compared.groups), calibration=compared.calibration
    )


def _compared(house: House, scope: _Scope, template: NDArray[np.float32]) -> _Compared:
    house.eligibility.refresh()
    eligible = house.eligibility.findable(
        scope.collection_ids, purpose=scope.purpose, searcher=scope.searcher
    )
    size = len(eligible.person_ids)
    thresholds = house.thresholds(size)
    matches = house.eligibility.gallery.search(
        template[None, :], eligible=eligible.person_ids, threshold=thresholds.floor
    )
    best = best_per_person(matches[0])
    groups = house.eligibility.groups
    return _Compared(
        proposed=_with_strength(best, thresholds, groups),
        groups=groups,
        calibration=calibration_at(house.pack, house.eligibility.operating_points, size),
    )


def _authorise(
    house: House,
    purpose: Purpose | None,
    as_person: str | None,
    collection: str | None,
    stated_purpose: str,
) -> _Scope:
    stated = " ".join(stated_purpose.split())
    if len(stated) > LONGEST_PURPOSE:
        raise UsageError(
            f"What the search is for takes more than {LONGEST_PURPOSE} letters.", "Shorten it."
        )
    if (purpose is None) == (as_person is None):
        raise UsageError(
            "A search needs either a purpose or the person who searches for themself.",
            "Give --purpose be_found, or --as PERSON.",
        )
    if purpose not in (None, "be_found"):
        raise UsageError(
            f"Nobody searches for the purpose {purpose!r}.",
            "Give --purpose be_found; find_me is searched with --as PERSON.",
        )
    with house.store.snapshot() as connection:
        if as_person is not None:
            every = (
                [collection_rows.collection_named(connection, collection)]
                if collection
                else collection_rows.all_collections(connection)
            )
            return _Scope(
                purpose="find_me", searcher=as_person, collections=tuple(every), stated=stated
            )
        allowed = collection_rows.collections_for(
            connection, house.account.account_id, name=collection
        )
    if not allowed:
        raise AudienceRefused(
            "This account may not search here.",
            "Ask the collection's owner to add it to the audience.",
        )
    if not stated and any(one.ask_purpose for one in allowed):
        raise UsageError(
            "Whoever searches here has to say what for.",
            "Say it in a few words, with --for on the command line.",
        )
    return _Scope(
        purpose="be_found",
        searcher=house.account.account_id,
        collections=tuple(allowed),
        stated=stated,
    )


def _with_strength(
    best: Sequence[Match], thresholds: Thresholds, groups: Mapping[str, str]
) -> list[tuple[Match, Strength]]:
    """Each person's match from the review threshold on; strong where it leads the next one's.

    Enrolments of one human being do not rival each other.
    """
    found: list[tuple[Match, Strength]] = []
    for match in best:
        human = who(match.person_id, groups)
        rival = max((m.score for m in best if who(m.person_id, groups) != human), default=-1.0)
        if match.score >= thresholds.review:
            strong = stands_out(match.score, rival, thresholds)
            found.append((match, "strong" if strong else "possible"))
    return found


def _as_human_beings(
    candidates: Sequence[Candidate], groups: Mapping[str, str]
) -> tuple[Candidate, ...]:
    """Enrolments of one human being as one candidate: the best, with the photos of all."""
    of_each: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        of_each.setdefault(who(candidate.person_id, groups), []).append(candidate)
    return tuple(
        replace(
            best,
            photos=tuple(one_of_each_picture([best.photos, *(one.photos for one in others)])),
            also=tuple(one.person_id for one in others),
        )
        if others
        else best
        for best, *others in of_each.values()
    )


def _disposed(
    house: House, scope: _Scope, proposed: Sequence[tuple[Match, Strength]]
) -> tuple[Candidate, ...]:
    """Those of the proposed whom the store confirms, once that is in the audit log."""
    with house.transaction() as connection:
        house.require_pack(connection)
        scope = _still_allowed(connection, scope)
        confirmed = tuple(
            found
            for match, strength in proposed
            if (found := _confirm(house, connection, match, strength, scope))
        )
        _audit_outcome(house, connection, scope, confirmed)
    return tuple(found.candidate for found in confirmed)


def _still_allowed(connection: Connection, scope: _Scope) -> _Scope:
    """The scope less collections whose audience the account left since it was authorised."""
    if scope.purpose == "find_me":
        return scope
    allowed = collection_rows.collections_for(connection, scope.searcher, name=None)
    ids = {collection.collection_id for collection in allowed}
    return replace(scope, collections=tuple(c for c in scope.collections if c.collection_id in ids))


def _confirm(
    house: House, connection: Connection, match: Match, strength: Strength, scope: _Scope
) -> _Confirmed | None:
    """The candidate, if the store holds a live consent for this searcher at this very moment."""
    try:
        key = house.keyring.key(match.person_id)
    except KeyErased:
        return None
    person = people.load_person(connection, match.person_id, key=key)
    permissions, how_given = _permissions(house, connection, match.person_id, key, scope)
    if person is None or not permissions:
        return None
    covered = {permission.collection_id for permission in permissions}
    photos = linked_photos(connection, match.person_id, collection_ids=sorted(covered))
    candidate = Candidate(
        person_id=person.person_id,
        name=person.details.name,
        score=match.score,
        strength=strength,
        how_given=how_given,
        photos=tuple(photos),
    )
    controllers = {c.controller for c in scope.collections if c.collection_id in covered}
    return _Confirmed(candidate=candidate, organisations=tuple(sorted(controllers)))


def _permissions(
    house: House, connection: Connection, person_id: str, key: bytes, scope: _Scope
) -> tuple[list[Permission], HowGiven]:
    now = house.clock()
    permissions: list[Permission] = []
    how_given: HowGiven = "attested"
    for consent in people.consents_of(connection, person_id, key=key):
        for collection_id in scope.collection_ids:
            try:
                permission = permit(
                    consent,
                    purpose=scope.purpose,
                    collection_id=collection_id,
                    searcher=scope.searcher,
                    now=now,
                )
            except ConsentRefused:
                continue
            permissions.append(permission)
            how_given = consent.how_given
    return permissions, how_given


def _audit_intent(house: House, scope: _Scope) -> None:
    now = house.clock()
    with house.transaction() as connection:
        house.require_pack(connection)
        count_one_search(house, connection)
        audit_log.append(
            connection,
            house.keyring,
            kind="search_intent",
            at=now,
            concerned=[_actor(house, scope, now, stated_purpose=scope.stated)],
        )


def _audit_outcome(
    house: House, connection: Connection, scope: _Scope, found: Sequence[_Confirmed]
) -> None:
    now = house.clock()
    seen_by = [
        Concerned(
            subject_id=one.candidate.person_id,
            details={
                "at": now.isoformat(),
                "found_by": house.account.account_id,
                "purpose": scope.purpose,
                "how_given": one.candidate.how_given,
                "organisations": list(one.organisations),
            },
        )
        for one in found
    ]
    audit_log.append(
        connection,
        house.keyring,
        kind="search_outcome",
        at=now,
        concerned=[_actor(house, scope, now), *seen_by],
    )


def _actor(house: House, scope: _Scope, now: datetime, **more: str) -> Concerned:
    return Concerned(
        subject_id=house.account.account_id,
        details={
            "at": now.isoformat(),
            "purpose": scope.purpose,
            "collections": sorted(scope.collection_ids),
            **more,
        },
    )
