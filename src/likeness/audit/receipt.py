"""Deletion receipts: a document that proves, to anybody and offline, that a deletion was logged.

A receipt holds no name, path or face. It carries its leaf of the audit log, the proof that the leaf
is in the log, and the log's signed checkpoint. The leaf holds the SHA-256 of the receipt's body.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Literal, get_args

from likeness.audit.commitment import is_hex_digest
from likeness.audit.leaf import MAX_COMMITMENTS, Leaf, whole_hour
from likeness.audit.proven import LogProof
from likeness.audit.signed_note import VerifierKey
from likeness.errors import UsageError

SCHEMA = "likeness.receipt/1"
"""Name and version of the document."""

ReceiptKind = Literal["withdrawal", "removal", "notice", "expiry", "declined"]
"""Why something was deleted: a person withdrew, an operator removed a source, somebody gave a stop
notice, a consent expired, or an operator declined an enrolment."""

_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}", re.ASCII)
_COUNTED = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_MAX_COUNTS = 32
_MAX_COUNT = 2**53 - 1


@dataclass(frozen=True, kw_only=True)
class ReceiptBody:
    """What a receipt states.

    Attributes
    ----------
    serial : str
        Up to 64 letters, digits and hyphens, one of a kind in its library.
    kind : ReceiptKind
    issued_at : datetime
        Aware, in UTC, to the second.
    counts : mapping of str to int
        How many of each thing are gone, such as ``{"links": 12, "references": 3}``.
    commitments : tuple of str
        Those of the leaf, in its order; 64 hex digits each.
    times : mapping of str to datetime
        When what happened before, such as ``{"stopped_at": ...}``; in UTC, to the second.
    """

    serial: str
    kind: ReceiptKind
    issued_at: datetime
    counts: Mapping[str, int]
    commitments: tuple[str, ...]
    times: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Refuse what has no canonical form, and take a copy of the counts.

        Raises
        ------
        UsageError
            A part is not of the form described above.
        """
        if not _SERIAL.fullmatch(self.serial):
            raise UsageError("The serial of a receipt is not letters, digits and hyphens.")
        if self.kind not in get_args(ReceiptKind):
            raise UsageError("The kind of a receipt is not one that there is.")
        _require_time(self.issued_at)
        if len(self.times) > _MAX_COUNTS:
            raise UsageError(f"A receipt has more than {_MAX_COUNTS} times.")
        for name, moment in self.times.items():
            if not _COUNTED.fullmatch(name):
                raise UsageError("The name of a receipt's time is not a short word.")
            _require_time(moment)
        if len(self.counts) > _MAX_COUNTS:
            raise UsageError(f"A receipt counts more than {_MAX_COUNTS} things.")
        for name, count in self.counts.items():
            if not _COUNTED.fullmatch(name) or type(count) is not int:
                raise UsageError("A count of a receipt is not a short word and a whole number.")
            if not 0 <= count <= _MAX_COUNT:
                raise UsageError("A count of a receipt is negative or too large.")
        if len(self.commitments) > MAX_COMMITMENTS:
            raise UsageError(f"A receipt has more than {MAX_COMMITMENTS} commitments.")
        if not all(is_hex_digest(commitment) for commitment in self.commitments):
            raise UsageError("A commitment in a receipt is not 64 lower-case hex digits.")
        object.__setattr__(self, "counts", MappingProxyType(dict(sorted(self.counts.items()))))
        object.__setattr__(self, "times", MappingProxyType(dict(sorted(self.times.items()))))

    def as_object(self) -> dict[str, object]:
        """Return the body as JSON values; a receipt without further times has no word of them."""
        body: dict[str, object] = {
            "serial": self.serial,
            "kind": self.kind,
            "issued_at": self.issued_at.strftime(_TIME_FORMAT),
            "counts": dict(self.counts),
            "commitments": list(self.commitments),
        }
        if self.times:
            body["times"] = {n: moment.strftime(_TIME_FORMAT) for n, moment in self.times.items()}
        return body

    def canonical(self) -> bytes:
        """Return the body's canonical bytes: JSON in ASCII, keys sorted, no space."""
        text = json.dumps(self.as_object(), sort_keys=True, separators=(",", ":"))
        return text.encode("ascii")

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes, in hex."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def leaf(self) -> Leaf:
        """Return the leaf to append for this receipt."""
        return Leaf(
            kind=self.kind,
            hour=whole_hour(self.issued_at),
            commitments=self.commitments,
            digest=self.digest,
        )


def _require_time(moment: datetime) -> None:
    if moment.utcoffset() != timedelta(0) or moment.microsecond:
        raise UsageError("The time of a receipt is not in UTC and whole seconds.")
    if moment.year < 1000:
        raise UsageError("The time of a receipt lies before the year 1000.")


@dataclass(frozen=True, kw_only=True)
class DeletionReceipt(LogProof):
    """A whole receipt; not checked by being made.

    Attributes
    ----------
    body : ReceiptBody
        What it states; the rest is the proof that a leaf of the log is about it.
    """

    body: ReceiptBody


def build_receipt(
    body: ReceiptBody,
    *,
    leaf_index: int,
    tree_size: int,
    inclusion_proof: Sequence[bytes],
    checkpoint: str,
    signer: VerifierKey,
) -> DeletionReceipt:
    """Put a receipt together from what is stored; the same inputs always give the same bytes.

    Parameters
    ----------
    body : ReceiptBody
        As stored when its leaf (``body.leaf()``) was appended.
    leaf_index, tree_size : int
        Place of the leaf, and size of the tree that ``checkpoint`` signs.
    inclusion_proof : sequence of bytes
        From the append itself (``Appended.proofs``), or from ``proof.inclusion_proof``.
    checkpoint : str
        Signed checkpoint of ``tree_size`` leaves, such as the one stored with the leaf's entry.
    signer : VerifierKey
        The log's key.
    """
    return DeletionReceipt(
        body=body,
        leaf=body.leaf().to_bytes(),
        leaf_index=leaf_index,
        tree_size=tree_size,
        inclusion_proof=tuple(inclusion_proof),
        checkpoint=checkpoint,
        signer=signer.text,
    )


def parse_issued_at(text: str) -> datetime:
    """Read the time of a receipt.

    Raises
    ------
    ValueError
        The text is not such a time.
    """
    return datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=UTC)
