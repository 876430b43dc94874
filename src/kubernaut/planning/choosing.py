"""Which remedy, and whether a person is asked first: every candidate is held against labels, policy and surroundings.

Whatever objects can only take a candidate away or ask for consent. Nothing here reads what a model wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.domain.plans import Candidate, Decision, Plan
from kubernaut.domain.sources import PROPOSE
from kubernaut.engine.codec import dump
from kubernaut.planning.guards import Autonomy
from kubernaut.planning.policy.document import Effect
from kubernaut.planning.policy.facts import Facts
from kubernaut.planning.policy.ruling import (
    APPROVAL,
    BROKEN,
    FREEZE,
    MAINTENANCE,
    OWNED,
    STOP_GAP,
    Policy,
    Ruling,
    owned_reason,
)
from kubernaut.planning.surroundings import View
from kubernaut.planning.surveying import Case

_ENDINGS = {Effect.OBSERVE: Ending.DECLINED, Effect.SUGGEST: Ending.ESCALATED, Effect.DENY: Ending.ESCALATED}
# Nothing is wrong with the remedy, it is only not the time for it.
_BLOCKING = frozenset({BROKEN, FREEZE, MAINTENANCE})


@dataclass(frozen=True, slots=True)
class Settled:
    """A plan with what decided it: the `ruling` of the event, from which `policy explain` tells."""

    plan: Plan
    ruling: JsonObject


@dataclass(frozen=True, slots=True)
class Weighed:
    """One candidate with everything that was held against it, the decisive first."""

    candidate: Candidate
    facts: Facts
    rulings: tuple[Ruling, ...]

    @property
    def refusal(self) -> Ruling | None:
        """What takes the candidate away."""
        return next((each for each in self.rulings if each.effect is not Effect.ASK), None)

    @property
    def is_proposal(self) -> bool:
        """Whether all that takes it away is that remedies are only proposed here."""
        return all(each.effect in {Effect.ASK, Effect.SUGGEST} for each in self.rulings)

    @property
    def asks(self) -> bool:
        """Whether a person has to consent, or would have to."""
        return any(each.effect is Effect.ASK for each in self.rulings)


@dataclass(frozen=True, slots=True)
class Weighing:
    """What candidates are weighed with.

    `pressures` are why people are asked whatever the remedy is, `passed_over` the strategies that did not fit.
    """

    case: Case
    policy: Policy
    view: View
    pressures: tuple[Ruling, ...] = ()
    passed_over: tuple[JsonObject, ...] = ()

    def weigh(self, candidate: Candidate) -> Weighed:
        """The candidate with what objects to it."""
        facts = self.facts(candidate)
        found = [*self.policy.objections(facts, self.case.now), *self.pressures]
        best = self.case.best
        # The cause's own word, which no policy lifts: such remedies may lose something.
        if best.verdict is Verdict.APPROVE:
            reason = f"a remedy for {best.cause} needs a person's consent"
            found.append(Ruling(APPROVAL, "", Effect.ASK, reason))
        return Weighed(candidate, facts, tuple(found))

    def facts(self, candidate: Candidate) -> Facts:
        """What conditions may look at."""
        return self.case.facts(
            candidate, self.view, within=timedelta(minutes=self.policy.document.storm.within_minutes)
        )

    def lifting(self, candidate: Candidate) -> Ruling | None:
        """The rule that lifts the autonomy label for it."""
        return self.policy.lifting(self.facts(candidate), self.case.now)


def choose(weighing: Weighing, candidates: Sequence[Candidate]) -> Settled:
    """The first candidate that nothing takes away, to act on or to ask for; else why none is left."""
    weighed = [weighing.weigh(each) for each in candidates]
    plan, first = plan_of(weighed, lambda one: _allowed(weighing, one))
    return Settled(plan, told_of(weighing, first, weighed))


def plan_of(weighed: Sequence[Weighed], allowed: Callable[[Weighed], str]) -> tuple[Plan, Weighed]:
    """The plan that follows from what stands against each candidate, and the candidate that it is about.

    `allowed` says why a candidate is taken against which nothing stands.
    """
    usable = [each for each in weighed if each.refusal is None]
    if not usable:
        proposals = [each for each in weighed if each.is_proposal]
        return (_proposed_plan(proposals), proposals[0]) if proposals else (refused_plan(weighed), weighed[0])
    first, *others = usable
    asks = first.rulings
    plan = Plan(
        Decision.ASK if asks else Decision.ACT,
        _reasons(asks) or allowed(first),
        guard=asks[0].guard if asks else _taken_by(first.candidate),
        chosen=first.candidate,
        alternatives=tuple(each.candidate for each in others),
        rule=asks[0].rule if asks else first.candidate.stop_gap,
        approvers=approvers_of(asks),
    )
    if first.candidate.stop_gap:
        why = f'rule "{first.candidate.stop_gap}" allows it as a stop-gap: {owned_reason(first.facts)}'
        plan = replace(plan, reason=f"{plan.reason}; {why}")
    return plan, first


def _taken_by(candidate: Candidate) -> str:
    """The guard that a candidate is counted under against which nothing stands."""
    if candidate.call.action == PROPOSE:
        return OWNED
    return STOP_GAP if candidate.stop_gap else "allowed"


def approvers_of(rulings: Sequence[Ruling]) -> tuple[str, ...]:
    """Who may consent: whoever every rule names that names anybody."""
    named = [each.approvers for each in rulings if each.approvers]
    if not named:
        return ()
    # Where two rules name different people nobody satisfies both; `nobody` is a name that is nobody's, and no empty
    # list, which means anybody.
    return tuple(name for name in named[0] if all(name in others for others in named)) or ("nobody",)


def told_of(weighing: Weighing, first: Weighed, weighed: Sequence[Weighed]) -> JsonObject:
    """What the event keeps of the decision: the inputs of the candidate that decided, and all that was objected."""
    policy = weighing.policy
    considered: list[Json] = [
        {
            "action": each.candidate.call.action,
            "guard": one.guard,
            "rule": one.rule,
            "then": one.effect.value,
            "reason": one.reason,
            "line": one.line,
        }
        for each in weighed
        for one in each.rulings
    ]
    return {
        "policy": policy_told(policy),
        "inputs": first.facts.variables(weighing.case.now, policy.zone),
        "considered": [*considered, *weighing.passed_over],
        "candidates": candidates_told([(each.candidate, each.facts) for each in weighed], weighing, first.facts),
    }


def policy_told(policy: Policy) -> JsonObject:
    """Which policy decided, and over how long it counts incidents for a storm."""
    return {
        "source": policy.source, "digest": policy.digest, "storm_within_minutes": policy.document.storm.within_minutes
    }  # fmt: skip


def candidates_told(candidates: Sequence[tuple[Candidate, Facts]], weighing: Weighing, facts: Facts) -> list[Json]:
    """Every remedy in its order, with those of its facts that are not the given ones: what a replay needs."""
    now, zone = weighing.case.now, weighing.policy.zone
    given = facts.variables(now, zone)
    told: list[Json] = []
    for candidate, looked_at in candidates:
        own = given if looked_at is facts else looked_at.variables(now, zone)
        # The differences alone: facts are kilobytes, and a decision with ten candidates would store them ten times.
        differs: JsonObject = {key: value for key, value in own.items() if value != given[key]}
        told.append({"call": dump(candidate.call), "differs": differs})
    return told


def refused_plan(weighed: Sequence[Weighed]) -> Plan:
    """Why none of the candidates, of which each has a refusal, may be taken."""
    first = weighed[0].refusal
    if first is None:
        raise AssertionError("a candidate without a refusal is usable")
    ending = Ending.BLOCKED if first.guard in _BLOCKING else _ENDINGS[first.effect]
    others = "" if len(weighed) == 1 else f", and no other of {len(weighed)} remedies is allowed"
    rule = f' by rule "{first.rule}"' if first.rule else ""
    reason = f"{weighed[0].candidate.call.action} is not allowed{rule}: {first.reason or first.effect.value}{others}"
    return Plan(Decision.CLOSE, reason, guard=first.guard, ending=ending, rule=first.rule)


def _proposed_plan(proposals: Sequence[Weighed]) -> Plan:
    """The first remedy that would be taken, for people to take: it is told and nothing is done."""
    first, *others = proposals
    ruling = first.refusal
    if ruling is None:
        raise AssertionError("a candidate without a refusal is usable")
    rule = f' by rule "{ruling.rule}"' if ruling.rule else ""
    because = f": {ruling.reason}" if ruling.reason else ""
    return Plan(
        Decision.CLOSE,
        f"{first.candidate.call.action} is proposed and not done{rule}{because}",
        guard=ruling.guard,
        ending=Ending.ESCALATED,
        chosen=first.candidate,
        alternatives=tuple(each.candidate for each in others),
        rule=ruling.rule,
        asks=first.asks,
    )


def _reasons(asks: Sequence[Ruling]) -> str:
    told = [each.reason or f'rule "{each.rule}"' for each in asks]
    return "; ".join(dict.fromkeys(told))


def _allowed(weighing: Weighing, weighed: Weighed) -> str:
    action, cause = weighed.candidate.call.action, weighing.case.best.cause
    lifted = weighing.lifting(weighed.candidate)
    by = f'rule "{lifted.rule}"' if lifted and weighing.case.scope.autonomy is not Autonomy.AUTO else "this scope"
    return f"{cause}: {action} is bounded and reversible, and {by} allows it"
