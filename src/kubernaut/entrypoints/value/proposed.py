"""The report on proposals in words: verdict first, then the tables, then every case."""

from __future__ import annotations

from collections.abc import Sequence

from kubernaut.entrypoints.value.sheet import Section, Sheet, amount, figure_cells, percent
from kubernaut.impact.figures import Figure
from kubernaut.impact.shadow import Case, ShadowReport, ShadowRow

_NOTES = (
    "right: people then made the very change that was proposed. wrong: they mended it otherwise, or it went by itself.",
    "Proposals were told to people, so their times are those of people who had been told.",
)


def shadow_sheet(report: ShadowReport, *, cluster: str) -> Sheet:
    """The whole report."""
    title = f"{report.since:%Y-%m-%d} to {report.until:%Y-%m-%d} · {cluster} · {report.proposals} proposals, none done"
    told = " · ".join(f"{name.replace('_', ' ')} {count}" for name, count in report.agreements)
    watched = f"{report.watched} still watched"
    figures = (
        _share("would have been right", report.right),
        _share("would have been wrong", report.wrong),
        figure_cells("from the proposal to people's mend, right ones together", report.saved_minutes),
        figure_cells("the same, median", report.each_minutes),
        figure_cells("less the remedies' own time", report.net_minutes),
    )
    return Sheet(
        title,
        (f"{told} · {watched}" if told else watched,),
        (
            Section("Figures", ("figure", "value", "interval", "n"), figures, _NOTES),
            _rows("Causes", "cause", report.by_cause),
            _rows("Actions", "action", report.by_action),
            _cases(report.cases),
        ),
    )


def _share(name: str, figure: Figure) -> tuple[str, str, str, str]:
    if figure.value is None:
        return name, "not computable", figure.why, str(figure.n)
    value, _, interval = percent(figure).partition(" (")
    return name, value, f"{interval.removesuffix(')')} % (95 %, Wilson)", str(figure.n)


def _rows(title: str, what: str, rows: Sequence[ShadowRow]) -> Section:
    cells = tuple(
        (
            row.name,
            str(row.proposals),
            percent(row.right),
            "-" if row.saved_minutes.value is None else amount(row.saved_minutes.value, "min"),
            ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in row.agreements) or "still watched",
        )
        for row in rows
    )
    return Section(title, (what, "proposals", "right", "minutes", "what people did"), cells)


def _cases(cases: Sequence[Case]) -> Section:
    rows = tuple(
        (
            case.incident,
            case.target,
            case.action + (" (asks first)" if case.asks else ""),
            case.agreement.value.replace("_", " ") if case.agreement else "still watched",
            "-" if case.minutes is None else f"{case.minutes:.0f}",
            case.reason,
        )
        for case in cases
    )
    return Section("Proposals", ("incident", "object", "proposed", "people", "minutes", "because"), rows)
