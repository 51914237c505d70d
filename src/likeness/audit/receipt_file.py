"""The receipt as a file: one canonical JSON document, and the checks that anybody can run on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from likeness.audit.leaf import Leaf
from likeness.audit.proven import (
    FIX,
    as_file,
    as_text,
    as_texts,
    proof_as_object,
    proof_fields,
    read_as_issued,
    require_logged,
)
from likeness.audit.receipt import (
    SCHEMA,
    DeletionReceipt,
    ReceiptBody,
    ReceiptKind,
    parse_issued_at,
)
from likeness.audit.signed_note import VerifierKey
from likeness.errors import BadInput, NotVerified


@dataclass(frozen=True, kw_only=True)
class VerifiedReceipt:
    """A receipt that holds, and the key that it holds under.

    Attributes
    ----------
    receipt : DeletionReceipt
    signer : VerifierKey
    """

    receipt: DeletionReceipt
    signer: VerifierKey


def write_receipt(receipt: DeletionReceipt) -> bytes:
    """Return the receipt's file: JSON in ASCII, two spaces of indent, fields in a fixed order.

    Raises
    ------
    UsageError
        The file would be larger than anybody would read.
    """
    return as_file({"schema": SCHEMA, "body": receipt.body.as_object(), **proof_as_object(receipt)})


def read_receipt(data: bytes) -> DeletionReceipt:
    """Read a receipt's file without checking what it proves.

    Raises
    ------
    BadInput
        The file is not a receipt.
    NotVerified
        The file is a receipt that is malformed, or laid out otherwise than it was issued.
    """
    return read_as_issued(data, schema=SCHEMA, build=_from_document, write=write_receipt)


def verify_receipt(data: bytes, *, key: str | None) -> VerifiedReceipt:
    """Verify a receipt; needs no library.

    Parameters
    ----------
    data : bytes
        The receipt's file.
    key : str or None
        Verifier key of the library that is known to have signed; None if nobody said.

    Raises
    ------
    BadInput
        The file is not a receipt, or ``key`` is not a verifier key.
    NotVerified
        A step fails; the message says which.
    SignerNotChecked
        Everything holds under the key that the receipt itself carries, and no ``key`` was given.
    """
    known = VerifierKey.parse(key.strip()) if key is not None else None
    # (1) The document parses strictly: it is byte for byte what its content would be written as.
    receipt = read_receipt(data)
    # (2) The leaf is that of the body: its kind, its hour, its commitments and its SHA-256.
    _check_leaf(receipt)
    # (3) to (5) The leaf is in the tree that the known key signed.
    signer = require_logged(receipt, known=known)
    return VerifiedReceipt(receipt=receipt, signer=signer)


def _check_leaf(receipt: DeletionReceipt) -> None:
    try:
        leaf = Leaf.from_bytes(receipt.leaf)
    except BadInput as error:
        raise NotVerified(f"Step 2 failed: {error.what}", FIX) from error
    if leaf != receipt.body.leaf():
        raise NotVerified("Step 2 failed: the leaf of the log is not that of the body.", FIX)


def _from_document(document: dict[str, object]) -> DeletionReceipt:
    """Build the receipt from JSON values; a wrong type surfaces as one of several errors."""
    body = cast(dict[str, object], document["body"])
    counts = cast(dict[str, int], body["counts"])
    times = cast(dict[str, object], body.get("times", {}))
    return DeletionReceipt(
        body=ReceiptBody(
            serial=as_text(body["serial"]),
            kind=cast(ReceiptKind, as_text(body["kind"])),
            issued_at=parse_issued_at(as_text(body["issued_at"])),
            counts=dict(counts),
            commitments=as_texts(body["commitments"]),
            times={name: parse_issued_at(as_text(moment)) for name, moment in times.items()},
        ),
        **proof_fields(document),
    )
