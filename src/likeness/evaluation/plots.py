"""Plots as SVG that stands inside a page: colours come from the page, text stays text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 360, 280
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 10, 40
COLOURS = 6
"""How many the page has: classes c0 to c5."""

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A curve.

    Attributes
    ----------
    name : str
    points : sequence of (x, y)
    sure : sequence of bool
        Where it rests on enough errors; drawn with dashes elsewhere. Empty where it is sure
        throughout.
    """

    name: str
    points: Sequence[Point]
    sure: Sequence[bool] = ()


@dataclass(frozen=True, kw_only=True)
class Axis:
    """An axis of rates, by their logarithm, or of scores.

    Attributes
    ----------
    title : str
    low, high : float
    logarithmic : bool
    """

    title: str
    low: float
    high: float
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """How far along the axis a value lies, from 0 to 1."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        place = (self._scaled(max(value, self.low)) - low) / (high - low)
        return min(max(place, 0.0), 1.0)

    def ticks(self) -> list[tuple[float, str]]:
        """Values to mark, and how they read."""
        if self.logarithmic:
            powers = range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)
            # Six labels of long numbers are the most that fit beside one another on a phone.
            every = 1 + len(powers) // 6
            return [(10.0**power, _percent(power)) for power in powers if power % every == 0]
        step = _step(self.high - self.low)
        first = math.ceil(self.low / step)
        count = int((self.high - first * step) / step + 1e-9)
        return [(step * (first + n), f"{step * (first + n):g}") for n in range(count + 1)]

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value


def line_plot(title: str, description: str, lines: Sequence[Line], *, x: Axis, y: Axis) -> str:
    """Curves over two axes, with an accessible title and description."""
    parts = [_frame(x, y)]
    for number, line in enumerate(lines):
        sure = list(line.sure) or [True] * len(line.points)
        places = [(_across(x, px), _up(y, py)) for px, py in line.points]
        colour = f"c{number % COLOURS}"
        for run, is_sure in _runs(places, sure):
            style = "" if is_sure else " unsure"
            parts.append(f'<polyline class="line {colour}{style}" points="{_path(run)}"/>')
    return _svg(title, description, "".join(parts))


def area_plot(
    title: str,
    description: str,
    areas: Sequence[tuple[str, Sequence[float]]],
    edges: Sequence[float],
) -> str:
    """Two distributions over the same steps of scores."""
    top = max((max(shares) for _, shares in areas), default=0.0) or 1.0
    x = Axis(title="score", low=edges[0], high=edges[-1])
    y = Axis(title="", low=0.0, high=top * 1.05)
    parts = [_frame(x, y, y_ticks=False)]
    for number, (_, shares) in enumerate(areas):
        places = [(_across(x, edges[0]), _up(y, 0.0))]
        for place, share in enumerate(shares):
            places += [(_across(x, edge), _up(y, share)) for edge in edges[place : place + 2]]
        places.append((_across(x, edges[-1]), _up(y, 0.0)))
        parts.append(f'<polygon class="area c{number}" points="{_path(places)}"/>')
    return _svg(title, description, "".join(parts))


def interval_plot(
    title: str,
    description: str,
    rows: Sequence[tuple[str, float | None, float, float]],
    *,
    axis: Axis,
    middle: float | None = None,
) -> str:
    """A row for each group: its interval as a line, its rate as a dot where there is one.

    Parameters
    ----------
    title, description : str
    rows : sequence of (name, rate or None, low, high)
    axis : Axis
    middle : float, optional
        Marked all the way down: the rate of everybody.
    """
    step, name_width = 24, 128
    height = TOP + step * len(rows) + BOTTOM
    span = WIDTH - name_width - RIGHT

    def across(value: float) -> float:
        return name_width + span * axis.share(value)

    parts = []
    bottom = height - BOTTOM
    for value, label in axis.ticks():
        place = across(value)
        parts.append(_rule("grid", (place, TOP), (place, bottom)))
        parts.append(_text("tick", place, bottom + 14, label))
    if middle is not None:
        parts.append(_rule("middle", (across(middle), TOP), (across(middle), bottom)))
    for number, (name, rate, low, high) in enumerate(rows):
        y = TOP + step * (number + 0.5)
        parts.append(_text("name", name_width - 10, y + 4, _short(name), anchor="end"))
        style = "" if rate is not None else " unsure"
        parts.append(_rule(f"span c0{style}", (across(low), y), (across(high), y)))
        if rate is not None:
            parts.append(f'<circle class="dot c0" cx="{across(rate):.1f}" cy="{y:.1f}" r="4"/>')
    parts.append(_text("axis", name_width + span / 2, height - 6, axis.title))
    return _svg(title, description, "".join(parts), height=height)


def rates_axis(title: str, values: Sequence[float], *, lowest: float = 1e-7) -> Axis:
    """A logarithmic axis that holds these rates, by whole powers of ten."""
    held = [value for value in values if value >= lowest]
    low = 10.0 ** math.floor(math.log10(min(held, default=0.1)) + 1e-9)
    high = 10.0 ** math.ceil(math.log10(max(held, default=1.0)) - 1e-9)
    return Axis(title=title, low=low, high=max(high, low * 10), logarithmic=True)


def _frame(x: Axis, y: Axis, *, y_ticks: bool = True) -> str:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = []
    for value, label in x.ticks():
        place = _across(x, value)
        parts.append(_rule("grid", (place, TOP), (place, bottom)))
        parts.append(_text("tick", place, bottom + 14, label))
    for value, label in y.ticks() if y_ticks else ():
        place = _up(y, value)
        parts.append(_rule("grid", (LEFT, place), (right, place)))
        parts.append(_text("tick", LEFT - 5, place + 4, label, anchor="end"))
    parts.append(_text("axis", (LEFT + right) / 2, HEIGHT - 8, x.title))
    if y.title:
        middle = (TOP + bottom) / 2
        turned = f' transform="rotate(-90 12 {middle:.0f})"'
        parts.append(_text("axis", 12, middle, y.title, more=turned))
    return "".join(parts)


def _rule(style: str, start: Point, end: Point) -> str:
    return (
        f'<line class="{style}" x1="{start[0]:.1f}" y1="{start[1]:.1f}" '
        f'x2="{end[0]:.1f}" y2="{end[1]:.1f}"/>'
    )


def _text(
    style: str, x: float, y: float, words: str, *, anchor: str = "middle", more: str = ""
) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}'
    return f'<text class="{style}" {place}>{escape(words)}</text>'


def _svg(title: str, description: str, body: str, *, height: int = HEIGHT) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>'
        f"<desc>{escape(description)}</desc>{body}</svg>"
    )


def _runs(places: Sequence[Point], sure: Sequence[bool]) -> list[tuple[list[Point], bool]]:
    """Parts of a curve that are equally sure, each beginning where the one before ends."""
    runs: list[tuple[list[Point], bool]] = []
    for place, is_sure in zip(places, sure, strict=True):
        if runs and runs[-1][1] == is_sure:
            runs[-1][0].append(place)
            continue
        runs.append(([runs[-1][0][-1], place] if runs else [place], is_sure))
    return runs


def _across(axis: Axis, value: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * axis.share(value)


def _up(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * axis.share(value)


def _path(places: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _percent(power: int) -> str:
    return f"{10.0 ** (power + 2):.{max(0, -power - 2)}f}%"


def _step(span: float) -> float:
    rough = span / 5
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def _short(name: str) -> str:
    return name if len(name) <= 20 else name[:19] + "…"
