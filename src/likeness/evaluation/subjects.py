"""Who takes part in the trials: one row a photo, equal photos once, doubtful labels left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likeness.evaluation.acquire import Acquired
from likeness.evaluation.dataset import Dataset


@dataclass(frozen=True, kw_only=True, eq=False)
class Subjects:
    """Photos that are tried, ordered by person.

    Attributes
    ----------
    templates : float32 array of shape (n, d)
        Zero where there is none.
    references : float32 array of shape (n, d), or None
        The same faces as a reference has them; as ``templates`` where None.
    found : bool array of shape (n,)
        Where there is one.
    people : int array of shape (n,)
        A number for each person, from 0 on, rising.
    items : tuple of n str
    """

    templates: NDArray[np.float32]
    found: NDArray[np.bool_]
    people: NDArray[np.int64]
    items: tuple[str, ...]
    references: NDArray[np.float32] | None = None

    @property
    def enrolled(self) -> NDArray[np.float32]:
        """The templates that people are enrolled with."""
        return self.templates if self.references is None else self.references

    @property
    def count(self) -> int:
        """How many people."""
        return int(self.people[-1]) + 1 if len(self.people) else 0

    def some(self, chosen: NDArray[np.bool_]) -> Subjects:
        """Those photos alone, their people numbered anew."""
        people = np.unique(self.people[chosen], return_inverse=True)[1]
        return Subjects(
            templates=self.templates[chosen],
            found=self.found[chosen],
            people=people.astype(np.int64),
            items=tuple(np.array(self.items, dtype=object)[chosen]),
            references=self.enrolled[chosen],
        )


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Photos that take no part in the trials, by item.

    Attributes
    ----------
    equal : tuple of str
        Equal, byte for byte, to another photo of the same person.
    conflicting : tuple of str
        Equal to a photo of somebody else, so that one label is wrong.
    """

    equal: tuple[str, ...] = ()
    conflicting: tuple[str, ...] = ()


def subjects_of(dataset: Dataset, acquired: Acquired) -> tuple[Subjects, LeftOut, NDArray[np.intp]]:
    """Who takes part, who does not, and the place in the data set of each row."""
    equal, conflicting = set(), set()
    if not dataset.pairs:
        owners: dict[str, list[int]] = {}
        for place, digest in enumerate(acquired.digests):
            if digest:
                owners.setdefault(digest, []).append(place)
        for places in owners.values():
            if len({dataset.photos[place].person for place in places}) > 1:
                conflicting.update(places)
            else:
                equal.update(places[1:])
    labels = np.array([photo.person for photo in dataset.photos], dtype=object)
    kept = np.array([p for p in range(len(labels)) if p not in equal | conflicting], dtype=np.intp)
    people = np.unique(labels[kept].astype(str), return_inverse=True)[1].astype(np.int64)
    order = np.argsort(people, kind="stable")
    rows = kept[order]
    subjects = Subjects(
        templates=acquired.templates[rows],
        found=acquired.found[rows],
        people=people[order],
        items=tuple(dataset.photos[row].item for row in rows),
        references=acquired.references[rows],
    )
    left_out = LeftOut(
        equal=tuple(dataset.photos[p].item for p in sorted(equal)),
        conflicting=tuple(dataset.photos[p].item for p in sorted(conflicting)),
    )
    return subjects, left_out, rows
