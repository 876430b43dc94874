"""The report in words, once: every form of it is this, written another way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubernaut.entrypoints.units import duration
from kubernaut.impact.effectiveness import Row
from kubernaut.impact.figures import Figure, span_of
from kubernaut.impact.inputs import Range
from kubernaut.impact.money import Outlook
from kubernaut.impact.period import SystemState, ValueReport

_FEW = 10
_PERCENT = 100
_HOUR = 60


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its heading, and what has to be said below it."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """The whole report; `subject` is the first word of its title."""

    title: str
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
    subject: str = "Value"


def simulated_word(report: ValueReport) -> str:
    """`, simulated`, with their number where others are among them."""
    if not report.simulated:
        return ""
    return ", simulated" if report.simulated == report.incidents else f", {report.simulated} simulated"


def sheet_of(report: ValueReport, *, cluster: str) -> Sheet:
    """Verdict first, then the tables, then what all of it rests on."""
    word = simulated_word(report)
    title = (
        f"{report.since:%Y-%m-%d} to {report.until:%Y-%m-%d} · {cluster}{word} · {report.incidents} incidents closed"
    )
    endings = " · ".join(f"{name.replace('_', '-')} {count}" for name, count in report.endings) or "no incident closed"
    tables = report.effectiveness
    return Sheet(
        title,
        (endings, f"{report.still_open} still open; the service ran {report.running_days:.1f} days of the period"),
        (
            Section("Figures", ("figure", "value", "interval", "n"), _figures(report)),
            _outlook(report),
            Section("Before and after", ("", "before", "after"), _states(report.before, report.after)),
            _rows("Strategies", "strategy", tables.by_strategy),
            _rows("Causes", "cause", tables.by_cause),
            _rows("Namespaces", "namespace", tables.by_namespace),
            _rows("Teams", "team", tables.by_team),
            _automate(report),
            _doubts(report),
            Section("Declared by you", ("input", "middle", "range"), _inputs(report), _rests_on(report)),
        ),
    )


def figure_cells(name: str, figure: Figure) -> tuple[str, str, str, str]:
    """Name, value, interval and sample size; or why there is no value."""
    if figure.value is None:
        return name, "not computable", figure.why, str(figure.n)
    return name, amount(figure.value, figure.unit), _interval(figure), str(figure.n)


def amount(value: float, unit: str) -> str:
    """The value with its unit."""
    match unit:
        case "s":
            return duration(value)
        case "min":
            return f"{value:,.0f} min" if abs(value) < 2 * _HOUR else f"{value / _HOUR:,.1f} h"
        case "USD":
            return f"USD {value:,.2f}"
        case "%":
            return f"{value:.1f} %"
        case _:
            return f"{value:.2f} {unit}".strip()


def percent(figure: Figure) -> str:
    """`93 % (81 to 98)`."""
    if figure.value is None or figure.low is None or figure.high is None:
        return "-"
    return f"{_PERCENT * figure.value:.0f} % ({_PERCENT * figure.low:.0f} to {_PERCENT * figure.high:.0f})"


def _interval(figure: Figure) -> str:
    if figure.low is None and figure.high is None:
        return figure.interval or "none: too few"
    low, high = (None if end is None else amount(end, figure.unit) for end in (figure.low, figure.high))
    span = span_of(low, high)
    return f"{span} ({figure.interval})" if figure.interval else span


def _figures(report: ValueReport) -> tuple[tuple[str, ...], ...]:
    metrics = report.metrics
    named = {
        "time_to_resolution, median": metrics.time_to_resolution,
        "time_to_resolution, 90th percentile": report.ninetieth,
        "time_to_resolution, geometric mean": report.geometric_mean,
        "minutes until the alert ended, mean": report.restricted_mean,
        "cost_savings_usd": metrics.cost_savings_usd,
        "roi": metrics.roi,
        "efficiency_gain_percentage": metrics.efficiency_gain_percentage,
        "incidents_prevented": metrics.incidents_prevented,
        "execution_duration, median": report.analysis.execution_duration,
    }
    rows = [figure_cells(name, figure) for name, figure in named.items()]
    for name, figure in (("strategy success", report.success), ("without harm", report.no_harm)):
        value = percent(figure) if figure.value is not None else "not computable"
        rows.append((name, value.partition(" (")[0], figure.why or f"{value} (95 %, Wilson)", str(figure.n)))
    counted = (("step_count", report.analysis.step_count), ("ai_request_count", report.analysis.ai_request_count))
    rows += [(name, f"{count:,}", "counted", str(report.incidents)) for name, count in counted]
    return tuple(rows)


def _outlook(report: ValueReport) -> Section:
    title, header = "What the money hangs on", ("question", "answer")
    if report.outlook is None:
        return Section(title, header, (("savings", report.metrics.cost_savings_usd.why),))
    return Section(title, header, outlook_rows(report.outlook))


def outlook_rows(found: Outlook) -> tuple[tuple[str, str], ...]:
    """What the money figures hang on, a question and its answer each."""
    chance, price, rate = (
        found.chance_roi_positive,
        found.break_even_usd_per_downtime_min,
        found.break_even_incidents_per_month,
    )
    rows = [
        ("chance that ROI is above 0", "not computable" if chance is None else f"{_PERCENT * chance:.0f} %"),
        ("it pays from this cost of a minute of downtime", "-" if price is None else f"USD {price:,.2f}"),
        ("it pays from so many incidents a month", "-" if rate is None else f"{rate:,.1f}"),
    ]
    rows += [
        (f"savings if {swing.input} is at its low or high end", f"USD {swing.at_low:,.0f} or USD {swing.at_high:,.0f}")
        for swing in found.swings
    ]
    return tuple(rows)


def _states(before: SystemState, after: SystemState) -> tuple[tuple[str, ...], ...]:
    def both(name: str, pick: str) -> tuple[str, str, str]:
        one, other = (getattr(state, pick) for state in (before, after))
        if isinstance(one, Figure):
            shares = pick.endswith("_share")
            texts = [percent(each) if shares else _short(each) for each in (one, other)]
            return name, texts[0], texts[1]
        return name, f"{one:.4g}", f"{other:.4g}"

    return (
        both("open incidents", "open_incidents"),
        both("incidents closed a day", "incidents_per_day"),
        both("healed, of those that needed something", "healed_share"),
        both("handed over to people", "handed_over_share"),
        both("time_to_resolution, median", "time_to_resolution"),
        both("minutes until the alert ended, mean", "restricted_mean"),
    )


def _short(figure: Figure) -> str:
    if figure.value is None:
        return "not computable"
    bounds = "" if figure.low is None or figure.high is None else f" ({figure.low:.3g} to {figure.high:.3g})"
    return f"{amount(figure.value, figure.unit)}{bounds}, n = {figure.n}"


def _rows(title: str, what: str, rows: Sequence[Row]) -> Section:
    header = (
        what,
        "tried",
        "healed",
        "95 % CI",
        "median",
        "undone",
        "escalated",
        "worse",
        "saved",
        "USD",
        "ROI",
        "4 weeks",
    )
    return Section(
        title, header, tuple(map(_row, rows)), ("ordered by the lower bound of the share healed",) if rows else ()
    )


def _row(row: Row) -> tuple[str, ...]:
    success, median = row.success, row.time_to_resolution
    bounds = "-" if success.low is None or success.high is None else f"{success.low:.0%} to {success.high:.0%}"
    return (
        row.name,
        str(row.tried),
        str(row.healed),
        bounds.replace("%", " %") if row.tried else "-",
        "-" if median.value is None else duration(median.value),
        str(row.undone),
        str(row.escalated),
        str(row.harmed),
        "-" if row.minutes_saved.value is None else amount(row.minutes_saved.value, "min"),
        "-" if row.saved_usd.value is None else f"{row.saved_usd.value:,.0f}",
        "-" if row.roi is None else f"{row.roi:.1f}",
        " ".join(f"{healed}/{tried}" for healed, tried in row.trend),
    )


def _automate(report: ValueReport) -> Section:
    rows = tuple(
        (
            one.cause,
            ", ".join(one.namespaces),
            str(one.incidents),
            "undeclared" if one.minutes is None else amount(one.minutes, "min"),
            "undeclared" if one.usd is None else f"{one.usd:,.0f}",
        )
        for one in report.effectiveness.automate_next
    )
    header = ("cause", "namespaces", "handed over", "people's time", "USD")
    return Section("Automate next", header, rows, () if rows else ("nothing was handed over",))


def _doubts(report: ValueReport) -> Section:
    rows = tuple(
        (one.advice, one.strategy, one.namespace, f"{one.healed} of {one.tried}", f"at most {one.high:.0%}")
        for one in report.effectiveness.switch_off
    )
    nothing = "no strategy with at least five tries heals less than half of them"
    header = ("advice", "strategy", "namespace", "healed", "95 %")
    return Section("Switch off?", header, rows, () if rows else (nothing,))


def _inputs(report: ValueReport) -> tuple[tuple[str, ...], ...]:
    inputs = report.inputs
    named: dict[str, Range | None] = {
        "minutes by hand": inputs.minutes_by_hand,
        "wage, USD an hour": inputs.wage_usd_per_h,
        "minutes to review a report": inputs.review_minutes,
        "minutes to decide on a proposal": inputs.approval_minutes,
        "downtime, USD a minute": inputs.downtime_usd_per_min,
        "running cost, USD a month": inputs.running_usd_per_month,
    }
    rows = [
        (name, "not declared", "-") if given is None else (name, f"{given.mid:g}", f"{given.low:g} to {given.high:g}")
        for name, given in named.items()
    ]
    tokens = inputs.model_usd_per_million_tokens
    return (*rows, ("models, USD a million tokens", "not declared" if tokens is None else f"{tokens:g}", "-"))


def _rests_on(report: ValueReport) -> tuple[str, ...]:
    return (
        f"Time without us: {report.counterfactual}.",
        "Every figure is computed from the events up to "
        f"#{report.rests_on:,} and from these inputs alone; `kubernaut audit verify` checks the events.",
        "Under n = 10 read the incidents, not the figure."
        if report.incidents < _FEW
        else "Losses are kept in all sums.",
    )
