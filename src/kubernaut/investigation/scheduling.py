"""Which single obstacle keeps the pods of a workload from being scheduled: one reading for four causes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.placement import Obstacles, obstacles
from kubernaut.investigation.subjects import Workload

_PART = re.compile(r"(?:^|, )(\d+) (.+?)(?=, \d+ |$)")


class Obstacle(StrEnum):
    """The classes of obstacles."""

    SELECTOR = "selector"
    TAINT = "taint"
    CORDON = "cordon"
    DOWN = "down"
    RESOURCES = "resources"
    OTHER = "other"


# In this order: messages about a node that is down or cordoned speak of taints as well.
_CLASSES = (
    (Obstacle.SELECTOR, re.compile(r"didn't match Pod's node affinity/selector|didn't match node selector")),
    (Obstacle.DOWN, re.compile(r"node\.kubernetes\.io/(?:not-ready|unreachable)|were not ready")),
    (Obstacle.CORDON, re.compile(r"node\.kubernetes\.io/unschedulable|were unschedulable")),
    (Obstacle.TAINT, re.compile(r"\btaints?\b")),
    (Obstacle.RESOURCES, re.compile(r"Insufficient |Too many pods")),
)
OF_CONTROL_PLANE = re.compile(r"node-role\.kubernetes\.io/(?:control-plane|master)")


@dataclass(frozen=True, slots=True)
class Blockage:
    """What blocks, the pod that stands for the others, and the nodes it concerns."""

    obstacle: Obstacle
    pod: KubeObject
    message: str
    nodes: tuple[Obstacles, ...]
    facts: tuple[Fact, ...]
    share: str


def parts(message: str) -> list[tuple[int, Obstacle, str]]:
    """The reasons of a scheduler's message: `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) …`."""
    _, colon, rest = message[:4000].partition("nodes are available:")
    if not colon:
        return []
    # What follows is told of preemption, and would count every reason twice.
    rest = re.split(r"\.\s*(?:preemption:|no new claims|$)", rest.strip(), maxsplit=1)[0]
    found = []
    for match in _PART.finditer(rest):
        reason = match.group(2)
        kind = next((kind for kind, form in _CLASSES if form.search(reason)), Obstacle.OTHER)
        found.append((int(match.group(1)[:9]), kind, reason.rstrip(". ")))
    return found


def blockage(workload: Workload) -> Blockage | None:
    """The obstacle that decides: computed from the nodes where they were read, from the message alone otherwise."""
    if not workload.pending:
        return None
    pod = workload.pending[0]
    state = pod.condition("PodScheduled")
    message = state.text("message") if state else ""
    if not parts(message):
        newest = workload.scene.events_of(pod, "FailedScheduling")
        message = newest[0].text("message") if newest else message
    said = [facts.field(pod, "status.conditions[PodScheduled].message", message)]
    said += [facts.event(entry) for entry in workload.scene.events_of(pod, "FailedScheduling")[:1]]
    nodes = workload.scene.all("Node")
    # An account that may not read nodes still has the scheduler's own words.
    if not nodes or not workload.scene.covers("Node", ""):
        obstacle = _by_message(message)
        return Blockage(obstacle, pod, message, (), tuple(said), "") if obstacle else None
    return _by_nodes(workload, pod, message, said, [obstacles(pod, node) for node in nodes])


def _by_message(message: str) -> Obstacle | None:
    counted = [(count, kind) for count, kind, text in parts(message) if not OF_CONTROL_PLANE.search(text)]
    return max(counted, key=lambda entry: entry[0])[1] if counted else None


def _by_nodes(
    workload: Workload, pod: KubeObject, message: str, said: list[Fact], found: list[Obstacles]
) -> Blockage | None:
    # A control plane's taint is how clusters are built; it is a cause only where there is no other node.
    workers = [entry for entry in found if not entry.is_control_plane] or found
    matching = [entry for entry in workers if not entry.mismatch]
    total = len(workers)
    kind, nodes = _decisive(workers, matching, message)
    if kind is None:
        return None
    told = _node_facts(workload, kind, nodes, total, len(matching))
    return Blockage(kind, pod, message, tuple(nodes), (*said, *told), f"{len(nodes)} of {total}")


def _decisive(
    workers: list[Obstacles], matching: list[Obstacles], message: str
) -> tuple[Obstacle | None, list[Obstacles]]:
    """The obstacle of the nodes that the pod may choose from; among several that of the most nodes."""
    if not matching:
        return Obstacle.SELECTOR, workers
    open_ = [entry for entry in matching if _shut_by(entry) is None]
    if open_:
        return _against_open(open_, message)
    # Where two obstacles shut as many nodes, the one that is lifted most easily is named.
    kinds = (Obstacle.CORDON, Obstacle.TAINT, Obstacle.DOWN)
    groups = {kind: [entry for entry in matching if _shut_by(entry) is kind] for kind in kinds}
    kind = max(groups, key=lambda group: len(groups[group]))
    return kind, groups[kind]


def _shut_by(entry: Obstacles) -> Obstacle | None:
    """What keeps every pod of this kind off the node, the hardest to lift first."""
    if entry.is_down:
        return Obstacle.DOWN
    if entry.taints:
        return Obstacle.TAINT
    return Obstacle.CORDON if entry.is_cordoned else None


def _against_open(open_: list[Obstacles], message: str) -> tuple[Obstacle | None, list[Obstacles]]:
    """What keeps the pod off nodes that take pods: room, or what only the scheduler knows of."""
    said = {kind for _, kind, _ in parts(message)}
    small = [entry for entry in open_ if entry.too_small]
    if len(small) == len(open_) or Obstacle.RESOURCES in said:
        return Obstacle.RESOURCES, small or open_
    return (Obstacle.OTHER, open_) if Obstacle.OTHER in said else (None, [])


def _node_facts(workload: Workload, kind: Obstacle, nodes: list[Obstacles], total: int, matching: int) -> list[Fact]:
    """What the nodes themselves say for it, the first three."""
    if kind is Obstacle.SELECTOR and nodes:
        return [facts.absence(workload.object, "nodes", f"none of the {total} nodes meets {nodes[0].mismatch}")]
    count = f"{len(nodes)} of {matching} matching nodes"
    found = []
    for entry in nodes[:3]:
        match kind:
            case Obstacle.TAINT:
                found.append(facts.field(entry.node, "spec.taints", f"{count} have taint {entry.taints[0]}"))
            case Obstacle.CORDON:
                found.append(facts.field(entry.node, "spec.unschedulable", f"{count} are cordoned"))
            case Obstacle.DOWN:
                found.append(facts.field(entry.node, "status.conditions[Ready]", "the node is not ready"))
            case Obstacle.RESOURCES if entry.too_small:
                text = f"no room even when empty: {'; '.join(entry.too_small)}"
                found.append(facts.field(entry.node, "status.allocatable", text))
            case _:
                pass
    return found
