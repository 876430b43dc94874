"""What several failing workloads share and what is wrong itself, so that a storm of their alerts is one incident.

Only two things are suspected: a node that is not ready, and configuration that is missing or was just written. Both are
read from lists that the investigation needs anyway.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kubernaut.domain.errors import ClusterError
from kubernaut.domain.objects import KubeObject, ObjectRef, Tree
from kubernaut.domain.provenance import last_writer
from kubernaut.domain.references import references
from kubernaut.domain.workloads import is_ready
from kubernaut.ports import ClusterReader
from kubernaut.resources import CONFIG_MAP, NODE, POD, SECRET

_RUN_PODS = frozenset({"Pod", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job"})
_KINDS = {"ConfigMap": CONFIG_MAP, "Secret": SECRET}
# One workload that fails is told about by its own incident.
_SHARED_BY = 2
# An edit that did harm shows within minutes, when the next container starts; older ones explain no storm of today.
_RECENT = timedelta(hours=1)
# What an image that cannot be pulled, or a pod without a node, waits for is in no ConfigMap.
_PREFIX = 40
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_NOT_CONFIGURATION = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"})


@dataclass(frozen=True, slots=True)
class Suspect:
    """The object that is wrong, and the workloads that fail with it."""

    object: ObjectRef
    workloads: frozenset[ObjectRef]

    @property
    def is_node(self) -> bool:
        """Whether the incident is about the suspect itself: configuration is mended through who uses it."""
        return self.object.kind == "Node"


async def suspect_behind(target: ObjectRef, reader: ClusterReader, *, now: datetime) -> Suspect | None:
    """What makes the workload fail together with others; None where it seems to fail alone.

    None, too, where the cluster does not let us look: the alert then has an incident of its own.
    """
    if target.kind not in _RUN_PODS:
        return None
    try:
        pods = (await reader.list(POD, target.namespace)).items
        own = [pod for pod in pods if _is_of(pod, target) and not _is_well(pod)]
        if not own:
            return None
        return await _node_of(own, reader) or await _configuration_of(own, pods, reader, now)
    except ClusterError:
        return None


def _is_of(pod: KubeObject, target: ObjectRef) -> bool:
    # Names of pods begin with their workload's, long ones cut short; most pods are told apart by that alone.
    return pod.name.startswith(target.name[:_PREFIX]) and target in (workload_of(pod), pod.ref)


def workload_of(pod: KubeObject) -> ObjectRef:
    """The workload that the pod belongs to, by the names that the controllers give."""
    owner = pod.controller
    if owner is None:
        return pod.ref
    suffix = f"-{pod.labels.get('pod-template-hash', '')}"
    if owner.kind == "ReplicaSet" and owner.name.endswith(suffix) and len(suffix) > 1:
        return ObjectRef("apps/v1", "Deployment", pod.namespace, owner.name.removesuffix(suffix))
    return owner


async def _node_of(own: Iterable[KubeObject], reader: ClusterReader) -> Suspect | None:
    """The node that is not ready and that all failing pods of the workload are on."""
    places = {pod.text("spec", "nodeName") for pod in own}
    nodes = (await reader.list(NODE)).items
    down = {node.name for node in nodes if not is_ready(node)}
    # All of its failing pods: one that fails on a sound node has another reason.
    if not places <= down:
        return None
    return Suspect(ObjectRef("v1", "Node", "", min(places)), frozenset(workload_of(pod) for pod in own))


async def _configuration_of(
    own: Iterable[KubeObject], pods: Iterable[KubeObject], reader: ClusterReader, now: datetime
) -> Suspect | None:
    wanted = _used_by(pod for pod in own if _may_lack_configuration(pod))
    if not wanted:
        return None
    # Nearly all pods of a namespace are well, and what those use need not be looked up yet.
    failing = [pod for pod in pods if _may_lack_configuration(pod)]
    for kind, name in sorted(wanted):
        workloads = frozenset(workload_of(pod) for pod in failing if (kind, name) in _used_by([pod]))
        if len(workloads) < _SHARED_BY:
            continue
        ref = ObjectRef("v1", kind, failing[0].namespace, name)
        if await _is_wrong(ref, [pod for pod in pods if (kind, name) in _used_by([pod])], reader, now):
            return Suspect(ref, workloads)
    return None


def _used_by(pods: Iterable[KubeObject]) -> set[tuple[str, str]]:
    return {(entry.kind, entry.name) for pod in pods for entry in references(pod)}


async def _is_wrong(ref: ObjectRef, using: Iterable[KubeObject], reader: ClusterReader, now: datetime) -> bool:
    listing = await reader.list(_KINDS[ref.kind], ref.namespace)
    found = next((item for item in listing.items if item.name == ref.name), None)
    if found is None:
        # What a list that was cut short does not hold may be there all the same.
        return listing.complete
    author = last_writer(found, "data")
    written = (author.at if author else None) or found.created_at
    if written is None or now - written > _RECENT:
        return False
    # A pod that took the new content and works speaks for it; one that failed before speaks for another fault.
    works = any(_is_well(pod) and _started(pod) >= written for pod in using)
    failed_before = any(_may_lack_configuration(pod) and _fails_since(pod) < written for pod in using)
    return not works and not failed_before


def _is_well(pod: KubeObject) -> bool:
    return is_ready(pod) or pod.text("status", "phase") == "Succeeded"


def _may_lack_configuration(pod: KubeObject) -> bool:
    if _is_well(pod) or not pod.has("spec", "nodeName"):
        return False
    return not any(state.text("state", "waiting", "reason") in _NOT_CONFIGURATION for state in _states(pod))


def _states(pod: KubeObject) -> list[Tree]:
    return [*pod.trees("status", "initContainerStatuses"), *pod.trees("status", "containerStatuses")]


def _started(pod: KubeObject) -> datetime:
    """When the youngest container of the pod began to run."""
    began = [moment for state in _states(pod) if (moment := state.time("state", "running", "startedAt"))]
    return max(began, default=pod.created_at or _LONG_AGO)


def _fails_since(pod: KubeObject) -> datetime:
    ready = pod.condition("Ready")
    since = ready.time("lastTransitionTime") if ready else None
    return since or pod.created_at or _LONG_AGO
