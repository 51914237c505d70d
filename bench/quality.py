"""Shows what leaving out the worst photos makes of the misses, and fits what is worst.

    python bench/quality.py ../shared/eval/people.csv [--fit]
        [--groups ../shared/eval/demographics.csv]

Two photos of one person are a mated comparison; its quality is the lower of the two. The threshold
is where 0.1% or 1% of comparisons of different people pass. An error-versus-discard curve says
which share misses when the worst comparisons are left out (ISO/IEC 29794-1); leaving out at random
changes nothing, on average. Intervals are 95%, by bootstrap over people. Photos of the press hardly
differ in size, sharpness, light and framing, so each photo of a person with several also comes as
one altered copy: reduced, blurred, darkened, burnt or cut, by an amount that its name decides.

Constants are fitted on one third of the people, by the hash of their name; everything else is
measured on the others. With ``--groups``, photos of one face each are measured by group.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from quality_photos import ALTERATIONS, Looked, Shot, altered, in_less_light, look, originals

from likeness.faces.engine import FaceEngine
from likeness.faces.quality import problem
from likeness.faces.unified_quality import (
    HALFWAY,
    STEEPNESS,
    Components,
    shortfalls,
    unified,
)
from likeness.records.face import Quality

DISCARDED = (0.0, 0.05, 0.1, 0.2, 0.3)
RATES = (0.001, 0.01)
OTHERS = 5
BOOTSTRAPS = 1000
COMPARED_EACH = 8
LIGHTS = (1.0, 0.25, 0.06, 0.02)
MEASURES = tuple(f.name for f in fields(Components))
MEASURED = tuple(f.name for f in fields(Quality) if f.name != "unified")
START = Quality(
    inter_eye=10.0,
    sharpness=3.0,
    yaw=1.0,
    roll=45.0,
    inside=0.8,
    under_exposure=1.0,
    over_exposure=0.5,
    dynamic_range=3.6,
    unified=0,
)
"""Where the fit begins."""

SET = ("under_exposure_prevention", "dynamic_range")
"""What stays as it is there. Of the misses in the dark either explains what the other does; the fit
would take the first, by which dark skin loses more than light skin when the light falls."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Comparisons:
    """Mated comparisons.

    Attributes
    ----------
    first, second : int array of shape (n,)
        Places in the list of faces.
    people : int array of shape (n,)
        A number for each person, from 0.
    scores : float64 array of shape (n,)
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    people: NDArray[np.int64]
    scores: Floats


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path, help="CSV with photo and person; photos beside it")
    parser.add_argument("--groups", type=Path, help="CSV with photo, group and sex")
    parser.add_argument("--pack", default="dlib")
    parser.add_argument("--fit", action="store_true", help="fit the constants anew and print them")
    parser.add_argument("--against", help="a pack whose measures of the same faces are compared")
    parser.add_argument("--seed", type=int, default=20250101)
    options = parser.parse_args(arguments)
    engine = FaceEngine.load(options.pack)
    faces = look(originals(options.labels), engine, named="originals")
    copies = look(altered(faces), engine, named="altered")
    thresholds = _thresholds(faces, np.random.default_rng(options.seed))
    if options.fit:
        fit(
            [f for f in faces if _for_fitting(f)],
            [c for c in copies if _for_fitting(c)],
            thresholds,
        )
    kept = [f for f in faces if not _for_fitting(f)]
    kept_copies = [c for c in copies if not _for_fitting(c)]
    report_curves(kept, kept_copies, thresholds, np.random.default_rng(options.seed))
    report_everybody(faces, thresholds, np.random.default_rng(options.seed))
    report_enrolment(kept, kept_copies, thresholds)
    if options.groups:
        report_groups(options.groups, engine)
    if options.against:
        report_against(faces, FaceEngine.load(options.against))
    return 0


def _for_fitting(looked: Looked) -> bool:
    digest = hashlib.sha256(looked.shot.person.encode()).digest()
    return int.from_bytes(digest[:4], "big") % 3 == 0


def _thresholds(faces: Sequence[Looked], random: np.random.Generator) -> dict[float, float]:
    """The scores that pairs of different people reach at each rate, over two million pairs."""
    seen = [face for face in faces if face.face is not None]
    templates = np.stack([face.template for face in seen])
    people = np.unique([face.shot.person for face in seen], return_inverse=True)[1]
    one, other = random.integers(0, len(seen), (2, 2_000_000))
    apart = people[one] != people[other]
    scores = np.einsum("nd,nd->n", templates[one[apart]], templates[other[apart]])
    return {rate: float(np.quantile(scores, 1 - rate)) for rate in RATES}


def comparisons(faces: Sequence[Looked], copies: Sequence[Looked]) -> Comparisons:
    """Originals with originals of the same person where there are no copies, else with copies.

    Places of copies count on after those of the faces.
    """
    by_person: dict[str, list[int]] = {}
    for place, face in enumerate(faces):
        if face.face is not None:
            by_person.setdefault(face.shot.person, []).append(place)
    pairs = []
    if copies:
        for place, copy in enumerate(copies, len(faces)):
            mine = by_person.get(copy.shot.person, []) if copy.face is not None else []
            others = [other for other in mine if faces[other].shot.path != copy.shot.path]
            pairs += [(place, other) for other in others[:OTHERS]]
    else:
        pairs = [(b, a) for own in by_person.values() for b in own for a in own if a < b]
    everything = [*faces, *copies]
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    templates = np.stack([face.template for face in everything])
    names = [everything[place].shot.person for place in first]
    return Comparisons(
        first=first,
        second=second,
        people=np.unique(names, return_inverse=True)[1],
        scores=np.einsum("nd,nd->n", templates[first], templates[second]).astype(np.float64),
    )


def both(one: Comparisons, other: Comparisons, names: Sequence[str]) -> Comparisons:
    """Two sets of comparisons of the same list of faces, whose people are ``names``."""
    first = np.concatenate([one.first, other.first])
    return Comparisons(
        first=first,
        second=np.concatenate([one.second, other.second]),
        people=np.unique([names[place] for place in first], return_inverse=True)[1],
        scores=np.concatenate([one.scores, other.scores]),
    )


def curve(quality: Floats, missed: Floats, weights: Floats, at: Floats) -> Floats:
    """FNMR with the worst shares ``at`` left out.

    Parameters
    ----------
    quality, missed : float64 arrays of shape (n,)
    weights : float64 array of shape (draws, n)
        How often each comparison counts.
    at : float64 array of shape (k,)

    Returns
    -------
    float64 array of shape (draws, k)
    """
    order = np.argsort(quality, kind="stable")
    ordered = weights[:, order]
    before = np.concatenate([np.zeros((len(ordered), 1)), np.cumsum(ordered, axis=1)], axis=1)
    lost = np.concatenate(
        [np.zeros((len(ordered), 1)), np.cumsum(ordered * missed[order], axis=1)], axis=1
    )
    rates = np.empty((len(ordered), len(at)))
    for row, (counted, misses) in enumerate(zip(before, lost, strict=True)):
        left_out = np.searchsorted(counted, at * counted[-1])
        rates[row] = (misses[-1] - misses[left_out]) / (counted[-1] - counted[left_out])
    return rates


def report_curves(
    faces: Sequence[Looked],
    copies: Sequence[Looked],
    thresholds: dict[float, float],
    random: np.random.Generator,
) -> None:
    """Print the curves of the photos as they are, of the altered copies, and of both."""
    everything = [*faces, *copies]
    names = [each.shot.person for each in everything]
    values = np.array([each.quality.unified if each.quality else 0 for each in everything])
    parts = 1 / (1 + _ratios(everything) ** STEEPNESS)
    plain, changed = comparisons(faces, []), comparisons(faces, copies)
    for title, pairs in (
        ("photos as they are", plain),
        ("altered copies with photos as they are", changed),
        ("both together", both(plain, changed, names)),
    ):
        for rate in RATES:
            print(
                f"\n# {title}: {len(pairs.scores)} comparisons of {pairs.people.max() + 1} people, "
                f"threshold {thresholds[rate]:.4f} (FMR {rate:.1%})"
            )
            missed = (pairs.scores < thresholds[rate]).astype(np.float64)
            _print_curve(_lower(values, pairs, random), missed, pairs.people, random)
            if rate == RATES[0]:
                gains = {
                    name: _area(_lower(parts[:, column], pairs, random), missed)
                    for column, name in enumerate(MEASURES)
                }
                print(
                    "area by one component alone, as a share of that at random: "
                    + ", ".join(f"{name} {gain:.2f}" for name, gain in gains.items())
                )


def report_everybody(
    faces: Sequence[Looked], thresholds: dict[float, float], random: np.random.Generator
) -> None:
    """Print the curves of the photos as they are of all people, those for fitting among them."""
    values = np.array([each.quality.unified if each.quality else 0 for each in faces])
    pairs = comparisons(faces, [])
    for rate, threshold in thresholds.items():
        print(f"\n# photos as they are, all {pairs.people.max() + 1} people, FMR {rate:.1%}")
        missed = (pairs.scores < threshold).astype(np.float64)
        _print_curve(_lower(values, pairs, random), missed, pairs.people, random)


def _lower(quality: Floats, pairs: Comparisons, random: np.random.Generator) -> Floats:
    """The lower quality of each pair, equal ones in random order."""
    lower = np.minimum(quality[pairs.first], quality[pairs.second]).astype(np.float64)
    shuffled = random.permutation(len(lower))
    ranks = np.empty(len(lower))
    ranks[shuffled[np.argsort(lower[shuffled], kind="stable")]] = np.arange(len(lower))
    return ranks


def _area(quality: Floats, missed: Floats) -> float:
    at = np.linspace(0, DISCARDED[-1], 31)
    rates = curve(quality, missed, np.ones((1, len(missed))), at)[0]
    return float(rates.mean() / rates[0])


def _print_curve(
    quality: Floats, missed: Floats, people: NDArray[np.int64], random: np.random.Generator
) -> None:
    draws = np.array(
        [
            np.bincount(
                random.integers(0, people.max() + 1, people.max() + 1), minlength=people.max() + 1
            )
            for _ in range(BOOTSTRAPS)
        ]
    )
    weights = np.concatenate([np.ones((1, len(people))), draws[:, people]]).astype(np.float64)
    for share, rates in zip(
        DISCARDED, curve(quality, missed, weights, np.array(DISCARDED)).T, strict=True
    ):
        low, high = np.quantile(rates[1:], [0.025, 0.975])
        print(f"left out {share:4.0%}: FNMR {rates[0]:6.2%} [{low:6.2%}, {high:6.2%}]")
    areas = curve(quality, missed, weights, np.linspace(0, DISCARDED[-1], 31))
    less = areas[:, 0] - areas.mean(axis=1)
    low, high = np.quantile(less[1:], [0.025, 0.975])
    print(
        f"mean FNMR from 0 to {DISCARDED[-1]:.0%} left out: {areas[0].mean():.2%}; at random "
        f"{areas[0, 0]:.2%}; lower by {less[0]:.2%} [{low:.2%}, {high:.2%}]"
    )


def report_enrolment(
    faces: Sequence[Looked], copies: Sequence[Looked], thresholds: dict[float, float]
) -> None:
    """Print who may enrol, and what those would have missed who may not."""
    print(f"\n# Enrolment (FNMR at FMR {RATES[0]:.1%}, with photos as they are)")
    print("| photos | found | accepted | refused because | FNMR accepted | refused |")
    print("|---|---|---|---|---|---|")
    everything = [*faces, *copies]
    wrong = [problem(each.quality) if each.quality else "none" for each in everything]
    refused = np.array([word is not None for word in wrong])
    for kind in ("", *ALTERATIONS):
        mine = [place for place, each in enumerate(everything) if each.shot.alteration == kind]
        found = [place for place in mine if everything[place].face is not None]
        pairs = comparisons(faces, copies if kind else [])
        chosen = np.isin(pairs.first, mine) & ~refused[pairs.second]
        missed = (pairs.scores < thresholds[RATES[0]])[chosen]
        bad = refused[pairs.first[chosen]]
        reasons = Counter(wrong[place] for place in found if refused[place])
        print(
            f"| {kind or 'as they are'} | {len(found)} of {len(mine)} "
            f"| {_share(~refused[found])} "
            f"| {', '.join(f'{word} {count}' for word, count in reasons.most_common()) or '-'} "
            f"| {_share(missed[~bad])} | {_share(missed[bad])} |"
        )


def _share(missed: NDArray[np.bool_]) -> str:
    return f"{missed.mean():.1%} of {len(missed)}" if len(missed) else "-"


def report_groups(labels: Path, engine: FaceEngine) -> None:
    """Print who is accepted, and what is measured, by group and sex, also in less light."""
    rows = list(csv.DictReader(labels.open(encoding="utf-8")))
    shots = [Shot(path=labels.with_suffix("") / row["photo"], person="") for row in rows]
    looked = look(shots, engine, named="groups")
    groups = np.array([f"{row['group']} {row['sex']}" for row in rows])
    for light in LIGHTS:
        measured = list(in_less_light(looked, engine, light))
        print(f"\n# {labels.stem}, " + (f"{light:g} times the light" if light < 1 else "as it is"))
        print(
            "| group | found | accepted | unified | were all of the face in the photo "
            "| under-exposed | burnt | bits | sharpness |"
        )
        print("|---|---|---|---|---|---|---|---|---|")
        accepted, means = [], []
        for group in np.unique(groups):
            mine = [q for q, own in zip(measured, groups, strict=True) if own == group]
            seen = [q for q in mine if q is not None]
            passed = np.array([problem(q) is None for q in seen])
            whole = np.array([unified(replace(q, inside=1.0)) for q in seen])
            accepted.append(passed.mean())
            means.append(whole.mean())
            other = [
                np.mean([getattr(q, name) for q in seen])
                for name in ("under_exposure", "over_exposure", "dynamic_range", "sharpness")
            ]
            print(
                f"| {group} | {len(seen)} of {len(mine)} | {passed.mean():.0%} "
                f"| {np.mean([q.unified for q in seen]):.1f} "
                f"| {whole.mean():.1f} ± {1.96 * whole.std() / len(whole) ** 0.5:.1f} "
                f"| {other[0]:.1%} | {other[1]:.1%} | {other[2]:.2f} | {other[3]:.0f} |"
            )
        print(
            f"accepted: lowest {min(accepted):.0%}, highest {max(accepted):.0%}; "
            f"unified, were all of it in the photo: lowest {min(means):.1f}, "
            f"highest {max(means):.1f}"
        )


def report_against(faces: Sequence[Looked], other: FaceEngine) -> None:
    """Print how the measures of another pack's landmarks go with those of this one's."""
    faces = faces[::COMPARED_EACH]
    again = look([face.shot for face in faces], other, named="against")
    both_found = [
        (face.quality, more.quality)
        for face, more in zip(faces, again, strict=True)
        if face.quality and more.quality
    ]
    print(f"\n# {other.pack.name}: {len(both_found)} faces of {len(faces)} that both packs found")
    for name in (*MEASURED, "unified"):
        one, two = np.array([[getattr(q, name) for q in pair] for pair in both_found]).T
        slope = float(one @ two / (one @ one)) if one.any() else float("nan")
        print(
            f"{name}: mean {one.mean():.4g} and {two.mean():.4g}, slope through 0 {slope:.3f}, "
            f"spread {two.std() / max(one.std(), 1e-9):.3f} times"
        )


def _shortfalls(faces: Sequence[Looked]) -> Floats:
    """How far each measure falls short, (n, 8); without limit where no face was found."""
    rows = [shortfalls(f.quality) if f.quality else (np.inf,) * len(MEASURES) for f in faces]
    return np.array(rows, dtype=np.float64)


def _ratios(faces: Sequence[Looked]) -> Floats:
    return _shortfalls(faces) / np.array(shortfalls(HALFWAY))


def fit(faces: Sequence[Looked], copies: Sequence[Looked], thresholds: dict[float, float]) -> None:
    """Print the constants under which the unified value explains the misses best.

    Each comparison misses with a probability that is a logistic function of the logarithm of its
    unified value; the likelihood, at both thresholds, is raised by one constant after the other.
    """
    measured = np.minimum(_shortfalls([*faces, *copies]), 1e6)
    pairs = both(
        comparisons(faces, []),
        comparisons(faces, copies),
        [each.shot.person for each in [*faces, *copies]],
    )
    missed = [pairs.scores < threshold for threshold in thresholds.values()]
    middles = np.array(shortfalls(START))
    least, step = _surprise(middles, measured, pairs, missed), 1.4
    while step > 1.02:
        better = False
        for column in (place for place, name in enumerate(MEASURES) if name not in SET):
            for factor in (step, 1 / step):
                tried = middles.copy()
                tried[column] *= factor
                surprise = _surprise(tried, measured, pairs, missed)
                if surprise < least - 1e-7:
                    least, middles, better = surprise, tried, True
        step = step if better else step**0.5
    inverse = {"inter_eye_distance", "sharpness", "dynamic_range"}
    for name, middle in zip(MEASURES, middles, strict=True):
        value = 1 / middle if name in inverse else 1 - middle if name == "inside" else middle
        print(f"halfway: {name} = {value:.3g}")
    print(f"mean surprise {least:.5f} on {len(pairs.scores)} comparisons of the people for fitting")
    logs = -np.log1p((measured / middles) ** STEEPNESS).sum(axis=1)
    for title, own in (
        ("photos as they are", comparisons(faces, [])),
        ("altered copies", comparisons(faces, copies)),
    ):
        lower = np.minimum(logs[own.first], logs[own.second])
        for rate, threshold in thresholds.items():
            gain = _area(lower, (own.scores < threshold).astype(np.float64))
            print(f"{title}, FMR {rate:.1%}: {gain:.2f} of the area at random, same people")


def _surprise(
    middles: Floats,
    measured: Floats,
    pairs: Comparisons,
    missed: Sequence[NDArray[np.bool_]],
) -> float:
    logs = -np.log1p((measured / middles) ** STEEPNESS).sum(axis=1)
    lower = np.minimum(logs[pairs.first], logs[pairs.second])
    # Without a pull towards where they are, constants that nothing depends on would wander.
    pull = 0.0005 * float((np.log(middles / np.array(shortfalls(START))) ** 2).sum())
    return float(np.mean([_logistic_loss(lower, each) for each in missed])) + pull


def _logistic_loss(values: Floats, missed: NDArray[np.bool_]) -> float:
    """Mean loss of the best logistic function of one variable, by Newton's method."""
    terms = np.stack([np.ones_like(values), -values], axis=1)
    weights = np.array([-3.0, 1.0])
    for _ in range(12):
        expected = 1 / (1 + np.exp(-np.clip(terms @ weights, -30, 30)))
        slope = terms.T @ (missed - expected)
        bend = (terms * (expected * (1 - expected))[:, None]).T @ terms + 1e-6 * np.eye(2)
        weights = weights + np.clip(np.linalg.solve(bend, slope), -2, 2)
    outcome = terms @ weights
    return float(np.mean(np.logaddexp(0, outcome) - missed * outcome))


if __name__ == "__main__":
    sys.exit(main())
