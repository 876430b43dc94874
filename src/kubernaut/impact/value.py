"""Business value of closed incidents: the five figures, under the names of the readiness plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from kubernaut.impact import durations, money
from kubernaut.impact.accounts import Account, accounts
from kubernaut.impact.clocks import History
from kubernaut.impact.counterfactual import Arm, arm_of
from kubernaut.impact.figures import Figure
from kubernaut.impact.inputs import ValueInputs
from kubernaut.impact.prevention import prevented


@dataclass(frozen=True, slots=True)
class BusinessValueMetrics:
    """The five figures."""

    time_to_resolution: Figure
    incidents_prevented: Figure
    cost_savings_usd: Figure
    efficiency_gain_percentage: Figure
    roi: Figure


@dataclass(frozen=True, slots=True)
class Valued:
    """The figures with what they were computed from."""

    metrics: BusinessValueMetrics
    arm: Arm
    sums: money.Sums
    drawn: money.Drawn


def business_value(
    histories: Sequence[History], inputs: ValueInputs, *, period: timedelta | None = None
) -> BusinessValueMetrics:
    """The value of the closed incidents among these; `period` is how long the service ran for them (for its cost)."""
    last = max((event.at for history in histories for event in history.events), default=None)
    closed = accounts(histories, until=last) if last else []
    return valued(closed, (), inputs, period).metrics


def valued(closed: Sequence[Account], off: Sequence[Account], inputs: ValueInputs, period: timedelta | None) -> Valued:
    """The figures of these incidents; `off` are those of an arm in which the service only watched."""
    arm = arm_of(closed, off, inputs.minutes_by_hand)
    healed = [one for one in closed if one.healed]
    sums = money.sums_of(closed)
    drawn = money.draw(inputs, arm, healed)
    seconds = [one.resolve_s for one in healed]
    metrics = BusinessValueMetrics(
        time_to_resolution=durations.median(healed, seconds, of="healed incident"),
        incidents_prevented=prevented(closed, off),
        cost_savings_usd=money.in_usd(sums, drawn, inputs, n=len(closed)),
        efficiency_gain_percentage=money.efficiency(sums, drawn, inputs),
        roi=money.roi(sums, drawn, inputs, n=len(closed), period=period),
    )
    return Valued(metrics, arm, sums, drawn)
