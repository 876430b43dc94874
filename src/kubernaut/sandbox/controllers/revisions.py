"""Revisions of a Deployment: which ReplicaSet is the new one, and the annotations that number them."""

from __future__ import annotations

from kubernaut.domain.objects import JsonObject, KubeObject
from kubernaut.sandbox.controllers.pods import owner_reference, safe_hash, template_with_label, template_without_label
from kubernaut.sandbox.shapes import encoded, section

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
HASH_LABEL = "pod-template-hash"
_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        HISTORY,
        DESIRED,
        MAXIMUM,
        "deprecated.deployment.rollback.to",
    }
)


def revision_of(item: KubeObject) -> int:
    """The number in the annotation, 0 without one."""
    text = item.annotations.get(REVISION, "")
    return int(text) if text.isdigit() else 0


def find_new_set(deployment: KubeObject, sets: list[KubeObject]) -> KubeObject | None:
    """The oldest ReplicaSet whose template is the Deployment's."""
    wanted = template_without_label(deployment.tree("spec", "template"), HASH_LABEL)
    for item in sets:
        if template_without_label(item.tree("spec", "template"), HASH_LABEL) == wanted:
            return item
    return None


def copied_annotations(deployment: KubeObject) -> dict[str, str]:
    """The annotations that a Deployment hands to its ReplicaSets."""
    return {key: value for key, value in deployment.annotations.items() if key not in _NOT_COPIED}


def new_set(deployment: KubeObject, *, revision: int, replicas: int, maximum: int) -> JsonObject:
    """The ReplicaSet for the Deployment's present template."""
    template = deployment.tree("spec", "template")
    mark = safe_hash(encoded(dict(template.raw)))
    labels = {**template.mapping("metadata", "labels"), HASH_LABEL: mark}
    selector = {**deployment.tree("spec", "selector").raw}
    selector["matchLabels"] = {**deployment.mapping("spec", "selector", "matchLabels"), HASH_LABEL: mark}
    annotations = {
        **copied_annotations(deployment),
        REVISION: str(revision),
        DESIRED: str(deployment.integer("spec", "replicas")),
        MAXIMUM: str(maximum),
    }
    spec: JsonObject = {
        "replicas": replicas,
        "selector": selector,
        "template": template_with_label(template, HASH_LABEL, mark),
    }
    if deployment.has("spec", "minReadySeconds"):
        spec["minReadySeconds"] = deployment.integer("spec", "minReadySeconds")
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{deployment.name}-{mark}",
            "labels": {**labels},
            "annotations": {**annotations},
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": spec,
    }


def raise_revision(draft: JsonObject, revision: int) -> None:
    """Gives a ReplicaSet a higher number and keeps the one it had in its history."""
    annotations = section(draft, "metadata", "annotations")
    old = annotations.get(REVISION)
    if old and old != str(revision):
        history = annotations.get(HISTORY)
        annotations[HISTORY] = f"{history},{old}" if history else old
    annotations[REVISION] = str(revision)
