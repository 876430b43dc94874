"""Who keeps an object, or a field of it, and would put back what is changed by hand.

Three things tell of an owner: the marks that GitOps tools and Helm leave on what they install, an owner reference to a
custom resource (an operator made the object from it), and `metadata.managedFields`, which names whoever holds a field.
Marks, a GitOps tool among the managers, and a custom resource speak for the whole of what people write in the object,
since a person who edits a field takes it away from its manager there, and the owner puts it back all the same. Any
other manager that keeps writing speaks for the very fields that it holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from kubernaut.domain.changes import Change, ObjectDeletion, ObjectPatch
from kubernaut.domain.held_fields import Entry, Holder, Path, changed_fields, holders, words
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.patches import patched
from kubernaut.domain.provenance import CONTROLLERS

OPERATOR: Final = "operator"
AUTOSCALER: Final = "HorizontalPodAutoscaler"
_MARKS: Final = {
    "argocd.argoproj.io/instance": "Argo CD",
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
    "meta.helm.sh/release-name": "Helm release",
}
_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
_TOOLS: Final = {
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
    "helm": "Helm release",
}
_MANAGED_FIELDS: Final = "metadata.managedFields"
_OWNER_REFERENCES: Final = "metadata.ownerReferences"
# Kubernetes itself, by the names that its parts go by when they do not run in one process.
_KUBERNETES: Final = CONTROLLERS | {
    "cronjob-controller", "daemon-set-controller", "deployment-controller", "endpoint-controller",
    "endpointslice-controller", "horizontal-pod-autoscaler", "job-controller", "namespace-controller",
    "node-controller", "replicaset-controller", "statefulset-controller",
}  # fmt: skip
# A person's tools, and ourselves: what they wrote once they do not write again by themselves.
_IN_HANDS: Final = ("kubectl", "kubernaut", "oc", "k9s", "lens", "mozilla")
# What operators are called; `manager` is what the usual scaffold for one calls its program.
_OPERATOR_ENDINGS: Final = ("operator", "controller", "controller-manager", "reconciler")
_BUILT_IN_GROUPS: Final = frozenset(
    {"", "apps", "autoscaling", "batch", "extensions", "policy"}
    | {f"{name}.k8s.io" for name in (
        "admissionregistration", "apiextensions", "apiregistration", "authentication", "authorization", "certificates",
        "coordination", "discovery", "events", "flowcontrol.apiserver", "internal.apiserver", "networking", "node",
        "rbac.authorization", "resource", "scheduling", "storage", "storagemigration",
    )}
)  # fmt: skip
# Made and ended as the cluster runs: nobody keeps the text of one.
_RUNNING: Final = frozenset({"Pod", "Node"})


@dataclass(frozen=True, slots=True)
class Keeper:
    """The tool, what it calls the object's origin (a release, an application), and the mark that tells of it."""

    tool: str
    name: str
    mark: str

    def __str__(self) -> str:
        """`Helm release checkout`."""
        return f"{self.tool} {self.name}".strip()


@dataclass(frozen=True, slots=True)
class Claim:
    """Who would put a change back, and the field that it is about.

    `manager` and `operation` are those of `managedFields`, empty where the field is told by the owner's mark alone.
    """

    owner: Keeper
    field: str
    manager: str = ""
    operation: str = ""

    def __str__(self) -> str:
        """`owned by Argo CD cart, which would put back .spec.selector (field manager argocd-controller, Apply)`."""
        return f"owned by {self.owner}, which would put back {self.field} ({self._known_by})"

    @property
    def fact(self) -> str:
        """`Argo CD cart owns .spec.selector (field manager argocd-controller, Apply)`."""
        return f"{self.owner} owns {self.field} ({self._known_by})"

    @property
    def _known_by(self) -> str:
        return f"field manager {self.manager}, {self.operation}" if self.manager else f"told by {self.owner.mark}"


def keeper_of(item: KubeObject) -> Keeper | None:
    """Who keeps the whole object: a GitOps tool before the Helm release it installs, and then an operator."""
    marks = {**item.labels, **item.annotations}
    # In the order of `_MARKS`: of several marks the one further up the chain of tools says who would write again.
    found = next((key for key in _MARKS if key in marks), None)
    if found is not None:
        return Keeper(_MARKS[found], marks[found], found)
    if item.labels.get(_MANAGED_BY) == "Helm":
        return Keeper("Helm", "", _MANAGED_BY)
    if item.kind in _RUNNING:
        return None
    tool = next((_TOOLS[each.manager] for each in holders(item) if each.manager in _TOOLS), None)
    return Keeper(tool, "", _MANAGED_FIELDS) if tool else _operator_of(item)


def is_owned_in_part(item: KubeObject, rewriters: Iterable[str] = ()) -> bool:
    """Whether there is anybody at all who keeps the object, or a field of it."""
    known = frozenset(rewriters)
    return _whole(item) is not None or any(_reconciles(each, known) for each in holders(item))


def claim_on(item: KubeObject, change: Change, rewriters: Iterable[str] = ()) -> Claim | None:
    """The first claim on what the change would touch; None where it would stand.

    `rewriters` are managers that were seen to write again what others had changed.
    """
    match change:
        case ObjectPatch(operations=operations):
            after = patched(item.raw, operations)
            # Status belongs to controllers, and nobody declares it.
            touched = [path for path in changed_fields(dict(item.raw), after) if path[0] != "status"]
        case ObjectDeletion() if item.kind not in _RUNNING:
            # The whole object: who keeps any of it will make it again.
            touched = [()]
        case _:
            touched = []
    known = frozenset(rewriters)
    return next((claim for path in touched if (claim := _claim(item, path, known)) is not None), None)


def reverter_of(item: KubeObject, path: Path, *, as_before: bool) -> Keeper | None:
    """The owner who put the field back, once it does not hold any more what we wrote.

    The field is with one of its managers again, or it is `as_before` and no person's tool wrote that.
    """
    held = [each for each in holders(item) if each.holds(path)]
    keeper = _whole(item)
    for each in held:
        # Without what was learned of rewriters: to say that a field was put back, the field has to tell it by itself.
        if _reconciles(each, frozenset()):
            return keeper or Keeper(OPERATOR, each.manager, _MANAGED_FIELDS)
    return keeper if as_before and not any(_never_reconciles(each.manager) for each in held) else None


def rewriter_of(item: KubeObject, path: Path) -> str:
    """The manager that wrote the field after us, where it is neither a person's tool nor Kubernetes itself."""
    found = (each.manager for each in holders(item) if each.holds(path) and not _never_reconciles(each.manager))
    return next(found, "")


def _claim(item: KubeObject, path: Path, rewriters: frozenset[str]) -> Claim | None:
    held = [each for each in holders(item) if each.holds(path)]
    keeper = _whole(item)
    for each in held:
        if _reconciles(each, rewriters):
            owner = keeper or Keeper(OPERATOR, each.manager, _MANAGED_FIELDS)
            return Claim(owner, words(path), each.manager, each.operation)
    if keeper is None or _is_marking(path) or _was_left_alone(item, held):
        return None
    return Claim(keeper, words(path))


def _whole(item: KubeObject) -> Keeper | None:
    """Who keeps all that people write in the object; a controller of Kubernetes, too, makes it from its own spec."""
    if item.kind in _RUNNING:
        return None
    controller = item.controller
    return keeper_of(item) or (Keeper("controller", str(controller), _OWNER_REFERENCES) if controller else None)


def _operator_of(item: KubeObject) -> Keeper | None:
    for owner in item.trees("metadata", "ownerReferences"):
        group, _, version = owner.text("apiVersion").rpartition("/")
        if version and group not in _BUILT_IN_GROUPS:
            return Keeper(OPERATOR, f"{owner.text('kind')} {owner.text('name')}", _OWNER_REFERENCES)
    return None


def _reconciles(holder: Holder, rewriters: frozenset[str]) -> bool:
    """Whether the manager writes again by itself.

    Who applies declares what has to be, and will apply again; who updated once has to be known for it.
    """
    if _never_reconciles(holder.manager):
        return False
    name = holder.manager.lower()
    known = holder.manager in _TOOLS or holder.manager in rewriters
    return known or holder.operation == "Apply" or name == "manager" or name.endswith(_OPERATOR_ENDINGS)


def _never_reconciles(manager: str) -> bool:
    name = manager.lower()
    in_hands = any(name == tool or name.startswith(f"{tool}-") for tool in _IN_HANDS)
    return in_hands or name in _KUBERNETES or name.endswith("cloud-controller-manager") or not name


def _is_marking(path: Path) -> bool:
    """Whether it is a label or an annotation: those that an owner does not hold are beside what it keeps."""
    steps = [step for step in path if not isinstance(step, Entry)]
    return path[:1] == ("metadata",) or any(
        pair in {("metadata", "annotations"), ("metadata", "labels")} for pair in pairwise(steps)
    )


def _was_left_alone(item: KubeObject, held: Iterable[Holder]) -> bool:
    """Whether the owner has applied since others wrote the field, and did not take it back: it does not keep that."""
    theirs = [each.at for each in holders(item) if each.at and (each.manager in _TOOLS or _applies(each))]
    others = [each.at for each in held if each.at]
    return bool(theirs and others) and max(theirs) > max(others)


def _applies(holder: Holder) -> bool:
    return holder.operation == "Apply" and not _never_reconciles(holder.manager)
