"""Says how accurate a pack is in open-set identification, and what each step that was tried gave.

    python bench/accuracy.py ../shared/eval/people.csv --same Chyung_Dai-chul Dai_Chul_Chyung \
        --same Joseph_Blatter Sepp_Blatter --same Shinya_Taniguchi Takahiro_Mori \
        --into docs/reference/accuracy.md

The protocol is in ``open_set.py``, the steps are in ``accuracy_steps.py``. Embeddings are kept in
the temporary folder, so that a second run takes a minute.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from accuracy_steps import START, Scheme, Step, scores_of, steps
from generated import put_into
from one_to_one import one_to_one
from open_set import AT, BAND, Labels, Rates, Share, Trial, rates, read_labels, search, trial
from portrait_passes import Passes

from likeness.faces.packs import load_manifest
from likeness.faces.runtime import usable_cores

REFERENCES = (1, 3)
LEVELS = (AT, 0.001)
SEED = 20250101
PLACES = [BAND.index(AT)]
OVER_BAND = list(range(len(BAND)))


@dataclass(frozen=True, kw_only=True)
class Measured:
    """FNIR of a scheme on one share of the people, by number of references, at ``BAND``."""

    by_references: dict[int, Rates]

    def mean(self, places: Sequence[int]) -> float:
        """Over numbers of references and the rates at ``places``."""
        each = [one.measured[list(places)] for one in self.by_references.values()]
        return float(np.mean(each))

    def drawn(self, places: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """The same of every bootstrap replicate."""
        each = [one.drawn[:, list(places)].mean(axis=1) for one in self.by_references.values()]
        return np.asarray(np.mean(each, axis=0), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Change:
    """A difference in FNIR with its 95% interval."""

    measured: float
    low: float
    high: float

    def text(self) -> str:
        """As a cell of a table."""
        return f"{self.measured:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a step gave."""

    step: Step
    scheme: Scheme
    kept: bool
    tuning: Change
    reporting: Change
    at: tuple[float, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path, help="CSV with photo and person; photos beside it")
    parser.add_argument("--photos", type=Path, help="folder of the photos; else the CSV's name")
    parser.add_argument("--pack", default="dlib")
    parser.add_argument("--same", nargs=2, action="append", default=[], metavar="PERSON")
    parser.add_argument("--draws", type=int, default=1000, help="of the bootstrap")
    parser.add_argument("--into", type=Path, help="page that takes the tables")
    options = parser.parse_args(arguments)
    labels = read_labels(options.labels, [(one, other) for one, other in options.same])
    passes = Passes(
        pack=load_manifest(options.pack),
        folder=options.photos or options.labels.with_suffix(""),
        photos=labels.photos,
    )
    bench = Bench(labels=labels, passes=passes, draws=options.draws)
    tried = bench.try_all()
    text = "\n".join(bench.report(tried))
    print(text)
    if options.into:
        put_into(options.into, "steps", text)
    return 0


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The labelled photos, their embeddings, and how often people are drawn anew."""

    labels: Labels
    passes: Passes
    draws: int

    def try_all(self) -> list[Tried]:
        """Every step in order, each against the scheme kept so far."""
        kept, tried = START, []
        before = {share: self.measure(kept, share) for share in ("tuning", "reporting")}
        for step in steps(self.passes.parts().frame.inner):
            scheme = step.change(kept)
            after = {share: self.measure(scheme, share) for share in ("tuning", "reporting")}
            tuning = difference(before["tuning"], after["tuning"], OVER_BAND)
            keep = tuning.high < 0 or bool(step.taken_anyway)
            tried.append(
                Tried(
                    step=step,
                    scheme=scheme,
                    kept=keep,
                    tuning=tuning,
                    reporting=difference(before["reporting"], after["reporting"], OVER_BAND),
                    at=tuple(
                        float(after["reporting"].by_references[k].measured[PLACES[0]])
                        for k in REFERENCES
                    ),
                )
            )
            print(f"{step.name}: {tuning.text()}", file=sys.stderr, flush=True)
            if keep:
                kept, before = scheme, after
        return tried

    def measure(self, scheme: Scheme, share: Share) -> Measured:
        """FNIR of a scheme over the band."""
        score = scores_of(scheme, self.passes)
        found = {}
        for k in REFERENCES:
            given = trial(self.labels, k, share)
            found[k] = rates(given, search(given, score), BAND, draws=self.draws, seed=SEED)
        return Measured(by_references=found)

    def report(self, tried: Sequence[Tried]) -> list[str]:
        """Everything, as Markdown."""
        kept = [one.scheme for one in tried if one.kept][-1]
        lines = [self._where(), "", *self._steps(tried), ""]
        begun = "As dlib's own examples do it (one pass, the best of the references)"
        for title, scheme in ((begun, START), ("With all that was kept", kept)):
            lines += [*self._rates(title, scheme), ""]
        return lines + self._one_to_one(kept)

    def _where(self) -> str:
        cost = self._pass_ms()
        pack = self.passes.pack
        return (
            f"Pack `{pack.name}` {pack.version}, {usable_cores()} cores of {platform.machine()} "
            f"({_processor()}); one pass of the network takes {cost:.1f} ms a chip in batches."
        )

    def _pass_ms(self) -> float:
        embedder = self.passes.parts().embedder
        chips = np.zeros((16, embedder.chip, embedder.chip, 3), dtype=np.uint8)
        times = []
        for _ in range(9):
            began = time.perf_counter()
            embedder.embeddings(chips)
            times.append((time.perf_counter() - began) * 1000 / len(chips))
        return statistics.median(times[1:])

    def _steps(self, tried: Sequence[Tried]) -> list[str]:
        head = (
            "| step | tuning people | reporting people | FNIR there, k = 1, 3 | passes: reference, "
            "probe | |"
        )
        rows = [head, "|---|---|---|---|---|---|"]
        for one in tried:
            verdict = "kept" if one.kept else "dropped"
            if one.kept and one.step.taken_anyway:
                verdict = f"kept {one.step.taken_anyway}"
            passes = ", ".join(map(str, one.scheme.passes()))
            at = ", ".join(f"{value:.3f}" for value in one.at)
            rows.append(
                f"| {one.step.name} | {one.tuning.text()} | {one.reporting.text()} | {at} | "
                f"{passes} | {verdict} |"
            )
        return rows

    def _rates(self, title: str, scheme: Scheme) -> list[str]:
        score = scores_of(scheme, self.passes)
        rows = [f"{title}:", "", "| people | FNIR at FPIR 1% | at 0.1% |", "|---|---|---|"]
        shares: tuple[Share, ...] = ("tuning", "reporting", "all")
        for share in shares:
            for k in REFERENCES:
                given: Trial = trial(self.labels, k, share)
                found = rates(given, search(given, score), LEVELS, draws=self.draws, seed=SEED)
                low, high = np.quantile(found.drawn, [0.025, 0.975], axis=0)
                cells = [
                    f"{found.measured[place]:.3f} [{low[place]:.3f}, {high[place]:.3f}]"
                    for place in range(len(LEVELS))
                ]
                rows.append(f"| {share}: {given.size()} | {' | '.join(cells)} |")
        return rows

    def _one_to_one(self, scheme: Scheme) -> list[str]:
        given = trial(self.labels, 3, "reporting")
        return one_to_one(given, scores_of(scheme, self.passes), AT, seed=SEED)


def difference(before: Measured, after: Measured, places: Sequence[int]) -> Change:
    """How much lower FNIR is, with the interval over the same people drawn for both."""
    drawn = after.drawn(places) - before.drawn(places)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Change(
        measured=after.mean(places) - before.mean(places), low=float(low), high=float(high)
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


if __name__ == "__main__":
    sys.exit(main())
