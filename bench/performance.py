"""Measures speed on this machine and writes the figures into docs/reference/performance.md.

    python bench/performance.py --photos ../shared/eval/groups --labels ../shared/eval/groups.jsonl

Takes some ten minutes; a gallery of four million references needs about 6 GB.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from generated import put_into

from likeness.bench import faces, gallery, ingest
from likeness.bench.faces import FacesReport
from likeness.bench.gallery import GalleryReport
from likeness.bench.timing import this_machine
from likeness.errors import LikenessError

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "performance.md"
IMAGES = ROOT / "docs" / "images"
PACKS = ("dlib", "yunet-dlib")
SIZES = (10_000, 100_000, 1_000_000, 4_000_000)
OURS, THEIRS = "#1f5fa8", "#b0562a"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--only", choices=("faces", "ingest", "gallery"), nargs="*")
    options = parser.parse_args(arguments)
    wanted = options.only or ("faces", "ingest", "gallery")
    machine = this_machine()
    put_into(PAGE, "machine", f"{machine.name}, {machine.usable} of {machine.cores} cores.")
    if "faces" in wanted:
        write_faces(options.photos, options.labels, options.repeats)
    if "ingest" in wanted:
        write_ingest(options.photos, options.repeats)
    if "gallery" in wanted:
        write_gallery(options.sizes)
    return 0


def write_faces(photos: Path, labels: Path | None, repeats: int) -> None:
    """Network pass, detection, the whole, and the cost by faces."""
    beside = faces.run(photos, against="dlib", labels=labels, repeats=repeats)
    put_into(PAGE, "dlib", _beside_dlib(beside))
    reports = []
    for pack in PACKS:
        try:
            report = faces.run(
                photos, against="face_recognition", pack=pack, labels=labels, repeats=repeats
            )
        except LikenessError as error:
            print(f"{pack} is left out: {error}", file=sys.stderr)
            continue
        reports.append(report)
    put_into(PAGE, "whole", _whole(reports))
    put_into(PAGE, "curve", _curve(reports))
    lines = {f"pack {one.pack}": [(p.faces, p.ours_ms) for p in one.curve] for one in reports}
    theirs = [(p.faces, p.peer_ms) for p in reports[0].curve if p.peer_ms is not None]
    plot("cost-by-faces.png", "faces a photo", "ms a photo", lines, ("face_recognition", theirs))


def write_ingest(photos: Path, repeats: int) -> None:
    """Photos added a second."""
    report = ingest.run(photos, against="face_recognition", repeats=repeats)
    rows = [
        ("`likeness add`", f"{report.add_a_second:.1f}"),
        ("the bare models", f"{report.bare_a_second:.1f}"),
        (str(report.measured), f"{report.peer_a_second or 0:.1f}"),
    ]
    text = table(("", "photos a second"), rows)
    put_into(
        PAGE,
        "ingest",
        f"{report.photos} photos with {report.faces} faces. `likeness add` reaches "
        f"{report.ratio:.0%} of the bare models; a rescan compares "
        f"{report.rescan.faces_a_second:,.0f} faces a second.\n\n{text}",
    )


def write_gallery(sizes: Sequence[int]) -> None:
    """Searches by the number of references."""
    report = gallery.run(sizes, progress=lambda words: print(words, file=sys.stderr))
    put_into(PAGE, "gallery", _gallery(report))
    lines = {
        "one search": [(one.references, one.one_ms) for one in report.sizes],
        "each of 64 at a time": [(one.references, one.together_ms) for one in report.sizes],
    }
    flat = [(one.references, one.peer_one_ms) for one in report.sizes]
    plot("cost-by-references.png", "references", "ms a search", lines, ("flat index", flat))


def _beside_dlib(report: FacesReport) -> str:
    rows = [
        (name, ms(part.ours_ms), ms(part.peer_ms), times(part.ratio))
        for name, part in (("network pass", report.embed), ("detection", report.detect))
    ]
    difference = report.embed.max_abs or 0.0
    return (
        f"{report.photos} photos, {report.measured}. The embeddings differ by "
        f"{difference:.0e} at most; {report.detect.recall or 0:.1%} of dlib's faces are found"
        f"{_recalls(report)}.\n\n" + table(("", "ours, ms", "dlib, ms", "times as fast"), rows)
    )


def _recalls(report: FacesReport) -> str:
    """What both found of the labelled faces."""
    found = report.labelled
    if found is None or found.peer is None:
        return ""
    return (
        f", and of {found.ours.faces} labelled faces {found.ours.recall:.1%} beside dlib's "
        f"{found.peer.recall:.1%}"
    )


def _whole(reports: Sequence[FacesReport]) -> str:
    rows = []
    for report in reports:
        whole, found = report.whole, report.labelled
        rows.append(
            (
                f"pack `{report.pack}`",
                ms(whole.ours_ms),
                ms(whole.ours_one_ms),
                f"{found.ours.recall:.1%}" if found else "",
                times(whole.ratio),
            )
        )
    report = reports[0]
    peer = report.labelled.peer if report.labelled else None
    recall = f"{peer.recall:.1%}" if peer else ""
    one = ms(report.whole.peer_ms)
    rows.append((str(report.measured), one, one, recall, ""))
    head = ("", "ms a photo", "one at a time", "recall", "times as fast")
    return f"{report.photos} photos.\n\n" + table(head, rows)


def _curve(reports: Sequence[FacesReport]) -> str:
    head = ["faces", *(f"`{one.pack}`, ms" for one in reports), "face_recognition, ms"]
    head += [f"times as fast, `{one.pack}`" for one in reports]
    rows = [
        (
            str(points[0].faces),
            *(ms(point.ours_ms) for point in points),
            ms(points[0].peer_ms),
            *(times(point.ratio) for point in points),
        )
        for points in zip(*(one.curve for one in reports), strict=True)
    ]
    return table(head, rows)


def _gallery(report: GalleryReport) -> str:
    head = ("references", "one search, ms", "each of 64, ms", "flat, ms", "bytes each", "missed")
    rows = [
        (
            f"{one.references:,}",
            f"{one.one_ms:.2f}",
            f"{one.together_ms:.2f}",
            f"{one.peer_one_ms:.2f}",
            "" if one.bytes_each is None else f"{one.bytes_each:,.0f}",
            f"{one.found.missed:,} of {one.found.pairs:,}",
        )
        for one in report.sizes
    ]
    return f"Templates {report.spread}.\n\n" + table(head, rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, numbers to the right."""
    lines = [f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def ms(value: float | None) -> str:
    """Milliseconds, to three digits."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def times(value: float | None) -> str:
    """A ratio."""
    return "" if value is None else f"{value:.1f}"


def plot(
    name: str,
    across: str,
    up: str,
    lines: dict[str, list[tuple[int, float]]],
    beside: tuple[str, list[tuple[int, float]]],
) -> None:
    """Draw lines over two logarithmic axes; the same figures give the same file."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot
    from matplotlib.ticker import ScalarFormatter

    figure, axes = pyplot.subplots(figsize=(6.4, 3.6), layout="constrained")
    for style, (label, points) in zip(("-", "--"), lines.items(), strict=False):
        axes.plot(*zip(*points, strict=True), style, color=OURS, marker="o", label=label)
    axes.plot(*zip(*beside[1], strict=True), "-", color=THEIRS, marker="s", label=beside[0])
    axes.set(xscale="log", yscale="log", xlabel=across, ylabel=up)
    axes.set_xticks([x for x, _ in beside[1]], [f"{x:,}" for x, _ in beside[1]], minor=False)
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.grid(visible=True, alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(IMAGES / name, dpi=144, metadata={"Software": None})
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(main())
