"""A container that runs well still, and whose memory rises without a stop to its limit."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.measures import MEMORY_SHARE
from kubernaut.investigation import facts
from kubernaut.investigation.causes import memory_limit_too_low
from kubernaut.investigation.containers import CONTAINER, SIDECAR, Container
from kubernaut.investigation.finding import Cause, Finding, Role
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.subjects import Workload

_NEAR = 0.85
_RESTARTABLE = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


def examine(workload: Workload) -> Finding | None:
    """The finding while there is time: a restart gains some, and somebody has to mend the program.

    Near the limit and rising are both needed: a cache stands near it for ever, and every program rises at its start.
    """
    running = [entry for entry in workload.containers if entry.role in (CONTAINER, SIDECAR) and _is_limited(entry)]
    if workload.object.kind not in _RESTARTABLE or not running or not workload.scene.measurable:
        return None
    asked = MEMORY_SHARE.of(namespace=workload.object.namespace)
    told = workload.scene.measured(asked)
    shares = {(each.labels.get("pod", ""), each.labels.get("container", "")): each.value for each in told}
    near = [entry for entry in running if shares.get((entry.pod.name, entry.name), 0.0) >= _NEAR]
    rising = {entry.pod.name: (entry, fact) for entry in near for fact in memory_limit_too_low.grows(workload, entry)}
    if not rising:
        return None
    entry, grows = max(rising.values(), key=lambda pair: shares[pair[0].pod.name, pair[0].name])
    share = shares[entry.pod.name, entry.name]
    limit = entry.spec.text("resources", "limits", "memory")
    return Finding(
        target=workload.ref,
        summary=(
            f"{workload.title}: {entry.label} uses {share:.0%} of its memory limit of {limit} and rises without a "
            f"stop, in {len(rising)} of {len(workload.pods)} pods. A restart gains time; the program has to be mended."
        ),
        verdict=Verdict.APPROVE,
        supporting=(
            grows,
            facts.measured(entry.pod, asked, f"{entry.label} uses {share:.0%} of its limit"),
            facts.field(workload.object, f"spec.containers[{entry.name}].resources.limits.memory", f"limit {limit}"),
        ),
        remedies=(call("restart_workload", workload.ref), escalate(workload.ref)),
        places={"pod": entry.pod.name, "container": entry.name},
    )


def _is_limited(entry: Container) -> bool:
    return entry.is_running and entry.is_ready and entry.spec.has("resources", "limits", "memory")


CAUSE = Cause(
    id=CauseId("memory_leak"),
    title="A container's memory rises without a stop to its limit",
    faults=(56,),
    needs=("Pod",),
    look_alikes={
        "memory_limit_too_low": "it was killed already, and its use stood still at what the work needs",
        "evicted_by_node": "the node is short of memory, not the container",
    },
    know="A higher limit only puts a leak off: take a heap dump before the restart where the program can make one.",
    by_hand=(
        "kubectl -n {namespace} top pod {pod} --containers",
        "kubectl -n {namespace} rollout restart {kind}/{name}",
    ),
    role=Role.OUTLINE,
    workload=examine,
)
