"""An object was deleted and does not go, because a finalizer or its node holds it."""

from __future__ import annotations

from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.revisions import spell
from kubernaut.investigation.scene import Scene
from kubernaut.investigation.subjects import Node, Service, Workload
from kubernaut.investigation.things import Thing

_GRACE = 30
_STUCK = timedelta(minutes=5)
# These belong to deleting itself and go when what is below is gone.
_OWN = frozenset({"foregroundDeletion", "orphan"})


def examine(workload: Workload) -> Finding | None:
    """The finding for a workload that does not go, or whose pods do not."""
    own = _of(workload.scene, workload.object)
    if own:
        return own
    for pod in workload.scene.pods_of(workload.object):
        found = _of(workload.scene, pod)
        if found and _explains(workload, pod):
            return found
    return None


def _explains(workload: Workload, pod: KubeObject) -> bool:
    """Whether the workload lacks the pod; a dead node is a cause of its own."""
    node = workload.scene.get("Node", "", pod.text("spec", "nodeName"))
    if node is not None and not Node(workload.scene, node).is_ready:
        return False
    return bool(pod.texts("metadata", "finalizers")) or workload.ready < workload.desired


def examine_service(service: Service) -> Finding | None:
    """The finding for a Service that does not go: most often its load balancer's controller does not answer."""
    return _of(service.scene, service.object)


def examine_thing(thing: Thing) -> Finding | None:
    """The finding for another object; a namespace says itself what it waits for."""
    return None if thing.object.kind == "Namespace" else _of(thing.scene, thing.object)


def _of(scene: Scene, item: KubeObject) -> Finding | None:
    since = item.time("metadata", "deletionTimestamp")
    if since is None:
        return None
    # A pod's time of deletion already holds its grace period.
    late = scene.now - since
    if late < _STUCK:
        return None
    holds = [name for name in item.texts("metadata", "finalizers") if name not in _OWN]
    if not holds and item.kind != "Pod":
        return None
    why = f"finalizer {holds[0]} is not taken off" if holds else "its node has not confirmed that it ended"
    return Finding(
        target=item.ref,
        summary=(
            f"{item.kind} {item.name} was to be gone {spell(late)} ago: {why}. Mend the controller that has to do it; "
            "what it cleans up is lost track of otherwise."
        ),
        verdict=Verdict.ESCALATE,
        supporting=(
            facts.field(item, "metadata.deletionTimestamp", f"deletion is overdue for {spell(late)}", since),
            *_holders(scene, item, holds),
        ),
        remedies=(escalate(item.ref),),
        places={"object": f"{item.kind.lower()}/{item.name}"},
    )


def _holders(scene: Scene, item: KubeObject, holds: list[str]) -> list[Fact]:
    found = [facts.field(item, "metadata.finalizers", f"finalizers: {', '.join(holds)}")] if holds else []
    events = scene.events_of(item, "FailedKillPod", "FailedPreStopHook", "SyncLoadBalancerFailed", "FailedDelete")
    return found + [facts.event(entry) for entry in events[:1]]


CAUSE = Cause(
    id=CauseId("stuck_terminating"),
    title="A deleted object does not go",
    faults=(15,),
    needs=("Pod", "Event"),
    look_alikes={
        "node_not_ready": "the pod is on a node that is down: it goes when the node is back or removed",
        "namespace_terminating": "the whole namespace waits",
    },
    know="Do not strip a finalizer before you know what it stands for: it may guard a disk, an address or a record.",
    by_hand=(
        "kubectl -n {namespace} get {object} -o jsonpath='{{.metadata.finalizers}} {{.metadata.deletionTimestamp}}'",
        "kubectl -n {namespace} describe {object}",
    ),
    workload=examine,
    service=examine_service,
    thing=examine_thing,
)
