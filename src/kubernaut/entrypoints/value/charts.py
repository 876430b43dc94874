"""The four pictures of the report, as marks on a plane: SVG and PDF draw the same ones.

Each says one thing: dots on a log axis because times are log-normal, intervals on a fixed axis so that they compare,
money against a zero line, weeks as small multiples on one scale. The table with the same figures stands in the report.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import chain

from kubernaut.entrypoints.units import duration
from kubernaut.entrypoints.value.sheet import amount
from kubernaut.impact.figures import Figure
from kubernaut.impact.period import ValueReport

WIDTH = 640.0
_LEFT, _RIGHT = 170.0, 610.0
_ROW = 22.0
_TOP = 30.0
_MOST_DOTS = 2000
_MOST_ROWS = 12


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line; `tone` is a word of the palette."""

    x1: float
    y1: float
    x2: float
    y2: float
    tone: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A dot, with what it stands for."""

    x: float
    y: float
    tone: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A text; `anchor` is `start`, `middle` or `end`."""

    x: float
    y: float
    text: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with its title, which says in words what is to be seen."""

    title: str
    height: float
    marks: tuple[Line | Dot | Label, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """From a value to its place between the left and the right edge."""

    low: float
    high: float

    def __call__(self, value: float) -> float:
        """The place."""
        return _LEFT + (_RIGHT - _LEFT) * (value - self.low) / ((self.high - self.low) or 1.0)


def charts_of(report: ValueReport) -> list[Chart]:
    """Those for which there is something to draw."""
    drawn = (_times(report), _strategies(report), _money(report), _weeks(report))
    return [chart for chart in drawn if chart is not None]


def _times(report: ValueReport) -> Chart | None:
    healed = [line for line in report.lines if line.ending == "healed" and line.resolution_s > 0][-_MOST_DOTS:]
    median = report.metrics.time_to_resolution
    if not healed or median.value is None:
        return None
    low = 10 ** math.floor(math.log10(min(line.resolution_s for line in healed)))
    high = 10 ** math.ceil(math.log10(max(*(line.resolution_s for line in healed), low * 10)))
    height, left = 190.0, 70.0

    def y(seconds: float) -> float:
        return height - 20 - (height - 20 - _TOP) * math.log(seconds / low) / math.log(high / low)

    span = max(1.0, (report.until - report.since).total_seconds())
    marks: list[Line | Dot | Label] = []
    tick = low
    while tick <= high:
        marks += (Line(left, y(tick), _RIGHT, y(tick), "hairline"), Label(left - 6, y(tick) + 4, duration(tick), "end"))
        tick *= 10
    for line in healed:
        x = left + (_RIGHT - left) * (line.closed_at - report.since).total_seconds() / span
        marks.append(Dot(x, y(line.resolution_s), "busy", f"{line.incident} {duration(line.resolution_s)}"))
    marks.append(Line(left, y(median.value), _RIGHT, y(median.value), "text"))
    return Chart(f"Time to resolution, a dot an incident; median {duration(median.value)}", height, tuple(marks))


def _strategies(report: ValueReport) -> Chart | None:
    rows = [row for row in report.effectiveness.by_strategy if row.tried][:_MOST_ROWS]
    if not rows:
        return None
    height = _TOP + _ROW * len(rows) + 24

    x = Scale(0, 1)
    marks: list[Line | Dot | Label] = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        marks += (
            Line(x(tick), _TOP - 8, x(tick), height - 20, "hairline"),
            Label(x(tick), height - 6, f"{tick:.0%}", "middle"),
        )
    for number, row in enumerate(rows):
        marks += _interval(f"{row.name} ({row.tried})", row.success, _TOP + _ROW * number + 8, x)
    return Chart("Share healed of what was tried, with its 95 % interval", height, tuple(marks))


def _interval(name: str, figure: Figure, y: float, x: Scale) -> Iterator[Line | Dot | Label]:
    if figure.value is None:
        return
    yield Label(_LEFT - 10, y + 4, name, "end")
    if figure.low is not None and figure.high is not None:
        yield Line(x(figure.low), y, x(figure.high), y, "busy")
    low, high = figure.low or figure.value, figure.high or figure.value
    meaning = f"{figure.value:.3g} ({low:.3g} to {high:.3g})"
    yield Dot(x(figure.value), y, "busy", meaning)


def _money(report: ValueReport) -> Chart | None:
    figure = report.metrics.cost_savings_usd
    if figure.value is None or figure.low is None or figure.high is None:
        return None
    swings = report.outlook.swings if report.outlook else ()
    ends = [figure.low, figure.high, 0.0, *chain.from_iterable((s.at_low, s.at_high) for s in swings)]
    scale = Scale(min(ends), max(ends))
    marks: list[Line | Dot | Label] = [*_interval("saved, P5 P50 P95", figure, _TOP + 8, scale)]
    for number, swing in enumerate(swings, start=1):
        y = _TOP + _ROW * number + 8
        marks += (
            Label(_LEFT - 10, y + 4, swing.input, "end"),
            Line(scale(swing.at_low), y, scale(swing.at_high), y, "ask"),
        )
    height = _TOP + _ROW * (len(swings) + 1) + 24
    marks += (Line(scale(0), _TOP - 8, scale(0), height - 20, "text"), Label(scale(0), height - 6, "USD 0", "middle"))
    marks.append(Label(_RIGHT, height - 6, amount(max(ends), "USD"), "end"))
    return Chart(f"Saved {amount(figure.value, 'USD')}, and what each assumption moves", height, tuple(marks))


def _weeks(report: ValueReport) -> Chart | None:
    endings = [name for name, _ in report.endings]
    most = max((count for week in report.weeks for _, count in week.endings), default=0)
    if not most:
        return None
    room = 34.0
    height = _TOP + room * len(endings) + 10
    width = (_RIGHT - _LEFT) / len(report.weeks)
    marks: list[Line | Dot | Label] = []
    for row, name in enumerate(endings):
        floor = _TOP + room * (row + 1)
        marks += (
            Label(_LEFT - 10, floor, name.replace("_", "-"), "end"),
            Line(_LEFT, floor, _RIGHT, floor, "hairline"),
        )
        for number, week in enumerate(report.weeks):
            count = dict(week.endings).get(name, 0)
            if count:
                x = _LEFT + width * (number + 0.5)
                marks += (Line(x, floor, x, floor - (room - 14) * count / most, _tone(name)),)
                marks += (Label(x + 6, floor - 2, str(count)),)
    return Chart("How incidents ended, a column a week, one scale for all", height, tuple(marks))


def _tone(ending: str) -> str:
    return {"healed": "good", "self_resolved": "good", "failed": "bad", "escalated": "hand", "undone": "ask"}.get(
        ending, "quiet"
    )


def as_svg(chart: Chart) -> str:
    """The picture as SVG that loads nothing; colours are those of the page around it."""
    title = escape(chart.title)
    parts = [
        f'<svg viewBox="0 0 {WIDTH:g} {chart.height:g}" role="img" aria-label="{title}" '
        f'xmlns="http://www.w3.org/2000/svg">'
    ]
    parts += map(_svg_mark, chart.marks)
    return "".join([*parts, "</svg>"])


def _svg_mark(mark: Line | Dot | Label) -> str:
    match mark:
        case Line(x1, y1, x2, y2, tone):
            return f'<line class="{tone}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
        case Dot(x, y, tone, meaning):
            return f'<circle class="{tone}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>{escape(meaning)}</title></circle>'
        case Label(x, y, text, anchor):
            return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def tones(charts: Sequence[Chart]) -> set[str]:
    """The words of the palette that are used."""
    return {mark.tone for chart in charts for mark in chart.marks if not isinstance(mark, Label)}
