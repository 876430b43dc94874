"""Business value, from measured durations and declared inputs.

    people's minutes saved   healed: by hand - reviewing - approving; handed over: 0 - reviewing - approving
    downtime saved           healed: by hand - time to mitigate; undone: 0 - the time the remedy was in place
    cost_savings_usd         minutes saved / 60 x wage + downtime saved x cost of a minute
    efficiency_gain          1 - people's minutes with us / people's minutes by hand
    roi                      (savings - cost) / cost

What closed by itself, was declined or needed nothing earns nothing. Losses are kept: an incident that took longer than
by hand, or was made longer, lowers the sum. "By hand" is an assumption of the owner, never measured by us.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from kubernaut.domain.execution import Applied
from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Tree
from kubernaut.impact.clocks import History, clocks
from kubernaut.impact.figures import Figure, median, not_computable

_HANDED_OVER = frozenset({Ending.ESCALATED, Ending.UNDONE, Ending.BLOCKED, Ending.FAILED})
_HOURS_A_MONTH = 730.0


@dataclass(frozen=True, slots=True)
class Range:
    """A declared number with its bounds."""

    low: float
    mid: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.mid <= self.high:
            raise ValueError(f"a range rises from 0: {self.low}, {self.mid}, {self.high}")


@dataclass(frozen=True, slots=True)
class ValueInputs:
    """What the owner declares. None is undeclared: what needs it is then not computable.

    `minutes_by_hand`: from the alert to the fix when one person does it. `review_minutes`: reading the report of an
    incident. `approval_minutes`: deciding about one proposal. A minute of downtime costs nothing until somebody says
    what it costs.
    """

    minutes_by_hand: Range | None = None
    wage_usd_per_h: float | None = None
    review_minutes: float = 0.0
    approval_minutes: float = 0.0
    downtime_usd_per_min: float = 0.0
    running_usd_per_month: float | None = None
    model_usd_per_million_tokens: float | None = None


@dataclass(frozen=True, slots=True)
class BusinessValueMetrics:
    """The five figures, under the names of the readiness plan."""

    time_to_resolution: Figure
    incidents_prevented: Figure
    cost_savings_usd: Figure
    efficiency_gain_percentage: Figure
    roi: Figure


def business_value(
    histories: Sequence[History], inputs: ValueInputs, *, period: timedelta | None = None
) -> BusinessValueMetrics:
    """The value of the closed incidents among these; `period` is how long the service ran for them (for its cost)."""
    closed = [history for history in histories if history.ending is not None]
    savings = _cost_savings(closed, inputs)
    return BusinessValueMetrics(
        time_to_resolution=_time_to_resolution(closed),
        incidents_prevented=not_computable("incidents", "no control arm: what would have come cannot be known", n=0),
        cost_savings_usd=savings,
        efficiency_gain_percentage=_efficiency_gain(closed, inputs),
        roi=_roi(savings, closed, inputs, period),
    )


def _time_to_resolution(closed: Sequence[History]) -> Figure:
    times = [clocks(history).to_resolve for history in closed if history.ending is Ending.HEALED]
    return median("s", [time.total_seconds() for time in times if time], of="healed incident")


def _cost_savings(closed: Sequence[History], inputs: ValueInputs) -> Figure:
    by_hand, wage = inputs.minutes_by_hand, inputs.wage_usd_per_h
    if by_hand is None or wage is None:
        return not_computable("USD", f"undeclared: {_undeclared(inputs)}", n=len(closed))
    if not closed:
        return not_computable("USD", "no closed incident")

    def saved(minutes: float) -> float:
        people = sum(_people_minutes_saved(history, minutes, inputs) for history in closed)
        downtime = sum(_downtime_saved(history, minutes) for history in closed)
        return people / 60 * wage + downtime * inputs.downtime_usd_per_min

    return Figure(
        unit="USD",
        n=len(closed),
        value=saved(by_hand.mid),
        low=saved(by_hand.low),
        high=saved(by_hand.high),
        assumptions=_assumptions(inputs, by_hand, wage),
    )


def _people_minutes_saved(history: History, by_hand: float, inputs: ValueInputs) -> float:
    if history.ending is Ending.HEALED:
        return by_hand - _attended_minutes(history, inputs)
    return -_attended_minutes(history, inputs) if history.ending in _HANDED_OVER else 0.0


def _attended_minutes(history: History, inputs: ValueInputs) -> float:
    decisions = len(history.of(EventKind.APPROVED)) + len(history.of(EventKind.REJECTED))
    return inputs.review_minutes + decisions * inputs.approval_minutes


def _downtime_saved(history: History, by_hand: float) -> float:
    harm = _minutes_with_undone_remedies(history)
    times = clocks(history)
    if history.ending is Ending.HEALED and times.to_mitigate is not None:
        # The time of a remedy that was taken back lies within the time to mitigate: counted once.
        return by_hand - times.to_mitigate.total_seconds() / 60
    return -harm


def _minutes_with_undone_remedies(history: History) -> float:
    total, since = timedelta(), None
    for event in history.events:
        stands = Tree(event.body).text("execution", "applied") in {Applied.DONE, Applied.ALREADY}
        if event.kind is EventKind.APPLIED and stands:
            since = event.at
        elif event.kind is EventKind.UNDONE and stands and since is not None:
            total, since = total + (event.at - since), None
    return total.total_seconds() / 60


def _efficiency_gain(closed: Sequence[History], inputs: ValueInputs) -> Figure:
    worked = [history for history in closed if history.ending is Ending.HEALED or history.ending in _HANDED_OVER]
    by_hand = inputs.minutes_by_hand
    if by_hand is None:
        return not_computable("%", "undeclared: minutes_by_hand", n=len(worked))
    if not worked or by_hand.low == 0:
        return not_computable("%", "no incident that a person would have worked on", n=len(worked))

    def gain(minutes: float) -> float:
        saved = sum(_people_minutes_saved(history, minutes, inputs) for history in worked)
        return 100 * saved / (minutes * len(worked))

    return Figure(
        unit="%",
        n=len(worked),
        value=gain(by_hand.mid),
        low=gain(by_hand.low),
        high=gain(by_hand.high),
        assumptions=_assumptions(inputs, by_hand, inputs.wage_usd_per_h)[:1],
    )


def _roi(savings: Figure, closed: Sequence[History], inputs: ValueInputs, period: timedelta | None) -> Figure:
    cost = _cost(closed, inputs, period)
    if savings.value is None or savings.low is None or savings.high is None:
        return not_computable("", f"no savings: {savings.why}", n=savings.n)
    if cost.value is None:
        return not_computable("", cost.why, n=savings.n)
    spent = cost.value
    value, low, high = ((saved - spent) / spent for saved in (savings.value, savings.low, savings.high))
    return Figure("", savings.n, value, low=low, high=high, assumptions=(*savings.assumptions, *cost.assumptions))


def _cost(closed: Sequence[History], inputs: ValueInputs, period: timedelta | None) -> Figure:
    month, tokens = inputs.running_usd_per_month, sum(_tokens(history) for history in closed)
    if month is None or period is None:
        return not_computable("USD", "undeclared: running_usd_per_month, or no period")
    if tokens and inputs.model_usd_per_million_tokens is None:
        return not_computable("USD", "undeclared: model_usd_per_million_tokens")
    model = tokens / 1e6 * (inputs.model_usd_per_million_tokens or 0.0)
    cost = month * (period.total_seconds() / 3600 / _HOURS_A_MONTH) + model
    if cost <= 0:
        return not_computable("USD", "the declared cost is 0")
    spent = f"cost {cost:.2f} USD: {month:g} USD a month and {tokens:,} tokens"
    return Figure("USD", len(closed), cost, assumptions=(spent,))


def _tokens(history: History) -> int:
    return sum(Tree(event.body).integer("tokens") for event in history.of(EventKind.MODEL_ASKED))


def _undeclared(inputs: ValueInputs) -> str:
    wanted = {"minutes_by_hand": inputs.minutes_by_hand, "wage_usd_per_h": inputs.wage_usd_per_h}
    return ", ".join(name for name, given in wanted.items() if given is None)


def _assumptions(inputs: ValueInputs, by_hand: Range, wage: float | None) -> tuple[str, ...]:
    people = f"{by_hand.low:g} to {by_hand.high:g} minutes by hand (mid {by_hand.mid:g}), one person"
    attended = f"{inputs.review_minutes:g} minutes to review, {inputs.approval_minutes:g} to approve"
    downtime = f"a minute of downtime costs {inputs.downtime_usd_per_min:g} USD"
    return (f"{people}; {attended}", f"{wage or 0:g} USD an hour", downtime)
