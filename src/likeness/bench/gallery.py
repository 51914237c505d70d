"""How long a search in a large gallery takes, beside FAISS's own flat index in the same run."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likeness.bench.spread import Floats, Spread, measured, stated
from likeness.bench.timing import this_machine, times_as_fast
from likeness.errors import UsageError
from likeness.faces.runtime import usable_cores
from likeness.gallery.faiss import FaissGallery
from likeness.gallery.plain import PlainIndex
from likeness.records.reference import Reference

SIZES = (10_000, 100_000, 1_000_000)
TOGETHER = 64
THRESHOLD = 0.96
NEAR = 0.02
"""Half of the pairs that must be found score at most this much above the threshold."""

_ADDED_AT_ONCE = 10_000
_SEARCHED_AT_ONCE = 256
_CHANGES = 20
_ALL_CHECKED = 256


@dataclass(frozen=True, kw_only=True)
class Found:
    """Pairs above the threshold that were looked for, and what was missed.

    Attributes
    ----------
    pairs : int
        Probes searched with, each above the threshold to one reference by construction.
    near : int
        Those within 0.02 of it.
    real : int
        Those that are real pairs of one person's photos.
    missed : int
    others_missed : int
        References that FAISS's flat index found and the gallery did not, over some of the probes.
    """

    pairs: int
    near: int
    real: int
    missed: int
    others_missed: int


@dataclass(frozen=True, kw_only=True)
class SizeReport:
    """A gallery of one size.

    Attributes
    ----------
    add_seconds : float
        To fill it, 10,000 at a time.
    bytes_each : float or None
        Growth of the process by filling it, a reference, ids and codes included; None where the
        system does not tell.
    one_ms, together_ms : float
        Median milliseconds a template, searched alone and 64 at a time.
    peer_one_ms, peer_together_ms : float
        The same of FAISS's ``IndexFlatIP``.
    one_ratio, together_ratio : float
        How many times as fast as that.
    add_one_ms, remove_one_ms : float
        To add one reference, and to remove and overwrite one. The first search with a set of people
        after either looks their rows up again, which these figures leave out.
    """

    references: int
    add_seconds: float
    bytes_each: float | None
    one_ms: float
    peer_one_ms: float
    one_ratio: float
    together_ms: float
    peer_together_ms: float
    together_ratio: float
    add_one_ms: float
    remove_one_ms: float
    found: Found


@dataclass(frozen=True, kw_only=True)
class GalleryReport:
    """What was measured, and where."""

    machine: str
    cores: int
    threshold: float
    spread: str
    mean_cosine: float
    sizes: tuple[SizeReport, ...]

    def as_json(self) -> dict[str, Any]:
        """The report as ``likeness.bench.gallery/1``."""
        return {"schema": "likeness.bench.gallery/1", **asdict(self)}


def run(
    sizes: Sequence[int] = SIZES,
    *,
    like: Path | None = None,
    pairs: int = 10_000,
    repeats: int = 30,
    threshold: float = THRESHOLD,
    progress: Callable[[str], None] = lambda words: None,
) -> GalleryReport:
    """Measure galleries of some sizes, one after another.

    Parameters
    ----------
    sizes : sequence of int
        References; a million need about 1.2 GB, FAISS's index beside included.
    like : Path, optional
        A folder of photos a person, to measure how templates are spread; else it is taken from
        figures.
    pairs : int
        Probes above the threshold to one reference that must all be found, at each size.
    repeats : int
        Searches that are timed.
    threshold : float
        Above 0.9 and below 0.98.
    progress : callable
        Told what is being done.

    Raises
    ------
    UsageError
        A size, ``pairs`` or ``repeats`` is below 1, or the threshold is out of range.
    SourceUnreadable, BadInput
        See `likeness.bench.spread.measured`.
    """
    if min(*sizes, pairs, repeats) < 1 or not 0.9 < threshold < 0.98:
        raise UsageError(
            "Sizes, pairs and repeats are whole numbers from 1, the threshold 0.9 to 0.98.",
            "Give for example --references 100000 --pairs 10000 --threshold 0.96.",
        )
    progress("measuring how templates are spread" if like else "drawing templates")
    spread = stated() if like is None else measured(like)
    random = np.random.default_rng(20_260)
    some = spread.draw(2000, random)
    machine = this_machine()
    return GalleryReport(
        machine=machine.name,
        cores=machine.usable,
        threshold=threshold,
        spread=spread.source,
        mean_cosine=round(float(np.mean(some[:1000] @ some[1000:].T)), 3),
        sizes=tuple(
            _measure(size, spread, random, pairs, repeats, threshold, progress) for size in sizes
        ),
    )


def _measure(
    size: int,
    spread: Spread,
    random: np.random.Generator,
    pairs: int,
    repeats: int,
    threshold: float,
    progress: Callable[[str], None],
) -> SizeReport:
    progress(f"filling a gallery with {size:,} references")
    vectors = spread.draw(size, random)
    real = spread.mated[:size]
    vectors[: len(real)] = real[:, 0]
    gallery = FaissGallery(fingerprint="bench", template_length=vectors.shape[1])
    gc.collect()
    before = _resident()
    seconds = _fill(gallery, vectors)
    gc.collect()
    after = _resident()
    # The caller's own set of everybody is not the gallery's memory.
    everybody = gallery.person_ids()
    peer = PlainIndex(template_length=vectors.shape[1], threads=usable_cores())
    peer.add(vectors)
    progress(f"searching among {size:,}")
    probes = spread.draw(max(repeats, TOGETHER), random)
    mated = probes[::2]
    mated[:] = spread.again(vectors[random.integers(0, size, len(mated))], random)

    def ours(templates: Floats) -> object:
        return gallery.search(templates, eligible=everybody, threshold=threshold)

    def theirs(templates: Floats) -> object:
        return peer.search(templates, threshold)

    alone = [probes[n : n + 1] for n in range(repeats)]
    together = [probes[:TOGETHER]] * max(3, repeats // 5)
    one, many = _median(ours, alone), _median(ours, together)
    peer_one, peer_many = _median(theirs, alone), _median(theirs, together)
    progress(f"looking for {pairs:,} pairs among {size:,}")
    found = _look_for(gallery, peer, vectors, spread, random, pairs, threshold)
    add_one, remove_one = _changes(gallery, spread.draw(_CHANGES, random))
    return SizeReport(
        references=size,
        add_seconds=round(seconds, 2),
        bytes_each=None if before is None or after is None else round((after - before) / size, 1),
        one_ms=round(one, 3),
        peer_one_ms=round(peer_one, 3),
        one_ratio=times_as_fast(one, peer_one),
        together_ms=round(many / TOGETHER, 3),
        peer_together_ms=round(peer_many / TOGETHER, 3),
        together_ratio=times_as_fast(many, peer_many),
        add_one_ms=round(add_one, 3),
        remove_one_ms=round(remove_one, 3),
        found=found,
    )


def _fill(gallery: FaissGallery, vectors: Floats) -> float:
    seconds = 0.0
    for start in range(0, len(vectors), _ADDED_AT_ONCE):
        references = [
            Reference(reference_id=_name(number), person_id=_name(number), template=vectors[number])
            for number in range(start, min(start + _ADDED_AT_ONCE, len(vectors)))
        ]
        begin = time.perf_counter()
        gallery.add(references)
        seconds += time.perf_counter() - begin
    return seconds


def _name(number: int) -> str:
    return f"p_{number:016x}"


def _look_for(
    gallery: FaissGallery,
    peer: PlainIndex,
    vectors: Floats,
    spread: Spread,
    random: np.random.Generator,
    pairs: int,
    threshold: float,
) -> Found:
    everybody = gallery.person_ids()
    looked = near = real = missed = others = 0
    for wanted, probes, kind in _pairs(vectors, spread, random, pairs, threshold):
        answers = gallery.search(probes, eligible=everybody, threshold=threshold)
        looked += len(probes)
        near += len(probes) if kind == "near" else 0
        real += len(probes) if kind == "real" else 0
        names = [{match.person_id for match in matches} for matches in answers]
        missed += sum(
            _name(number) not in mine for number, mine in zip(wanted.tolist(), names, strict=True)
        )
        if looked <= _ALL_CHECKED:
            # The last bits of FAISS's own sums are its own.
            flat = peer.search(probes, threshold + 1e-6)
            others += sum(
                len({_name(number) for number in all_of.tolist()} - mine)
                for all_of, mine in zip(flat, names, strict=True)
            )
    return Found(pairs=looked, near=near, real=real, missed=missed, others_missed=others)


def _pairs(
    vectors: Floats, spread: Spread, random: np.random.Generator, pairs: int, threshold: float
) -> Iterator[tuple[NDArray[np.int64], Floats, str]]:
    """Numbers of references, probes that reach the threshold with them, and of which kind."""
    left = pairs
    probes = spread.mated[: min(len(vectors), pairs // 2), 1]
    above = np.flatnonzero(_exact(spread.mated[: len(probes), 0], probes) >= threshold)
    if len(above):
        left -= len(above)
        yield above, np.ascontiguousarray(probes[above]), "real"
    turns = 0
    while left > 0:
        numbers = random.integers(0, len(vectors), min(_SEARCHED_AT_ONCE, left))
        base = vectors[numbers]
        kind = "near" if turns % 2 == 0 else "far"
        low, high = (threshold, threshold + NEAR) if kind == "near" else (threshold + NEAR, 0.999)
        made = spread.at(base, random.uniform(low, high, len(numbers)), random)
        reached = _exact(base, made) >= threshold
        numbers, made = numbers[reached], np.ascontiguousarray(made[reached])
        if len(numbers):
            left -= len(numbers)
            turns += 1
            yield numbers, made, kind


def _exact(left: Floats, right: Floats) -> Floats:
    scores: Floats = (left.astype(np.float64) * right).sum(axis=1).astype(np.float32)
    return scores


def _changes(gallery: FaissGallery, templates: Floats) -> tuple[float, float]:
    adding, removing = [], []
    for number, template in enumerate(templates):
        name = f"new_{number}"
        begin = time.perf_counter()
        gallery.add([Reference(reference_id=name, person_id=name, template=template)])
        adding.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        gallery.remove([name])
        removing.append(time.perf_counter() - begin)
    return statistics.median(adding) * 1000, statistics.median(removing) * 1000


def _median(work: Callable[[Floats], object], inputs: Sequence[Floats]) -> float:
    """Median milliseconds over the inputs, after two that are not counted.

    One work after another rather than in turn: the peer's threads go on spinning for a while after
    a search, and whoever comes next would wait for them.
    """
    for given in inputs[:2]:
        work(given)
    times = []
    for given in inputs:
        begin = time.perf_counter()
        work(given)
        times.append((time.perf_counter() - begin) * 1000)
    return statistics.median(times)


def _resident() -> int | None:
    """Bytes of this process in memory, where the system tells."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    for line in status.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return None
