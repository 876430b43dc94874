"""Checks of what it is worth, over the thirty recorded, simulated days that the demo shows.

In the rehearsal a day's incidents come in a minute, and running costs next to nothing: a return on it says nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.fastforward import moved, recorded_month
from kubernaut.entrypoints.readiness.ground import Ground
from kubernaut.entrypoints.readiness.unit_checks import counted
from kubernaut.entrypoints.readiness.verdicts import Measured
from kubernaut.entrypoints.value.gathering import histories_of
from kubernaut.impact.figures import Figure
from kubernaut.impact.inputs import ValueInputs
from kubernaut.impact.period import Period, ValueReport, value_report

_ROI = 0.25
# Any moment after the recording: the figures hang on none.
_ENDS = datetime(2027, 1, 1, tzinfo=UTC)
_KEYS = ("time_to_resolution", "incidents_prevented", "cost_savings_usd", "efficiency_gain_percentage", "roi")


async def return_on_investment(ground: Ground) -> Measured:
    """ROI of the recorded month, on what is declared; the pessimistic end must reach the goal too."""
    report = _month(ground.inputs)
    figure = report.metrics.roi
    evidence: JsonObject = {"assumptions": [*figure.assumptions], "why": figure.why, "declared": ground.declared_by}
    if figure.value is None or figure.low is None:
        return Measured(str(figure), reached=False, value=None, n=figure.n, evidence=evidence)
    words = (
        f"{figure.value:.2f} (P5 {figure.low:.2f}), {report.incidents} recorded, simulated incidents; "
        f"declared {ground.declared_by}"
    )
    note = f"Rests on what is declared {ground.declared_by}: {'; '.join(figure.assumptions)}. Nobody measured it."
    return Measured(words, figure.low > _ROI, figure.value, figure.n, evidence, note)


async def figures_are_there(ground: Ground) -> Measured:
    """Of the plan's figures each has a value with its sample, or says why it has none."""
    metrics = _month(ground.inputs).metrics
    figures: dict[str, Figure] = {key: getattr(metrics, key) for key in _KEYS}
    told = [key for key, figure in figures.items() if (figure.value is not None and figure.n) or figure.why]
    without = [f"{key}: {figure.why}" for key, figure in figures.items() if figure.value is None]
    return counted(len(told), len(_KEYS), "figures have a value or a reason", figures=figures, without=without)


@lru_cache(maxsize=1)
def _month(inputs: ValueInputs) -> ValueReport:
    events = [replace(event, seq=number) for number, event in enumerate(moved(recorded_month(), ends=_ENDS), 1)]
    moments = [event.at for event in events]
    period = Period(min(moments) - timedelta(seconds=1), max(moments))
    return value_report(histories_of(events), period, inputs)
