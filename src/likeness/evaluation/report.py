"""An evaluation as plain values, ``likeness.evaluate/1``: everything but templates."""

from __future__ import annotations

import math
import os
import platform
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likeness import __version__
from likeness.evaluation.evaluate import FPIR_LEVELS, Evaluation, Identification
from likeness.evaluation.groups import GroupRates, Ratio, ratio_of
from likeness.evaluation.identification import AtFpir
from likeness.evaluation.intervals import CONFIDENCE, RULE_OF_30, Rate
from likeness.faces.packs import Pack

SCHEMA = "likeness.evaluate/1"
CURVE_POINTS = 80
LEAST_SHOWN = 1e-7


def report_of(evaluation: Evaluation, pack: Pack, *, made_at: datetime) -> dict[str, Any]:
    """The report of an evaluation.

    Parameters
    ----------
    evaluation : Evaluation
    pack : Pack
        With which it was made.
    made_at : datetime
        Aware.
    """
    return {
        "schema": SCHEMA,
        "made_at": made_at.isoformat(timespec="seconds"),
        "version": __version__,
        "confidence": CONFIDENCE,
        "pack": {
            "name": pack.name,
            "version": pack.version,
            "fingerprint": pack.fingerprint,
            "licence": pack.licence,
            "commercial_use": pack.commercial_use,
            "template_length": pack.template_length,
        },
        "dataset": _dataset(evaluation),
        "acquisition": _acquisition(evaluation),
        "identification": [_identification(one) for one in evaluation.identification],
        "verification": _verification(evaluation),
        "groups": _groups(evaluation),
        "operating_point": _operating_point(evaluation),
        "speed": {
            "detect_ms": round(evaluation.acquired.speed.detect_ms, 1),
            "template_ms": round(evaluation.acquired.speed.template_ms, 1),
            "photos": evaluation.acquired.speed.photos,
            "machine": machine(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        },
        "notes": list(evaluation.notes),
    }


def rate_as_json(rate: Rate) -> dict[str, Any]:
    """A rate as plain values; ``says`` is what to show a reader."""
    return {
        "errors": round(rate.errors, 3),
        "trials": round(rate.trials, 3),
        "people": rate.people,
        "rate": rate.rate,
        "low": rate.low,
        "high": rate.high,
        "method": rate.method,
        "says": says(rate),
    }


def says(rate: Rate) -> str:
    """A rate in words: a figure only where it rests on at least 30 errors."""
    if rate.method == "none" or rate.low is None or rate.high is None:
        return "not measurable"
    if rate.method == "rule of 3":
        return f"no error in {_count(rate.trials)}: below {percent(rate.high)}"
    if rate.rate is None:
        return (
            f"too few errors to say: {_count(rate.errors)} in {_count(rate.trials)}, "
            f"{percent(rate.low)} to {percent(rate.high)}"
        )
    return f"{percent(rate.rate)} ({percent(rate.low)} to {percent(rate.high)})"


def percent(share: float) -> str:
    """A share in percent with two digits that tell something.

    >>> percent(0.1234), percent(0.00123), percent(0.0), percent(1.0), percent(0.0000123)
    ('12.3%', '0.12%', '0%', '100%', '0.0012%')
    >>> percent(1e-12)
    'under 0.00001%'
    """
    if 0 < share < LEAST_SHOWN:
        return f"under {LEAST_SHOWN * 100:.5f}%"
    if share <= 0 or share >= 1:
        return f"{share:.0%}"
    # Rounded first: 0.99998% has to read as 1.0%, with the digits of that.
    power = math.floor(math.log10(float(f"{share * 100:.1e}")))
    digits = 1 if share >= 0.1 else max(1, 1 - power)
    return f"{share * 100:.{digits}f}%"


def machine() -> str:
    """What the processor calls itself, where the system says it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        return platform.machine()
    return platform.machine()


def _count(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:,.1f}"


def _dataset(evaluation: Evaluation) -> dict[str, Any]:
    photos = np.bincount(evaluation.subjects.people, minlength=evaluation.subjects.count)
    return {
        "name": evaluation.dataset.name,
        "kind": evaluation.dataset.kind,
        "photos": len(evaluation.dataset.photos),
        "people": len({photo.person for photo in evaluation.dataset.photos}),
        "with_several_photos": int((photos > 1).sum()),
        "with_three_photos": int((photos > 2).sum()),
        "equal_photos": list(evaluation.left_out.equal),
        "conflicting_photos": list(evaluation.left_out.conflicting),
    }


def _acquisition(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "failure_to_acquire": rate_as_json(evaluation.not_acquired),
        "failure_to_enrol": rate_as_json(evaluation.not_enrolled),
        "several_faces": evaluation.acquired.several,
        "failures": [
            {"photo": failed.item, "failure": failed.failure, "reason": failed.reason}
            for failed in evaluation.acquired.failures
        ],
    }


def _identification(one: Identification) -> dict[str, Any]:
    searches = one.searches
    thresholds, fpir, fnir = (part[_thinned(one.curve[1])] for part in one.curve)
    return {
        "gallery_size": searches.gallery_size,
        "references": searches.references,
        "galleries": searches.repetitions,
        "mated_photos": len(np.unique(searches.mated_photo)),
        "non_mated_photos": len(np.unique(searches.other_photo)),
        "failure_to_enrol": searches.not_enrolled,
        "at_fpir": [_at_fpir(point) for point in one.points],
        "at_rank": [{"rank": rank, "fnir": rate_as_json(rate)} for rank, rate in one.ranks],
        "curve": {
            "threshold": _rounded(thresholds),
            "fpir": _significant(fpir),
            "fnir": _significant(fnir),
        },
    }


def _at_fpir(point: AtFpir) -> dict[str, Any]:
    fnir = rate_as_json(point.fnir)
    if point.false_positives < RULE_OF_30 and point.fnir.rate is not None:
        fnir["rate"] = None
        fnir["says"] = (
            f"too few errors to say: the threshold rests on {point.false_positives} faces, "
            f"{percent(point.fnir.low or 0)} to {percent(point.fnir.high or 0)}"
        )
    return {
        "fpir": point.fpir,
        "threshold": round(point.threshold, 4),
        "false_positive_faces": point.false_positives,
        "fnir": fnir,
    }


def _verification(evaluation: Evaluation) -> dict[str, Any]:
    found = evaluation.verification
    return {
        "mated": found.mated,
        "non_mated": found.non_mated,
        "at_fmr": [
            {
                "level": point.level,
                "threshold": round(point.threshold, 6),
                "fmr": rate_as_json(point.fmr),
                "fnmr": rate_as_json(point.fnmr),
            }
            for point in found.points
        ],
        "curve": {
            "threshold": _rounded(found.thresholds),
            "fmr": _significant(found.fmr),
            "fnmr": _significant(found.fnmr),
            "sure": [bool(value) for value in found.sure],
        },
        "scores": {
            "edges": _rounded(found.edges),
            "mated": _significant(found.mated_share),
            "non_mated": _significant(found.non_mated_share),
        },
        "closest_of_others": [
            {"photo_a": first, "photo_b": second, "score": round(score, 4)}
            for first, second, score in evaluation.doubtful
        ],
    }


def _groups(evaluation: Evaluation) -> list[dict[str, Any]]:
    found = evaluation.verification
    return [
        {
            "column": grouping.column,
            "level": found.group_level,
            "threshold": round(found.group_threshold, 6),
            "values": [_group(one) for one in rates],
            "fmr_ratio": _ratio(ratio_of({one.value: one.fmr for one in rates})),
            "fnmr_ratio": _ratio(ratio_of({one.value: one.fnmr for one in rates})),
        }
        for grouping, rates in evaluation.groups
    ]


def _group(one: GroupRates) -> dict[str, Any]:
    return {
        "value": one.value,
        "people": one.people,
        "photos": one.photos,
        "failure_to_acquire": rate_as_json(one.not_acquired),
        "fmr": rate_as_json(one.fmr),
        "fnmr": rate_as_json(one.fnmr),
    }


def _ratio(ratio: Ratio | None) -> dict[str, Any] | None:
    if ratio is None:
        return None
    return {
        "worst": ratio.worst,
        "to_arithmetic": round(ratio.to_arithmetic, 2),
        "to_geometric": round(ratio.to_geometric, 2),
        "at_least": ratio.at_least,
    }


def _operating_point(evaluation: Evaluation) -> dict[str, Any]:
    point = evaluation.operating_point
    return {
        "strong_fpir": FPIR_LEVELS[1],
        "review_fpir": FPIR_LEVELS[0],
        "margin": round(point.margin, 4),
        "margin_from": point.margin_from,
        "measured_on": point.measured_on,
        "thresholds": [
            {
                "gallery_size": level.gallery_size,
                "strong": level.strong,
                "review": level.review,
                "raised": level.raised,
            }
            for level in point.levels
        ],
    }


def _thinned(fpir: NDArray[np.float64]) -> NDArray[np.intp]:
    """Places on a curve that are evenly spaced by the logarithm of FPIR."""
    levels = np.geomspace(1.0, max(float(fpir[fpir > 0].min(initial=1.0)), 1e-7), CURVE_POINTS)
    return np.unique([int(np.argmax(fpir <= level)) for level in levels if (fpir <= level).any()])


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 6) for value in values]


def _significant(values: NDArray[np.float64]) -> list[float | None]:
    return [None if math.isnan(value) else float(f"{value:.4g}") for value in values]
