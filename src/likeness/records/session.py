"""Somebody who is signed in in one browser."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

SubjectKind = Literal["account", "person"]
"""Who signs in: somebody who works with the library, or a person who comes for their own photos."""

LinkKind = Literal["set_up", "return"]
"""What a secret link is for: to choose a passkey or a password, once; or a person's way back."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """One browser that is signed in.

    Attributes
    ----------
    session_id : str
        SHA-256, in hex, of the secret that the browser holds: whoever reads it cannot sign in.
    subject_id : str
        Id of the account or person.
    kind : SubjectKind
    created_at, seen_at, ends_at : datetime
        Aware. It may end before ``ends_at``, where nothing was asked for too long.
    device : str
        The browser in a few words, such as ``"Chrome on Android"``.
    """

    session_id: str
    subject_id: str
    kind: SubjectKind
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    device: str
