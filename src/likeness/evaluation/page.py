"""The report as one page that needs nothing else: words, tables and plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from likeness.evaluation.plots import Line, area_plot, interval_plot, line_plot, rates_axis
from likeness.evaluation.report import percent

MOST_LISTED = 200
FEWEST_MISSED = 1e-3
FEWEST_LET_THROUGH = 1e-4

Report = Mapping[str, Any]


def page_of(report: Report) -> str:
    """The page, as HTML, with its style and plots inside and nothing loaded from elsewhere.

    Parameters
    ----------
    report : mapping
        As made by :func:`likeness.evaluation.report.report_of`.
    """
    environment = Environment(
        loader=PackageLoader("likeness.evaluation", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["count"] = lambda number: f"{number:,.0f}"
    page: str = environment.get_template("evaluation.html.j2").render(
        report=report,
        key_figures=_key_figures(report),
        identification_plot=_identification_plot(report),
        identification_names=[_gallery(part) for part in report["identification"]],
        verification_plot=_verification_plot(report),
        scores_plot=_scores_plot(report),
        groups=[_group(report, group) for group in report["groups"]],
        most_listed=MOST_LISTED,
    )
    return page


def _key_figures(report: Report) -> list[tuple[str, str, str]]:
    """(what, figure, more) of the few figures that matter most."""
    figures = []
    if not report["verification"]["mated"]:
        figures += _worst_groups(report)
    elif report["identification"]:
        for part in _largest_by_references(report["identification"]):
            for point in part["at_fpir"]:
                photos = "one photo" if part["references"] == 1 else f"{part['references']} photos"
                figures.append(
                    (
                        f"missed among {part['gallery_size']:,} people of {photos} each",
                        _figure(point["fnir"]),
                        f"FNIR where {percent(point['fpir'])} of strangers pass (FPIR). "
                        + _more(point["fnir"]),
                    )
                )
    elif report["verification"]["at_fmr"]:
        for point in report["verification"]["at_fmr"][:2]:
            figures.append(
                (
                    "missed when two photos are compared",
                    _figure(point["fnmr"]),
                    f"FNMR where {percent(point['level'])} of strangers pass (FMR). "
                    + _more(point["fnmr"]),
                )
            )
    failed = report["acquisition"]["failure_to_acquire"]
    figures.append(("photos without a face found", _figure(failed), _more(failed)))
    return figures


def _worst_groups(report: Report) -> list[tuple[str, str, str]]:
    """Where nothing mated was compared: how much likelier false matches are in the worst group."""
    figures = []
    for group in report["groups"]:
        ratio = group["fmr_ratio"]
        if ratio is not None:
            least = "≥ " if ratio["at_least"] else ""
            figures.append(
                (
                    f"more false matches by {group['column']}",
                    f"{least}{ratio['to_geometric']:g} times",
                    f"FMR of {ratio['worst']}, against the geometric mean of the groups.",
                )
            )
    return figures


def _largest_by_references(parts: Sequence[Report]) -> list[Report]:
    """For each number of references the largest gallery of which all can be said, else the last."""
    found: dict[int, Report] = {}
    for part in parts:
        before = found.get(part["references"])
        if before is None or _all_said(part) or not _all_said(before):
            found[part["references"]] = part
    return list(found.values())


def _all_said(part: Report) -> bool:
    return all(point["fnir"]["rate"] is not None for point in part["at_fpir"])


def _figure(rate: Report) -> str:
    if rate["rate"] is not None:
        return percent(rate["rate"])
    if rate["method"] == "none":
        return "not measurable"
    return f"≤ {percent(rate['high'])}"


def _more(rate: Report) -> str:
    if rate["rate"] is not None:
        return f"95% interval: {percent(rate['low'])} to {percent(rate['high'])}."
    words: str = rate["says"]
    return words[0].upper() + words[1:] + "."


def _gallery(part: Report) -> str:
    photos = "1 photo" if part["references"] == 1 else f"{part['references']} photos"
    return f"{part['gallery_size']:,} people, {photos} each"


def _identification_plot(report: Report) -> Markup | None:
    lines = []
    for part in report["identification"]:
        curve = part["curve"]
        pairs = [
            (x, max(y, FEWEST_MISSED))
            for x, y in zip(curve["fpir"], curve["fnir"], strict=True)
            if x >= FEWEST_LET_THROUGH and y is not None
        ]
        if pairs:
            lines.append(Line(name=_gallery(part), points=pairs))
    if not lines:
        return None
    return _plot_of(
        "DET curves: galleries",
        "For each size of gallery, the share of people missed (FNIR, upwards) against the share of "
        "strangers let through (FPIR, to the right), both by their logarithm. Lower is better.",
        lines,
        ("strangers let through (FPIR)", "people missed (FNIR)"),
        lowest=(FEWEST_LET_THROUGH, FEWEST_MISSED),
    )


def _verification_plot(report: Report) -> Markup | None:
    curve = report["verification"]["curve"]
    points, sure = [], []
    for x, y, both in zip(curve["fmr"], curve["fnmr"], curve["sure"], strict=True):
        if x > 0 and y:
            points.append((x, y))
            sure.append(both)
    if not points:
        return None
    return _plot_of(
        "DET curve: two photos",
        "The share of mated pairs missed (FNMR, upwards) against the share of pairs of strangers "
        "that match (FMR, to the right), both by their logarithm. Lower is better. Dashed where "
        "fewer than 30 errors were seen.",
        [Line(name="", points=points, sure=sure)],
        ("strangers that match (FMR)", "mated pairs missed (FNMR)"),
        lowest=(1e-7, 1e-5),
    )


def _plot_of(
    title: str,
    description: str,
    lines: Sequence[Line],
    titles: tuple[str, str],
    *,
    lowest: tuple[float, float],
) -> Markup:
    points = [point for line in lines for point in line.points]
    x = rates_axis(titles[0], [p[0] for p in points], lowest=lowest[0])
    y = rates_axis(titles[1], [p[1] for p in points], lowest=lowest[1])
    # The plots escape whatever they are given.
    return Markup(line_plot(title, description, lines, x=x, y=y))


def _scores_plot(report: Report) -> Markup | None:
    scores = report["verification"]["scores"]
    areas = [("different people", scores["non_mated"])]
    if report["verification"]["mated"]:
        areas.append(("the same person", scores["mated"]))
    if len(scores["edges"]) < 3 or not report["verification"]["non_mated"]:
        return None
    return Markup(
        area_plot(
            "How scores are spread",
            "Two distributions of scores: of photos of different people, to the left, and of "
            "photos of the same person, to the right.",
            areas,
            scores["edges"],
        )
    )


def _group(report: Report, group: Report) -> dict[str, Any]:
    """A group table with its plots."""
    plots = {}
    for name, words in (
        ("fmr", "strangers of one group that match (FMR)"),
        ("fnmr", "missed (FNMR)"),
    ):
        rows = [
            (value["value"], value[name]["rate"], value[name]["low"], value[name]["high"])
            for value in group["values"]
            if value[name]["low"] is not None
        ]
        if len(rows) < 2:
            continue
        held = [end for row in rows for end in (row[1], row[2], row[3]) if end]
        axis = rates_axis(words, held, lowest=1e-5)
        plots[name] = Markup(
            interval_plot(
                f"{words}, by {group['column']}",
                "One row a group: a dot for its rate where it rests on at least 30 errors, a line "
                "for its 95% interval, by the logarithm.",
                rows,
                axis=axis,
                middle=group["level"] if name == "fmr" else None,
            )
        )
    return {**group, "plots": plots}
