"""The alert's whole way; start reading here.

`admit` takes a stored signal to an incident. `heal` is the way of the incident from there, one durable function: every
`run.step` happens once even when the process dies in it or beside it, and everything between steps only decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.errors import ClusterError, EngineError, KubernautError, SourceError, StoreError
from kubernaut.domain.execution import Applied, Effect, Execution, Intent, Observation, Verification
from kubernaut.domain.incidents import Incident
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.domain.plans import Candidate, Conclusion, Course, Decision, Outcome, Plan, Trial
from kubernaut.domain.proposals import Comparison, Proposal, Sight
from kubernaut.domain.signals import Signal
from kubernaut.domain.sources import PROPOSE, Submitted
from kubernaut.engine import Engine, Run
from kubernaut.engine.codec import dump, load
from kubernaut.execution.stage import ExecutionStage
from kubernaut.impact.stage import ImpactStage
from kubernaut.investigation.stage import InvestigationStage
from kubernaut.learning.stage import LearningStage
from kubernaut.planning.planning import PlanningStage
from kubernaut.planning.ways import Acted, Way
from kubernaut.ports import Admission
from kubernaut.triage.admission import Resolved, SetAside, TriageStage
from kubernaut.verification.stage import VerificationStage

# The topic on which a waiting incident hears people's decisions and resolved alerts.
DECISION = "decision"
# Resolved alerts of an incident with many may wake a request for consent that often, before it escalates.
MOST_ANSWERS = 50


@dataclass(frozen=True, slots=True)
class PipelinePolicy:
    """When to go on, to wait, and to hand over.

    `attempts`: remedies tried before people are asked. `looks`: investigations in all, those after a wait included.
    """

    attempts: int
    looks: int
    recheck: timedelta
    settle: timedelta
    approval: timedelta


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages in the order of an alert's way."""

    triage: TriageStage
    investigation: InvestigationStage
    planning: PlanningStage
    execution: ExecutionStage
    verification: VerificationStage
    impact: ImpactStage
    learning: LearningStage
    policy: PipelinePolicy


async def admit(signal: Signal, stages: Stages, engine: Engine) -> Admission | Resolved | SetAside:
    """Opens, joins or ends incidents for one signal of the inbox, and says which; safe to repeat."""
    became = await stages.triage.admit(signal)
    match became:
        case Admission(incident=incident) if incident.is_open:
            # Starting twice is starting once. A process that dies before this line is made good by `revive`.
            await engine.start(incident.id, beginning(incident))
        case Resolved(incidents=incidents):
            for incident in incidents:
                await engine.send(incident.id, DECISION, {"resolved": True}, key=f"resolved-{signal.id}")
        case _:
            pass
    return became


def beginning(incident: Incident) -> JsonObject:
    """What the engine is told to run for an incident."""
    return {"do": "heal", "incident": dump(incident)}


async def run_incident(run: Run, stages: Stages, argument: JsonObject) -> Json:
    """What the engine runs: an incident's way, or the undo of its last action that a person asked for."""
    incident = load(Incident, argument["incident"])
    if argument["do"] == "undo":
        asked = partial(stages.execution.undo_last, incident, by=str(argument["by"]))
        undo = partial(asked, reason=str(argument.get("reason", "")))
        execution = await run.step("undo", undo, returns=Execution)
        await run.step("correct", partial(stages.learning.correct, incident, execution), returns=str)
        return execution.reason
    return (await heal(run, stages, incident)).value


async def heal(run: Run, stages: Stages, incident: Incident) -> Ending:
    """The way of one incident, from the first look to what it taught.

    It closes before it learns: an alert that begins while the lesson is being stored is news.
    """
    if stages.policy.settle:
        await run.sleep(stages.policy.settle)
    conclusion = await _mend(run, stages, incident)
    await run.step("tell", partial(stages.execution.tell, incident, conclusion), returns=str)
    await run.step("value", partial(stages.impact.appraise, incident, conclusion), returns=str)
    await run.step("close", partial(stages.execution.close, incident, conclusion), returns=str)
    await run.step("learn", partial(stages.learning.remember, incident, conclusion), returns=str)
    if conclusion.proposal is not None:
        await _shadow(run, stages, incident, conclusion.proposal)
    return conclusion.ending


async def _mend(run: Run, stages: Stages, incident: Incident) -> Conclusion:
    way = Way()
    try:
        for look in range(1, stages.policy.looks + 1):
            investigate = partial(stages.investigation.investigate, incident, look=look)
            diagnosis = await run.step(f"investigate-{look}", investigate, returns=Diagnosis)
            plan = await _decide(run, stages, incident, diagnosis, way.trials, look=look)
            if plan.decision is Decision.WAIT:
                await run.sleep(stages.policy.recheck)
                continue
            if plan.chosen is None or plan.decision is not Decision.ACT:
                return await _end(run, stages, incident, way, await _left(run, stages, incident, plan, look=look))
            if not way.goes_on(plan.chosen):
                way, _ = await _let_go(run, stages, incident, way)
            do = _submit if plan.chosen.call.action == PROPOSE else _act
            acted = await do(run, stages, incident, diagnosis, plan.chosen, attempt=way.attempt)
            way = way.after(plan.chosen, acted)
            if acted.conclusion.final or way.calls_people or way.failures >= stages.policy.attempts:
                return await _end(run, stages, incident, way, acted.conclusion)
        conclusion = Conclusion(Ending.ESCALATED, "it neither settled nor failed for good while it was watched")
        return await _end(run, stages, incident, way, conclusion)
    except EngineError:
        # A defect, or a journal of another version: the engine reports it, and the incident closes as failed.
        raise
    except KubernautError as error:
        stuck = isinstance(error, ClusterError | SourceError | StoreError)
        conclusion = Conclusion(Ending.BLOCKED if stuck else Ending.FAILED, f"{error.code}: {error}", error.help)
        return way.ended(conclusion, incident.id)


async def _left(run: Run, stages: Stages, incident: Incident, plan: Plan, *, look: int) -> Conclusion:
    """The conclusion of a plan that does nothing, with the proposal of one that only proposes."""
    proposal = None
    if plan.is_proposal:
        propose = partial(stages.execution.propose, incident, plan, look=look)
        proposal = await run.step(f"propose-{look}", propose, returns=Proposal)
    ending = plan.ending or Ending.ESCALATED
    return Conclusion(ending, plan.reason, plan.help, guard=plan.guard, proposal=proposal)


async def _end(run: Run, stages: Stages, incident: Incident, way: Way, conclusion: Conclusion) -> Conclusion:
    """The conclusion, after what stood for a strategy that did not heal was taken back."""
    if way.lets_go(conclusion.ending):
        way, words = await _let_go(run, stages, incident, way)
        conclusion = replace(conclusion, reason=f"{conclusion.reason}; {words}")
    return way.ended(conclusion, incident.id)


async def _let_go(run: Run, stages: Stages, incident: Incident, way: Way) -> tuple[Way, str]:
    """Takes back what stands, the last first; the way without it, and what became of it."""
    backs = []
    for each in reversed(way.standing):
        take_back = partial(stages.execution.let_go, incident, each.intent, attempt=each.attempt)
        backs.append((each, await run.step(f"undo-{each.attempt}", take_back, returns=Execution)))
    return way.without_what_stood(backs), "; ".join(f"{each.candidate.call.action}: {b.reason}" for each, b in backs)


async def _decide(
    run: Run, stages: Stages, incident: Incident, diagnosis: Diagnosis, tried: tuple[Trial, ...], *, look: int
) -> Plan:
    planning = stages.planning
    plan = await run.step(
        f"plan-{look}", partial(planning.plan, incident, diagnosis, look=look, tried=tried), returns=Plan
    )
    if plan.decision is not Decision.ASK:
        return plan
    plan = await run.step(
        f"ask-{look}",
        partial(stages.execution.ask, incident, diagnosis, plan, look=look, open_for=stages.policy.approval),
        returns=Plan,
    )
    for answer in range(1, MOST_ANSWERS + 1):
        if plan.decision is not Decision.ASK:
            break
        heard = await run.receive(DECISION, plan.open_for or stages.policy.approval)
        plan = await run.step(
            f"answer-{look}-{answer}", partial(planning.hear, incident, plan, heard, look=look), returns=Plan
        )
    return plan


async def _submit(
    run: Run, stages: Stages, incident: Incident, diagnosis: Diagnosis, chosen: Candidate, *, attempt: int
) -> Acted:
    """Proposes the change to whoever owns the object; people decide about it, so the incident ends with that."""
    submit = partial(stages.execution.submit, incident, diagnosis, chosen.call, attempt=attempt)
    submitted = await run.step(f"submit-{attempt}", submit, returns=Submitted)
    undo = f"kubernaut incidents undo {incident.id}" if submitted.address else ""
    return Acted(Conclusion(Ending.ESCALATED, submitted.reason, undo, guard="owned"), Outcome.REFUSED)


async def _act(
    run: Run, stages: Stages, incident: Incident, diagnosis: Diagnosis, chosen: Candidate, *, attempt: int
) -> Acted:
    """Previews, stores the way back, applies, watches, and takes back what did not help."""
    execution, call = stages.execution, chosen.call
    prepared = await run.step(
        f"intend-{attempt}", partial(execution.intend, incident, call, attempt=attempt), returns=Execution
    )
    if prepared.intent is None:
        return Acted(Conclusion(Ending.ESCALATED, prepared.reason, final=False), Outcome.REFUSED)
    intent = prepared.intent
    applied = await run.step(
        f"apply-{attempt}", partial(execution.apply, incident, intent, attempt=attempt), returns=Execution
    )
    take_back = f"kubernaut incidents undo {incident.id}"
    if applied.applied is Applied.REFUSED:
        # On what was left half done no second remedy is put.
        left = Conclusion(Ending.ESCALATED, applied.reason, take_back if applied.left else "", final=bool(applied.left))
        return Acted(left, Outcome.REFUSED, intent if applied.left else None)
    verification = await _watch(run, stages, incident, diagnosis, intent, chosen.course, attempt=attempt)
    match verification.effect:
        case Effect.HEALED:
            return Acted(Conclusion(Ending.HEALED, verification.reason))
        case Effect.PREPARED:
            words = f"{call.action} is in force, and what was to follow it did not"
            return Acted(Conclusion(Ending.ESCALATED, words, final=False), Outcome.PREPARED, intent)
        case Effect.UNKNOWN:
            # Nobody can say that it harmed, so taking it back could break what works again: people look at it.
            words = f"{call.action} was applied; {verification.reason}"
            return Acted(Conclusion(Ending.ESCALATED, words, take_back), Outcome.UNKNOWN, intent)
        case Effect.UNCHANGED | Effect.WORSE:
            undo = partial(execution.undo, incident, intent, verification, attempt=attempt)
            back = await run.step(f"undo-{attempt}", undo, returns=Execution)
            reason = f"{call.action} did not help ({verification.reason}); {back.reason}"
            conclusion = Conclusion(Ending.UNDONE, reason, final=False)
            if back.applied is Applied.REFUSED:
                # It stands, and people have to judge it.
                conclusion = Conclusion(Ending.ESCALATED, reason, take_back)
            return Acted(conclusion, Outcome(verification.effect.value), intent)


async def _watch(  # what every step of an attempt is told
    run: Run, stages: Stages, incident: Incident, diagnosis: Diagnosis, intent: Intent, course: Course | None, *,
    attempt: int,
) -> Verification:  # fmt: skip
    verification = stages.verification
    seen: list[Observation] = []
    while True:
        look = partial(verification.observe, incident, intent)
        seen.append(await run.step(f"observe-{attempt}-{len(seen) + 1}", look, returns=Observation))
        judged = verification.judge(seen, course)
        if isinstance(judged, Verification):
            break
        await run.sleep(judged.after)
    record = partial(
        verification.record, incident, diagnosis, intent, tuple(seen), judged, attempt=attempt, course=course
    )
    await run.step(f"verify-{attempt}", record, returns=str)
    return judged


async def _shadow(run: Run, stages: Stages, incident: Incident, proposal: Proposal) -> None:
    """Watches what people do about an incident that was left to them with a proposal, long after it is closed.

    A look that the cluster or the database does not answer is left out; nothing here can change how it ended.
    """
    watch = stages.verification
    try:
        first = await run.step("watch-0", partial(watch.begin_watch, incident, proposal), returns=Sight)
        last = await _watched(run, stages, incident, proposal, first)
        compare = partial(watch.compare, incident, proposal, first=first, last=last)
        await run.step("compare", compare, returns=Comparison)
    except (ClusterError, StoreError) as error:
        unknown = partial(watch.give_up_watch, incident, proposal, reason=f"{error.code}: {error}")
        await run.step("compare-not", unknown, returns=Comparison)


async def _watched(run: Run, stages: Stages, incident: Incident, proposal: Proposal, first: Sight) -> Sight:
    """The last look of the watch."""
    last = first
    for number, pause in enumerate(stages.verification.pauses(), 1):
        if last.over:
            break
        await run.sleep(pause)
        go_on = partial(stages.verification.go_on_watching, incident, proposal, first=first, before=last, number=number)
        try:
            last = await run.step(f"watch-{number}", go_on, returns=Sight)
        except (ClusterError, StoreError):
            continue
    return last
