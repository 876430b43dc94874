"""The alert's whole way; start reading here.

`admit` takes a stored signal to an incident. `heal` is the way of the incident from there, one durable function: every
`run.step` happens once even when the process dies in it or beside it, and everything between steps only decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from kubernaut.domain.diagnosis import ActionCall, Diagnosis
from kubernaut.domain.errors import ClusterError, EngineError, KubernautError, StoreError
from kubernaut.domain.execution import Applied, Effect, Execution, Intent, Observation, Verification
from kubernaut.domain.incidents import Incident
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.domain.plans import Conclusion, Decision, Plan
from kubernaut.domain.signals import Signal
from kubernaut.engine import Engine, Run
from kubernaut.engine.codec import dump, load
from kubernaut.execution.stage import ExecutionStage
from kubernaut.impact.stage import ImpactStage
from kubernaut.investigation.stage import InvestigationStage
from kubernaut.learning.stage import LearningStage
from kubernaut.planning.planning import PlanningStage
from kubernaut.ports import Admission
from kubernaut.triage.admission import Resolved, TriageStage
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


async def admit(signal: Signal, stages: Stages, engine: Engine) -> None:
    """Opens, joins or ends incidents for one signal of the inbox; safe to repeat."""
    match await stages.triage.admit(signal):
        case Admission(incident=incident) if incident.is_open:
            # Starting twice is starting once. A process that dies before this line is made good by `revive`.
            await engine.start(incident.id, {"do": "heal", "incident": dump(incident)})
        case Resolved(incidents=incidents):
            for incident in incidents:
                await engine.send(incident.id, DECISION, {"resolved": True}, key=f"resolved-{signal.id}")
        case _:
            pass


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
    """The way of one incident, from the first look to what it taught."""
    if stages.policy.settle:
        await run.sleep(stages.policy.settle)
    try:
        conclusion = await _mend(run, stages, incident)
    except EngineError:
        # A defect, or a journal of another version: the engine reports it, and the incident closes as failed.
        raise
    except KubernautError as error:
        stuck = isinstance(error, ClusterError | StoreError)
        conclusion = Conclusion(Ending.BLOCKED if stuck else Ending.FAILED, f"{error.code}: {error}", error.help)
    await run.step("tell", partial(stages.execution.tell, incident, conclusion), returns=str)
    await run.step("value", partial(stages.impact.appraise, incident, conclusion), returns=str)
    await run.step("learn", partial(stages.learning.remember, incident, conclusion), returns=str)
    await run.step("close", partial(stages.execution.close, incident, conclusion), returns=str)
    return conclusion.ending


async def _mend(run: Run, stages: Stages, incident: Incident) -> Conclusion:
    tried: tuple[ActionCall, ...] = ()
    undone = False
    for look in range(1, stages.policy.looks + 1):
        diagnosis = await run.step(
            f"investigate-{look}", partial(stages.investigation.investigate, incident, look=look), returns=Diagnosis
        )
        plan = await _decide(run, stages, incident, diagnosis, tried=tried, look=look)
        if plan.decision is Decision.WAIT:
            await run.sleep(stages.policy.recheck)
            continue
        if plan.chosen is None or plan.decision is not Decision.ACT:
            ending = plan.ending or Ending.ESCALATED
            return _after(Conclusion(ending, plan.reason, plan.help, guard=plan.guard), undone=undone)
        tried = (*tried, plan.chosen.call)
        conclusion = await _act(run, stages, incident, diagnosis, plan.chosen.call, attempt=len(tried))
        undone = undone or conclusion.ending is Ending.UNDONE
        if conclusion.final:
            # It healed, or it stands and people have to judge it.
            return conclusion
        if len(tried) >= stages.policy.attempts:
            return _after(conclusion, undone=undone)
    return Conclusion(Ending.ESCALATED, "it neither settled nor failed for good while it was watched")


def _after(conclusion: Conclusion, *, undone: bool) -> Conclusion:
    """What is handed to people after a remedy was taken back is called undone."""
    handed_over = conclusion.ending is Ending.ESCALATED
    return replace(conclusion, ending=Ending.UNDONE) if undone and handed_over else conclusion


async def _decide(
    run: Run, stages: Stages, incident: Incident, diagnosis: Diagnosis, *, tried: tuple[ActionCall, ...], look: int
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


async def _act(
    run: Run, stages: Stages, incident: Incident, diagnosis: Diagnosis, call: ActionCall, *, attempt: int
) -> Conclusion:
    """Previews, stores the way back, applies, watches, and takes back what did not help."""
    execution = stages.execution
    prepared = await run.step(
        f"intend-{attempt}", partial(execution.intend, incident, call, attempt=attempt), returns=Execution
    )
    if prepared.intent is None:
        return Conclusion(Ending.ESCALATED, prepared.reason, final=False)
    intent = prepared.intent
    applied = await run.step(
        f"apply-{attempt}", partial(execution.apply, incident, intent, attempt=attempt), returns=Execution
    )
    take_back = f"kubernaut incidents undo {incident.id}"
    if applied.applied is Applied.REFUSED:
        # On what was left half done no second remedy is put.
        return Conclusion(Ending.ESCALATED, applied.reason, take_back if applied.left else "", final=bool(applied.left))
    verification = await _watch(run, stages, incident, diagnosis, intent, attempt=attempt)
    match verification.effect:
        case Effect.HEALED:
            return Conclusion(Ending.HEALED, verification.reason)
        case Effect.UNKNOWN:
            # Nobody can say that it harmed, so taking it back could break what works again: people look at it.
            return Conclusion(Ending.ESCALATED, f"{call.action} was applied; {verification.reason}", take_back)
        case Effect.UNCHANGED | Effect.WORSE:
            undo = partial(execution.undo, incident, intent, verification, attempt=attempt)
            back = await run.step(f"undo-{attempt}", undo, returns=Execution)
            reason = f"{call.action} did not help ({verification.reason}); {back.reason}"
            if back.applied is Applied.REFUSED:
                return Conclusion(Ending.ESCALATED, reason, take_back)
            return Conclusion(Ending.UNDONE, reason, final=False)


async def _watch(
    run: Run, stages: Stages, incident: Incident, diagnosis: Diagnosis, intent: Intent, *, attempt: int
) -> Verification:
    verification = stages.verification
    seen: list[Observation] = []
    while True:
        look = partial(verification.observe, incident, intent)
        seen.append(await run.step(f"observe-{attempt}-{len(seen) + 1}", look, returns=Observation))
        judged = verification.judge(seen)
        if isinstance(judged, Verification):
            break
        await run.sleep(judged.after)
    record = partial(verification.record, incident, diagnosis, intent, tuple(seen), judged, attempt=attempt)
    await run.step(f"verify-{attempt}", record, returns=str)
    return judged
