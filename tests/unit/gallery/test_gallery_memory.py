"""What is left in a whole process after references are removed: read from outside, byte by byte."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

LENGTH = 128
REFERENCES = 3000
REMOVED = (0, 1, 1500, 2998, 2999)
KEPT = (7, 2000)
BY_CHANCE = 12
"""Numbers of 128 that other data may happen to hold: a hundred million words make three or so."""

SCANNED_FROM = {"flat": 10_000, "by codes": 1000}

# The templates come to life in memory that the child overwrites itself, so that what is found later
# is the gallery's.
CHILD = f"""
import mmap, sys
import numpy as np
from likeness.gallery.faiss import FaissGallery
from likeness.records.reference import Reference

count, length = {REFERENCES}, {LENGTH}
room = np.frombuffer(mmap.mmap(-1, count * length * 4), dtype=np.float32).reshape(count, length)
np.random.default_rng(11).standard_normal(out=room, dtype=np.float32)
for row in room:
    row /= np.sqrt(row.dot(row))
gallery = FaissGallery(
    fingerprint="pack", template_length=length, rows_per_block=1024, scanned_from=int(sys.argv[1])
)
gallery.add(
    [Reference(reference_id=f"r{{i}}", person_id=f"p{{i}}", template=room[i]) for i in range(count)]
)
probes = -room[:40]
some = frozenset(f"p{{i}}" for i in range(0, count, 2)) | {{"p1", "p2999"}}
for eligible in (gallery.person_ids(), some):
    for rows in (1, 40):
        for threshold in (-1.01, 0.9, 0.9):
            found = gallery.search(probes[:rows], eligible=eligible, threshold=threshold)
            assert any(found) == (threshold < 0)
room.fill(0)
probes.fill(0)
print("holding", flush=True)
sys.stdin.readline()
gone = gallery.remove([f"p{{i}}" for i in {REMOVED!r}])
print(f"removed {{gone}}", flush=True)
sys.stdin.readline()
gallery.clear()
print("cleared", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("way", SCANNED_FROM)
def test_removed_templates_are_nowhere_in_the_memory_of_the_process(way: str) -> None:
    templates = _same_templates()
    with _child(SCANNED_FROM[way]) as child:
        assert _said(child) == "holding"
        # What codes are made from: less their mean, as the mean is known to both.
        apart = templates - templates.mean(axis=0, dtype=np.float64).astype(np.float32)
        assert max(_pieces_found(child.pid, apart, REMOVED + KEPT).values()) <= BY_CHANCE
        held = _pieces_found(child.pid, templates, REMOVED + KEPT)
        assert set(held.values()) == {LENGTH}, "the scan must see what is there"

        assert _said(child, after="go on") == "removed 5"
        held = _pieces_found(child.pid, templates, REMOVED + KEPT)
        assert all(held[number] == LENGTH for number in KEPT)
        assert all(held[number] <= BY_CHANCE for number in REMOVED)

        assert _said(child, after="go on") == "cleared"
        held = _pieces_found(child.pid, templates, REMOVED + KEPT)
        assert max(held.values()) <= BY_CHANCE


def _same_templates() -> NDArray[np.float32]:
    room = np.empty((REFERENCES, LENGTH), dtype=np.float32)
    np.random.default_rng(11).standard_normal(out=room, dtype=np.float32)
    for row in room:
        row /= np.sqrt(row.dot(row))
    return room


@contextmanager
def _child(scanned_from: int) -> Iterator[subprocess.Popen[str]]:
    if not Path("/proc/self/mem").exists():
        pytest.skip("this system has no /proc/<pid>/mem to read another process by")
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(scanned_from)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def _said(child: subprocess.Popen[str], *, after: str = "") -> str:
    assert child.stdin is not None and child.stdout is not None
    if after:
        child.stdin.write(after + "\n")
        child.stdin.flush()
    return child.stdout.readline().strip()


def _pieces_found(
    pid: int, templates: NDArray[np.float32], wanted: tuple[int, ...]
) -> dict[int, int]:
    """How many of a template's numbers the process holds, as float32 or float64, in any order."""
    single = {number: templates[number].view(np.uint32) for number in wanted}
    double = {number: templates[number].astype(np.float64).view(np.uint64) for number in wanted}
    found: dict[int, set[int]] = {number: set() for number in wanted}
    for memory in _memory(pid):
        for pieces, shift in ((single, 0), (double, 32)):
            words = np.frombuffer(memory, dtype=pieces[wanted[0]].dtype)
            # A table of 16 bits of each word leaves a few to look at closely.
            likely = np.zeros(1 << 16, dtype=np.bool_)
            for own in pieces.values():
                likely[(own >> shift) & 0xFFFF] = True
            words = words[likely[(words >> shift) & 0xFFFF]]
            for number, own in pieces.items():
                found[number].update(np.flatnonzero(np.isin(own, words)).tolist())
    return {number: len(places) for number, places in found.items()}


def _memory(pid: int) -> Iterator[bytes]:
    """What the process may write to and has, in pieces of at most 4 MiB."""
    regions = []
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, rights, *rest = line.split()
        if rights.startswith("rw") and not rest[-1].startswith("[v"):
            start, end = (int(edge, 16) for edge in span.split("-"))
            regions.append((start, end))
    try:
        descriptor = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    except PermissionError:
        pytest.skip("this system does not let a process read the memory of its child")
    step = 1 << 22
    try:
        for start, end in regions:
            for offset in range(start, end, step):
                memory = os.pread(descriptor, min(step, end - offset), offset)
                if memory.count(0) < len(memory):
                    yield memory
    finally:
        os.close(descriptor)
