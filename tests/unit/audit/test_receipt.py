from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from likeness.audit.checkpoint import Checkpoint
from likeness.audit.leaf import MAX_COMMITMENTS, Leaf
from likeness.audit.proof import inclusion_proof, tree_root
from likeness.audit.proven import MAX_RECEIPT_BYTES
from likeness.audit.receipt import DeletionReceipt, ReceiptBody, build_receipt
from likeness.audit.receipt_file import read_receipt, verify_receipt, write_receipt
from likeness.audit.signed_note import VerifierKey
from likeness.audit.trail import AuditTrail
from likeness.errors import BadInput, NotVerified, SignerNotChecked, UsageError

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "likeness/0f3a"
KEY = VerifierKey.of(ORIGIN, PRIVATE)
AT = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)
BODY = ReceiptBody(
    serial="R-2025-0001",
    kind="withdrawal",
    issued_at=AT,
    counts={"references": 3, "links": 12},
    commitments=("ab" * 32, "cd" * 32),
)
OTHERS = [Leaf(kind="search", hour=AT.replace(minute=0, second=0)) for _ in range(11)]


def made(body: ReceiptBody = BODY) -> DeletionReceipt:
    trail = AuditTrail(origin=ORIGIN).append(OTHERS, private_key=PRIVATE).trail
    appended = trail.append([body.leaf()], private_key=PRIVATE)
    return build_receipt(
        body,
        leaf_index=appended.entries[0].leaf_index,
        tree_size=appended.trail.tree.size,
        inclusion_proof=appended.proofs[0],
        checkpoint=appended.entries[0].checkpoint,
        signer=KEY,
    )


@cache
def issued() -> bytes:
    return write_receipt(made())


def altered(**changes: object) -> bytes:
    """The receipt with fields of the document or of the body replaced, laid out as it should be."""
    document = json.loads(issued())
    for name, value in changes.items():
        if name in document:
            document[name] = value
        else:
            document["body"][name] = value
    return (json.dumps(document, indent=2) + "\n").encode()


def test_a_receipt_verifies_under_its_librarys_key() -> None:
    verified = verify_receipt(issued(), key=KEY.text)
    assert verified.receipt == made()
    assert verified.signer == KEY
    assert verify_receipt(issued(), key=f" {KEY.text}\n").receipt.body == BODY


def test_a_receipt_without_a_key_says_whose_key_was_not_checked() -> None:
    with pytest.raises(SignerNotChecked) as caught:
        verify_receipt(issued(), key=None)
    assert caught.value.fingerprint == hashlib.sha256(KEY.public).hexdigest()


def test_a_receipt_issued_again_is_the_same_to_the_byte() -> None:
    assert write_receipt(made()) == issued()
    assert write_receipt(read_receipt(issued())) == issued()


def test_the_document_has_the_fields_that_outside_programs_read() -> None:
    document = json.loads(issued())
    assert list(document) == [
        "schema",
        "body",
        "leaf",
        "leaf_index",
        "tree_size",
        "inclusion_proof",
        "checkpoint",
        "signer",
    ]
    assert document["schema"] == "likeness.receipt/1"
    assert document["body"] == {
        "serial": "R-2025-0001",
        "kind": "withdrawal",
        "issued_at": "2025-03-04T05:06:07Z",
        "counts": {"links": 12, "references": 3},
        "commitments": ["ab" * 32, "cd" * 32],
    }
    assert (document["leaf_index"], document["tree_size"]) == (11, 12)
    canonical = json.dumps(document["body"], sort_keys=True, separators=(",", ":")).encode()
    assert BODY.leaf().digest == hashlib.sha256(canonical).hexdigest()


def test_a_receipt_for_a_leaf_deep_in_a_longer_log_verifies() -> None:
    leaves = [*OTHERS[:5], BODY.leaf(), *OTHERS]
    entries = AuditTrail(origin=ORIGIN).append(leaves, private_key=PRIVATE).entries
    receipt = build_receipt(
        BODY,
        leaf_index=5,
        tree_size=len(entries),
        inclusion_proof=inclusion_proof([entry.leaf_hash for entry in entries], 5),
        checkpoint=entries[-1].checkpoint,
        signer=KEY,
    )
    assert verify_receipt(write_receipt(receipt), key=KEY.text).receipt == receipt


@given(st.integers(0, len(issued()) - 1), st.integers(1, 255))
def test_a_receipt_with_any_byte_changed_does_not_verify(place: int, change: int) -> None:
    data = bytearray(issued())
    data[place] ^= change
    for key in (KEY.text, None):
        with pytest.raises((NotVerified, BadInput)) as caught:
            verify_receipt(bytes(data), key=key)
        assert not isinstance(caught.value, SignerNotChecked)


def test_a_receipt_with_a_bit_changed_at_any_place_does_not_verify() -> None:
    for place in range(len(issued())):
        data = bytearray(issued())
        data[place] ^= 1
        with pytest.raises((NotVerified, BadInput)):
            verify_receipt(bytes(data), key=KEY.text)


@given(st.integers(0, len(issued()) - 1), st.integers(0, len(issued())))
def test_a_receipt_with_a_piece_missing_or_doubled_does_not_verify(start: int, stop: int) -> None:
    first, last = sorted((start, stop))
    for data in (
        issued()[:first] + issued()[last:],
        issued()[:last] + issued()[first:],
    ):
        if data == issued():
            continue
        with pytest.raises((NotVerified, BadInput)):
            verify_receipt(data, key=KEY.text)


@pytest.mark.parametrize(
    ("step", "changes"),
    [
        (1, {"leaf_index": -1}),
        (1, {"leaf_index": True}),
        (1, {"leaf_index": 11.0}),
        (1, {"tree_size": 2**63}),
        (1, {"leaf": "not base64"}),
        (1, {"inclusion_proof": "AAAA"}),
        (1, {"inclusion_proof": [7]}),
        (1, {"checkpoint": None}),
        (1, {"body": []}),
        (1, {"body": {}}),
        (1, {"extra": 1}),
        (1, {"serial": "no spaces"}),
        (1, {"kind": "other"}),
        (1, {"issued_at": "2025-03-04T05:06:07+00:00"}),
        (1, {"issued_at": "2025-3-4T5:6:7Z"}),
        (1, {"counts": {"links": True}}),
        (1, {"counts": {"links": -1}}),
        (1, {"counts": {"Links": 1}}),
        (1, {"counts": {"links": 1e3}}),
        (1, {"counts": {"references": 3, "links": 12}}),
        (1, {"counts": [["links", 12]]}),
        (1, {"times": []}),
        (1, {"commitments": ["AB" * 32]}),
        (2, {"leaf": "AAAA"}),
        (2, {"counts": {"links": 13, "references": 3}}),
        (2, {"kind": "notice"}),
        (2, {"issued_at": "2025-03-04T05:06:08Z"}),
        (2, {"commitments": ["ab" * 32]}),
        (3, {"signer": ""}),
        (3, {"checkpoint": "\ud800"}),
        (3, {"checkpoint": ""}),
        (3, {"tree_size": 13}),
        (4, {"leaf_index": 10}),
        (4, {"leaf_index": 12}),
        (4, {"inclusion_proof": []}),
        (4, {"inclusion_proof": ["AAAA"]}),
    ],
)
def test_each_lie_is_named_by_the_step_that_finds_it(step: int, changes: dict[str, object]) -> None:
    with pytest.raises(NotVerified, match=rf"^Step {step} failed"):
        verify_receipt(altered(**changes), key=KEY.text)


def test_a_receipt_signed_by_somebody_else_fails_the_last_step() -> None:
    stranger = VerifierKey.of(ORIGIN, Ed25519PrivateKey.generate())
    with pytest.raises(NotVerified, match=r"^Step 5 failed"):
        verify_receipt(issued(), key=stranger.text)


def test_a_receipt_forged_under_another_key_fails_even_where_it_is_consistent() -> None:
    private = Ed25519PrivateKey.generate()
    forger = VerifierKey.of(ORIGIN, private)
    appended = AuditTrail(origin=ORIGIN).append([BODY.leaf()], private_key=private)
    forged = build_receipt(
        BODY,
        leaf_index=0,
        tree_size=1,
        inclusion_proof=(),
        checkpoint=appended.entries[0].checkpoint,
        signer=forger,
    )
    with pytest.raises(SignerNotChecked):
        verify_receipt(write_receipt(forged), key=None)
    with pytest.raises(NotVerified, match=r"^Step 5 failed"):
        verify_receipt(write_receipt(forged), key=KEY.text)
    relabelled = write_receipt(forged).replace(forger.text.encode(), KEY.text.encode())
    with pytest.raises(NotVerified, match=r"^Step 3 failed"):
        verify_receipt(relabelled, key=KEY.text)


def test_a_leaf_that_is_not_in_the_log_fails_the_fourth_step() -> None:
    root = tree_root([bytes(32)])
    outside = build_receipt(
        BODY,
        leaf_index=0,
        tree_size=1,
        inclusion_proof=(),
        checkpoint=Checkpoint(origin=ORIGIN, size=1, root=root).sign(PRIVATE),
        signer=KEY,
    )
    with pytest.raises(NotVerified, match=r"^Step 4 failed"):
        verify_receipt(write_receipt(outside), key=KEY.text)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b"[" * 200_000,
        b'{"schema": "likeness.receipt/2"}',
        b'{"schema": ' + b"9" * 5000 + b"}",
        b" " * (MAX_RECEIPT_BYTES + 1),
    ],
)
def test_a_file_that_is_not_a_receipt_is_called_that(data: bytes) -> None:
    with pytest.raises(BadInput):
        verify_receipt(data, key=None)


def test_a_key_that_is_not_one_is_called_that() -> None:
    with pytest.raises(BadInput, match="verifier key"):
        verify_receipt(issued(), key="likeness")


@given(st.binary(max_size=300))
@example(b'{"schema": "likeness.receipt/1"}')
def test_any_bytes_at_all_are_refused_in_words(data: bytes) -> None:
    with pytest.raises((BadInput, NotVerified)):
        verify_receipt(data, key=None)


def test_a_body_without_canonical_form_cannot_be_made() -> None:
    good = {
        "serial": "R1",
        "kind": "expiry",
        "issued_at": AT,
        "counts": {},
        "commitments": (),
    }
    ReceiptBody(**good)
    for changed in (
        {"serial": ""},
        {"serial": "a" * 65},
        {"serial": "-a"},
        {"kind": "deletion"},
        {"issued_at": AT.replace(microsecond=1)},
        {"issued_at": AT.replace(tzinfo=None)},
        {"issued_at": AT.astimezone(timezone(timedelta(hours=1)))},
        {"issued_at": AT.replace(year=12)},
        {"counts": {"a": 2**53}},
        {"counts": {f"a{number}": 1 for number in range(33)}},
        {"commitments": ("ab",)},
        {"commitments": ("ab" * 32,) * (MAX_COMMITMENTS + 1)},
    ):
        with pytest.raises(UsageError):
            ReceiptBody(**{**good, **changed})


def test_the_largest_receipt_can_be_read() -> None:
    body = ReceiptBody(
        serial="R1",
        kind="removal",
        issued_at=AT,
        counts={f"thing_{number}": 2**53 - 1 for number in range(32)},
        commitments=("ab" * 32,) * MAX_COMMITMENTS,
    )
    assert verify_receipt(write_receipt(made(body)), key=KEY.text).receipt.body == body


def test_counts_of_a_body_do_not_change_with_what_they_were_made_from() -> None:
    counts = {"links": 1}
    body = ReceiptBody(serial="R1", kind="expiry", issued_at=AT, counts=counts, commitments=())
    counts["links"] = 2
    assert dict(body.counts) == {"links": 1}
