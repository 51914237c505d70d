"""Commitments: a leaf says that something happened without saying what, and it can be shown later.

A commitment is HMAC-SHA-256 (RFC 2104, FIPS 180-4) of the details under a random nonce. The nonce
hides details that could be guessed, and is stored with them under the key of the person concerned:
once that key is gone, the commitment means nothing any more and the leaf still proves.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from likeness.errors import NotVerified, UsageError

NONCE_BYTES = 32
"""Length of the nonce of a commitment, in bytes. It must be random and used once."""

_HEX_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def is_hex_digest(text: str) -> bool:
    """Tell whether a text is 64 lower-case hex digits, as a commitment and a SHA-256 are."""
    return _HEX_DIGEST.fullmatch(text) is not None


def details_as_bytes(details: Mapping[str, Any]) -> bytes:
    """Plain values as the bytes that the log commits to; whoever shows them makes the same.

    Raises
    ------
    UnicodeEncodeError
        A text in them is none that can be written.
    """
    return json.dumps(dict(details), ensure_ascii=False, sort_keys=True).encode()


def commit(nonce: bytes, details: bytes) -> str:
    """Return the commitment to ``details``, as 64 lower-case hex digits.

    Raises
    ------
    UsageError
        The nonce is not 32 bytes long.
    """
    if len(nonce) != NONCE_BYTES:
        raise UsageError(
            f"A commitment's nonce has {NONCE_BYTES} bytes, not {len(nonce)}.",
            "Draw it from the operating system's random source.",
        )
    return hmac.new(nonce, details, hashlib.sha256).hexdigest()


def open_commitment(commitment: str, *, nonce: bytes, details: bytes) -> None:
    """Check that ``commitment`` (64 hex digits) was made from this nonce and these details.

    Raises
    ------
    NotVerified
        It was not.
    """
    fits = len(nonce) == NONCE_BYTES and hmac.compare_digest(
        commit(nonce, details).encode(), commitment.encode("utf-8", "surrogatepass")
    )
    if not fits:
        raise NotVerified("The details and the nonce are not those that the log committed to.")
