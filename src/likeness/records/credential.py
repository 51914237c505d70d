"""What somebody signs in with: a passkey or a password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Passkey:
    """A passkey: the public half of a pair of keys; the other never leaves its holder's device.

    Attributes
    ----------
    credential_id : str
        SHA-256, in hex, of the id that the device gave it.
    subject_id : str
        Id of the account or person.
    raw_id : bytes
        The id that the device gave it.
    public_key : bytes
        In the form of COSE.
    site : str
        The host that it was made for, and works at alone.
    label : str
        What its holder calls it.
    sign_count : int
        What the device counted when it was used last; 0 where it does not count.
    created_at : datetime
    used_at : datetime or None
    """

    credential_id: str
    subject_id: str
    raw_id: bytes
    public_key: bytes
    site: str
    label: str
    sign_count: int
    created_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Password:
    """A password, as an Argon2 hash.

    Attributes
    ----------
    credential_id : str
    subject_id : str
    hashed : str
    created_at : datetime
    used_at : datetime or None
    """

    credential_id: str
    subject_id: str
    hashed: str
    created_at: datetime
    used_at: datetime | None = None
