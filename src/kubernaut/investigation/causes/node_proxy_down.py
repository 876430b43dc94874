"""The proxy that leads Services to their pods does not run on a node that is well otherwise."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.workloads import is_ready
from kubernaut.investigation import facts
from kubernaut.investigation.containers import is_leaving
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.revisions import spell
from kubernaut.investigation.subjects import Node, Workload
from kubernaut.investigation.things import Thing, is_platform

_NAMES = frozenset({"kube-proxy"})


def examine(thing: Thing) -> Finding | None:
    """The finding for the alerts about kube-proxy, which name no object."""
    if not is_platform(thing):
        return None
    sets = [item for item in thing.scene.all("DaemonSet", thing.object.name) if item.name in _NAMES]
    return next((found for item in sets if (found := examine_workload(Workload(thing.scene, item)))), None)


def examine_workload(workload: Workload) -> Finding | None:
    """The finding when single pods of it are not ready, on nodes that are, while its others of that revision run."""
    item, scene = workload.object, workload.scene
    if item.kind != "DaemonSet" or item.name not in _NAMES or item.namespace != "kube-system":
        return None
    down = [
        pod for pod in workload.pods if not is_ready(pod) and not is_leaving(pod) and _on_a_ready_node(workload, pod)
    ]
    up = [pod for pod in workload.pods if is_ready(pod)]
    if not down or not up or workload.failing_pulls:
        return None
    pod = down[0]
    name = pod.text("spec", "nodeName")
    state = pod.condition("Ready")
    at = state.time("lastTransitionTime") if state else None
    since = f" for {spell(scene.now - at)}" if at else ""
    alone = len(down) == 1
    return Finding(
        target=item.ref,
        summary=(
            f"{workload.title}: {pod.name} on node {name} is not ready{since}, and the node is; Services are not "
            f"reached from there. {len(up)} of {len(workload.pods)} pods of it run."
        ),
        verdict=Verdict.APPROVE if alone else Verdict.ESCALATE,
        supporting=(
            facts.field(pod, "status.conditions[Ready]", f"{pod.name} on {name} is not ready{since}", at),
            facts.field(item, "status.numberReady", f"{len(up)} of {len(workload.pods)} pods are ready"),
        ),
        remedies=(*((call("restart_pod", pod.ref),) if alone else ()), escalate(item.ref)),
        places={"pod": pod.name, "node": name},
    )


def _on_a_ready_node(workload: Workload, pod: KubeObject) -> bool:
    node = workload.scene.get("Node", "", pod.text("spec", "nodeName"))
    return node is not None and Node(workload.scene, node).is_ready


CAUSE = Cause(
    id=CauseId("node_proxy_down"),
    title="kube-proxy does not run on a node",
    faults=(105,),
    needs=("DaemonSet", "Pod", "Node"),
    look_alikes={
        "node_not_ready": "the node itself does not answer",
        "service_port_wrong": "the Service is not reached from any node",
    },
    know="What kube-proxy has set up stays when it stops: only changes since then are not followed on that node.",
    by_hand=(
        "kubectl -n kube-system get pods -l k8s-app=kube-proxy -o wide",
        "kubectl -n kube-system logs {pod} --previous",
        "kubectl -n kube-system delete pod {pod}",
    ),
    narrows=("crash_without_change", "process_ends"),
    workload=examine_workload,
    thing=examine,
)
