from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.audit.commitment import commit, open_commitment
from likeness.audit.leaf import MAX_COMMITMENTS, Leaf, whole_hour
from likeness.errors import BadInput, NotVerified, UsageError

HOUR = datetime(2025, 1, 31, 7, tzinfo=UTC)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
leaves = st.builds(
    Leaf,
    kind=st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True),
    hour=st.datetimes(datetime(1000, 1, 2), datetime(9999, 1, 1)).map(
        lambda moment: whole_hour(moment.replace(tzinfo=UTC))
    ),
    commitments=st.lists(digests, max_size=4).map(tuple),
    digest=st.just("") | digests,
)


def test_a_leaf_has_the_documented_bytes() -> None:
    leaf = Leaf(kind="withdrawal", hour=HOUR, commitments=("ab" * 32,), digest="cd" * 32)
    lines = ["likeness.leaf/1", "withdrawal", "2025-01-31T07Z", "cd" * 32, "ab" * 32, ""]
    assert leaf.to_bytes() == "\n".join(lines).encode()
    assert Leaf(kind="init", hour=HOUR).to_bytes().endswith(b"\n2025-01-31T07Z\n-\n")


@given(leaves)
def test_a_leaf_comes_back_from_its_bytes(leaf: Leaf) -> None:
    assert Leaf.from_bytes(leaf.to_bytes()) == leaf


@given(leaves, st.data())
def test_bytes_that_are_read_are_the_only_bytes_of_their_leaf(
    leaf: Leaf, data: st.DataObject
) -> None:
    encoded = bytearray(leaf.to_bytes())
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] = data.draw(st.integers(0, 255))
    try:
        read = Leaf.from_bytes(bytes(encoded))
    except BadInput:
        return
    assert read.to_bytes() == bytes(encoded)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n\n\n\n",
        b"likeness.leaf/2\nsearch\n2025-01-31T07Z\n-\n",
        b"likeness.leaf/1\nsearch\n2025-01-31T07Z\n-",
        b"likeness.leaf/1\nsearch\n2025-01-31T07Z\n-\n\n",
        b"likeness.leaf/1\nsearch\n2025-01-31T07Z\n\n",
        b"likeness.leaf/1\nsearch\n2025-1-31T7Z\n-\n",
        b"likeness.leaf/1\r\nsearch\r\n2025-01-31T07Z\r\n-\r\n",
        b"likeness.leaf/1\nSearch\n2025-01-31T07Z\n-\n",
        b"likeness.leaf/1\nsearch\n2025-01-31T07Z\n" + b"A" * 64 + b"\n",
        "likeness.leaf/1\nsearch\n2025-01-31T0\uff17Z\n-\n".encode(),
    ],
)
def test_what_only_resembles_a_leaf_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        Leaf.from_bytes(data)


def test_a_leaf_without_canonical_bytes_cannot_be_made() -> None:
    cases = (
        {"kind": "Search"},
        {"kind": "search\n"},
        {"kind": "a" * 33},
        {"hour": HOUR.replace(tzinfo=None)},
        {"hour": HOUR + timedelta(minutes=1)},
        {"hour": HOUR.astimezone(timezone(timedelta(hours=2)))},
        {"hour": HOUR.replace(year=999)},
        {"digest": "cd" * 31},
        {"commitments": ("AB" * 32,)},
        {"commitments": ("ab" * 32,) * (MAX_COMMITMENTS + 1)},
    )
    for changed in cases:
        with pytest.raises(UsageError):
            Leaf(**{"kind": "search", "hour": HOUR, **changed})


def test_a_moment_is_cut_down_to_its_hour_in_utc() -> None:
    moment = datetime(2025, 1, 1, 0, 59, 59, 5, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert whole_hour(moment) == datetime(2024, 12, 31, 19, tzinfo=UTC)


def test_a_commitment_is_the_hmac_of_the_standard() -> None:
    # RFC 4231, test case 2, with its short key padded to 32 bytes, which HMAC does by itself.
    nonce = b"Jefe".ljust(32, b"\x00")
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert commit(nonce, b"what do ya want for nothing?") == expected


@given(st.binary(min_size=32, max_size=32), st.binary(), st.binary(min_size=32, max_size=32))
def test_a_commitment_opens_with_its_own_nonce_and_details_only(
    nonce: bytes, details: bytes, other: bytes
) -> None:
    commitment = commit(nonce, details)
    open_commitment(commitment, nonce=nonce, details=details)
    with pytest.raises(NotVerified):
        open_commitment(commitment, nonce=nonce, details=details + b"\x00")
    if other != nonce:
        with pytest.raises(NotVerified):
            open_commitment(commitment, nonce=other, details=details)


@pytest.mark.parametrize("commitment", ["", "\ud800", "0" * 64, "\u00e9" * 64])
def test_a_commitment_of_any_other_form_does_not_open(commitment: str) -> None:
    with pytest.raises(NotVerified):
        open_commitment(commitment, nonce=bytes(32), details=b"details")


def test_a_nonce_of_another_length_is_refused() -> None:
    with pytest.raises(UsageError):
        commit(bytes(31), b"details")
    with pytest.raises(NotVerified):
        open_commitment("0" * 64, nonce=b"", details=b"details")
