"""What people do about an incident that was left to them with a proposal."""

from __future__ import annotations

from functools import partial

from kubernaut.domain.errors import ClusterError, StoreError
from kubernaut.domain.incidents import Incident
from kubernaut.domain.proposals import Comparison, Proposal, Sight
from kubernaut.engine import Run
from kubernaut.healing.stages import Stages


async def shadow(run: Run, stages: Stages, incident: Incident, proposal: Proposal) -> None:
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
