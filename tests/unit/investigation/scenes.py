"""Scenes for the causes: a Deployment that was rolled from one template to another, and what its pods report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kubernaut.domain.diagnosis import Diagnosis, Hypothesis
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.diagnosing import diagnose
from kubernaut.investigation.logs import decisive_lines
from kubernaut.investigation.scene import Scene
from kubernaut.resources import CLUSTER_WIDE, RESOURCES
from tests import objects

ALL = frozenset(kind.kind for kind in RESOURCES)


def scene_of(
    *items: KubeObject | Sequence[KubeObject],
    unread: frozenset[str] = frozenset(),
    also: frozenset[str] = frozenset(),
    logs: Mapping[KubeObject, str] | None = None,
    previous: bool = True,
) -> Scene:
    """A scene of these objects in which every list was read whole, except the unread ones; `also` names more kinds."""
    flat = [item for entry in items for item in ([entry] if isinstance(entry, KubeObject) else entry)]
    lines = {
        (pod.namespace, pod.name, "app"): decisive_lines(text, pod.ref, "app", previous=previous)
        for pod, text in (logs or {}).items()
    }
    return Scene(
        now=objects.NOW,
        objects=[item for item in flat if item.kind not in unread],
        whole=[(kind, "" if kind in CLUSTER_WIDE else "shop") for kind in sorted((ALL | also) - unread)],
        logs=lines,
    )


def best(diagnosis: Diagnosis) -> Hypothesis:
    found = diagnosis.best
    assert found is not None, "nothing was found"
    return found


def causes(diagnosis: Diagnosis) -> list[str]:
    return [hypothesis.cause for hypothesis in diagnosis.hypotheses]


def texts(diagnosis: Diagnosis) -> str:
    return "\n".join(f"{fact.object} {fact.ref}: {fact.text}" for fact in diagnosis.evidence)


@dataclass
class Rollout:
    """Deployment checkout, rolled from `old` (revision 6) to `new` (revision 7) some time ago."""

    old: objects.Parts
    new: objects.Parts
    minutes_ago: float = 10
    replicas: int = 3
    old_available: int = 0
    new_available: int = 0
    meta: Mapping[str, objects.Part] = field(default_factory=dict)
    conditions: Sequence[objects.Parts] = ()

    def __post_init__(self) -> None:
        self.deployment = objects.deployment(
            "checkout",
            self.new,
            replicas=self.replicas,
            status={"readyReplicas": self.old_available + self.new_available, "updatedReplicas": self.replicas},
            conditions=list(self.conditions),
            **self.meta,
        )
        self.before = objects.replica_set(
            self.deployment, 6, self.old, desired=self.old_available, available=self.old_available
        )
        self.after = objects.replica_set(
            self.deployment,
            7,
            self.new,
            desired=self.replicas,
            available=self.new_available,
            age=objects.ago(minutes=self.minutes_ago),
        )

    @property
    def parts(self) -> list[KubeObject]:
        return [self.deployment, self.before, self.after]

    def pods(self, status: objects.Parts | None, count: int = 3, **extra: objects.Part) -> list[KubeObject]:
        """Pods of the present revision, all with that status."""
        age = objects.ago(minutes=self.minutes_ago)
        statuses = [status] if status else []
        names = [f"{self.after.name}-{suffix}" for suffix in ("x2x4b", "k9d7q", "m4z8t", "b6w2r")[:count]]
        return [objects.pod(name, statuses, of=self.after, age=age, **extra) for name in names]

    def diagnose(self, *items: KubeObject | Sequence[KubeObject], **scene: objects.Part) -> Diagnosis:
        made = scene_of(*self.parts, objects.node(), *items, **scene)
        return diagnose(made, self.deployment.ref)
