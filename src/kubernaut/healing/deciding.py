"""From a diagnosis to a decision, over a person's consent where it is needed."""

from __future__ import annotations

from functools import partial

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.incidents import Incident
from kubernaut.domain.plans import Decision, Plan, Trial
from kubernaut.engine import Run
from kubernaut.healing.stages import Stages

# The topic on which a waiting incident hears people's decisions and resolved alerts.
DECISION = "decision"
# Resolved alerts of an incident with many may wake a request for consent that often, before it escalates.
MOST_ANSWERS = 50


async def decide(
    run: Run, stages: Stages, incident: Incident, diagnosis: Diagnosis, tried: tuple[Trial, ...], *, look: int
) -> Plan:
    """The plan, after a person's answer where one has to consent."""
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
        # Durable: a restart neither loses an answer nor gives the person their whole time again.
        heard = await run.receive(DECISION, plan.open_for or stages.policy.approval)
        plan = await run.step(
            f"answer-{look}-{answer}", partial(planning.hearing.hear, incident, plan, heard, look=look), returns=Plan
        )
    return plan
