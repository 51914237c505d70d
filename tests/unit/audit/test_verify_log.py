from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from likeness.audit.checkpoint import Checkpoint
from likeness.audit.leaf import Leaf
from likeness.audit.proof import tree_root, verify_inclusion
from likeness.audit.signed_note import VerifierKey
from likeness.audit.trail import AuditTrail, LogEntry
from likeness.audit.tree import CompactTree, leaf_hash
from likeness.audit.verify import RUN, VerifiedLog, verify_log
from likeness.errors import LogRolledBack, LogTampered, NotVerified, StorageError, UsageError

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "likeness/0f3a"
KEY = VerifierKey.of(ORIGIN, PRIVATE)
Log = tuple[LogEntry, ...]


def grown(leaves: Sequence[bytes]) -> list[LogEntry]:
    """Rows over any leaf bytes, signed as they should be."""
    tree, rows = CompactTree(), []
    for index, leaf in enumerate(leaves):
        tree = tree.append(leaf_hash(leaf))
        checkpoint = Checkpoint(origin=ORIGIN, size=tree.size, root=tree.root()).sign(PRIVATE)
        rows.append(
            LogEntry(leaf_index=index, leaf=leaf, leaf_hash=leaf_hash(leaf), checkpoint=checkpoint)
        )
    return rows


def renumbered(rows: Sequence[LogEntry]) -> list[LogEntry]:
    return [replace(row, leaf_index=index) for index, row in enumerate(rows)]


def with_leaf(row: LogEntry, leaf: bytes, *, hash_too: bool) -> LogEntry:
    return replace(row, leaf=leaf, leaf_hash=leaf_hash(leaf) if hash_too else row.leaf_hash)


def test_a_log_that_was_left_alone_verifies(log: Log) -> None:
    root = tree_root([row.leaf_hash for row in log])
    verified = verify_log(
        iter(log),
        key=KEY,
        head=log[-1].checkpoint,
        kept=(log[3].checkpoint,),
        witnesses=((60, root), (10, tree_root([row.leaf_hash for row in log[:10]]))),
    )
    assert verified == VerifiedLog(size=60, root=root, signatures=60, witnesses=3)


def test_an_empty_log_verifies() -> None:
    assert verify_log((), key=KEY).size == 0
    with pytest.raises(LogRolledBack):
        verify_log((), key=KEY, witnesses=((1, bytes(32)),))


@given(st.integers(0, 59), st.booleans())
def test_a_changed_leaf_is_named_also_where_its_hash_was_changed_with_it(
    index: int, hash_too: bool
) -> None:
    rows = grown([b"%d" % number for number in range(60)])
    rows[index] = with_leaf(rows[index], b"forged", hash_too=hash_too)
    assert first_bad(rows) == index


@given(st.integers(0, 58))
def test_a_removed_row_is_named(index: int) -> None:
    rows = grown([b"%d" % number for number in range(60)])
    gap = [row for row in rows if row.leaf_index != index]
    assert first_bad(gap) == index
    assert first_bad(renumbered(gap)) == index


@given(st.integers(0, 60))
def test_an_added_row_is_named(index: int) -> None:
    rows = grown([b"%d" % number for number in range(60)])
    added = with_leaf(rows[0], b"forged", hash_too=True)
    assert first_bad(renumbered([*rows[:index], added, *rows[index:]])) == index


@given(st.integers(0, 58), st.data())
def test_rows_that_changed_places_are_named_by_the_first(index: int, data: st.DataObject) -> None:
    rows = grown([b"%d" % number for number in range(60)])
    other = data.draw(st.integers(index + 1, 59))
    rows[index], rows[other] = rows[other], rows[index]
    assert first_bad(renumbered(rows)) == index
    assert first_bad(rows) == index


@given(st.integers(0, 59))
def test_a_rewritten_log_is_named_by_its_first_forged_entry(index: int) -> None:
    honest = [b"%d" % number for number in range(60)]
    forged = [*honest[:index], b"forged", *honest[index + 1 :]]
    rows = grown(honest)
    stranger = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
    tree = CompactTree()
    for place, leaf in enumerate(forged):
        tree = tree.append(leaf_hash(leaf))
        if place >= index:
            signed = Checkpoint(origin=ORIGIN, size=tree.size, root=tree.root()).sign(stranger)
            rows[place] = replace(with_leaf(rows[place], leaf, hash_too=True), checkpoint=signed)
    assert first_bad(rows) == index


def test_a_changed_checkpoint_is_named(log: Log) -> None:
    for text in ("", log[4].checkpoint, log[5].checkpoint.replace("0f3a", "0f3b")):
        rows = [*log[:5], replace(log[5], checkpoint=text), *log[6:]]
        assert first_bad(rows) == 5


@pytest.mark.parametrize("column", ["leaf", "leaf_hash", "checkpoint"])
@pytest.mark.parametrize("value", [None, 7, "text", b"bytes"])
def test_a_column_of_another_type_is_named(log: Log, column: str, value: object) -> None:
    rows = [*log[:5], replace(log[5], **{column: value}), *log[6:]]
    assert first_bad(rows) == 5


@pytest.mark.parametrize("below", [0, 12, 60])
def test_the_earlier_of_two_bad_entries_is_named_though_the_later_shows_first(below: int) -> None:
    rows = grown([b"%d" % number for number in range(60)])
    rows[20] = with_leaf(rows[20], b"forged", hash_too=True)
    rows[30] = with_leaf(rows[30], b"forged", hash_too=False)
    assert first_bad(rows, every_signature_below=below) == 20
    without = [row for row in rows if row.leaf_index != 30]
    assert first_bad(without, every_signature_below=below) == 20


def test_an_entry_within_a_run_is_named_without_checking_every_signature() -> None:
    rows = grown([b"%d" % number for number in range(3 * RUN + 7)])
    assert verify_log(rows, key=KEY, every_signature_below=10).signatures == 10 + 3
    for bad in (10, RUN + 9, RUN + 10, 2 * RUN + 500, 3 * RUN + 6):
        forged = [*rows]
        forged[bad] = with_leaf(rows[bad], b"forged", hash_too=True)
        assert first_bad(forged, every_signature_below=10) == bad


def test_a_tail_that_was_cut_off_is_named_by_the_head(log: Log) -> None:
    with pytest.raises(LogTampered) as caught:
        verify_log(log[:50], key=KEY, head=log[-1].checkpoint)
    assert caught.value.index == 50


def test_a_row_past_the_head_is_named(log: Log) -> None:
    with pytest.raises(LogTampered) as caught:
        verify_log(log, key=KEY, head=log[49].checkpoint)
    assert caught.value.index == 50


def test_a_log_that_was_rolled_back_whole_is_told_by_a_witness(log: Log) -> None:
    root = tree_root([row.leaf_hash for row in log])
    with pytest.raises(LogRolledBack, match="50 entries, and 60"):
        verify_log(log[:50], key=KEY, head=log[49].checkpoint, witnesses=((60, root),))
    with pytest.raises(LogRolledBack, match="50 entries, and 60"):
        verify_log(log[:50], key=KEY, kept=(log[-1].checkpoint,))


def test_a_fork_under_the_same_key_is_told_by_a_witness(log: Log) -> None:
    root = tree_root([row.leaf_hash for row in log])
    forked = grown([*(row.leaf for row in log[:50]), *(b"other %d" % n for n in range(30))])
    with pytest.raises(LogRolledBack, match="forked"):
        verify_log(forked, key=KEY, head=forked[-1].checkpoint, witnesses=((60, root),))
    with pytest.raises(LogRolledBack, match="forked"):
        verify_log(forked[:60], key=KEY, head=log[-1].checkpoint)


def test_a_head_that_the_key_did_not_sign_is_told(log: Log) -> None:
    with pytest.raises(NotVerified, match="head"):
        verify_log(log, key=KEY, head="nothing")
    with pytest.raises(NotVerified, match="kept elsewhere"):
        verify_log(log, key=KEY, kept=(log[3].checkpoint.replace("\n4\n", "\n5\n"),))


def test_another_key_proves_nothing(log: Log) -> None:
    other = VerifierKey.of(ORIGIN, Ed25519PrivateKey.generate())
    with pytest.raises(LogTampered) as caught:
        verify_log(log, key=other)
    assert caught.value.index == 0


def test_a_large_log_is_read_once_and_in_bounded_memory() -> None:
    count = 60 * RUN

    def rows() -> Iterator[LogEntry]:
        tree = CompactTree()
        for index in range(count):
            leaf = b"%d" % index
            tree = tree.append(leaf_hash(leaf))
            checkpoint = "between two runs" + " " * 200
            if tree.size % RUN == 0:
                checkpoint = Checkpoint(origin=ORIGIN, size=tree.size, root=tree.root()).sign(
                    PRIVATE
                )
            yield LogEntry(
                leaf_index=index, leaf=leaf, leaf_hash=leaf_hash(leaf), checkpoint=checkpoint
            )

    tracemalloc.start()
    verified = verify_log(rows(), key=KEY, every_signature_below=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (verified.size, verified.signatures) == (count, 60)
    assert peak < 5_000_000


def test_an_append_gives_rows_proofs_and_a_state_to_go_on_from(
    private_key: Ed25519PrivateKey, key: VerifierKey
) -> None:
    hour = datetime(2025, 3, 4, 5, tzinfo=UTC)
    trail, rows = AuditTrail(origin=ORIGIN), []
    for batch in range(5):
        leaves = [Leaf(kind=f"batch{batch}", hour=hour) for _ in range(batch + 1)]
        appended = trail.append(leaves, private_key=private_key)
        for entry, proof in zip(appended.entries, appended.proofs, strict=True):
            signed = Checkpoint.verify(entry.checkpoint, key=key)
            verify_inclusion(
                entry.leaf_hash,
                index=entry.leaf_index,
                size=signed.size,
                proof=proof,
                root=signed.root,
            )
        rows += appended.entries
        trail = AuditTrail.resume(
            appended.trail.to_bytes(), checkpoint=rows[-1].checkpoint, key=key
        )
        assert trail == appended.trail
    assert verify_log(rows, key=key).size == 15
    with pytest.raises(UsageError):
        trail.append([], private_key=private_key)


def test_a_log_without_entries_is_taken_up_empty(key: VerifierKey) -> None:
    trail = AuditTrail.resume(CompactTree().to_bytes(), checkpoint=None, key=key)
    assert trail == AuditTrail(origin=ORIGIN)


def test_a_log_whose_state_was_changed_is_not_appended_to(log: Log, key: VerifierKey) -> None:
    tree = CompactTree().extend(row.leaf_hash for row in log)
    state = tree.to_bytes()
    changed = state[:-1] + bytes([state[-1] ^ 1])
    earlier = CompactTree().extend(row.leaf_hash for row in log[:50]).to_bytes()
    for bad, note in (
        (changed, log[-1].checkpoint),
        (earlier, log[-1].checkpoint),
        (state, log[-2].checkpoint),
        (state, "nothing"),
        (state, None),
        (CompactTree().to_bytes(), log[0].checkpoint),
    ):
        with pytest.raises(LogTampered):
            AuditTrail.resume(bad, checkpoint=note, key=key)
    with pytest.raises(StorageError):
        AuditTrail.resume(state[:-1], checkpoint=log[-1].checkpoint, key=key)


def first_bad(rows: Sequence[LogEntry], *, every_signature_below: int = 60) -> int:
    with pytest.raises(LogTampered) as caught:
        verify_log(rows, key=KEY, every_signature_below=every_signature_below)
    return caught.value.index
