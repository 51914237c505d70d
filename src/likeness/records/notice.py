"""A notice: somebody's demand to stop and delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

NoticeKind = Literal["domain", "account", "url", "photo", "source"]
"""What a notice is about: every address of a domain, all below an account's, one address, one
photo, or a source of the library."""

NoticeState = Literal["purging", "done", "lifted"]
"""``purging`` from the moment it is given, when nothing from there shows any more, until all is
gone; ``lifted`` once whoever gave it took the block back."""


@dataclass(frozen=True, kw_only=True)
class NoticeTerms:
    """What a notice says: kept as ciphertext alone.

    Attributes
    ----------
    kind : NoticeKind
    about : str
        The domain, the address, or the id of the source; the SHA-256 of a photo.
    given_by, reason : str
    given_at : datetime
    serial : str
        Of its receipt.
    contents : tuple of str
        SHA-256 of each photo that a notice about a photo covers: it and its copies then held.
    source : tuple of str
        Kind and address of the source that a notice about a source covers; else empty.
    code_digest : str
        SHA-256 in hex of the code by which it is lifted.
    nonce : str
        In hex: opens the commitment in the receipt.
    """

    kind: NoticeKind
    about: str
    given_by: str
    reason: str
    given_at: datetime
    serial: str
    contents: tuple[str, ...]
    source: tuple[str, ...]
    code_digest: str
    nonce: str


@dataclass(frozen=True, kw_only=True)
class StoredNotice:
    """A notice as the store holds it.

    Attributes
    ----------
    notice_id : str
    kind : NoticeKind
    state : NoticeState
    given_at : datetime
    done_at, lifted_at : datetime or None
    serial : str
    sealed : bytes
        Its terms, under a key of its own.
    commitment : str
    counts : mapping of str to int
        What went so far.
    """

    notice_id: str
    kind: NoticeKind
    state: NoticeState
    given_at: datetime
    done_at: datetime | None
    lifted_at: datetime | None
    serial: str
    sealed: bytes
    commitment: str
    counts: Mapping[str, int]
