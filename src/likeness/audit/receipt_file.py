"""The receipt as a file: one canonical JSON document, and the checks that anybody can run on it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import cast

from likeness.audit.checkpoint import Checkpoint
from likeness.audit.leaf import Leaf
from likeness.audit.proof import verify_inclusion
from likeness.audit.receipt import (
    SCHEMA,
    DeletionReceipt,
    ReceiptBody,
    ReceiptKind,
    parse_issued_at,
)
from likeness.audit.signed_note import VerifierKey
from likeness.audit.tree import leaf_hash
from likeness.errors import BadInput, LikenessError, NotVerified, SignerNotChecked, UsageError

MAX_RECEIPT_BYTES = 1_000_000
"""The largest file that is read as a receipt, in bytes."""

_FIX = "Use the file as it was issued, or have the receipt issued again."


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
    document = {
        "schema": SCHEMA,
        "body": receipt.body.as_object(),
        "leaf": base64.b64encode(receipt.leaf).decode("ascii"),
        "leaf_index": receipt.leaf_index,
        "tree_size": receipt.tree_size,
        "inclusion_proof": [base64.b64encode(part).decode() for part in receipt.inclusion_proof],
        "checkpoint": receipt.checkpoint,
        "signer": receipt.signer,
    }
    data = (json.dumps(document, indent=2) + "\n").encode("ascii")
    if len(data) > MAX_RECEIPT_BYTES:
        raise UsageError(f"A receipt would be larger than {MAX_RECEIPT_BYTES} bytes.")
    return data


def read_receipt(data: bytes) -> DeletionReceipt:
    """Read a receipt's file without checking what it proves.

    Raises
    ------
    BadInput
        The file is not a receipt.
    NotVerified
        The file is a receipt that is malformed, or laid out otherwise than it was issued.
    """
    document = _load(data)
    try:
        receipt = _from_document(document)
        unchanged = write_receipt(receipt) == data
    except (KeyError, TypeError, ValueError, LikenessError) as error:
        raise NotVerified("Step 1 failed: the receipt is malformed.", _FIX) from error
    if not unchanged:
        raise NotVerified("Step 1 failed: the receipt is not laid out as it was issued.", _FIX)
    return receipt


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
    # (3) The checkpoint is signed by the key that the receipt carries, and signs the proof's tree.
    signer, checkpoint = _check_checkpoint(receipt)
    # (4) The leaf is in that tree.
    try:
        verify_inclusion(
            leaf_hash(receipt.leaf),
            index=receipt.leaf_index,
            size=receipt.tree_size,
            proof=receipt.inclusion_proof,
            root=checkpoint.root,
        )
    except NotVerified as error:
        raise NotVerified(f"Step 4 failed: {error.what}", _FIX) from error
    # (5) The key that the receipt carries is the one that is known.
    if known is None:
        raise SignerNotChecked(
            "The receipt holds under the key that it carries, and the signer was not checked.",
            "Ask the library's operator for the verifier key, and give it with --key.",
            fingerprint=signer.fingerprint,
        )
    if signer != known:
        raise NotVerified(
            f"Step 5 failed: the receipt is signed by {signer.text}, not by the key given.",
            "Check with the library's operator which key is theirs.",
        )
    return VerifiedReceipt(receipt=receipt, signer=signer)


def _check_leaf(receipt: DeletionReceipt) -> None:
    try:
        leaf = Leaf.from_bytes(receipt.leaf)
    except BadInput as error:
        raise NotVerified(f"Step 2 failed: {error.what}", _FIX) from error
    if leaf != receipt.body.leaf():
        raise NotVerified("Step 2 failed: the leaf of the log is not that of the body.", _FIX)


def _check_checkpoint(receipt: DeletionReceipt) -> tuple[VerifierKey, Checkpoint]:
    try:
        signer = VerifierKey.parse(receipt.signer)
        checkpoint = Checkpoint.verify(receipt.checkpoint, key=signer)
    except (BadInput, NotVerified) as error:
        raise NotVerified(f"Step 3 failed: {error.what}", _FIX) from error
    if checkpoint.size != receipt.tree_size:
        raise NotVerified("Step 3 failed: the checkpoint is of a tree of another size.", _FIX)
    return signer, checkpoint


def _load(data: bytes) -> dict[str, object]:
    fix = "Give a file that Likeness issued as a receipt."
    if len(data) > MAX_RECEIPT_BYTES:
        raise BadInput(f"The file is larger than {MAX_RECEIPT_BYTES} bytes, as no receipt is.", fix)
    try:
        document = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInput("The file is not a receipt: it is not JSON.", fix) from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise BadInput(f"The file is not a receipt: its schema is not {SCHEMA}.", fix)
    return document


def _from_document(document: dict[str, object]) -> DeletionReceipt:
    """Build the receipt from JSON values; a wrong type surfaces as one of several errors."""
    body = cast(dict[str, object], document["body"])
    counts = cast(dict[str, int], body["counts"])
    times = cast(dict[str, object], body.get("times", {}))
    return DeletionReceipt(
        body=ReceiptBody(
            serial=_text(body["serial"]),
            kind=cast(ReceiptKind, _text(body["kind"])),
            issued_at=parse_issued_at(_text(body["issued_at"])),
            counts=dict(counts),
            commitments=_texts(body["commitments"]),
            times={name: parse_issued_at(_text(moment)) for name, moment in times.items()},
        ),
        leaf=base64.b64decode(_text(document["leaf"]), validate=True),
        leaf_index=_whole(document["leaf_index"]),
        tree_size=_whole(document["tree_size"]),
        inclusion_proof=tuple(
            base64.b64decode(part, validate=True) for part in _texts(document["inclusion_proof"])
        ),
        checkpoint=_text(document["checkpoint"]),
        signer=_text(document["signer"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return tuple(_text(item) for item in value)


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise TypeError("not a whole number")
    return value
