"""A person who enrolled. All but the opaque id is kept under their own key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, kw_only=True)
class Guardian:
    """Who consents for a person under 18.

    Attributes
    ----------
    name : str
    relation : str
        Such as ``"mother"``; may be empty.
    """

    name: str
    relation: str = ""


@dataclass(frozen=True, kw_only=True)
class Estate:
    """Who speaks for a person who died.

    Attributes
    ----------
    representative : str
        Name of the representative.
    died_on : date
    """

    representative: str
    died_on: date


@dataclass(frozen=True, kw_only=True)
class PersonDetails:
    """Everything personal about a person besides their references and consents.

    Attributes
    ----------
    name : str
    birth_date : date or None
        None where ``is_adult`` was recorded in its place.
    is_adult : bool
        Recorded "is 18 or over".
    guardian : Guardian or None
    estate : Estate or None
    """

    name: str
    birth_date: date | None = None
    is_adult: bool = False
    guardian: Guardian | None = None
    estate: Estate | None = None


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who enrolled.

    Attributes
    ----------
    person_id : str
        Opaque.
    details : PersonDetails
    enrolled_at : datetime
        Aware.
    """

    person_id: str
    details: PersonDetails
    enrolled_at: datetime
