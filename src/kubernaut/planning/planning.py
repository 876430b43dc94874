"""From a diagnosis to a plan."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from kubernaut.domain.diagnosis import ActionCall, ActionId, CauseId, Diagnosis, Hypothesis
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import JsonObject, ObjectRef
from kubernaut.domain.plans import Candidate, Decision, Plan, Standing, Trial, lease_name
from kubernaut.planning.casework import Casework, Docket
from kubernaut.planning.choosing import Settled, Weighing, candidates_told, choose
from kubernaut.planning.exploring import ExplorationBudget
from kubernaut.planning.guardrails import Guardrails
from kubernaut.planning.guards import OBSERVED, Autonomy, Situation, close, objection
from kubernaut.planning.hearing import Hearing
from kubernaut.planning.oscillation import thrashes
from kubernaut.planning.policy.ruling import Policy
from kubernaut.planning.ranking import Record, rank, record_name, unproven
from kubernaut.planning.registering import Entry, Register
from kubernaut.planning.strategies.book import StrategyBook
from kubernaut.planning.strategies.facts import facts_of
from kubernaut.planning.strategies.offering import offer
from kubernaut.planning.submitting import Submissions
from kubernaut.planning.told_before import ALREADY_TOLD, told_before
from kubernaut.ports import Clock, ClusterReader, IncidentStore, Leases, Switch

COOL_DOWN = "cool_down"
_TO_PEOPLE = ActionId("escalate")
_BRIEFLY = timedelta(seconds=10)

# What each action and each strategy did for a cause, as it counts in a namespace.
Records = Callable[[CauseId, str], Awaitable[Mapping[str, Standing]]]


@dataclass(frozen=True, slots=True)
class PlanningPolicy:
    """`busy_for` is how long a target belongs to the incident that acts on it, unless it gives it back.

    `patience` is how long after its alert a fault without a remedy is watched before people are called; `look_back`
    how long an alert may go on firing after what it told of was mended. With `shadow`, whatever would be done is
    proposed instead, and no label or rule lifts that.
    """

    autonomy: Autonomy
    cooldown: timedelta
    patience: timedelta
    busy_for: timedelta
    look_back: timedelta = timedelta()
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class PlanningStage:
    """The stage with its ports. `asked_about` names the actions that are never done without consent."""

    reader: ClusterReader
    incidents: IncidentStore
    leases: Leases
    switch: Switch
    clock: Clock
    records: Records
    asked_about: frozenset[ActionId]
    policy: PlanningPolicy
    rails: Guardrails
    risks: Mapping[ActionId, int] = field(default_factory=dict)
    exploration: ExplorationBudget = field(default_factory=ExplorationBudget)
    strategies: StrategyBook = field(default_factory=StrategyBook)
    submissions: Submissions = field(default_factory=Submissions)

    async def plan(self, incident: Incident, diagnosis: Diagnosis, *, look: int, tried: Sequence[Trial]) -> Plan:
        """The plan, stored. An `act` plan holds the target's lease in the incident's name."""
        law = await self.rails.book.current()
        settled = await self._decide(incident, diagnosis, tried, law)
        if not tried:
            settled = await self._unless_told(incident, diagnosis, settled)
        settled = await self._register.enter(incident, settled, law, Entry(f"planned-{look}", EventKind.PLANNED))
        return settled.plan

    @property
    def hearing(self) -> Hearing:
        """What is made of the answers to a request for consent."""
        return Hearing(self.incidents, self.clock, self.rails, self._casework, self._register, self.submissions)

    async def _unless_told(self, incident: Incident, diagnosis: Diagnosis, settled: Settled) -> Settled:
        """Nobody is called a second time, by another alert, about what is as it was when people were called."""
        best, plan = diagnosis.best, settled.plan
        if best is None or plan.ending is not Ending.ESCALATED or plan.chosen is not None:
            return settled
        earlier = await told_before(self.incidents, incident, best, self.clock.now())
        if earlier is None:
            return settled
        reason = f"people were called about {best.cause} of {incident.target} in {earlier.id}, whose alert still fires"
        help_ = f"kubernaut incidents show {earlier.id}"
        return replace(settled, plan=close(Ending.DECLINED, reason, ALREADY_TOLD, help=help_))

    async def _decide(self, incident: Incident, diagnosis: Diagnosis, tried: Sequence[Trial], law: Policy) -> Settled:
        best = diagnosis.best
        docket = await self._casework.open(incident, diagnosis, law)
        ranked, docket = await self._ranked(diagnosis, best, docket, tried) if best else ((), docket)
        weighing = await self._casework.weighing(docket, best, law) if best and ranked and not law.broken else None
        situation = docket.situation
        if weighing is not None and situation.scope.managed:
            ranked, notes = await self.submissions.judged(ranked, weighing)
            weighing = replace(weighing, passed_over=(*weighing.passed_over, *notes))
            situation = _lifted(situation, weighing, ranked[0])
        refused = objection(situation)
        if refused is not None and refused.guard == OBSERVED and weighing is not None:
            return _observed(Settled(refused, docket.told), weighing, ranked, situation.now, law.zone)
        if refused is not None or best is None or weighing is None:
            return Settled(refused or close(Ending.NO_ACTION_NEEDED, "nothing was found", "nothing_found"), docket.told)
        fresh, why_not = self._fresh(ranked, best, docket, [trial.call for trial in tried])
        settled = choose(weighing, fresh) if fresh else Settled(why_not, docket.told)
        settled = await self._explored(incident, weighing, fresh, settled)
        if await self._has_to_wait(incident, docket, settled.plan):
            waiting = Plan(Decision.WAIT, f"another incident is acting on {docket.target}", guard="resource_busy")
            return replace(settled, plan=waiting)
        return settled

    async def _has_to_wait(self, incident: Incident, docket: Docket, plan: Plan) -> bool:
        """Whether another incident acts on the target. What is to be done now takes the lease here."""
        if plan.decision is Decision.ACT:
            return not await self._register.take(incident, plan)
        return plan.guard == COOL_DOWN and await self._is_busy(incident, docket.target)

    async def _ranked(
        self, diagnosis: Diagnosis, best: Hypothesis, docket: Docket, tried: Sequence[Trial]
    ) -> tuple[tuple[Candidate, ...], Docket]:
        """What the cause and the strategies offer, best first, and the docket with what does not fit."""
        facts = partial(facts_of, diagnosis, best, docket.survey.item, tried, docket.situation.now)
        offered = offer(await self.strategies.current(), best, tried, self.strategies.known, facts)
        known = await self.records(best.cause, best.target.namespace) if offered.fresh else {}
        ranked = rank(offered.fresh, record=_record(known), risks=self.risks)
        # What is under way is brought to its end before anything else is begun.
        ranked = (offered.going, *ranked) if offered.going else ranked
        return ranked, docket.passing_over(offered.passed_over)

    async def _explored(
        self, incident: Incident, weighing: Weighing, fresh: Sequence[Candidate], settled: Settled
    ) -> Settled:
        """With an unproven remedy in the place of the proven one, where it too needs no consent and the budget lasts.

        Where a person is asked, the person may choose it anyway.
        """
        other = unproven(fresh)
        if settled.plan.decision is not Decision.ACT or settled.plan.chosen is None or other is None:
            return settled
        tried = choose(weighing, [other, *(each for each in fresh if each is not other)])
        if tried.plan.decision is not Decision.ACT or tried.plan.chosen != other:
            return settled
        if not await self.exploration.take(self.leases, incident.id):
            return settled
        why = f"{tried.plan.reason}; {settled.plan.chosen.call.action} is better proven, this one is tried to learn"
        return replace(tried, plan=replace(tried.plan, reason=why))

    @property
    def _casework(self) -> Casework:
        return Casework(
            self.reader, self.incidents, self.switch, self.clock, self.rails, self.asked_about, self.policy.autonomy,
            self.policy.patience, self.policy.look_back, self.policy.shadow,
        )  # fmt: skip

    @property
    def _register(self) -> Register:
        return Register(self.reader, self.incidents, self.leases, self.clock, self.rails, self.policy.busy_for)

    def _fresh(
        self, ranked: Sequence[Candidate], best: Hypothesis, docket: Docket, tried: Sequence[ActionCall]
    ) -> tuple[list[Candidate], Plan]:
        """The candidates that were not tried lately, and what is told where none is left."""
        now = docket.situation.now
        cooling = [past.call for past in docket.history if past.at >= now - self.policy.cooldown]
        cooling = [call for call in cooling if call not in tried]
        left: list[Candidate] = []
        why: set[str] = set()
        for each in ranked:
            if each.call.action == _TO_PEOPLE:
                # That is what becomes of an incident for which nothing is left, with the reason why nothing is.
                continue
            # The same action again is the same remedy, by whatever revision number or size it is named this time.
            if _same_action(each.call, tried):
                why.add("exhausted")
            elif _same_action(each.call, cooling):
                why.add(COOL_DOWN)
            elif each.call.action in docket.rejected:
                why.add("rejected")
            elif thrashes(each.call, docket.history, now):
                why.add("thrashing")
            else:
                left.append(each)
        return left, _none_left(best, docket, why)

    async def _is_busy(self, incident: Incident, target: ObjectRef) -> bool:
        """Whether another incident acts on the target: then what it applied is not judged yet, and may still help."""
        name = lease_name(target)
        if not await self.leases.acquire(name, incident.id, duration=_BRIEFLY):
            return True
        await self.leases.release(name, incident.id)
        return False


def _lifted(situation: Situation, weighing: Weighing, first: Candidate) -> Situation:
    """The situation with the autonomy that a rule gives in place of the label's."""
    if weighing.lifting(first) is None:
        return situation
    return replace(situation, scope=replace(situation.scope, autonomy=Autonomy.AUTO))


def _observed(
    settled: Settled, weighing: Weighing, ranked: Sequence[Candidate], now: datetime, zone: ZoneInfo
) -> Settled:
    """A rule may lift the label that only observes, so what rules would have looked at is kept for a replay."""
    looked_at = [(each, weighing.facts(each)) for each in ranked]
    facts = looked_at[0][1]
    told: JsonObject = {"facts": facts.variables(now, zone), "candidates": candidates_told(looked_at, weighing, facts)}
    return replace(settled, ruling={**settled.ruling, **told})


def _none_left(best: Hypothesis, docket: Docket, why: set[str]) -> Plan:
    names = ", ".join(call.action for call in best.remedies if call.action != _TO_PEOPLE)
    if not why:
        return close(Ending.ESCALATED, f"{best.cause}: no safe action fits, a person has to decide", "no_safe_action")
    if "rejected" in why:
        told = next(iter(docket.rejected.values()))
        return close(Ending.DECLINED, f"{names}: {told}; it is not asked again so soon", "rejected")
    for guard, told in (
        (COOL_DOWN, "was applied moments ago"),
        ("thrashing", "was applied twice within 90 min and the fault came back"),
    ):
        if guard in why:
            return close(Ending.ESCALATED, f"{names} {told}; a person has to decide", guard)
    return close(Ending.ESCALATED, f"{names} did not help; a person has to decide", "exhausted")


def _same_action(call: ActionCall, others: Sequence[ActionCall]) -> bool:
    return any(call.action == other.action and call.target == other.target for other in others)


def _record(known: Mapping[str, Standing]) -> Record:
    return lambda candidate: known.get(record_name(candidate), Standing())
