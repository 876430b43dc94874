"""Objects that run no pods themselves, and the workloads that they are about."""

from __future__ import annotations

from functools import cached_property

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.investigation.scene import Scene

AUTOSCALER = "HorizontalPodAutoscaler"
BUDGET = "PodDisruptionBudget"
CLAIM = "PersistentVolumeClaim"
THINGS = (AUTOSCALER, BUDGET, CLAIM, "CronJob", "Ingress", "ResourceQuota", "Namespace")
# Of these, what is wrong is wrong for everybody. A suspended CronJob, a strict budget or an autoscaler at its maximum
# is looked at where an alert names it.
SURVEYED = (CLAIM, "Ingress", "Namespace")
_LATEST = 3


class Thing:
    """An autoscaler, a disruption budget, a claim, a CronJob, an Ingress, a quota or a namespace."""

    def __init__(self, scene: Scene, item: KubeObject) -> None:
        self.scene = scene
        self.object = item

    @property
    def title(self) -> str:
        """`CronJob nightly-report`."""
        return f"{self.object.kind} {self.object.name}"

    @cached_property
    def workloads(self) -> list[KubeObject]:
        """The workloads whose faults explain what is seen of it."""
        match self.object.kind:
            case "HorizontalPodAutoscaler":
                return self._scaled()
            case "PodDisruptionBudget":
                return self._tops(self.scene.selected(self.object.namespace, self._selector()))
            case "PersistentVolumeClaim":
                return self._tops([pod for pod in self._neighbours() if claims(pod, self.object.name)])
            case "CronJob":
                return self.jobs[:1]
            case "Ingress":
                return self._services()
            case _:
                return []

    @cached_property
    def jobs(self) -> list[KubeObject]:
        """The latest Jobs of a CronJob, newest first."""
        made = self.scene.owned(self.object, "Job")
        return sorted(made, key=lambda job: str(job.created_at), reverse=True)[:_LATEST]

    def _neighbours(self) -> list[KubeObject]:
        return self.scene.all("Pod", self.object.namespace)

    def _scaled(self) -> list[KubeObject]:
        target = self.object.tree("spec", "scaleTargetRef")
        found = self.scene.get(target.text("kind"), self.object.namespace, target.text("name"))
        return [found] if found else []

    def _selector(self) -> dict[str, str]:
        return self.object.mapping("spec", "selector", "matchLabels")

    def _services(self) -> list[KubeObject]:
        names = sorted({name for name, _ in backends(self.object)})
        found = (self.scene.get("Service", self.object.namespace, name) for name in names)
        return [item for item in found if item]

    def _tops(self, pods: list[KubeObject]) -> list[KubeObject]:
        return list({top.ref: top for top in map(self.scene.top_of, pods)}.values())


def is_platform(thing: Thing) -> bool:
    """Whether it stands for the cluster's own components: alerts about these name no object."""
    return thing.object.kind == "Namespace" and thing.object.name == "kube-system"


def claims(pod: KubeObject, name: str) -> bool:
    """Whether the pod mounts the claim."""
    return name in claim_names(pod)


def claim_names(pod: Tree) -> list[str]:
    """The claims that a pod or template mounts; those of an ephemeral volume are named after the pod."""
    found = []
    for volume in pod.trees("spec", "volumes"):
        if volume.has("persistentVolumeClaim"):
            found.append(volume.text("persistentVolumeClaim", "claimName"))
        elif volume.has("ephemeral"):
            found.append(f"{pod.text('metadata', 'name')}-{volume.text('name')}")
    return found


def backends(ingress: KubeObject) -> list[tuple[str, str]]:
    """The Services that an Ingress sends to, each with its port by number or name."""
    found = [ingress.tree("spec", "defaultBackend", "service")]
    for rule in ingress.trees("spec", "rules"):
        found += [path.tree("backend", "service") for path in rule.trees("http", "paths")]
    return [
        (part.text("name"), str(part.at("port", "number") or part.text("port", "name")))
        for part in found
        if part.text("name")
    ]
