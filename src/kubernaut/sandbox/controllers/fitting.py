"""Why a pod does not fit on a node, in the scheduler's own words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.domain.quantities import amount
from kubernaut.domain.selectors import Requirement, equals, expression, matches, selector_of
from kubernaut.sandbox.demand import demand_of

AFFINITY = "node(s) didn't match Pod's node affinity/selector"
UNSCHEDULABLE = "node(s) were unschedulable"
TAINTED = "node(s) had untolerated taint(s)"
PORTS_TAKEN = "node(s) didn't have free ports for the requested pod ports"
ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
TOO_MANY = "Too many pods"
VOLUME_ELSEWHERE = "node(s) had volume node affinity conflict"
_PLACE = ("spec", "nodeAffinity", "required")
_HARD = frozenset({"NoSchedule", "NoExecute"})
_CORDON_TAINT = "node.kubernetes.io/unschedulable"
# Reasons that evicting other pods could lift.
_PREEMPTIBLE = ("Insufficient ", TOO_MANY, PORTS_TAKEN, ANTI_AFFINITY)


@dataclass(slots=True)
class Load:
    """What runs on a node already, by uid."""

    cpu: Decimal = Decimal(0)
    memory: Decimal = Decimal(0)
    pods: dict[str, KubeObject] = field(default_factory=dict)

    def put(self, pod: KubeObject) -> None:
        """Counts the pod, once; what a bound pod requests cannot change."""
        if pod.uid not in self.pods:
            cpu, memory = requests_of(pod)
            self.cpu += cpu
            self.memory += memory
        self.pods[pod.uid] = pod

    def drop(self, pod: KubeObject) -> None:
        """Counts the pod no longer."""
        if self.pods.pop(pod.uid, None) is not None:
            cpu, memory = requests_of(pod)
            self.cpu -= cpu
            self.memory -= memory


def requests_of(pod: Tree) -> tuple[Decimal, Decimal]:
    """The CPU and the memory that a pod requests."""
    wanted = demand_of(pod, "requests")
    return wanted.get("cpu", Decimal(0)), wanted.get("memory", Decimal(0))


def tolerates(pod: Tree, taint: Tree) -> bool:
    """Whether one of the pod's tolerations covers the taint."""
    for item in pod.trees("spec", "tolerations"):
        if item.text("effect") not in ("", taint.text("effect")):
            continue
        if item.text("operator") == "Exists":
            if item.text("key") in ("", taint.text("key")):
                return True
        elif item.text("key") == taint.text("key") and item.text("value") == taint.text("value"):
            return True
    return False


def matches_node(pod: Tree, node: KubeObject) -> bool:
    """`nodeSelector` and the required part of `nodeAffinity`."""
    if not matches(equals(pod.mapping("spec", "nodeSelector")), node.labels):
        return False
    path = ("spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    return not pod.has(*path) or _any_holds(pod.tree(*path), node)


def _any_holds(selector: Tree, node: KubeObject) -> bool:
    return any(_term_holds(term, node) for term in selector.trees("nodeSelectorTerms"))


def _term_holds(term: Tree, node: KubeObject) -> bool:
    labels = [expression(item) for item in term.trees("matchExpressions")]
    fields = [expression(item) for item in term.trees("matchFields")]
    # An empty term matches nothing, as the API documents; an empty list of terms neither.
    if not labels and not fields:
        return False
    names: list[Requirement] = fields
    return matches(tuple(labels), node.labels) and matches(tuple(names), {"metadata.name": node.name})


def reasons_against(pod: KubeObject, node: KubeObject, load: Load, volumes: Sequence[KubeObject] = ()) -> list[str]:
    """The reasons of the first filter that refuses the node; none where the pod fits. `volumes` are the pod's."""
    if node.flag("spec", "unschedulable") and not tolerates(
        pod, Tree({"key": _CORDON_TAINT, "effect": "NoSchedule", "value": ""})
    ):
        return [UNSCHEDULABLE]
    if any(taint.text("effect") in _HARD and not tolerates(pod, taint) for taint in node.trees("spec", "taints")):
        return [TAINTED]
    if not matches_node(pod, node):
        return [AFFINITY]
    if _host_ports(pod) & {port for other in load.pods.values() for port in _host_ports(other)}:
        return [PORTS_TAKEN]
    return _shortages(pod, node, load) or _surroundings(pod, node, load, volumes)


def _surroundings(pod: KubeObject, node: KubeObject, load: Load, volumes: Sequence[KubeObject]) -> list[str]:
    if any(item.has(*_PLACE) and not _any_holds(item.tree(*_PLACE), node) for item in volumes):
        return [VOLUME_ELSEWHERE]
    return [ANTI_AFFINITY] if _repelled(pod, load) else []


def _host_ports(pod: Tree) -> set[int]:
    ports = [port for item in pod.trees("spec", "containers") for port in item.trees("ports")]
    return {port.integer("hostPort") for port in ports if port.integer("hostPort")}


def _shortages(pod: KubeObject, node: KubeObject, load: Load) -> list[str]:
    room = node.tree("status", "allocatable")
    found = [TOO_MANY] if len(load.pods) + 1 > amount(room.at("pods")) else []
    cpu, memory = requests_of(pod)
    if cpu and load.cpu + cpu > amount(room.at("cpu")):
        found.append("Insufficient cpu")
    if memory and load.memory + memory > amount(room.at("memory")):
        found.append("Insufficient memory")
    return found


def _repelled(pod: KubeObject, load: Load) -> bool:
    path = ("spec", "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    for term in pod.trees(*path):
        # Every node of the sandbox is its own host; wider topologies are not modelled.
        if term.text("topologyKey") != "kubernetes.io/hostname":
            continue
        selector = selector_of(term.tree("labelSelector"))
        if any(other.namespace == pod.namespace and matches(selector, other.labels) for other in load.pods.values()):
            return True
    return False


def refusal_message(reasons: Sequence[Sequence[str]], *, before_filters: str = "") -> str:
    """The message of FailedScheduling for one list of reasons a node."""
    total = len(reasons)
    if total == 0 and not before_filters:
        return "no nodes available to schedule pods"
    head = f"0/{total} nodes are available:"
    if before_filters:
        hopeless = {"Preemption is not helpful for scheduling": total}
        return f"{head} {before_filters}. preemption: {head} {_histogram(hopeless)}."
    found = Counter(reason for per_node in reasons for reason in per_node)
    rescue: Counter[str] = Counter()
    for per_node in reasons:
        can = any(reason.startswith(_PREEMPTIBLE) for reason in per_node)
        text = "No preemption victims found for incoming pod" if can else "Preemption is not helpful for scheduling"
        rescue[text] += 1
    return f"{head} {_histogram(found)}. preemption: {head} {_histogram(rescue)}."


def _histogram(counts: dict[str, int]) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
