"""Why a pod fits no node, computed from the nodes and not only read from the scheduler's message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.domain.quantities import parse_quantity
from kubernaut.domain.selectors import expression

CORDON = "node.kubernetes.io/unschedulable"
_NOT_READY = frozenset({"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"})
_CONTROL_PLANE = frozenset({"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"})
_BLOCKING = frozenset({"NoSchedule", "NoExecute"})


@dataclass(frozen=True, slots=True)
class Obstacles:
    """What keeps a pod off one node, apart from what other pods use there."""

    node: KubeObject
    mismatch: str
    taints: tuple[str, ...]
    too_small: tuple[str, ...]
    is_cordoned: bool
    is_down: bool
    is_control_plane: bool


def obstacles(pod: KubeObject, node: KubeObject) -> Obstacles:
    """What the node's labels, taints, cordon and size say against this pod."""
    blocking = [taint for taint in node.trees("spec", "taints") if taint.text("effect") in _BLOCKING]
    if node.flag("spec", "unschedulable"):
        # The controller writes this taint a moment after the flag, and the scheduler goes by either.
        blocking.append(Tree({"key": CORDON, "effect": "NoSchedule"}))
    tolerations = pod.trees("spec", "tolerations")
    untolerated = [taint for taint in blocking if not any(_tolerates(entry, taint) for entry in tolerations)]
    keys = {taint.text("key") for taint in untolerated}
    state = node.condition("Ready")
    own = [taint for taint in untolerated if taint.text("key") not in {CORDON, *_NOT_READY, *_CONTROL_PLANE}]
    return Obstacles(
        node=node,
        mismatch=_mismatch(pod, node),
        taints=tuple(_taint_text(taint) for taint in own if not _is_by_node_controller(taint)),
        too_small=_too_small(pod, node),
        is_cordoned=CORDON in keys,
        is_down=bool(keys & _NOT_READY) or (state is not None and state.text("status") != "True"),
        is_control_plane=bool(keys & _CONTROL_PLANE),
    )


def _is_by_node_controller(taint: Tree) -> bool:
    return taint.text("key").startswith(("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/"))


def _taint_text(taint: Tree) -> str:
    value = f"={taint.text('value')}" if taint.text("value") else ""
    return f"{taint.text('key')}{value}:{taint.text('effect')}"


def _tolerates(toleration: Tree, taint: Tree) -> bool:
    if toleration.text("effect") not in ("", taint.text("effect")):
        return False
    key = toleration.text("key")
    if toleration.text("operator") == "Exists":
        return key in ("", taint.text("key"))
    return key == taint.text("key") and toleration.text("value") == taint.text("value")


def _mismatch(pod: KubeObject, node: KubeObject) -> str:
    """The first demand of nodeSelector or required node affinity that the node does not meet."""
    labels = node.labels
    for key, value in pod.mapping("spec", "nodeSelector").items():
        if labels.get(key) != value:
            return f"{key}={value}"
    required = ("spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    if not pod.has(*required):
        return ""
    terms = pod.trees(*required, "nodeSelectorTerms")
    unmet = [_unmet(term, labels, node.name) for term in terms]
    return "" if any(not text for text in unmet) and unmet else (unmet[0] if unmet else "an affinity without terms")


def _unmet(term: Tree, labels: Mapping[str, str], name: str) -> str:
    expressions = [(entry, labels) for entry in term.trees("matchExpressions")]
    expressions += [(entry, {"metadata.name": name}) for entry in term.trees("matchFields")]
    if not expressions:
        return "an empty affinity term"
    for entry, known in expressions:
        if not expression(entry).holds(known):
            values = ", ".join(entry.texts("values"))
            return f"{entry.text('key')} {entry.text('operator')} [{values}]"
    return ""


def requests(pod: KubeObject) -> dict[str, Decimal]:
    """What the scheduler reserves for the pod: its containers together, or one init container if that is more."""
    total: dict[str, Decimal] = {}
    for container in pod.trees("spec", "containers"):
        _add(total, container)
    most: dict[str, Decimal] = {}
    for container in pod.trees("spec", "initContainers"):
        if container.text("restartPolicy") == "Always":
            _add(total, container)
            continue
        for name, value in _wanted(container).items():
            most[name] = max(most.get(name, Decimal(0)), value)
    return {name: max(total.get(name, Decimal(0)), most.get(name, Decimal(0))) for name in {*total, *most}}


def _add(total: dict[str, Decimal], container: Tree) -> None:
    for name, value in _wanted(container).items():
        total[name] = total.get(name, Decimal(0)) + value


def _wanted(container: Tree) -> dict[str, Decimal]:
    raw = container.tree("resources", "requests").raw
    return {name: value for name, entry in raw.items() if (value := parse_quantity(entry)) is not None}


def _too_small(pod: KubeObject, node: KubeObject) -> tuple[str, ...]:
    """The resources of which the pod alone asks for more than the whole node has."""
    room = node.tree("status", "allocatable")
    found = []
    for name, value in requests(pod).items():
        has = parse_quantity(room.at(name)) if room.raw else value
        if value > 0 and (has is None or has < value):
            found.append(f"{name} {_plain(value)} > {room.at(name) or 0}")
    return tuple(sorted(found))


def _plain(value: Decimal) -> str:
    size = 2**20
    return f"{int(value / size)}Mi" if value >= size else f"{value.normalize():f}"
