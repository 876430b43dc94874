"""The alert's whole way; start reading here.

`admit` takes a stored signal to an incident. `heal` is the way of the incident from there, one durable function: every
`run.step` happens once even when the process dies in it or beside it, and everything between steps only decides.
"""

from __future__ import annotations

from functools import partial

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.errors import ClusterError, EngineError, KubernautError, SourceError, StoreError
from kubernaut.domain.execution import Execution
from kubernaut.domain.incidents import Incident
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.domain.plans import Conclusion, Decision
from kubernaut.domain.signals import Signal
from kubernaut.engine import Engine, Run
from kubernaut.engine.codec import dump, load
from kubernaut.healing.acting import act
from kubernaut.healing.deciding import DECISION, decide
from kubernaut.healing.ending import end, leave, let_go
from kubernaut.healing.shadowing import shadow
from kubernaut.healing.stages import Stages
from kubernaut.healing.ways import Way
from kubernaut.ports import Admission
from kubernaut.triage.admission import Resolved, SetAside


async def admit(signal: Signal, stages: Stages, engine: Engine) -> Admission | Resolved | SetAside:
    """Opens, joins or ends incidents for one signal of the inbox, and says which; safe to repeat."""
    became = await stages.triage.admit(signal)
    match became:
        case Admission(incident=incident) if incident.is_open:
            # Starting twice is starting once. A process that dies before this line is made good by `revive`.
            await engine.start(incident.id, beginning(incident))
        case Resolved(incidents=incidents):
            for incident in incidents:
                # Whoever took the firing alert in may have died before it started the run.
                await engine.start(incident.id, beginning(incident))
                # The key makes it one message, though the same resolution may be taken from the inbox twice.
                await engine.send(incident.id, DECISION, {"resolved": True}, key=f"resolved-{signal.id}")
        case _:
            pass
    return became


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
    # Last, since it goes on for a day: the incident is closed and its lesson stored by then.
    if conclusion.proposal is not None:
        await shadow(run, stages, incident, conclusion.proposal)
    return conclusion.ending


async def _mend(run: Run, stages: Stages, incident: Incident) -> Conclusion:
    way = Way()
    try:
        # Each name of a step carries its look, since a name is the key of an entry and may come once.
        for look in range(1, stages.policy.looks + 1):
            investigate = partial(stages.investigation.investigate, incident, look=look)
            diagnosis = await run.step(f"investigate-{look}", investigate, returns=Diagnosis)
            plan = await decide(run, stages, incident, diagnosis, way.trials, look=look)
            if plan.decision is Decision.WAIT:
                await run.sleep(stages.policy.recheck)
                continue
            if plan.chosen is None or plan.decision is not Decision.ACT:
                return await end(run, stages, incident, way, await leave(run, stages, incident, plan, look=look))
            if not way.goes_on(plan.chosen):
                way, _ = await let_go(run, stages, incident, way)
            acted = await act(run, stages, incident, diagnosis, plan.chosen, attempt=way.attempt)
            way = way.after(plan.chosen, acted)
            if acted.conclusion.final or way.calls_people or way.failures >= stages.policy.attempts:
                return await end(run, stages, incident, way, acted.conclusion)
        conclusion = Conclusion(Ending.ESCALATED, "it neither settled nor failed for good while it was watched")
        return await end(run, stages, incident, way, conclusion)
    except EngineError:
        # A defect, or a journal of another version: the engine reports it, and the incident closes as failed.
        raise
    except KubernautError as error:
        # Something outside that does not answer is no failure of ours, and people can mend it: the ending says which.
        stuck = isinstance(error, ClusterError | SourceError | StoreError)
        conclusion = Conclusion(Ending.BLOCKED if stuck else Ending.FAILED, f"{error.code}: {error}", error.help)
        return way.ended(conclusion, incident.id)


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
