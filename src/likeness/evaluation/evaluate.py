"""An evaluation from its data set to its figures: acquire, compare, search, part into groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likeness.evaluation import calibration
from likeness.evaluation.acquire import Acquired, Engine, acquire
from likeness.evaluation.calibration import Levels, Portraits
from likeness.evaluation.comparisons import closest_of_others
from likeness.evaluation.dataset import Dataset
from likeness.evaluation.groups import Grouping, GroupRates, rates_by_group, read_groups
from likeness.evaluation.identification import (
    AtFpir,
    Searches,
    at_fpir,
    curve,
    draw_searches,
    miss_rate,
)
from likeness.evaluation.intervals import PeopleBootstrap, Rate
from likeness.evaluation.subjects import LeftOut, Subjects, subjects_of
from likeness.evaluation.verification import Verification, verify, verify_pairs
from likeness.faces.sandbox import DecodeWorkers
from likeness.records.photo import ReadLimits

GALLERY_SIZES = (10, 100, 300, 1000, 3000, 10_000)
REFERENCES = (1, 3)
RANKS = (1, 5, 10, 20)
FPIR_LEVELS = (calibration.REVIEW, calibration.STRONG)
DOUBTFUL = 20
SEED = 20260101

Listener = Callable[[str, int, int | None], None]
"""Called with a phase (``"evaluate"`` or ``"trials"``), how much of it is done, and of how much."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Identification:
    """Searches of galleries of one size.

    Attributes
    ----------
    searches : Searches
    points : tuple of AtFpir
    ranks : tuple of (rank, Rate)
        FNIR at any score.
    curve : three float arrays
        Thresholds, FPIR, FNIR.
    """

    searches: Searches
    points: tuple[AtFpir, ...]
    ranks: tuple[tuple[int, Rate], ...]
    curve: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """Thresholds measured on the data set.

    Attributes
    ----------
    levels : tuple of Levels
        Empty where there are too few photos.
    margin : float
    margin_from : str
        Where the margin comes from.
    measured_on : str
    """

    levels: tuple[Levels, ...]
    margin: float
    margin_from: str
    measured_on: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """Everything that was measured.

    Attributes
    ----------
    dataset : Dataset
    acquired : Acquired
    subjects : Subjects
    left_out : LeftOut
    not_acquired, not_enrolled : Rate
        Photos without a template (FTA), and people of whom no photo gave one (FTE).
    verification : Verification
    identification : tuple of Identification
        Empty for pairs, and where there are too few people.
    groups : tuple of (Grouping, tuple of GroupRates)
    doubtful : tuple of (item, item, score)
        The closest photos of different people: where a label may be wrong.
    operating_point : OperatingPoint
    notes : tuple of str
    """

    dataset: Dataset
    acquired: Acquired
    subjects: Subjects
    left_out: LeftOut
    not_acquired: Rate
    not_enrolled: Rate
    verification: Verification
    identification: tuple[Identification, ...]
    groups: tuple[tuple[Grouping, tuple[GroupRates, ...]], ...]
    doubtful: tuple[tuple[str, str, float], ...]
    operating_point: OperatingPoint
    notes: tuple[str, ...]


def evaluate(
    dataset: Dataset,
    engine: Engine,
    *,
    decoders: DecodeWorkers,
    limits: ReadLimits,
    groups: Path | None = None,
    margin: float | None = None,
    seed: int = SEED,
    progress: Listener = lambda _phase, _done, _total: None,
) -> Evaluation:
    """Evaluate a model pack on labelled photos.

    Templates are held in memory while this runs and written nowhere.

    Parameters
    ----------
    dataset : Dataset
    engine : FaceEngine
        Of the pack.
    decoders : DecodeWorkers
    limits : ReadLimits
    groups : Path, optional
        A table of photos and what groups they are in.
    margin : float, optional
        The pack's own; chosen by the data where absent.
    seed : int
        The same figures come of the same photos and seed.
    progress : callable

    Raises
    ------
    BadInput
        The table of groups cannot be used.
    """
    # (1) The table of groups first: what is wrong with it is said before the work.
    items = [photo.item for photo in dataset.photos]
    groupings, notes = read_groups(groups, items, dataset.folder) if groups else ([], [])
    # (2) Photos to templates; what fails is kept.
    acquired = acquire(
        dataset,
        engine,
        decoders=decoders,
        limits=limits,
        progress=lambda done, total: progress("evaluate", done, total),
    )
    # (3) Trials, each step drawing people from the same seed.
    random = np.random.default_rng(seed)
    return _tried(dataset, acquired, groupings, notes, margin, random, progress)


def _tried(
    dataset: Dataset,
    acquired: Acquired,
    groupings: Sequence[Grouping],
    notes: Sequence[str],
    margin: float | None,
    random: np.random.Generator,
    progress: Listener,
) -> Evaluation:
    subjects, left_out, rows = subjects_of(dataset, acquired)
    bootstrap = PeopleBootstrap(subjects.count, random)
    parted: tuple[tuple[Grouping, tuple[GroupRates, ...]], ...] = ()
    searched: tuple[Identification, ...] = ()
    if dataset.pairs:
        verification = verify_pairs(dataset, subjects, rows, bootstrap)
        if groupings:
            notes = [*notes, "Groups are measured on photos and people, not on given pairs."]
    else:
        verification = verify(subjects, bootstrap, random)
        searched = _identification(subjects, bootstrap, random, progress)
        ordered = (Grouping(column=g.column, labels=g.labels[rows]) for g in groupings)
        threshold = verification.group_threshold
        parted = tuple(
            (one, tuple(rates_by_group(subjects, one, threshold, random))) for one in ordered
        )
    failed, photos = _counts(subjects)
    seen = np.bincount(subjects.people[subjects.found], minlength=subjects.count)
    return Evaluation(
        dataset=dataset,
        acquired=acquired,
        subjects=subjects,
        left_out=left_out,
        not_acquired=bootstrap.rate(failed, photos),
        not_enrolled=bootstrap.rate((seen == 0).astype(float), np.ones(subjects.count)),
        verification=verification,
        identification=searched,
        groups=parted,
        doubtful=() if dataset.pairs else tuple(closest_of_others(subjects, DOUBTFUL)),
        operating_point=_operating_point(dataset, subjects, margin, random),
        notes=(*dataset.notes, *notes),
    )


def _counts(subjects: Subjects) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    count = subjects.count
    failed = np.bincount(subjects.people[~subjects.found], minlength=count)
    return failed.astype(float), np.bincount(subjects.people, minlength=count).astype(float)


def _identification(
    subjects: Subjects, bootstrap: PeopleBootstrap, random: np.random.Generator, progress: Listener
) -> tuple[Identification, ...]:
    photos = np.bincount(subjects.people, minlength=subjects.count)
    wanted = [
        (size, references)
        for references in REFERENCES
        for size in GALLERY_SIZES
        if size <= calibration.LARGEST_SHARE * int((photos >= references).sum())
        and size <= calibration.LARGEST_SHARE * subjects.count
    ]
    made = []
    for done, (size, references) in enumerate(wanted):
        progress("trials", done, len(wanted))
        searches = draw_searches(
            subjects,
            gallery_size=size,
            references=references,
            repetitions=repetitions_of(size),
            random=random,
        )
        ranks = [rank for rank in RANKS if rank <= size]
        made.append(
            Identification(
                searches=searches,
                points=tuple(at_fpir(searches, bootstrap, FPIR_LEVELS)),
                ranks=tuple(
                    (rank, miss_rate(searches, bootstrap, threshold=-1.0, rank=rank))
                    for rank in ranks
                ),
                curve=curve(searches),
            )
        )
    return tuple(made)


def repetitions_of(size: int) -> int:
    """How many galleries of a size are drawn: fewer of large ones, which hold more people each."""
    return 200 if size <= 300 else 60 if size <= 1000 else 20


def _operating_point(
    dataset: Dataset, subjects: Subjects, margin: float | None, random: np.random.Generator
) -> OperatingPoint:
    portraits = calibration.portraits_of(subjects)
    portraits = calibration.fitting(portraits, random)
    none = OperatingPoint(levels=(), margin=0.0, margin_from="", measured_on="")
    if dataset.pairs or len(portraits.people) < calibration.FEWEST_FOR_REVIEW:
        return none
    why = "the model pack's own"
    if margin is None:
        margin, why = _margin(portraits, random)
    levels = calibration.measure_levels(portraits, random, margin=margin)
    if not levels:
        return none
    people = len(np.unique(portraits.people))
    photos = np.bincount(np.unique(portraits.people, return_inverse=True)[1])
    full = int((photos >= calibration.REFERENCES).sum())
    references = (
        f"of up to {calibration.REFERENCES} references a person ({full:,} people have as many)"
        if full
        else "of one reference a person, since nobody has three photos"
    )
    words = (
        f"{dataset.name}: {len(portraits.people):,} faces of {people:,} people, "
        f"{calibration.DRAWS} random galleries {references}"
    )
    return OperatingPoint(levels=tuple(levels), margin=margin, margin_from=why, measured_on=words)


def _margin(portraits: Portraits, random: np.random.Generator) -> tuple[float, str]:
    levels = calibration.measure_levels(portraits, random, margin=0.0, draws=50)
    strong = [level for level in levels if level.strong is not None]
    if not strong:
        return 0.0, "too few photos to choose one"
    size = min(calibration.FULL, strong[-1].gallery_size)
    at = next(level for level in strong if level.gallery_size >= size)
    leads, scores = calibration.mated_leads(portraits, size, random)
    if not len(leads):
        return 0.0, "nobody has four photos to choose one by"
    margin = calibration.choose_margin(leads, scores, at.strong or 0.0)
    return margin, "the largest that costs at most one in a hundred of the right links"
