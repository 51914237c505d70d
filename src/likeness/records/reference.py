"""A reference given at enrolment, and a match: a reference that came close to a template."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Reference:
    """A template given at enrolment, in clear: held in memory only, never written to a log.

    Attributes
    ----------
    reference_id : str
        Opaque; unique in the library.
    person_id : str
        Opaque id of the person who gave it.
    template : float32 array of shape (d,)
        Unit length. Left out of ``repr``, because what is printed ends up in logs.
    """

    reference_id: str
    person_id: str
    template: NDArray[np.float32] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Match:
    """A reference whose template is close enough to the one that was compared.

    A match is a proposal: it becomes an answer or a link only after the store has confirmed a live
    consent.

    Attributes
    ----------
    person_id : str
    reference_id : str
    score : float
        Cosine of the two templates, rounded to float32; higher is more alike.
    """

    person_id: str
    reference_id: str
    score: float
