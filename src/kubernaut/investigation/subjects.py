"""What a cause examines: a workload with its pods and revisions, a Service, a node, or any other object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from kubernaut.domain.objects import KubeObject, ObjectRef, Tree
from kubernaut.domain.provenance import Author, last_writer
from kubernaut.investigation import facts
from kubernaut.investigation.containers import (
    PULL_PROBLEMS,
    Container,
    containers_of,
    is_crashing,
    is_leaving,
    is_ready,
)
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.probes import is_ended_again
from kubernaut.investigation.pulls import FailedPull, failed_pull
from kubernaut.investigation.revisions import GoodRevision, Revision, changes, good_revision, last_real, revisions_of
from kubernaut.investigation.scene import Scene
from kubernaut.investigation.templates import UNSEEN, Difference

HISTORIES = {
    "Deployment": "ReplicaSet",
    "StatefulSet": "ControllerRevision",
    "DaemonSet": "ControllerRevision",
}
_SHOWN = 3
_GONE = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class TemplateChange:
    """The step from the revision before to the present one."""

    old: Revision
    new: Revision
    differences: tuple[Difference, ...]
    at: datetime | None
    author: Author | None

    @property
    def title(self) -> str:
        """`revision 4`, where its number is known."""
        return f"revision {self.new.number}" if self.new.number else "the last revision"

    @property
    def real(self) -> tuple[Difference, ...]:
        """The differences that change what runs: a restart's mark or a checksum does not."""
        return tuple(difference for difference in self.differences if not difference.is_stamp)


def has_succeeded(job: KubeObject) -> bool:
    """Whether the Job ended well."""
    done = (job.condition(kind) for kind in ("Complete", "SuccessCriteriaMet"))
    return any(state is not None and state.text("status") == "True" for state in done)


def _is_superseded(scene: Scene, job: KubeObject) -> bool:
    """Whether a later Job of the same CronJob succeeded: then the failure of this one is history."""
    owner, made = job.controller, job.created_at
    if owner is None or made is None:
        return False
    others = [each for each in scene.all("Job", job.namespace) if each.controller == owner]
    return any(each.created_at and each.created_at > made and has_succeeded(each) for each in others)


class Workload:
    """A Deployment, StatefulSet, DaemonSet, Job, or a ReplicaSet or Pod that nothing else controls."""

    def __init__(self, scene: Scene, item: KubeObject) -> None:
        self.scene = scene
        self.object = item

    @property
    def ref(self) -> ObjectRef:
        """Its address."""
        return self.object.ref

    @property
    def title(self) -> str:
        """`Deployment checkout`."""
        return f"{self.object.kind} {self.object.name}"

    @cached_property
    def desired(self) -> int:
        """How many pods there should be."""
        match self.object.kind:
            case "Pod":
                return 1
            case "DaemonSet":
                return self.object.integer("status", "desiredNumberScheduled")
            case "Job":
                return self.object.integer("spec", "parallelism", default=1)
            case _:
                return self.object.integer("spec", "replicas", default=1)

    @property
    def template(self) -> Tree:
        """The pod template, or the pod itself."""
        return self.object if self.object.kind == "Pod" else self.object.tree("spec", "template")

    @property
    def is_finished(self) -> bool:
        """Whether it is a Job that succeeded, or whose successor did, whatever the first tries ended with."""
        if self.object.kind != "Job":
            return False
        return has_succeeded(self.object) or _is_superseded(self.scene, self.object)

    @cached_property
    def live(self) -> list[KubeObject]:
        """Its pods, without those that are leaving and those that ended and were replaced."""
        if self.is_finished:
            return []
        keeps = self.object.kind in {"Pod", "Job"}
        return [
            pod
            for pod in self.scene.pods_of(self.object)
            if not is_leaving(pod) and (keeps or pod.text("status", "phase") not in _GONE)
        ]

    @cached_property
    def pods(self) -> list[KubeObject]:
        """The pods to judge it by: those of the present revision.

        A new revision that has no pod yet is not judged by the pods of the one it replaces.
        """
        current = [pod for pod in self.live if _is_current(self, pod)]
        if self.object.kind == "Deployment" and self.revisions and self.revisions[0].desired > 0:
            return current
        return current or self.live

    @cached_property
    def ready(self) -> int:
        """How many of the live pods take traffic."""
        return sum(is_ready(pod) for pod in self.live)

    @cached_property
    def containers(self) -> list[Container]:
        """The containers of the pods to judge it by."""
        return [container for pod in self.pods for container in containers_of(pod)]

    @cached_property
    def crashing(self) -> list[Container]:
        """The containers that end again and again, or cannot be started."""
        now = self.scene.now
        return [each for each in self.containers if is_crashing(each, now) or is_ended_again(self.scene, each)]

    @cached_property
    def failing_pulls(self) -> list[Container]:
        """The containers whose image does not come."""
        return [container for container in self.containers if container.waiting in PULL_PROBLEMS]

    @cached_property
    def failed_pulls(self) -> list[FailedPull]:
        """Why their images do not come."""
        return [failed_pull(self.scene, container) for container in self.failing_pulls]

    @cached_property
    def pending(self) -> list[KubeObject]:
        """The pods that the scheduler found no node for."""
        return [
            pod
            for pod in self.pods
            if (state := pod.condition("PodScheduled"))
            and state.text("status") == "False"
            and state.text("reason") == "Unschedulable"
        ]

    @cached_property
    def revisions(self) -> list[Revision]:
        """Its revisions, newest first."""
        return revisions_of(self.scene, self.object)

    @cached_property
    def change(self) -> TemplateChange | None:
        """The last step that changed what runs, None where there is only one revision."""
        if len(self.revisions) < 2:  # noqa: PLR2004  # two revisions make a change
            return None
        index = last_real(self.revisions)
        new, old = self.revisions[index], self.revisions[index + 1]
        # Whoever wrote last wrote only the stamp of the later ones.
        author = last_writer(self.object, "spec", "template") if index == 0 else None
        at = new.made_at or (author.at if author else None)
        return TemplateChange(old, new, changes(old, new), at, author)

    @cached_property
    def is_history_seen(self) -> bool:
        """Whether it is known what the last change of the template changed, or that there was none."""
        if self.change is not None:
            return UNSEEN not in self.change.differences
        kind = HISTORIES.get(self.object.kind)
        return kind is None or self.scene.covers(kind, self.object.namespace)

    def change_fact(self, relevant: Callable[[Difference], bool] = lambda _: True) -> Fact | None:
        """The last template change in words, the relevant differences first."""
        change = self.change
        if change is None or not change.real:
            return None
        shown = sorted(change.real, key=lambda difference: not relevant(difference))
        text = "; ".join(str(difference) for difference in shown[:_SHOWN])
        if change.real == (UNSEEN,):
            text = "what it changed is not shown"
        more = f"; {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        by = f" (by {change.author.manager})" if change.author else ""
        is_numbered = change.old.number and change.new.number
        if change.real == (UNSEEN,) and not is_numbered:
            return None
        step = f"revision {change.old.number} -> {change.new.number}" if is_numbered else "the last change"
        return facts.change(self.object, step, f"{step}: {text}{more}{by}", change.at)

    def good_revision(self, relevant: Callable[[Difference], bool]) -> GoodRevision | None:
        """The revision to return to: it worked, and differs in a relevant field."""
        found = good_revision(
            self.scene,
            self.revisions,
            lambda parts: any(relevant(part) and not part.is_stamp for part in parts),
        )
        if found is not None:
            return found
        # In what one that was not read differs nobody can say; while its pods work, that it does is enough.
        unread = good_revision(self.scene, self.revisions, lambda parts: UNSEEN in parts)
        return unread if unread is not None and unread.revision.available > 0 else None

    def age(self, pod: KubeObject) -> timedelta:
        """How long ago the pod was created; a day where that is not known."""
        created = pod.created_at
        return self.scene.now - created if created else timedelta(days=1)


def _is_current(workload: Workload, pod: KubeObject) -> bool:
    if workload.object.kind == "Deployment" and workload.revisions:
        owner = workload.scene.controller_of(pod)
        return owner is not None and owner.uid == workload.revisions[0].source.uid
    label = pod.labels.get("controller-revision-hash")
    if workload.object.kind == "StatefulSet":
        return label == (workload.object.text("status", "updateRevision") or label)
    if workload.object.kind == "DaemonSet" and workload.revisions:
        return label == workload.revisions[0].source.labels.get("controller-revision-hash", label)
    return True


class Service:
    """A Service, what it selects and what it reaches."""

    def __init__(self, scene: Scene, item: KubeObject) -> None:
        self.scene = scene
        self.object = item

    @cached_property
    def selector(self) -> dict[str, str]:
        """The labels it asks for."""
        return self.object.mapping("spec", "selector")

    @cached_property
    def selected(self) -> list[KubeObject]:
        """The pods that it selects and that are not leaving."""
        found = self.scene.selected(self.object.namespace, self.selector)
        return [pod for pod in found if not is_leaving(pod) and pod.text("status", "phase") not in _GONE]

    @cached_property
    def is_selector_read(self) -> bool:
        """Whether it is known what it selects: each port has a target by the API server, and none in a pasted table."""
        ports = self.object.trees("spec", "ports")
        is_whole = any(port.has("targetPort") for port in ports) or not ports
        return is_whole or self.object.has("spec", "selector") or self.object.text("spec", "type") == "ExternalName"

    @cached_property
    def is_routed_by_labels(self) -> bool:
        """Whether its endpoints come from a selector: not an alias, and not filled by hand."""
        return bool(self.selector) and self.object.text("spec", "type") != "ExternalName"

    @cached_property
    def ready_endpoints(self) -> int:
        """How many addresses of its EndpointSlices take traffic."""
        return sum(
            len(endpoint.texts("addresses"))
            for part in self.scene.all("EndpointSlice", self.object.namespace)
            if part.labels.get("kubernetes.io/service-name") == self.object.name
            for endpoint in part.trees("endpoints")
            if endpoint.at("conditions", "ready") is not False
        )

    @cached_property
    def workloads(self) -> list[KubeObject]:
        """The workloads whose pods, those of now or those of its template, carry the labels.

        Where its labels are not shown, those of its own name.
        """
        place = self.object.namespace
        tops = {(top.kind, top.name): top for top in map(self.scene.top_of, self.selected)}
        for kind in ("Deployment", "StatefulSet", "DaemonSet"):
            for item in self.scene.all(kind, place):
                labels = item.mapping("spec", "template", "metadata", "labels")
                is_named = not self.is_selector_read and item.name == self.object.name
                if is_named or (self.selector and self.selector.items() <= labels.items()):
                    tops.setdefault((item.kind, item.name), item)
        return list(tops.values())


class Node:
    """A node and the pods on it."""

    def __init__(self, scene: Scene, item: KubeObject) -> None:
        self.scene = scene
        self.object = item

    @cached_property
    def pods(self) -> list[KubeObject]:
        """The pods bound to it, as far as the namespaces were read."""
        return [pod for pod in self.scene.all("Pod") if pod.text("spec", "nodeName") == self.object.name]

    @property
    def is_ready(self) -> bool:
        """Whether its kubelet reports that it is."""
        state = self.object.condition("Ready")
        return state is not None and state.text("status") == "True"

    @property
    def is_cordoned(self) -> bool:
        """Whether new pods are kept off it."""
        return self.object.flag("spec", "unschedulable")


class Other:
    """An object of any other kind: a claim, an autoscaler, an Ingress, a CronJob, a namespace."""

    def __init__(self, scene: Scene, item: KubeObject) -> None:
        self.scene = scene
        self.object = item
