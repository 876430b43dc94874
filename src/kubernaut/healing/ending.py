"""How an incident's way ends: what is left to people, and what is taken back before."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from kubernaut.domain.errors import KubernautError
from kubernaut.domain.execution import Execution
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import OF_ATTEMPTS, unsettled_attempt
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.plans import Conclusion, Plan
from kubernaut.domain.proposals import Proposal
from kubernaut.engine import Run
from kubernaut.healing.patience import patiently
from kubernaut.healing.stages import Stages
from kubernaut.healing.ways import Way


async def leave(run: Run, stages: Stages, incident: Incident, plan: Plan, *, look: int) -> Conclusion:
    """The conclusion of a plan that does nothing, with the proposal of one that only proposes."""
    proposal = None
    if plan.is_proposal:
        propose = partial(stages.execution.propose, incident, plan, look=look)
        proposal = await run.step(f"propose-{look}", propose, returns=Proposal)
    ending = plan.ending or Ending.ESCALATED
    return Conclusion(ending, plan.reason, plan.help, guard=plan.guard, proposal=proposal)


async def end(run: Run, stages: Stages, incident: Incident, way: Way, conclusion: Conclusion) -> Conclusion:
    """The conclusion, after what stood for a strategy that did not heal was taken back."""
    if way.lets_go(conclusion.ending):
        way, words = await let_go(run, stages, incident, way)
        conclusion = replace(conclusion, reason=f"{conclusion.reason}; {words}")
    return way.ended(conclusion, incident.id)


async def end_broken(stages: Stages, incident: Incident, error: KubernautError) -> None:
    """Ends an incident whose run broke by a defect of ours: people are told, also of what may still be in force."""
    conclusion = Conclusion(Ending.FAILED, f"{error.code}: {error}")
    last = unsettled_attempt(await stages.execution.incidents.events(incident.id, kinds=OF_ATTEMPTS))
    if last is not None:
        words = f"{conclusion.reason}; what it did to {last.about} may be in force"
        conclusion = replace(conclusion, reason=words, help=f"kubernaut incidents undo {incident.id}")
    await stages.execution.tell(incident, conclusion)
    await stages.execution.close(incident, conclusion)


async def let_go(run: Run, stages: Stages, incident: Incident, way: Way) -> tuple[Way, str]:
    """Takes back what stands, the last first; the way without it, and what became of it."""
    backs = []
    for each in reversed(way.standing):
        take_back = partial(stages.execution.let_go, incident, each.intent, attempt=each.attempt)
        # The last first, since later steps of a strategy may rest on earlier ones.
        backs.append((each, await patiently(run, f"undo-{each.attempt}", take_back, returns=Execution)))
    return way.without_what_stood(backs), "; ".join(f"{each.candidate.call.action}: {b.reason}" for each, b in backs)
