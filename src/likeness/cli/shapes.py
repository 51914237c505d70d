"""Answers as plain values, and photos as lines: one shape for all commands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from likeness.cli.screen import say

if TYPE_CHECKING:
    from likeness.desk import VisiblePerson
    from likeness.library import Library
    from likeness.operating import Calibration
    from likeness.records.collection import Collection
    from likeness.records.consent import Consent
    from likeness.records.stored import LinkedPhoto, StoredSighting
    from likeness.rescan import RescanReport
    from likeness.review import OpenProposal


def collection_names(library: Library) -> dict[str, str]:
    """Names of collections by their ids."""
    return {c.collection_id: c.name for c in library.collections()}


def account_names(library: Library) -> dict[str, str]:
    """Names of accounts by their ids."""
    return {a.account_id: a.name for a in library.accounts()}


def collection_as_json(collection: Collection, accounts: Mapping[str, str]) -> dict[str, Any]:
    """A collection as plain values; its audience by name."""
    return {
        "id": collection.collection_id,
        "name": collection.name,
        "controller": collection.controller,
        "purpose_text": collection.purpose_text,
        "audience": named(collection.audience, accounts),
        "retention_days": collection.retention_days,
        "ask_purpose": collection.ask_purpose,
    }


def consent_as_names(
    consent: Consent, *, collections: Mapping[str, str], accounts: Mapping[str, str]
) -> dict[str, Any]:
    """A consent record as plain values, with its collections and audience by name too."""
    from likeness.store.sealed import consent_as_json

    return {
        **consent_as_json(consent),
        "collection_names": named(consent.collections, collections),
        "audience_names": named(consent.audience, accounts),
    }


def person_as_json(seen: VisiblePerson, collections: Mapping[str, str]) -> dict[str, Any]:
    """Somebody whom the acting account may find, as plain values."""
    return {
        "person": seen.person.person_id,
        "name": seen.person.details.name,
        "how_given": seen.consents[-1].how_given,
        "ends_at": max(c.ends_at for c in seen.consents).isoformat(),
        "collections": named(seen.collection_ids, collections),
        "photos": seen.photos_together,
        "proposals": seen.proposals_together,
        "also": [other.person.person_id for other in seen.others],
    }


def photos_as_json(photos: Iterable[LinkedPhoto]) -> list[dict[str, Any]]:
    """The photos of a person as plain values."""
    from likeness.export import linked_as_json

    return [linked_as_json(photo) for photo in photos]


def proposal_as_json(proposal: OpenProposal) -> dict[str, Any]:
    """A link that waits to be decided, as plain values."""
    from likeness.export import sighting_as_json

    return {
        "person": proposal.person.person_id,
        "name": proposal.person.details.name,
        "score": round(proposal.score, 4),
        "sha256": proposal.photo.sha256,
        "face": proposal.face.number,
        "box": list(proposal.face.box),
        "unsure": proposal.unsure,
        "sightings": [sighting_as_json(sighting) for sighting in proposal.sightings],
    }


def rescan_as_json(report: RescanReport) -> dict[str, int]:
    """What a rescan did, as plain values."""
    return {"photos": report.photos, "linked": report.linked, "proposed": report.proposed}


def calibration_as_json(calibration: Calibration | None) -> dict[str, Any] | None:
    """Where thresholds come from, as plain values; None where there is no pack."""
    if calibration is None:
        return None
    at = calibration.calibrated_at
    return {
        "here": calibration.here,
        "gallery_size": calibration.gallery_size,
        "measured_on": calibration.measured_on,
        "calibrated_at": at.isoformat() if at else None,
        "beyond": calibration.beyond,
        "tenfold": calibration.tenfold,
    }


def say_calibration(calibration: Calibration | None) -> None:
    """Write one quiet line where thresholds are not of this library, or it has outgrown them."""
    from likeness.operating import warning_of

    if calibration is None:
        return
    if warning := warning_of(calibration):
        say(f"{warning} See: likeness doctor")
    elif not calibration.here:
        say("Not calibrated here: the thresholds are the model pack's own.")


def receipt_as_json(document: bytes) -> dict[str, Any]:
    """A receipt's document as plain values."""
    fields: dict[str, Any] = json.loads(document)
    return fields


def named(ids: Iterable[str], names: Mapping[str, str]) -> list[str]:
    """The names behind ids, in order; an id that has none stands for itself."""
    return sorted(names.get(one, one) for one in ids)


def say_photos(photos: Iterable[LinkedPhoto], *, verbose: bool) -> None:
    """Write each photo with its links back; scores and checksums only where asked for."""
    for linked in photos:
        say_sightings(linked.sightings, face=linked.face.number)
        if linked.face.lost:
            say("      decided by hand; the model pack in use does not find this face")
        if verbose:
            say(
                f"      sha256 {linked.photo.sha256}, box {linked.face.box}, "
                f"score {linked.score:.3f}, decided by {linked.decided_by}"
            )


def say_sightings(sightings: Iterable[StoredSighting], *, face: int) -> None:
    """Write where a photo was found: the page, then date, how sure the link is, source and item."""
    for sighting in sightings:
        link = sighting.link
        taken = f"{link.taken_at:%Y-%m-%d}" if link.taken_at else "no date"
        say(f"  {link.page_url}")
        say(
            f"      {taken}, {link.confidence} link from {link.link_from}, "
            f"{sighting.source_id}: {sighting.item}, face {face}"
        )
        if link.span:
            start, end = link.span.start_ms / 1000, link.span.end_ms / 1000
            say(f"      from {start:g} s to {end:g} s of the video")
        if link.text:
            say(f"      {link.text}")
