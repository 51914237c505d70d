"""What every similarity index offers, and the checks that all of them share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from likeness.errors import BadInput, PackMismatch, UsageError
from likeness.records.reference import Match, Reference

LENGTH_TOLERANCE = 1e-3
"""How far the length of a template may be from 1."""


class Gallery(Protocol):
    """References of one model pack in memory, and the comparison with those that are eligible.

    Safe to use from many threads: a search sees the gallery as it was before or after a change,
    never between. The index proposes and the store disposes: what a search returns is no answer
    before the store has confirmed a live consent.
    """

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the pack that made the templates; see `require_same_pack`."""
        ...

    @property
    def template_length(self) -> int:
        """Numbers in one template (d)."""
        ...

    def add(self, references: Sequence[Reference]) -> None:
        """Add references; one with an id that is here already takes its place.

        Either all are added or, on an error, none.

        Raises
        ------
        PackMismatch
            A template has another length than this gallery's.
        BadInput
            A template is not float32, not finite, or not of unit length within 1e-3.
        """
        ...

    def remove(self, person_ids: Iterable[str]) -> int:
        """Remove every reference of these persons and overwrite their vectors before returning.

        Persons who have no reference here are passed over.

        Returns
        -------
        int
            How many references went.

        Raises
        ------
        UsageError
            One bare ``str`` was given; it would be read as a list of letters and remove nobody.
        """
        ...

    def search(
        self, templates: NDArray[np.float32], *, eligible: frozenset[str], threshold: float
    ) -> list[list[Match]]:
        """Find every reference of the eligible persons that scores at least the threshold.

        References of other persons are never compared. A score depends on the two templates alone:
        not on the other templates searched with, nor on what else the gallery holds.

        Parameters
        ----------
        templates : float32 array of shape (n, d)
            Unit length, finite; n may be 0.
        eligible : frozenset of person ids
            Ids that have no reference here do no harm. Passing the same object again is fastest.
        threshold : float
            Lowest cosine that matches; a score equal to it does.

        Returns
        -------
        list of n lists of Match
            One list a template, by score descending, then by reference id.

        Raises
        ------
        PackMismatch
            The templates have another length than this gallery's.
        BadInput
            They are not a float32 array of shape (n, d), not finite, or not of unit length.
        UsageError
            The threshold is not a finite number.
        """
        ...

    def person_ids(self) -> frozenset[str]:
        """Ids of all persons who have a reference here."""
        ...

    def __len__(self) -> int:
        """How many references are here."""
        ...

    def clear(self) -> None:
        """Remove everything and overwrite it before returning."""
        ...


def require_same_pack(gallery_fingerprint: str, engine_fingerprint: str) -> None:
    """Refuse to compare templates of one model pack with references of another.

    Raises
    ------
    PackMismatch
        The fingerprints differ, or one is empty.
    """
    if not gallery_fingerprint or gallery_fingerprint != engine_fingerprint:
        ours, theirs = (
            fingerprint[:16] or "(unknown)"
            for fingerprint in (gallery_fingerprint, engine_fingerprint)
        )
        raise PackMismatch(
            f"The references were made with the model pack {ours}, the templates with {theirs}.",
            "Use the pack that the library was made with, or make its references again.",
        )


def best_per_person(matches: Sequence[Match]) -> list[Match]:
    """Keep the highest match of each person (of equals, the first), in the order given."""
    best: dict[str, Match] = {}
    for match in matches:
        held = best.get(match.person_id)
        if held is None or match.score > held.score:
            best[match.person_id] = match
    return [match for match in matches if best[match.person_id] is match]


def check_references(references: Sequence[Reference], template_length: int) -> None:
    """Raise unless every reference carries a template that a gallery of this length can hold.

    Raises
    ------
    PackMismatch, BadInput
        As in `Gallery.add`; the message names the reference by its id.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        for reference in references:
            template = reference.template
            thing = f"The template of reference {reference.reference_id}"
            if not _is_float32(template):
                raise _unusable(thing, "is not a float32 array")
            if template.shape != (template_length,):
                raise _other_length(f"{thing} has the shape {template.shape}", template_length)
            # One product sees both: the square of whatever is not finite is no number near 1.
            if not abs(math.sqrt(float(template.dot(template))) - 1.0) <= LENGTH_TOLERANCE:
                raise _unusable(thing, _off(template))


def check_templates(templates: NDArray[np.float32], template_length: int) -> NDArray[np.float32]:
    """Return the templates searched with as a C-contiguous float32 array of shape (n, d).

    Raises
    ------
    PackMismatch, BadInput
        As in `Gallery.search`; the message counts rows from 0.
    """
    if not _is_float32(templates):
        raise _unusable("What was searched with", "is not a float32 array")
    if templates.ndim != 2:
        raise _unusable(
            f"What was searched with has the shape {templates.shape}", "which is not (n, d)"
        )
    if templates.shape[1] != template_length:
        raise _other_length(f"The templates have the shape {templates.shape}", template_length)
    rows = np.ascontiguousarray(templates)
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    off = np.flatnonzero(~(np.abs(lengths - 1.0) <= LENGTH_TOLERANCE))
    if off.size:
        raise _unusable(f"Template {off[0]} of those searched with", _off(rows[off[0]]))
    return rows


def check_threshold(threshold: float) -> None:
    """Raise `UsageError` unless the threshold is a finite number."""
    if not math.isfinite(threshold):
        raise UsageError(
            f"The threshold is {threshold}.",
            "Give a cosine between -1 and 1, such as the pack's own threshold.",
        )


def check_person_ids(person_ids: Iterable[str]) -> frozenset[str]:
    """Return the ids as a set; raise `UsageError` for one bare string."""
    if isinstance(person_ids, str):
        raise UsageError(
            "A single string was given where person ids are expected.", "Put the id in a list."
        )
    return frozenset(person_ids)


def _is_float32(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.float32


def _off(template: NDArray[np.float32]) -> str:
    return "is not of unit length" if np.isfinite(template).all() else "is not finite"


def _unusable(thing: str, wrong: str) -> BadInput:
    return BadInput(
        f"{thing} {wrong}.", "Make it again from its face with the library's model pack."
    )


def _other_length(thing: str, template_length: int) -> PackMismatch:
    return PackMismatch(
        f"{thing}, but this gallery holds templates of {template_length} numbers.",
        "Make the templates with the pack that the gallery was made for.",
    )
