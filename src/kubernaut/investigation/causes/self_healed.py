"""Something was wrong within the last hour, and is not any more."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation.condition import family, healed_restarts, is_whole, readiness, recent_warnings
from kubernaut.investigation.finding import Cause, Finding, Role
from kubernaut.investigation.subjects import Workload


def examine(workload: Workload) -> Finding | None:
    """The finding when warnings or restarts of the last hour are left, and all is as wanted now."""
    if not is_whole(workload) or workload.desired == 0:
        return None
    traces = [*recent_warnings(workload.scene, family(workload))[:3], *healed_restarts(workload)]
    if not traces:
        return None
    told = readiness(workload)
    summary = f"{workload.title} is healthy again: {told.text}. Left from before: {traces[0].text}."
    return Finding(workload.ref, summary, Verdict.DECLINE, (told, *traces))


CAUSE = Cause(
    id=CauseId("self_healed"),
    title="It healed by itself",
    faults=(115,),
    needs=("Pod", "Event"),
    look_alikes={
        "healthy": "no warning within the last hour",
        "memory_limit_too_low": "a container that runs again was killed for its memory within the last hour",
    },
    know="Warnings of a start (no service account yet, first probes too early) are normal; the same every hour is not.",
    by_hand=("kubectl -n {namespace} get events --field-selector type=Warning --sort-by=.lastTimestamp",),
    role=Role.SETTLED,
    workload=examine,
)
