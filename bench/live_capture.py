"""Measures the live capture: what a picture costs, who passes, and what does not.

    python bench/live_capture.py ../shared/eval/people.csv [--people 40]

One photo each of so many people is warped as a head that turns and comes closer
(tests/support/moving_portrait.py) and shown to the capture four pictures a second, time being
counted rather than waited for. A head made of one photo is not a person before a camera: what
passes here says that the parts work together, not how many people pass.
"""

from __future__ import annotations

import argparse
import csv
import random
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))
from moving_portrait import AHEAD, TURNED, MovingPortrait, Pose, jpeg, moving, print_turned

from likeness.challenge import draw_order
from likeness.faces.engine import FaceEngine
from likeness.faces.quality import problems
from likeness.faces.sandbox import DecodeWorkers
from likeness.live_capture import FRAME_LIMITS, LiveCapture, sameness_of
from likeness.records.capture import Movement, Step

RATE = 4
SHAKEN = 2.0
"""Pixels by which a photo that is held shakes."""
PAPER = (40.0, 52.0)
"""Degrees to which a print is turned for each turn of the head that is asked for."""


@dataclass(kw_only=True)
class Outcome:
    """How captures of one kind ended."""

    shown: int = 0
    passed: int = 0
    at_once: int = 0
    movements: int = 0
    why: Counter[str] = field(default_factory=Counter)

    def count(self, steps: Sequence[Step]) -> None:
        """Count one capture."""
        last = steps[-1]
        self.shown += 1
        self.passed += last.state == "passed"
        self.at_once += last.state == "passed" and last.attempt == 1
        self.movements += max(step.done for step in steps) > 0
        self.why.update({step.again for step in steps if step.again})


class Bench:
    """What all measurements share."""

    def __init__(self, engine: FaceEngine, decoders: DecodeWorkers) -> None:
        self.engine = engine
        self.decoders = decoders
        self.seconds: list[float] = []

    def capture(self, pictures: Iterable[bytes], order: tuple[Movement, ...]) -> list[Step]:
        """Show pictures to a capture that asks for one order."""
        now = [0.0]
        capture = LiveCapture(
            engine=self.engine,
            sameness=sameness_of(self.engine.pack.thresholds_for(1)),
            decoders=self.decoders,
            clock=lambda: now[0],
            draw=lambda: order,
        )
        steps = []
        for picture in pictures:
            now[0] += 1 / RATE
            began = time.perf_counter()
            step = capture.look(picture)
            self.seconds.append(time.perf_counter() - began)
            assert step is not None
            steps.append(step)
            if step.ended:
                break
        capture.close()
        return steps


def portraits(labels: Path, engine: FaceEngine, people: int, seed: int) -> list[MovingPortrait]:
    """One photo each of so many people, of those that show one usable face from the front."""
    with labels.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    random.Random(seed).shuffle(rows)
    found: dict[str, MovingPortrait] = {}
    for row in rows:
        if len(found) >= people:
            break
        if row["person"] in found:
            continue
        pixels = np.asarray(Image.open(labels.with_suffix("") / row["photo"]).convert("RGB"))
        faces = engine.find(pixels)
        if len(faces) != 1:
            continue
        (quality,) = engine.quality(pixels, faces)
        if not problems(quality) and abs(quality.yaw) < 0.12 and abs(quality.roll) < 12:
            found[row["person"]] = MovingPortrait(pixels, engine)
    return list(found.values())


def held(portrait: MovingPortrait, draw: random.Random) -> list[bytes]:
    """A photo held before the camera by a hand that shakes: 8 seconds."""
    picture = np.asarray(portrait.seen(AHEAD))
    shown = []
    for _ in range(8 * RATE):
        across, down = (round(draw.uniform(-SHAKEN, SHAKEN)) for _ in range(2))
        shown.append(jpeg(np.roll(picture, (down, across), axis=(0, 1)), quality=80))
    return shown


def on_paper(portrait: MovingPortrait, poses: Sequence[Pose], degrees: float) -> list[bytes]:
    """A print that is turned and brought closer as a head would be."""
    picture = portrait.seen(AHEAD)
    made = {
        pose: jpeg(print_turned(picture, pose.turned * degrees / TURNED, nearer=pose.size))
        for pose in set(poses)
    }
    return [made[pose] for pose in poses]


def at_once(bench: Bench, picture: bytes, threads: int) -> float:
    """Pictures a second, so many captures at a time."""
    each = 20

    def work() -> None:
        bench.capture([picture] * each, ("left", "right", "closer"))

    workers = [threading.Thread(target=work) for _ in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return threads * each / (time.perf_counter() - began)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path, help="CSV; photos in a folder named so")
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--pack", default="dlib")
    parser.add_argument("--seed", type=int, default=20261128)
    options = parser.parse_args(arguments)
    engine, draw = FaceEngine.load(options.pack), random.Random(options.seed)
    outcomes = {
        name: Outcome() for name in ("as asked", "swapped", "held photo", "print, moved as asked")
    }
    with DecodeWorkers(2, limits=FRAME_LIMITS) as decoders:
        bench = Bench(engine, decoders)
        shown = portraits(options.labels, engine, options.people, options.seed)
        for portrait, other in zip(shown, shown[1:] + shown[:1], strict=True):
            order = draw_order()
            poses = moving(order, rate=RATE, held=1.5, moved=1.25)
            film = list(portrait.film(poses))
            outcomes["as asked"].count(bench.capture(film, order))
            middle = len(film) // 2
            swapped = film[:middle] + list(other.film([AHEAD] * 4))
            outcomes["swapped"].count(bench.capture(swapped, order))
            outcomes["held photo"].count(bench.capture(held(portrait, draw), order))
            for degrees in PAPER:
                paper = on_paper(portrait, poses, degrees * draw.choice((1, -1)))
                outcomes["print, moved as asked"].count(bench.capture(paper, order))
            print(f"{outcomes['as asked'].shown} of {len(shown)}", file=sys.stderr)
        print("| shown | captures | passed | at once | made a movement | began anew for |")
        print("|---|---|---|---|---|---|")
        for name, out in outcomes.items():
            why = ", ".join(f"{reason} {n}" for reason, n in out.why.most_common()) or "-"
            print(
                f"| {name} | {out.shown} | {out.passed} | {out.at_once} | {out.movements} | {why} |"
            )
        cost = sorted(bench.seconds)
        print(
            f"\na picture: median {1e3 * statistics.median(cost):.0f} ms, "
            f"95th percentile {1e3 * cost[int(0.95 * len(cost))]:.0f} ms"
        )
        for threads in (1, 2, 4):
            rate = at_once(bench, jpeg(shown[0].seen(AHEAD)), threads)
            print(f"{threads} at once: {rate:.1f} pictures a second")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
