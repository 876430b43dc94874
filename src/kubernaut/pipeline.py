"""The alert's whole way; start reading here.

`admit` takes a stored signal to an incident. `heal` is the way of the incident from there, one durable function: every
`run.step` happens once even when the process dies in it or beside it, and everything between steps only decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from kubernaut.domain.diagnosis import ActionCall, Diagnosis
from kubernaut.domain.errors import ClusterError, KubernautError, StoreError
from kubernaut.domain.execution import Applied, Effect, Execution, Observation, Verification
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
    """`attempts`: remedies tried before people are asked; `looks`: investigations in all, those after a wait included."""

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
        by = str(argument["by"])
        execution = await run.step("undo", lambda: stages.execution.undo_last(incident, by=by), returns=Execution)
        return execution.reason
    return (await heal(run, stages, incident)).value


async def heal(run: Run, stages: Stages, incident: Incident) -> Ending:
    """The way of one incident, from the first look to what it taught."""
    if stages.policy.settle:
        await run.sleep(stages.policy.settle)
    try:
        conclusion = await _mend(run, stages, incident)
    except KubernautError as error:
        stuck = isinstance(error, ClusterError | StoreError)
        conclusion = Conclusion(Ending.BLOCKED if stuck else Ending.FAILED, f"{error.code}: {error}", error.help)
    await run.step("tell", lambda: stages.execution.tell(incident, conclusion), returns=str)
    await run.step("value", lambda: stages.impact.appraise(incident, conclusion), returns=str)
    await run.step("learn", lambda: stages.learning.remember(incident, conclusion), returns=str)
    await run.step("close", lambda: stages.execution.close(incident, conclusion), returns=str)
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
            return Conclusion(
                Ending.UNDONE if undone and ending is Ending.ESCALATED else ending, plan.reason, plan.help
            )
        tried = (*tried, plan.chosen.call)
        effect, reason = await _act(run, stages, incident, plan.chosen.call, len(tried))
        if effect is Ending.HEALED:
            return Conclusion(effect, reason)
        undone = undone or effect is Ending.UNDONE
        if len(tried) >= stages.policy.attempts:
            return Conclusion(Ending.UNDONE if undone else Ending.ESCALATED, reason)
    return Conclusion(Ending.ESCALATED, "it neither settled nor failed for good while it was watched")


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
        f"ask-{look}", partial(stages.execution.ask, incident, diagnosis, plan, look=look), returns=Plan
    )
    for answer in range(1, MOST_ANSWERS + 1):
        if plan.decision is not Decision.ASK:
            break
        heard = await run.receive(DECISION, stages.policy.approval)
        plan = await run.step(
            f"answer-{look}-{answer}", partial(planning.hear, incident, plan, heard, look=look), returns=Plan
        )
    return plan


async def _act(run: Run, stages: Stages, incident: Incident, call: ActionCall, attempt: int) -> tuple[Ending, str]:
    """Previews, stores the way back, applies, watches, and takes back what did not help."""
    execution = stages.execution
    prepared = await run.step(
        f"intend-{attempt}", partial(execution.intend, incident, call, attempt=attempt), returns=Execution
    )
    if prepared.intent is None:
        return Ending.ESCALATED, prepared.reason
    intent = prepared.intent
    applied = await run.step(
        f"apply-{attempt}", partial(execution.apply, incident, intent, attempt=attempt), returns=Execution
    )
    if applied.applied is Applied.REFUSED:
        return Ending.ESCALATED, applied.reason
    verification = await _watch(run, stages, incident, applied, attempt)
    if verification.effect is Effect.HEALED:
        return Ending.HEALED, verification.reason
    back = await run.step(
        f"undo-{attempt}", partial(execution.undo, incident, intent, verification, attempt=attempt), returns=Execution
    )
    return Ending.UNDONE, f"{call.action} did not help ({verification.reason}); {back.reason}"


async def _watch(run: Run, stages: Stages, incident: Incident, applied: Execution, attempt: int) -> Verification:
    seen: list[Observation] = []
    while True:
        observe = partial(stages.verification.observe, incident, applied, attempt=attempt)
        seen.append(await run.step(f"observe-{attempt}-{len(seen) + 1}", observe, returns=Observation))
        judged = stages.verification.judge(seen, applied)
        if isinstance(judged, Verification):
            record = partial(stages.verification.record, incident, judged, attempt=attempt)
            await run.step(f"verify-{attempt}", record, returns=str)
            return judged
        await run.sleep(judged.wait)
