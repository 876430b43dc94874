"""What works, for what, where and for whom; what to automate next, and what to switch off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.execution import Effect
from kubernaut.domain.lifecycle import Ending
from kubernaut.impact import durations, money
from kubernaut.impact.accounts import Account, Attempt
from kubernaut.impact.figures import Figure, not_computable, share
from kubernaut.impact.inputs import ValueInputs
from kubernaut.impact.money import Drawn

_WEEK = timedelta(days=7)
TREND_WEEKS = 4
# Below this many tries nothing is said about a strategy.
FEWEST_TRIES = 5
_POOR = 0.5


@dataclass(frozen=True, slots=True)
class Row:
    """One strategy, cause, namespace or team. `trend` is healed of tried, a week each, the newest last."""

    name: str
    incidents: int
    tried: int
    healed: int
    undone: int
    escalated: int
    harmed: int
    harm_minutes: float
    success: Figure
    time_to_resolution: Figure
    minutes_saved: Figure
    saved_usd: Figure
    cost_usd: float | None
    roi: float | None
    trend: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Opportunity:
    """Incidents of one cause that people had to mend; `minutes` is what that took, by the declared number."""

    cause: str
    namespaces: tuple[str, ...]
    incidents: int
    minutes: float | None
    usd: float | None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A strategy that does not help somewhere."""

    strategy: str
    namespace: str
    healed: int
    tried: int
    high: float
    advice: str


@dataclass(frozen=True, slots=True)
class Effectiveness:
    """The tables, the best first by the lower bound of their success, so that luck with three tries does not win."""

    by_strategy: tuple[Row, ...]
    by_cause: tuple[Row, ...]
    by_namespace: tuple[Row, ...]
    by_team: tuple[Row, ...]
    automate_next: tuple[Opportunity, ...]
    switch_off: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True)
class Pricing:
    """What turns counts into money: the inputs, drawn once for the whole report, and over how many incidents."""

    inputs: ValueInputs
    drawn: Drawn
    period: timedelta
    until: datetime
    incidents: int


def effectiveness(closed: Sequence[Account], pricing: Pricing) -> Effectiveness:
    """The tables of these incidents."""
    return Effectiveness(
        by_strategy=_table(closed, _strategies, pricing, of_strategy=True),
        by_cause=_table(closed, lambda one: [one.cause], pricing),
        by_namespace=_table(closed, lambda one: [one.namespace or "(cluster)"], pricing),
        by_team=_table(closed, lambda one: [one.team or "(no team label)"], pricing),
        automate_next=_opportunities(closed, pricing.inputs),
        switch_off=_doubts(closed),
    )


def _strategies(one: Account) -> Iterable[str]:
    return dict.fromkeys(attempt.strategy for attempt in one.attempts)


def _table(
    closed: Sequence[Account], keys: Callable[[Account], Iterable[str]], pricing: Pricing, *, of_strategy: bool = False
) -> tuple[Row, ...]:
    groups: dict[str, list[Account]] = defaultdict(list)
    for one in closed:
        for key in keys(one):
            groups[key].append(one)
    rows = [_row(name, group, pricing, of_strategy=of_strategy) for name, group in groups.items()]
    return tuple(sorted(rows, key=lambda row: (-(row.success.low or 0.0), -row.incidents, row.name)))


def _row(name: str, group: Sequence[Account], pricing: Pricing, *, of_strategy: bool) -> Row:
    tries = [attempt for one in group for attempt in one.attempts]
    merits = list(group)
    if of_strategy:
        tries = [attempt for attempt in tries if attempt.strategy == name]
        # What another strategy healed is not this one's merit.
        merits = [one for one in group if not one.healed or one.attempts[-1].strategy == name]
    healed = [one for one in merits if one.healed]
    successes = sum(attempt.healed for attempt in tries)
    sums = money.sums_of(merits)
    saved = money.in_usd(sums, pricing.drawn, pricing.inputs, n=len(merits))
    cost = _cost(group, pricing)
    return Row(
        name=name,
        incidents=len(group),
        tried=len(tries),
        healed=successes,
        undone=sum(attempt.undone for attempt in tries),
        escalated=sum(one.ending in {Ending.ESCALATED, Ending.UNDONE} for one in group),
        harmed=sum(attempt.effect == Effect.WORSE for attempt in tries),
        harm_minutes=sum(one.harm_minutes for one in group),
        success=share(successes, len(tries), of="verified attempt"),
        time_to_resolution=durations.median(healed, [one.resolve_s for one in healed], of="healed incident"),
        minutes_saved=_minutes(sums, pricing),
        saved_usd=saved,
        cost_usd=cost,
        roi=_return(saved.value, cost),
        trend=_trend(tries, pricing.until),
    )


def _return(saved: float | None, cost: float | None) -> float | None:
    """What is left of the saving per dollar spent; None where either was not declared or nothing was spent."""
    return (saved - cost) / cost if saved is not None and cost else None


def _minutes(sums: money.Sums, pricing: Pricing) -> Figure:
    if pricing.inputs.minutes_by_hand is None:
        return not_computable("min", "undeclared: minutes_by_hand", n=sums.attended)
    return Figure("min", sums.attended, money.middle(money.people_minutes(sums, pricing.drawn)))


def _cost(group: Sequence[Account], pricing: Pricing) -> float | None:
    if pricing.inputs.running_usd_per_month is None or not pricing.incidents:
        return None
    part = len(group) / pricing.incidents
    spent = money.costs(money.sums_of(group), pricing.drawn, pricing.inputs, pricing.period, part=part)
    return money.middle(spent)


def _trend(tries: Sequence[Attempt], until: datetime) -> tuple[tuple[int, int], ...]:
    weeks = []
    for back in range(TREND_WEEKS, 0, -1):
        start, end = until - back * _WEEK, until - (back - 1) * _WEEK
        own = [attempt for attempt in tries if start < attempt.at <= end]
        weeks.append((sum(attempt.healed for attempt in own), len(own)))
    return tuple(weeks)


def _opportunities(closed: Sequence[Account], inputs: ValueInputs) -> tuple[Opportunity, ...]:
    groups: dict[str, list[Account]] = defaultdict(list)
    for one in closed:
        if one.handed_over:
            groups[one.cause].append(one)
    by_hand, wage = inputs.minutes_by_hand, inputs.wage_usd_per_h
    found = []
    for cause, group in groups.items():
        minutes = by_hand.mid * len(group) if by_hand else None
        usd = minutes / 60 * wage.mid if minutes is not None and wage else None
        found.append(Opportunity(cause, tuple(sorted({one.namespace for one in group})), len(group), minutes, usd))
    return tuple(sorted(found, key=lambda one: (-one.incidents, one.cause)))


def _doubts(closed: Sequence[Account]) -> tuple[Doubt, ...]:
    tries: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for one in closed:
        for attempt in one.attempts:
            tries[attempt.strategy, one.namespace].append(attempt)
    found = []
    for (strategy, namespace), own in tries.items():
        healed = share(sum(attempt.healed for attempt in own), len(own), of="attempt")
        if len(own) < FEWEST_TRIES or healed.value is None or healed.value >= _POOR or healed.high is None:
            continue
        advice = "switch off" if healed.high < _POOR else "look at"
        found.append(Doubt(strategy, namespace, sum(a.healed for a in own), len(own), healed.high, advice))
    return tuple(sorted(found, key=lambda doubt: (doubt.high, doubt.strategy, doubt.namespace)))
