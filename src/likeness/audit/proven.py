"""What every receipt carries beside what it states: that a leaf of the log commits to it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from likeness.audit.checkpoint import Checkpoint
from likeness.audit.proof import verify_inclusion
from likeness.audit.signed_note import VerifierKey
from likeness.audit.tree import leaf_hash
from likeness.errors import BadInput, LikenessError, NotVerified, SignerNotChecked, UsageError

MAX_RECEIPT_BYTES = 1_000_000
"""The largest file that is read as a receipt, in bytes."""

FIX = "Use the file as it was issued, or have the receipt issued again."
_NO_RECEIPT = "Give a file that Likeness issued as a receipt."

Receipt = TypeVar("Receipt")


@dataclass(frozen=True, kw_only=True)
class LogProof:
    """That a leaf is in a log; not checked by being made.

    Attributes
    ----------
    leaf : bytes
        Canonical bytes of the leaf.
    leaf_index : int
        Its place in the log, from 0.
    tree_size : int
        Number of leaves of the tree that the proof is about.
    inclusion_proof : tuple of bytes
        Hashes of 32 bytes, nearest to the leaf first.
    checkpoint : str
        Signed note over that tree.
    signer : str
        Verifier key of the log that the receipt claims to come from.
    """

    leaf: bytes
    leaf_index: int
    tree_size: int
    inclusion_proof: tuple[bytes, ...]
    checkpoint: str
    signer: str


def proof_as_object(proof: LogProof) -> dict[str, object]:
    """The proof as JSON values, in the order of the file."""
    return {
        "leaf": base64.b64encode(proof.leaf).decode("ascii"),
        "leaf_index": proof.leaf_index,
        "tree_size": proof.tree_size,
        "inclusion_proof": [base64.b64encode(part).decode() for part in proof.inclusion_proof],
        "checkpoint": proof.checkpoint,
        "signer": proof.signer,
    }


def proof_fields(document: Mapping[str, object]) -> dict[str, Any]:
    """The fields of a :class:`LogProof` out of JSON values.

    Raises
    ------
    KeyError, TypeError, ValueError
        Where a field is missing or of another form.
    """
    return {
        "leaf": base64.b64decode(as_text(document["leaf"]), validate=True),
        "leaf_index": as_whole(document["leaf_index"]),
        "tree_size": as_whole(document["tree_size"]),
        "inclusion_proof": tuple(
            base64.b64decode(part, validate=True) for part in as_texts(document["inclusion_proof"])
        ),
        "checkpoint": as_text(document["checkpoint"]),
        "signer": as_text(document["signer"]),
    }


def require_signed(proof: LogProof) -> tuple[VerifierKey, Checkpoint]:
    """Step 3: the checkpoint is signed by the key carried, and signs the proof's tree.

    Raises
    ------
    NotVerified
    """
    try:
        signer = VerifierKey.parse(proof.signer)
        checkpoint = Checkpoint.verify(proof.checkpoint, key=signer)
    except (BadInput, NotVerified) as error:
        raise NotVerified(f"Step 3 failed: {error.what}", FIX) from error
    if checkpoint.size != proof.tree_size:
        raise NotVerified("Step 3 failed: the checkpoint is of a tree of another size.", FIX)
    return signer, checkpoint


def require_logged(proof: LogProof, *, known: VerifierKey | None) -> VerifierKey:
    """Steps 3 to 5: signed, in the tree, and by the key that is known.

    Raises
    ------
    NotVerified
        A step fails; the message says which.
    SignerNotChecked
        Everything holds under the key that the receipt itself carries, and no key is known.
    """
    # (3) The checkpoint is signed by the key that the receipt carries, and signs the proof's tree.
    signer, checkpoint = require_signed(proof)
    # (4) The leaf is in that tree.
    try:
        verify_inclusion(
            leaf_hash(proof.leaf),
            index=proof.leaf_index,
            size=proof.tree_size,
            proof=proof.inclusion_proof,
            root=checkpoint.root,
        )
    except NotVerified as error:
        raise NotVerified(f"Step 4 failed: {error.what}", FIX) from error
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
    return signer


def as_file(document: Mapping[str, object]) -> bytes:
    """A receipt's JSON values as its file: ASCII, two spaces of indent, fields as they come.

    Raises
    ------
    UsageError
        The file would be larger than anybody would read.
    """
    data = (json.dumps(document, indent=2) + "\n").encode("ascii")
    if len(data) > MAX_RECEIPT_BYTES:
        raise UsageError(f"A receipt would be larger than {MAX_RECEIPT_BYTES} bytes.")
    return data


def read_as_issued(
    data: bytes,
    *,
    schema: str,
    build: Callable[[dict[str, object]], Receipt],
    write: Callable[[Receipt], bytes],
) -> Receipt:
    """Step 1: a receipt's file, byte for byte what its content would be written as.

    Parameters
    ----------
    data : bytes
    schema : str
    build : callable
        Makes the receipt of JSON values; a wrong type in them surfaces as one of several errors.
    write : callable
        Makes the file of the receipt.

    Raises
    ------
    BadInput
        The file is not a receipt of this schema.
    NotVerified
        It is one that is malformed, or laid out otherwise than it was issued.
    """
    document = _json_object(data)
    if document.get("schema") != schema:
        raise BadInput(f"The file is not a receipt: its schema is not {schema}.", _NO_RECEIPT)
    try:
        receipt = build(document)
        unchanged = write(receipt) == data
    except (
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        RecursionError,
        LikenessError,
    ) as error:
        raise NotVerified("Step 1 failed: the receipt is malformed.", FIX) from error
    if not unchanged:
        raise NotVerified("Step 1 failed: the receipt is not laid out as it was issued.", FIX)
    return receipt


def schema_of(data: bytes) -> str:
    """The schema that a receipt's file names; empty where it names none.

    Raises
    ------
    BadInput
        It is not JSON, or larger than any receipt.
    """
    schema = _json_object(data).get("schema")
    return schema if isinstance(schema, str) else ""


def as_text(value: object) -> str:
    """The value, where it is text."""
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def as_texts(value: object) -> tuple[str, ...]:
    """The values, where they are a list of text."""
    if not isinstance(value, list):
        raise TypeError("not a list")
    return tuple(as_text(item) for item in value)


def as_whole(value: object) -> int:
    """The value, where it is a whole number from 0."""
    if type(value) is not int or not 0 <= value < 2**63:
        raise TypeError("not a whole number")
    return value


def _json_object(data: bytes) -> dict[str, object]:
    if len(data) > MAX_RECEIPT_BYTES:
        raise BadInput(
            f"The file is larger than {MAX_RECEIPT_BYTES} bytes, as no receipt is.", _NO_RECEIPT
        )
    try:
        document = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInput("The file is not a receipt: it is not JSON.", _NO_RECEIPT) from error
    return document if isinstance(document, dict) else {}
