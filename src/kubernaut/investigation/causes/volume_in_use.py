"""A volume that one node at a time may use is wanted by pods on several."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import ActionCall, CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.containers import is_ready
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.things import CLAIM, claim_names

_FORM = re.compile(
    r"Multi-Attach error for volume|volume is already (?:exclusively )?(?:attached|used)|already used by pod"
)
_ONE_NODE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})


def examine(workload: Workload) -> Finding | None:
    """The finding when a pod waits for a volume that another one holds."""
    for pod in workload.pods:
        said = [
            entry
            for entry in workload.scene.events_of(pod, "FailedAttachVolume", "FailedMount", "FailedScheduling")
            if _FORM.search(entry.text("message"))
        ]
        if said and not is_ready(pod):
            return _finding(workload, pod, said[0])
    return None


def _finding(workload: Workload, pod: KubeObject, said: KubeObject) -> Finding:
    shared = _shared(workload)
    ready = [other for other in workload.pods if is_ready(other)]
    # Only replicas of one revision that share a claim can never run side by side; a rollout's two pods take turns.
    fewer = bool(shared) and bool(ready) and workload.object.kind == "Deployment" and len(ready) < workload.desired
    remedies: tuple[ActionCall, ...] = (escalate(workload.ref),)
    words = "The pod that holds it has to let go first: one on a dead node, or one of the former revision."
    if fewer:
        remedies = (call("scale_workload", workload.ref, replicas=len(ready)), *remedies)
        words = (
            f"Its {workload.desired} replicas share one claim that a single node may use: only {len(ready)} can run."
        )
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: {pod.name} waits for a volume that is in use elsewhere. {words}",
        verdict=Verdict.ACT if fewer else Verdict.ESCALATE,
        supporting=(facts.event(said), facts.field(pod, "status.phase", f"{pod.name} waits for its volume"), *shared),
        remedies=remedies,
        places={"pod": pod.name},
    )


def _shared(workload: Workload) -> list[Fact]:
    """The claims of the template that only one node may use at a time."""
    found = []
    for name in claim_names(workload.template):
        claim = workload.scene.get(CLAIM, workload.object.namespace, name)
        modes = set(claim.texts("spec", "accessModes")) if claim else set()
        if claim and modes and modes <= _ONE_NODE:
            text = f"PersistentVolumeClaim {name} is {', '.join(sorted(modes))}; all replicas mount it"
            found.append(facts.field(claim, "spec.accessModes", text))
    return found


CAUSE = Cause(
    id=CauseId("volume_in_use"),
    title="A volume for one node at a time is wanted on several",
    faults=(34,),
    needs=("Pod", "ReplicaSet", "Event", CLAIM),
    look_alikes={
        "volume_not_mounted": "nobody else holds the volume",
        "volume_on_other_node": "the pod may not go where the volume is",
    },
    know="With the strategy RollingUpdate a new pod wants the volume before the old one gives it back: use Recreate.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} get persistentvolumeclaims",
        "kubectl get volumeattachments",
    ),
    workload=examine,
)
