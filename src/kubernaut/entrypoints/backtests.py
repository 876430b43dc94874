"""Stored incidents decided upon again under another policy: reads the store, writes nothing, asks no cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pydantic import ValidationError

from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.domain.plans import Plan
from kubernaut.entrypoints.otherwise import Ground, Restored
from kubernaut.impact.period import Period
from kubernaut.planning.budgeting import Spent
from kubernaut.planning.replaying import NotKnown, Stored, What, replay, spending, stored_decision
from kubernaut.ports import IncidentStore

Otherwise = Callable[[Stored, Ground], Restored | NotKnown]

_PAGE = 500
_DAY = timedelta(days=1)
_UNREADABLE = "the decision was stored in a form that is not read any more"
_KINDS = (
    EventKind.RECEIVED,
    EventKind.DIAGNOSED,
    EventKind.PLANNED,
    EventKind.INTENDED,
    EventKind.VERIFIED,
    EventKind.CLOSED,
)


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision in the words of the report: `act`, `ask`, `propose`, `wait`, or the ending it leads to."""

    decision: str
    action: str
    guard: str
    rule: str
    reason: str

    def __str__(self) -> str:
        """`act rollback_deployment`, with the strategy that it is a step of."""
        return f"{self.decision} {self.action}".rstrip()


@dataclass(frozen=True, slots=True)
class Differing:
    """One incident that would have gone another way: at its first decision that comes out otherwise.

    What would have followed nobody knows, so no later decision of it is replayed. `ended` is how it did end, `effect`
    what verification saw of the remedy that was taken.
    """

    incident: IncidentId
    at: datetime
    target: str
    cause: str
    old: Decided
    new: Decided
    ended: str
    effect: str
    seq: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """One incident of which the store does not hold what the other policy looks at."""

    incident: IncidentId
    at: datetime
    target: str
    old: Decided
    why: str


@dataclass(frozen=True, slots=True)
class Backtest:
    """`changes` count incidents by what they change from and to, the most first; `reasons` those that are not known."""

    since: datetime
    until: datetime
    policy: str
    digest: str
    autonomy: str
    incidents: int
    decisions: int
    same: int
    changes: tuple[tuple[str, str, int], ...]
    reasons: tuple[tuple[str, int], ...]
    differing: tuple[Differing, ...]
    unknown: tuple[Unknown, ...]
    tried: str = ""


@dataclass(frozen=True, slots=True)
class _Point:
    """One decision; None where it was stored in a form that is not read any more."""

    incident: IncidentId
    stored: Stored | None
    cause: str
    at: datetime
    seq: int
    ground: Ground = field(default_factory=lambda: Ground(None))


@dataclass
class _Case:
    """One incident as far as it was read."""

    target: str = ""
    verdict: Json = None
    cause: str = ""
    effect: str = ""
    ended: str = ""
    diagnosis: Json = None
    diagnosed: int = 0
    item: JsonObject | None = None
    tried: bool = False


@dataclass
class _Reading:
    """All that was read."""

    cases: dict[IncidentId, _Case] = field(default_factory=dict)
    points: list[_Point] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Reads on."""
        case, body = self.cases.setdefault(event.incident, _Case()), Tree(event.body)
        match event.kind:
            case EventKind.RECEIVED if (target := body.tree("opened", "target")).raw:
                where = f"{target.text('namespace')}/" if target.text("namespace") else ""
                case.target = f"{where}{target.text('kind').lower()}/{target.text('name')}"
            case EventKind.DIAGNOSED:
                best = next(iter(body.trees("diagnosis", "hypotheses")), Tree({}))
                case.verdict, case.cause = best.at("verdict"), best.text("cause")
                case.diagnosis, case.diagnosed = body.at("diagnosis"), event.seq
            case EventKind.PLANNED:
                stored = _stored(event, case)
                ground = Ground(case.diagnosis, after_a_trial=case.tried, diagnosed=case.diagnosed)
                self.points.append(_Point(event.incident, stored, case.cause, event.at, event.seq, ground))
            case EventKind.INTENDED:
                case.item = case.item or dict(body.tree("intent", "snapshot").raw) or None
                case.tried = True
            case EventKind.VERIFIED:
                case.effect = case.effect or body.text("verification", "effect")
            case EventKind.CLOSED:
                case.ended = body.text("ending")
            case _:
                pass


def _stored(event: Event, case: _Case) -> Stored | None:
    try:
        return stored_decision(event.body, event.at, case.verdict)
    except ValidationError:
        return None


async def run_backtest(
    incidents: IncidentStore, period: Period, what: What, *, otherwise: Otherwise | None = None, tried: str = ""
) -> Backtest:
    """The incidents that were decided upon in the period, in the order of their decisions.

    `otherwise` puts other remedies or another diagnosis in the place of the stored ones; `tried` is what it is called.
    """
    reading, after = _Reading(), 0
    while page := await incidents.events(after=after, limit=_PAGE, kinds=_KINDS):
        for event in page:
            # Budgets look a day back.
            if period.since - _DAY <= event.at <= period.until:
                reading.take(event)
        after = page[-1].seq
    course = _Course(what, period.since, reading.cases, otherwise)
    for point in reading.points:
        if point.incident not in course.left:
            course.go_on(point)
    changes = Counter((str(one.old), str(one.new)) for one in course.differing)
    return Backtest(
        period.since,
        period.until,
        what.law.source,
        what.law.digest,
        what.autonomy.value if what.autonomy else "",
        len({point.incident for point in reading.points if point.at >= period.since}),
        course.decisions,
        course.same,
        tuple((old, new, count) for (old, new), count in changes.most_common()),
        tuple(Counter(one.why for one in course.unknown).most_common()),
        tuple(course.differing),
        tuple(course.unknown),
        tried,
    )


@dataclass
class _Course:
    """How far the replay is; `left` are incidents of which nothing more can be told."""

    what: What
    since: datetime
    cases: dict[IncidentId, _Case]
    otherwise: Otherwise | None = None
    decisions: int = 0
    same: int = 0
    spent: list[Spent] = field(default_factory=list)
    differing: list[Differing] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)
    left: set[IncidentId] = field(default_factory=set)

    def go_on(self, point: _Point) -> None:
        """Takes the next decision again."""
        stored, case = point.stored, self.cases[point.incident]
        plan, ground = self._again(point, case)
        # What is not known counts in the budgets as it was decided.
        if ground is not None:
            self._spend(spending(ground.plan if isinstance(plan, NotKnown) else plan, ground), point.at)
        if point.at < self.since:
            return
        self.decisions += 1
        old = _decided(stored.plan) if stored else Decided("", "", "", "", "")
        if isinstance(plan, NotKnown):
            self.left.add(point.incident)
            self.unknown.append(Unknown(point.incident, point.at, case.target, old, plan.why))
            return
        new = _decided(plan)
        if str(new) == str(old):
            self.same += 1
            return
        self.left.add(point.incident)
        told = Differing(
            point.incident, point.at, case.target, point.cause, old, new, case.ended, case.effect, point.seq
        )
        self.differing.append(told)

    def _again(self, point: _Point, case: _Case) -> tuple[Plan | NotKnown, Stored | None]:
        """What would have been decided, and the ground on which it would."""
        if point.stored is None:
            return NotKnown(_UNREADABLE), None
        restored: Restored | NotKnown = Restored(point.stored)
        if self.otherwise is not None:
            item = None if point.ground.after_a_trial else case.item
            restored = self.otherwise(point.stored, replace(point.ground, item=item))
        if isinstance(restored, NotKnown):
            return restored, point.stored
        plan = restored.plan or replay(restored.stored, self.what, self._spend(None, point.at))
        return plan if isinstance(plan, NotKnown) else restored.named(plan), restored.stored

    def _spend(self, took: Spent | None, now: datetime) -> list[Spent]:
        """What was spent in the day before, this included."""
        self.spent = [each for each in self.spent if each.at > now - _DAY] + ([took] if took else [])
        return list(self.spent)


def _decided(plan: Plan) -> Decided:
    if plan.is_proposal:
        decision = "propose"
    elif plan.ending is not None:
        decision = plan.ending.value
    else:
        decision = plan.decision.value
    action = str(plan.chosen.call.action) if plan.chosen else ""
    if plan.chosen and plan.chosen.course:
        action += f" ({plan.chosen.course.strategy})"
    return Decided(decision, action, plan.guard, plan.rule, plan.reason)


def healed_and_left(differing: Iterable[Differing]) -> int:
    """How many of the remedies that would not have been taken so did heal."""
    return sum(one.old.decision == "act" and one.effect == "healed" for one in differing)
