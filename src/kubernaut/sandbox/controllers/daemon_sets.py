"""The DaemonSet controller: one pod on every node that takes it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from kubernaut.domain.objects import JsonObject, KubeObject, Tree
from kubernaut.sandbox.cluster import Cluster
from kubernaut.sandbox.controllers import pods
from kubernaut.sandbox.controllers.fitting import matches_node, tolerates
from kubernaut.sandbox.controllers.retrying import Retries
from kubernaut.sandbox.controllers.stateful_sets import REVISION_LABEL, ensure_revision
from kubernaut.sandbox.failures import Failure
from kubernaut.sandbox.kinds import DAEMON_SET, NODE, POD
from kubernaut.sandbox.recorder import Recorder, normal, warning
from kubernaut.sandbox.shapes import section
from kubernaut.sandbox.simulation import Key
from kubernaut.sandbox.storage import Change

_TOLERATED = ("not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")


class DaemonSets:
    """Creates, replaces and counts the pods of DaemonSets."""

    watches = frozenset({DAEMON_SET.key, POD.key, NODE.key})

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._recorder = Recorder(cluster, "daemonset-controller")
        self._retries = Retries()

    def affected(self, change: Change) -> Iterable[Key]:
        """The set, the owner of the pod, or every set where a node came or went."""
        if change.kind is DAEMON_SET:
            return [pods.key_of(change.stored.view)]
        if change.kind is NODE:
            same = change.before is not None and change.before.view.at("spec") == change.stored.view.at("spec")
            return [] if same else [pods.key_of(item) for item in self._cluster.storage.views(DAEMON_SET)]
        return pods.owner_keys(change, DAEMON_SET)

    def reconcile(self, key: Key, now: datetime) -> datetime | None:
        """Brings the pods to the nodes, one step of an update, then the status."""
        item = self._cluster.find(DAEMON_SET, *key)
        if item is None or pods.is_terminating(item):
            return None
        mark = ensure_revision(self._cluster, item).removeprefix(f"{item.name}-")
        nodes = [node.name for node in self._cluster.storage.views(NODE) if _wanted_on(item, node)]
        owned = [pod for pod in pods.owned_by(self._cluster, POD, item) if not pods.is_terminating(pod)]
        again = self._fill(item, sorted(set(nodes) - {_node_of(pod) for pod in owned}), mark, now)
        for pod in owned:
            if _node_of(pod) not in nodes:
                self._cluster.delete(POD, pod.namespace, pod.name, pods.CONTROLLER)
        self._update(item, owned, mark)
        current = self._cluster.find(DAEMON_SET, *key)
        if current is not None:
            self._write_status(current, nodes, mark)
        return again

    def _fill(self, item: KubeObject, missing: list[str], mark: str, now: datetime) -> datetime | None:
        """Pods for the nodes without one; when to try again, where one was refused."""
        again = self._retries.waiting(item.uid, now)
        if again or not missing:
            return again
        if not all(self._create(item, node, mark, now) for node in missing):
            return self._retries.failed(item.uid, now)
        self._retries.succeeded(item.uid)
        return None

    def _create(self, item: KubeObject, node: str, mark: str, now: datetime) -> bool:
        draft = pods.pod_from_template(item.tree("spec", "template"), item, labels={REVISION_LABEL: mark})
        spec = section(draft, "spec")
        term: JsonObject = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
        section(spec, "affinity")["nodeAffinity"] = {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}
        }
        spec["tolerations"] = [*(dict(item.raw) for item in Tree(spec).trees("tolerations")), *_own_tolerations()]
        try:
            made = self._cluster.create(POD, item.namespace, draft, pods.CONTROLLER)
        except Failure as refused:
            self._recorder.record(item, warning("FailedCreate", f"Error creating: {refused}"), now)
            return False
        text = f"Created pod: {Tree(made).text('metadata', 'name')}"
        self._recorder.record(item, normal("SuccessfulCreate", text), now)
        return True

    def _update(self, item: KubeObject, owned: list[KubeObject], mark: str) -> None:
        if item.text("spec", "updateStrategy", "type") == "OnDelete":
            return
        limit = pods.share(
            item.at("spec", "updateStrategy", "rollingUpdate", "maxUnavailable"), len(owned), round_up=True
        )
        old = [pod for pod in owned if pod.labels.get(REVISION_LABEL) != mark]
        down = sum(1 for pod in owned if pod not in old and not pods.is_ready(pod))
        for pod in sorted(old, key=pods.is_ready):
            if pods.is_ready(pod) and down >= max(1, limit):
                return
            down += 1
            self._cluster.delete(POD, pod.namespace, pod.name, pods.CONTROLLER)

    def _write_status(self, item: KubeObject, nodes: list[str], mark: str) -> None:
        owned = [pod for pod in pods.owned_by(self._cluster, POD, item) if not pods.is_terminating(pod)]
        ready = sum(1 for pod in owned if pods.is_ready(pod))
        status: JsonObject = {
            "currentNumberScheduled": len({_node_of(pod) for pod in owned} & set(nodes)),
            "desiredNumberScheduled": len(nodes),
            "numberMisscheduled": 0,
            "numberReady": ready,
            "numberAvailable": ready,
            "numberUnavailable": len(nodes) - ready,
            "updatedNumberScheduled": sum(1 for pod in owned if pod.labels.get(REVISION_LABEL) == mark),
            "observedGeneration": item.generation,
        }
        pods.write_status(self._cluster, DAEMON_SET, item, status)


def _own_tolerations() -> list[JsonObject]:
    found: list[JsonObject] = []
    for name in _TOLERATED:
        effect = "NoExecute" if name in ("not-ready", "unreachable") else "NoSchedule"
        found.append({"key": f"node.kubernetes.io/{name}", "operator": "Exists", "effect": effect})
    return found


def _wanted_on(item: KubeObject, node: KubeObject) -> bool:
    template = item.tree("spec", "template")
    given = [dict(entry.raw) for entry in template.trees("spec", "tolerations")]
    pod = Tree({"spec": {**template.tree("spec").raw, "tolerations": [*given, *_own_tolerations()]}})
    hard = [taint for taint in node.trees("spec", "taints") if taint.text("effect") != "PreferNoSchedule"]
    # A node that is cut off keeps its daemon pods, whichever of its two taints stands.
    hard = [taint for taint in hard if not taint.text("key").startswith("node.kubernetes.io/")]
    return matches_node(pod, node) and all(tolerates(pod, taint) for taint in hard)


def _node_of(pod: KubeObject) -> str:
    name = pod.text("spec", "nodeName")
    if name:
        return name
    path = ("spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    for term in pod.trees(*path):
        for field in term.trees("matchFields"):
            return next(iter(field.texts("values")), "")
    return ""
