"""Consent receipts: a document that shows a person what they said yes to, and that it was logged.

Only the person's copy holds the record in clear. The leaf of the log holds one commitment to it
under a random nonce, which the copy carries too: whoever has no copy learns nothing from the log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from likeness.audit.commitment import details_as_bytes, open_commitment
from likeness.audit.leaf import Leaf, whole_hour
from likeness.audit.proven import (
    FIX,
    LogProof,
    as_file,
    as_text,
    proof_as_object,
    proof_fields,
    read_as_issued,
    require_logged,
)
from likeness.audit.signed_note import VerifierKey
from likeness.errors import BadInput, NotVerified, UsageError

CONSENT_SCHEMA = "likeness.consent-receipt/1"
"""Name and version of the document."""

LEAF_KIND = "consent_receipt"
"""Kind of the leaf that commits to it."""


@dataclass(frozen=True, kw_only=True)
class ConsentReceipt(LogProof):
    """A whole consent receipt; not checked by being made.

    Attributes
    ----------
    record : mapping
        What was said yes to, as JSON values with the fields of ISO/IEC TS 27560; ``receipt_id`` and
        ``issued_at`` among them.
    nonce : bytes
        Of the commitment to it.
    """

    record: Mapping[str, Any]
    nonce: bytes


@dataclass(frozen=True, kw_only=True)
class VerifiedConsent:
    """A consent receipt that holds, and the key that it holds under.

    Attributes
    ----------
    receipt : ConsentReceipt
    signer : VerifierKey
    commitment : str
        The one in the log, in hex.
    """

    receipt: ConsentReceipt
    signer: VerifierKey
    commitment: str


def write_consent_receipt(receipt: ConsentReceipt) -> bytes:
    """Return the receipt's file: JSON in ASCII, two spaces of indent, the record's fields sorted.

    Raises
    ------
    UsageError
        The file would be larger than anybody would read.
    """
    record = json.loads(json.dumps(receipt.record, sort_keys=True))
    return as_file(
        {
            "schema": CONSENT_SCHEMA,
            "record": record,
            "nonce": receipt.nonce.hex(),
            **proof_as_object(receipt),
        }
    )


def read_consent_receipt(data: bytes) -> ConsentReceipt:
    """Read a receipt's file without checking what it proves.

    Raises
    ------
    BadInput
        The file is not a consent receipt.
    NotVerified
        It is one that is malformed, or laid out otherwise than it was issued.
    """
    return read_as_issued(
        data, schema=CONSENT_SCHEMA, build=_from_document, write=write_consent_receipt
    )


def verify_consent_receipt(data: bytes, *, key: str | None) -> VerifiedConsent:
    """Verify a consent receipt; needs no library.

    Parameters
    ----------
    data : bytes
        The receipt's file.
    key : str or None
        Verifier key of the library that is known to have signed; None if nobody said.

    Raises
    ------
    BadInput
        The file is not a consent receipt, or ``key`` is not a verifier key.
    NotVerified
        A step fails; the message says which.
    SignerNotChecked
        Everything holds under the key that the receipt itself carries, and no ``key`` was given.
    """
    known = VerifierKey.parse(key.strip()) if key is not None else None
    # (1) The document parses strictly: it is byte for byte what its content would be written as.
    receipt = read_consent_receipt(data)
    # (2) The leaf is of a consent receipt of that hour, and its commitment opens to the record.
    commitment = _commitment(receipt)
    # (3) to (5) The leaf is in the tree that the known key signed.
    signer = require_logged(receipt, known=known)
    return VerifiedConsent(receipt=receipt, signer=signer, commitment=commitment)


def _from_document(document: dict[str, object]) -> ConsentReceipt:
    record = cast("dict[str, Any]", document["record"])
    as_text(record["receipt_id"])
    datetime.fromisoformat(as_text(record["issued_at"]))
    # Such as half of a pair of code points, which nothing can have committed to.
    details_as_bytes(record)
    return ConsentReceipt(
        record=record, nonce=bytes.fromhex(as_text(document["nonce"])), **proof_fields(document)
    )


def _commitment(receipt: ConsentReceipt) -> str:
    try:
        leaf = Leaf.from_bytes(receipt.leaf)
        hour = whole_hour(datetime.fromisoformat(str(receipt.record["issued_at"])))
        if leaf.kind != LEAF_KIND or leaf.hour != hour or len(leaf.commitments) != 1:
            raise NotVerified("the leaf of the log is of something else.")
        open_commitment(
            leaf.commitments[0], nonce=receipt.nonce, details=details_as_bytes(receipt.record)
        )
    except (BadInput, NotVerified, UsageError) as error:
        raise NotVerified(f"Step 2 failed: {error.what}", FIX) from error
    return leaf.commitments[0]
