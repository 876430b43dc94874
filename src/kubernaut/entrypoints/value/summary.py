"""The week in a few lines, for a message and for the terminal: how it went, what it was worth, what needs people."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kubernaut.domain.incidents import Incident
from kubernaut.domain.lifecycle import Phase
from kubernaut.entrypoints.units import counted, duration, share
from kubernaut.entrypoints.value.gathering import told_histories
from kubernaut.entrypoints.value.sheet import amount, simulated_word
from kubernaut.impact.figures import Figure
from kubernaut.impact.inputs import ValueInputs
from kubernaut.impact.period import Period, ValueReport, value_report
from kubernaut.impact.shadow import WRONG, ShadowReport, shadow_report
from kubernaut.ports import IncidentFilter, IncidentStore

_MOST = 3
_DAYS_A_WEEK = 7


@dataclass(frozen=True, slots=True)
class Summary:
    """A period beside the one before it; `waiting` are requests for consent that are open now."""

    report: ValueReport
    before: ValueReport
    shadow: ShadowReport
    waiting: tuple[Incident, ...]


async def gather_summary(incidents: IncidentStore, period: Period, inputs: ValueInputs) -> Summary:
    """Read once; the figures are those of `kubernaut value report`."""
    told = await told_histories(incidents, until=period.until)
    earlier = Period(period.since - period.length, period.since)
    report = await asyncio.to_thread(value_report, told, period, inputs)
    before = await asyncio.to_thread(value_report, told, earlier, inputs)
    waiting = await incidents.find(IncidentFilter(open_only=True, phase=Phase.APPROVAL))
    return Summary(report, before, shadow_report(told, period.since, period.until), tuple(waiting))


def summary_title(summary: Summary, *, cluster: str) -> str:
    """`Kubernaut, week 47 (2026-11-16 to 2026-11-22), prod-eu`."""
    since, until = summary.report.since, summary.report.until
    whole = (until - since).days == _DAYS_A_WEEK
    period = f"{since:%Y-%m-%d} to {until:%Y-%m-%d}"
    period = f"week {since:%V} ({period})" if whole else period
    return f"Kubernaut, {period}, {cluster}{simulated_word(summary.report)}"


def summary_lines(summary: Summary) -> tuple[str, ...]:
    """Verdict first, then what needs people."""
    report = summary.report
    endings = " · ".join(f"{count} {name.replace('_', ' ')}" for name, count in report.endings)
    lines = [f"{counted(report.incidents, 'incident')} closed" + (f": {endings}" if endings else "")]
    lines.append(f"Time to resolution {_times(report.metrics.time_to_resolution, summary.before)}")
    lines += _worth(report)
    lines += _proposals(summary.shadow)
    return (*lines, *_needs(summary))


def _times(figure: Figure, before: ValueReport) -> str:
    then = before.metrics.time_to_resolution
    earlier = f"; the period before: {duration(then.value)} (n = {then.n})" if then.value is not None else ""
    if figure.value is None:
        return f"not computable: {figure.why}{earlier}"
    bounds = "" if figure.low is None or figure.high is None else f", 95 % CI {figure.low:.0f} to {figure.high:.0f}"
    return f"{duration(figure.value)} median (n = {figure.n}{bounds}){earlier}"


def _worth(report: ValueReport) -> list[str]:
    saved, money = [row.minutes_saved for row in report.effectiveness.by_namespace], report.metrics.cost_savings_usd
    by_hand = report.inputs.minutes_by_hand
    if by_hand is None or any(each.value is None for each in saved):
        lines = ["People's time saved: not computable, value.minutes_by_hand is not declared"]
    else:
        total = amount(sum(each.value or 0.0 for each in saved), "min")
        lines = [f"People's time saved {total}, at the declared {by_hand.low:g} to {by_hand.high:g} min by hand"]
    if money.value is not None and money.low is not None and money.high is not None:
        lines.append(f"Saved USD {money.value:,.0f} (P5 {money.low:,.0f}, P95 {money.high:,.0f})")
    return lines


def _proposals(shadow: ShadowReport) -> list[str]:
    if not shadow.proposals:
        return []
    wrong = sum(case.agreement in WRONG for case in shadow.cases)
    right = round((shadow.right.value or 0.0) * shadow.right.n)
    judged = f"right {share(right, shadow.right.n)}, wrong {wrong}" if shadow.right.n else "none judged yet"
    return [f"Proposed and not done: {shadow.proposals}, {judged}"]


def _needs(summary: Summary) -> Sequence[str]:
    tables, lines = summary.report.effectiveness, []
    if summary.waiting:
        named = ", ".join(one.id for one in summary.waiting[:_MOST])
        lines.append(f"Waiting for you now: {counted(len(summary.waiting), 'approval')}: {named}")
    for one in tables.automate_next[:_MOST]:
        took = "" if one.minutes is None else f", {amount(one.minutes, 'min')} of people's time"
        lines.append(f"Automate next: {one.cause}, handed over {counted(one.incidents, 'time')}{took}")
    for doubt in tables.switch_off[:_MOST]:
        where = f" in {doubt.namespace}" if doubt.namespace else ""
        lines.append(f"{doubt.advice.capitalize()}: {doubt.strategy} healed {doubt.healed} of {doubt.tried}{where}")
    return lines or ["Nothing needs you."]


def week_of(moment: datetime) -> str:
    """`2026-W47`, by which a second message about the same week is told from a first one."""
    return f"{moment:%G-W%V}"
