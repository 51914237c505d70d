"""What somebody said between the pages of an enrolment: in memory, for half an hour, bounded.

Nothing of it is stored before the last yes. A server that starts anew, or a phone that lost its
cookie, begins at the form again.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar

from likeness.records.consent import Purpose
from likeness.records.invitation import Answers
from likeness.records.person import Guardian

KEPT_SECONDS = 30 * 60
MOST_KEPT = 500
"""How many people may be between two pages at once; the oldest goes before more."""

MOST_EACH = 5
"""How many browsers of one invitation may be; so nobody who has its link pushes others out."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What somebody answered so far.

    Attributes
    ----------
    invitation_id : str
    language : str
        Of the notice that they were shown.
    name : str
    purposes : tuple of Purpose
    audience : tuple of str
        Ids of the accounts that they were shown.
    days : int
        For how long they say yes.
    birth_date : date or None
    is_adult : bool
    guardian : Guardian or None
    needs_guardian : bool
    capture : str
        Under which their pictures are, while a camera looks at them.
    """

    invitation_id: str
    language: str
    name: str
    purposes: tuple[Purpose, ...]
    audience: tuple[str, ...]
    days: int
    birth_date: date | None
    is_adult: bool
    guardian: Guardian | None = None
    needs_guardian: bool = False
    capture: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

    def answers(self, now: datetime) -> Answers:
        """The same as what is said by the last word, now."""
        return Answers(
            name=self.name,
            purposes=frozenset(self.purposes),
            birth_date=self.birth_date,
            is_adult=self.is_adult,
            guardian=self.guardian,
            language=self.language,
            audience=frozenset(self.audience),
            expires_at=now + timedelta(days=self.days),
        )


@dataclass(frozen=True, kw_only=True)
class Finished:
    """Somebody who has enrolled in this browser just now.

    Attributes
    ----------
    person_id : str
    language : str
    back : str
        The secret of their link back; it is kept nowhere else.
    """

    person_id: str
    language: str
    back: str = field(repr=False)


Kept = TypeVar("Kept")


@dataclass(frozen=True, kw_only=True)
class _Between(Generic[Kept]):
    until: float
    whose: str
    kept: Kept


class Between(Generic[Kept]):
    """Keeps something between two pages of one browser. Safe for threads.

    Parameters
    ----------
    clock : callable
        Returns seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, _Between[Kept]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, key: str, kept: Kept, *, whose: str) -> None:
        """Keep it under what the browser holds, in the place of what was there.

        ``whose`` says of which of them there may be `MOST_EACH`, the newest.
        """
        with self._lock:
            self._forget_old()
            self._kept.pop(key, None)
            same = [known for known, held in self._kept.items() if held.whose == whose]
            for known in same[: max(0, len(same) - MOST_EACH + 1)]:
                del self._kept[known]
            while len(self._kept) >= MOST_KEPT:
                self._kept.popitem(last=False)
            until = self._clock() + KEPT_SECONDS
            self._kept[key] = _Between(until=until, whose=whose, kept=kept)

    def get(self, key: str) -> Kept | None:
        """What is kept under it; None where nothing is, or it was too long ago."""
        with self._lock:
            self._forget_old()
            found = self._kept.get(key)
            return found.kept if found else None

    def drop(self, key: str) -> None:
        """Forget it."""
        with self._lock:
            self._kept.pop(key, None)

    def _forget_old(self) -> None:
        now = self._clock()
        while self._kept and next(iter(self._kept.values())).until <= now:
            self._kept.popitem(last=False)
