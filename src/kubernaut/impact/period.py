"""The whole report over a period, as one value: everything that `kubernaut value report` and the page show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Tree
from kubernaut.impact import durations, money
from kubernaut.impact.accounts import Account, accounts
from kubernaut.impact.ai_metrics import AIMetrics, analysis_metrics
from kubernaut.impact.clocks import History
from kubernaut.impact.effectiveness import Effectiveness, Pricing, effectiveness
from kubernaut.impact.figures import Figure, not_computable, share
from kubernaut.impact.inputs import ValueInputs
from kubernaut.impact.value import BusinessValueMetrics, valued

# The label on alerts of a simulated cluster: every figure that rests on one of them says so.
SIMULATED = ("simulated", "true")
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SystemState:
    """How the watched system was over a window that ends at `at`."""

    at: datetime
    days: float
    open_incidents: int
    incidents_per_day: float
    healed_share: Figure
    handed_over_share: Figure
    time_to_resolution: Figure
    restricted_mean: Figure


@dataclass(frozen=True, slots=True)
class Line:
    """One incident of the report: where its figures come from."""

    incident: str
    ending: Ending
    cause: str
    strategy: str
    target: str
    team: str
    closed_at: datetime
    resolution_s: float
    mitigation_s: float | None
    decisions: int
    tokens: int
    harm_minutes: float


@dataclass(frozen=True, slots=True)
class Week:
    """How the incidents of a week ended."""

    start: datetime
    endings: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ValueReport:
    """`running` is how long of the period the log covers: that much is charged. `rests_on` is the log's last number.

    `simulated` counts the incidents of a simulated cluster among the closed ones.
    """

    since: datetime
    until: datetime
    running_days: float
    rests_on: int
    incidents: int
    still_open: int
    endings: tuple[tuple[str, int], ...]
    metrics: BusinessValueMetrics
    ninetieth: Figure
    geometric_mean: Figure
    restricted_mean: Figure
    success: Figure
    no_harm: Figure
    analysis: AIMetrics
    counterfactual: str
    outlook: money.Outlook | None
    before: SystemState
    after: SystemState
    effectiveness: Effectiveness
    weeks: tuple[Week, ...]
    inputs: ValueInputs
    lines: tuple[Line, ...]
    simulated: int = 0


@dataclass(frozen=True, slots=True)
class Period:
    """From when to when."""

    since: datetime
    until: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.until - self.since


def value_report(
    histories: Sequence[History], period: Period, inputs: ValueInputs, *, off: Sequence[History] = ()
) -> ValueReport:
    """A pure function of the events and of what the owner declared."""
    everything = accounts(histories, until=period.until)
    closed = [one for one in everything if period.since <= one.closed_at <= period.until]
    running = _running(histories, period)
    found = valued(closed, accounts(off, until=period.until), inputs, running)
    metrics = found.metrics
    healed = [one for one in closed if one.healed]
    seconds = [one.resolve_s for one in healed]
    tries = [attempt for one in closed for attempt in one.attempts]
    pricing = Pricing(inputs, found.drawn, running, period.until, len(closed))
    wanted = {one.incident for one in closed}
    valued_ones = [history for history in histories if history.incident.id in wanted]
    return ValueReport(
        since=period.since,
        until=period.until,
        running_days=running / _DAY,
        rests_on=_last_event(histories),
        incidents=len(closed),
        still_open=_open_at(histories, period.until),
        endings=_endings(closed),
        metrics=metrics,
        ninetieth=durations.ninetieth(healed, seconds, of="healed incidents"),
        geometric_mean=durations.geometric_mean(healed, seconds, of="healed incident"),
        restricted_mean=durations.restricted_mean(closed),
        success=share(sum(attempt.healed for attempt in tries), len(tries), of="verified attempt"),
        no_harm=share(sum(attempt.effect != "worse" for attempt in tries), len(tries), of="verified attempt"),
        analysis=analysis_metrics(valued_ones),
        counterfactual=_told(found.arm.source, len(found.arm.incidents)),
        outlook=None if metrics.cost_savings_usd.value is None
        else money.outlook(found.sums, found.drawn, inputs, metrics.roi, running),
        before=_state(histories, everything, period.since, period.length),
        after=_state(histories, everything, period.until, period.length),
        effectiveness=effectiveness(closed, pricing),
        weeks=_weeks(closed, period),
        inputs=inputs,
        lines=tuple(map(_line, closed)),
        simulated=sum(map(_is_simulated, valued_ones)),
    )  # fmt: skip


def _last_event(histories: Sequence[History]) -> int:
    return max((event.seq for history in histories for event in history.events), default=0)


def _is_simulated(history: History) -> bool:
    name, value = SIMULATED
    return any(Tree(event.body).text("labels", name) == value for event in history.of(EventKind.RECEIVED))


def _told(source: str, n: int) -> str:
    return f"{source}, n = {n}" if n else str(source)


def _running(histories: Sequence[History], period: Period) -> timedelta:
    """A service that ran for three of thirty days cost three days."""
    first = min((event.at for history in histories for event in history.events), default=period.until)
    return max(timedelta(0), period.until - max(period.since, first))


def _endings(closed: Sequence[Account]) -> tuple[tuple[str, int], ...]:
    counts = ((ending.value, sum(one.ending is ending for one in closed)) for ending in Ending)
    return tuple((name, count) for name, count in counts if count)


def _state(histories: Sequence[History], everything: Sequence[Account], at: datetime, window: timedelta) -> SystemState:
    own = [one for one in everything if at - window < one.closed_at <= at]
    healed = [one for one in own if one.healed]
    needing = [one for one in own if one.attended]
    days = window / _DAY
    if not own:
        nothing = not_computable("s", "no incident closed in that time")
        return SystemState(at, days, _open_at(histories, at), 0.0, nothing, nothing, nothing, nothing)
    return SystemState(
        at=at,
        days=days,
        open_incidents=_open_at(histories, at),
        incidents_per_day=len(own) / days if days else 0.0,
        healed_share=share(len(healed), len(needing), of="incident that needed something"),
        handed_over_share=share(sum(o.handed_over for o in needing), len(needing), of="incident that needed something"),
        time_to_resolution=durations.median(healed, [one.resolve_s for one in healed], of="healed incident"),
        restricted_mean=durations.restricted_mean(own),
    )


def _open_at(histories: Sequence[History], at: datetime) -> int:
    opened = [history for history in histories if history.incident.opened_at <= at]
    return sum(history.incident.closed_at is None or history.incident.closed_at > at for history in opened)


def _weeks(closed: Sequence[Account], period: Period) -> tuple[Week, ...]:
    weeks, start = [], period.since
    while start < period.until:
        end = min(start + _WEEK, period.until)
        weeks.append(Week(start, _endings([one for one in closed if start <= one.closed_at < end or
                                           (end == period.until == one.closed_at)])))  # fmt: skip
        start = end
    return tuple(weeks)


def _line(one: Account) -> Line:
    return Line(
        incident=one.incident,
        ending=one.ending,
        cause=one.cause,
        strategy=one.attempts[-1].strategy if one.attempts else "",
        target=one.target,
        team=one.team,
        closed_at=one.closed_at,
        resolution_s=one.resolve_s,
        mitigation_s=one.mitigate_s,
        decisions=one.decisions,
        tokens=one.tokens,
        harm_minutes=one.harm_minutes,
    )
