"""What a notice says, as ciphertext under a key of its own."""

from __future__ import annotations

import json
from datetime import datetime

from likeness.records.notice import NoticeTerms
from likeness.store.envelope import seal, unseal


def seal_terms(terms: NoticeTerms, *, notice_id: str, key: bytes) -> bytes:
    """Return the terms as an envelope."""
    return seal(key, details_of(terms), context=_context(notice_id))


def open_terms(sealed: bytes, *, notice_id: str, key: bytes) -> NoticeTerms:
    """Return what an envelope of :func:`seal_terms` says.

    Raises
    ------
    StorageError
        It does not open, or was changed.
    """
    values = json.loads(unseal(key, sealed, context=_context(notice_id)))
    return NoticeTerms(
        **{
            **values,
            "given_at": datetime.fromisoformat(values["given_at"]),
            "contents": tuple(values["contents"]),
            "source": tuple(values["source"]),
        }
    )


def details_of(terms: NoticeTerms) -> bytes:
    """The terms as JSON with sorted keys."""
    values = {
        "kind": terms.kind,
        "about": terms.about,
        "given_by": terms.given_by,
        "reason": terms.reason,
        "given_at": terms.given_at.isoformat(),
        "serial": terms.serial,
        "contents": list(terms.contents),
        "source": list(terms.source),
        "code_digest": terms.code_digest,
        "nonce": terms.nonce,
    }
    return json.dumps(values, sort_keys=True).encode("ascii")


def committed_details(terms: NoticeTerms) -> bytes:
    """What the commitment in the receipt is about: the giver can show it with the nonce."""
    values = {
        "kind": terms.kind,
        "about": terms.about,
        "given_by": terms.given_by,
        "reason": terms.reason,
        "given_at": terms.given_at.isoformat(),
    }
    return json.dumps(values, sort_keys=True).encode("ascii")


def _context(notice_id: str) -> str:
    return f"notice:{notice_id}"
