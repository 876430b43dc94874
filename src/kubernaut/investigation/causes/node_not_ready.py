"""A node's kubelet is down, or says that it is not ready; its pods are the victims."""

from __future__ import annotations

import re
from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.containers import containers_of, is_crashing, is_leaving, is_ready
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.heartbeats import lease_of_node
from kubernaut.investigation.intent import intended_cordon
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.revisions import spell
from kubernaut.investigation.scheduling import Obstacle, blockage
from kubernaut.investigation.subjects import Node, Workload

_RUNTIME = re.compile(r"container runtime|PLEG is not healthy")
_JOINING = timedelta(minutes=5)


def examine_node(node: Node) -> Finding | None:
    """The finding when the node is not ready, has not just joined and is not in maintenance."""
    if node.is_ready or is_joining(node) or intended_cordon(node) or _is_untold(node):
        return None
    victims = [pod for pod in node.pods if not is_ready(pod) or is_leaving(pod)]
    affected = (
        f"{len(victims)} of its {len(node.pods)} pods seen are not ready, or leaving."
        if node.pods
        else "No pod of it was seen."
    )
    needless = node.is_cordoned or _reports_runtime(node)
    cordon = () if needless else (call("cordon_node", node.object.ref),)
    return Finding(
        target=node.object.ref,
        summary=f"Node {node.object.name} is not ready: {_reason(node)}. {affected}",
        verdict=Verdict.APPROVE if cordon else Verdict.ESCALATE,
        supporting=_facts(node, victims),
        remedies=(*cordon, escalate(node.object.ref)),
        places={"node": node.object.name},
    )


def _reports_runtime(node: Node) -> bool:
    """Whether its kubelet lives and says that the container runtime does not: it needs a restart on the node."""
    state = node.object.condition("Ready")
    return state is not None and state.text("status") == "False" and _RUNTIME.search(state.text("message")) is not None


def examine(workload: Workload) -> Finding | None:
    """The node's finding for a workload whose failing pods are all on such nodes, or wait for one."""
    down = [
        node
        for item in workload.scene.all("Node")
        if not (node := Node(workload.scene, item)).is_ready and not is_joining(node) and not _is_untold(node)
    ]
    if not down:
        return None
    names = {node.object.name for node in down}
    failing = [pod for pod in _all_pods(workload) if not is_ready(pod) or is_leaving(pod)]
    on_them = [pod for pod in failing if pod.text("spec", "nodeName") in names]
    blocked = blockage(workload)
    if blocked and blocked.obstacle is Obstacle.DOWN and blocked.nodes:
        names = {entry.node.name for entry in blocked.nodes}
    elif not on_them or any(_fails_by_itself(workload, pod) for pod in failing if pod not in on_them):
        return None
    else:
        names = {on_them[0].text("spec", "nodeName")}
    return next((found for node in down if node.object.name in names and (found := examine_node(node))), None)


def _all_pods(workload: Workload) -> list[KubeObject]:
    """Also those that are being deleted: from a dead node they never go."""
    return workload.scene.pods_of(workload.object)


def _fails_by_itself(workload: Workload, pod: KubeObject) -> bool:
    return any(is_crashing(container, workload.scene.now) for container in containers_of(pod))


def is_joining(node: Node) -> bool:
    """Whether the node is so new that it is still being set up."""
    created = node.object.created_at
    return created is not None and node.scene.now - created < _JOINING


def _is_untold(node: Node) -> bool:
    """Whether a paste names it and does not show its conditions."""
    return node.object.condition("Ready") is None and node.object.ref in node.scene.partial


def _reason(node: Node) -> str:
    state = node.object.condition("Ready")
    if state is None:
        return "its kubelet has not reported a Ready condition"
    why = state.text("message") or state.text("reason")
    # A table calls both NotReady: what its kubelet says, and that it says nothing.
    return f"Ready is {state.text('status')}, {why}".rstrip(".") if why else "it is NotReady, and why is not shown"


def _facts(node: Node, victims: list[KubeObject]) -> tuple[Fact, ...]:
    item, state = node.object, node.object.condition("Ready")
    since = state.time("lastTransitionTime") if state else None
    for_ = f" for {spell(node.scene.now - since)}" if since else ""
    found = [facts.field(item, "status.conditions[Ready]", f"{_reason(node)}{for_}", since)]
    lease = lease_of_node(node.scene, item.name)
    renewed = lease.time("spec", "renewTime") if lease else None
    if lease and renewed:
        text = f"lease renewed last {spell(node.scene.now - renewed)} ago"
        found.append(facts.field(lease, "spec.renewTime", text, renewed))
    found += [facts.event(entry) for entry in node.scene.events_of(item, "NodeNotReady")[:1]]
    if victims:
        words = f"{len(victims)} pods on {item.name} are not ready, or leaving"
        found.append(facts.field(victims[0], "status.conditions[Ready]", words))
    return tuple(found)


CAUSE = Cause(
    id=CauseId("node_not_ready"),
    title="A node is not ready",
    faults=(103, 104),
    needs=("Node",),
    look_alikes={
        "intended_state": "the node is drained, upgraded or being removed",
        "rollout_in_progress": "the node joined less than five minutes ago",
        "crash_without_change": "pods fail on healthy nodes",
    },
    know="Unknown: the kubelet is silent (machine, network or kubelet). False: it says itself what is wrong.",
    by_hand=(
        "kubectl describe node {node}",
        "kubectl get pods -A --field-selector spec.nodeName={node}",
        "kubectl cordon {node}",
    ),
    workload=examine,
    node=examine_node,
)
