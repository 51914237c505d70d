"""A collection, the accounts that may search it, and the sources that its photos come from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from likeness.errors import UsageError

Role = Literal["owner", "operator", "member"]
"""What an account may do in the web app: an owner everything, and who else works there; an operator
sources, people, reviews and notices; a member searches. None sees anybody whose consent does not
cover it."""

ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody who works with the library: an owner, an operator or a member.

    Attributes
    ----------
    account_id : str
        Opaque.
    name : str
        The name they sign in with.
    role : Role
    active : bool
        Whether it may sign in.
    """

    account_id: str
    name: str
    role: Role = "member"
    active: bool = True


@dataclass(frozen=True, kw_only=True)
class Collection:
    """A body of photos with one controller, purpose text and audience.

    Attributes
    ----------
    collection_id : str
        Opaque.
    name : str
        What people type.
    controller : str
        Who answers for the photos.
    purpose_text : str
        Why the photos are held, in the controller's words.
    audience : frozenset of str
        Ids of the accounts allowed to search.
    retention_days : int or None
        Photos go this many days after they were added; None where they stay.
    ask_purpose : bool
        Whether whoever searches has to say what for.
    """

    collection_id: str
    name: str
    controller: str
    purpose_text: str
    audience: frozenset[str]
    retention_days: int | None = None
    ask_purpose: bool = False


MOST_DAYS = 36_500


def require_days(days: int) -> None:
    """Check that a retention rule is a number of days that there is.

    Raises
    ------
    UsageError
    """
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(
            f"Photos cannot be kept for {days:,} days.",
            f"Give 1 to {MOST_DAYS:,} days, or no rule where they stay.",
        )


@dataclass(frozen=True, kw_only=True)
class SourceRecord:
    """Where photos of a collection come from.

    Attributes
    ----------
    source_id, collection_id : str
    kind : str
        Such as ``"folder"``.
    address : str
        Where it is, in the words of its kind; a folder's absolute path.
    state : str
        ``"active"``, ``"removing"``, ``"removed"``, or ``"stopped"`` by a notice.
    added_at : datetime
        Aware.
    """

    source_id: str
    collection_id: str
    kind: str
    address: str
    state: str
    added_at: datetime
