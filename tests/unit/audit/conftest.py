"""A log to verify: real keys, real signatures, rows as a store would hold them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from likeness.audit.leaf import Leaf
from likeness.audit.signed_note import VerifierKey
from likeness.audit.trail import AuditTrail, LogEntry

ORIGIN = "likeness/0f3a"
HOUR = datetime(2025, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def private_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(scope="session")
def key(private_key: Ed25519PrivateKey) -> VerifierKey:
    return VerifierKey.of(ORIGIN, private_key)


def leaves(count: int) -> list[Leaf]:
    return [
        Leaf(kind="search", hour=HOUR, commitments=(f"{number:064x}",)) for number in range(count)
    ]


@pytest.fixture(scope="session")
def log(private_key: Ed25519PrivateKey) -> tuple[LogEntry, ...]:
    """A log of 60 entries."""
    trail = AuditTrail(origin=ORIGIN)
    return trail.append(leaves(60), private_key=private_key).entries
