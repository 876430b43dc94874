"""What proposals that nobody acted on would have saved, and where they would have been wrong.

Only where people then made the very change that was proposed is it sure that the proposal would have helped: minutes
are summed over those alone. A fault that went by itself would have been acted on for nothing, and one that people
mended elsewhere would have been acted on wrongly; whether the proposal would have helped there too, nobody can know.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import Tree
from kubernaut.domain.proposals import Agreement
from kubernaut.impact import figures
from kubernaut.impact.clocks import History, clocks
from kubernaut.impact.figures import Figure, not_computable, share
from kubernaut.impact.resampling import FEWEST_CLUSTERS, mean_interval, quantile_interval

# The proposal was right, was not, or nobody can say: a share needs all that were judged below it.
WRONG = frozenset({Agreement.OTHER_CHANGE, Agreement.ELSEWHERE, Agreement.BY_ITSELF})
JUDGED = WRONG | {Agreement.SAME_CHANGE, Agreement.SAME_FIELD}
_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Case:
    """One proposal. `agreement` is None while people are still watched.

    `minutes` lie between the proposal and people's own mend; they are below 0 where people were faster.
    """

    incident: IncidentId
    cause: str
    action: str
    namespace: str
    target: str
    proposed_at: datetime
    agreement: Agreement | None
    minutes: float | None
    asks: bool
    reason: str
    by: tuple[str, ...]
    seq: int


@dataclass(frozen=True, slots=True)
class ShadowRow:
    """The proposals of one cause or one action."""

    name: str
    proposals: int
    agreements: tuple[tuple[str, int], ...]
    right: Figure
    saved_minutes: Figure


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """`right` is the share of judged proposals whose very change people made; `wrong` that of those not wanted.

    `saved_minutes` is the sum over the right ones, `each_minutes` their median. `remedy_minutes` is what the remedies
    take by themselves, where this log has seen them heal: `net_minutes` is the sum less that, over `net_n` of them.
    """

    since: datetime
    until: datetime
    proposals: int
    watched: int
    agreements: tuple[tuple[str, int], ...]
    right: Figure
    wrong: Figure
    saved_minutes: Figure
    each_minutes: Figure
    net_minutes: Figure
    by_cause: tuple[ShadowRow, ...]
    by_action: tuple[ShadowRow, ...]
    cases: tuple[Case, ...]


def shadow_report(histories: Sequence[History], since: datetime, until: datetime) -> ShadowReport:
    """A pure function of the events."""
    cases = sorted(
        (case for history in histories if (case := _case(history)) and since <= case.proposed_at <= until),
        key=lambda case: (case.proposed_at, case.incident),
    )
    judged = [case for case in cases if case.agreement in JUDGED]
    right = _right(cases)
    return ShadowReport(
        since,
        until,
        len(cases),
        sum(case.agreement is None for case in cases),
        _agreements(cases),
        share(len(right), len(judged), of="judged proposal"),
        share(sum(case.agreement in WRONG for case in judged), len(judged), of="judged proposal"),
        _sum(right),
        _median(right),
        _net(right, _own_minutes(histories)),
        _rows(cases, lambda case: case.cause),
        _rows(cases, lambda case: case.action),
        tuple(cases),
    )


def _right(cases: Sequence[Case]) -> list[Case]:
    return [case for case in cases if case.agreement is Agreement.SAME_CHANGE and case.minutes is not None]


def _case(history: History) -> Case | None:
    proposed = history.of(EventKind.PROPOSED)
    if not proposed:
        return None
    event = proposed[-1]
    proposal, incident = Tree(event.body).tree("proposal"), history.incident
    at = proposal.time("at") or event.at
    ended = history.of(EventKind.COMPARED)
    told = Tree(ended[-1].body).tree("comparison") if ended else Tree({})
    mended = told.time("mended_at")
    return Case(
        incident.id,
        _cause(history),
        proposal.text("call", "action"),
        incident.target.namespace,
        event.about or str(incident.target),
        at,
        Agreement(told.text("agreement")) if ended else None,
        None if mended is None else (mended - at).total_seconds() / _MINUTE,
        proposal.flag("asks"),
        told.text("reason"),
        tuple(dict.fromkeys(change.text("by") for change in told.trees("changes"))),
        (ended[-1] if ended else event).seq,
    )


def _cause(history: History) -> str:
    told = history.of(EventKind.DIAGNOSED)
    best = Tree(told[-1].body).trees("diagnosis", "hypotheses") if told else []
    return best[0].text("cause") if best else "unknown"


def _agreements(cases: Sequence[Case]) -> tuple[tuple[str, int], ...]:
    counts = ((kind.value, sum(case.agreement is kind for case in cases)) for kind in Agreement)
    return tuple((name, count) for name, count in counts if count)


def _rows(cases: Sequence[Case], key: Callable[[Case], str]) -> tuple[ShadowRow, ...]:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[key(case)].append(case)
    rows = [_row(name, own) for name, own in groups.items()]
    return tuple(sorted(rows, key=lambda row: (-row.proposals, row.name)))


def _row(name: str, own: Sequence[Case]) -> ShadowRow:
    judged, right = [case for case in own if case.agreement in JUDGED], _right(own)
    return ShadowRow(
        name, len(own), _agreements(own), share(len(right), len(judged), of="judged proposal"), _sum(right)
    )


def _sum(cases: Sequence[Case]) -> Figure:
    """All minutes together, with the interval of their mean times their number."""
    if not cases:
        return not_computable("min", "no proposal whose very change people made")
    minutes, causes = [case.minutes or 0.0 for case in cases], [case.cause for case in cases]
    return _summed(minutes, causes)


def _summed(minutes: Sequence[float], causes: Sequence[str]) -> Figure:
    count = len(minutes)
    if len(set(causes)) < FEWEST_CLUSTERS:
        return Figure("min", count, sum(minutes), interval=f"none: fewer than {FEWEST_CLUSTERS} causes")
    low, high = mean_interval(minutes, causes)
    said = f"95 %, jackknife over {len(set(causes))} causes"
    return Figure("min", count, sum(minutes), low=low * count, high=high * count, interval=said)


def _median(cases: Sequence[Case]) -> Figure:
    minutes, causes = [case.minutes or 0.0 for case in cases], [case.cause for case in cases]
    if len(set(causes)) < FEWEST_CLUSTERS:
        return figures.median("min", minutes, of="proposal whose very change people made")
    low, high = quantile_interval(minutes, causes)
    said = f"95 %, jackknife over {len(set(causes))} causes"
    return Figure("min", len(minutes), statistics.median(minutes), low=low, high=high, interval=said)


def _net(cases: Sequence[Case], own: dict[str, float]) -> Figure:
    """The sum less the time that the remedies take by themselves, over the actions that were seen to heal here."""
    known = [case for case in cases if case.action in own]
    if not known:
        why = "this log has not seen any of these remedies heal, so their own time is not known"
        return not_computable("min", why if cases else "no proposal whose very change people made")
    minutes = [(case.minutes or 0.0) - own[case.action] for case in known]
    return _summed(minutes, [case.cause for case in known])


def _own_minutes(histories: Sequence[History]) -> dict[str, float]:
    """The median minutes from the applied remedy to the first healthy sight, by action."""
    found: dict[str, list[timedelta]] = defaultdict(list)
    for history in histories:
        times = clocks(history)
        action = _healer(history.of(EventKind.VERIFIED))
        if action and times.applied is not None and times.mitigated is not None:
            found[action].append(times.mitigated - times.applied)
    return {action: statistics.median(took.total_seconds() / _MINUTE for took in own) for action, own in found.items()}


def _healer(verified: Sequence[Event]) -> str:
    healed = (Tree(event.body) for event in verified)
    return next((body.text("action") for body in healed if body.text("verification", "effect") == "healed"), "")
