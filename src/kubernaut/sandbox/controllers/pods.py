"""What all controllers know of pods: owned by whom, active, ready, available, and made from a template."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from kubernaut.domain.objects import Json, JsonObject, KubeObject, Tree
from kubernaut.sandbox.cluster import By, Cluster
from kubernaut.sandbox.kinds import Kind
from kubernaut.sandbox.shapes import copied, section
from kubernaut.sandbox.simulation import Key
from kubernaut.sandbox.storage import Change

CONTROLLER = By("kube-controller-manager")
CONTROLLER_STATUS = By("kube-controller-manager", "status")
_FINISHED = frozenset({"Succeeded", "Failed"})
Edit = Callable[[JsonObject], JsonObject | None]


def key_of(item: KubeObject) -> Key:
    """The work-queue key of an object."""
    return item.namespace, item.name


def owner_keys(change: Change, kind: Kind) -> Iterable[Key]:
    """The keys of the controllers of that kind that own the changed object."""
    for stored in (change.stored, change.before):
        owner = stored.view.controller if stored else None
        if stored and owner and owner.kind == kind.name:
            yield stored.view.namespace, owner.name


def owned_by(cluster: Cluster, kind: Kind, owner: KubeObject) -> list[KubeObject]:
    """The objects that the owner controls, oldest first."""
    found = [item for item in cluster.storage.views(kind, owner.namespace) if _controller_uid(item) == owner.uid]
    # Times have whole seconds, so names decide between those that were made together.
    found.sort(key=lambda item: (item.text("metadata", "creationTimestamp"), item.name))
    return found


def _controller_uid(item: KubeObject) -> str:
    for owner in item.trees("metadata", "ownerReferences"):
        if owner.flag("controller"):
            return owner.text("uid")
    return ""


def owner_reference(owner: KubeObject) -> JsonObject:
    """The reference that makes an object a dependent of its controller."""
    return {
        "apiVersion": owner.text("apiVersion"),
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def is_terminating(item: KubeObject) -> bool:
    """Whether it is being deleted."""
    return item.has("metadata", "deletionTimestamp")


def is_active(pod: KubeObject) -> bool:
    """Whether the pod runs or will run."""
    return not is_terminating(pod) and pod.text("status", "phase") not in _FINISHED


def is_ready(pod: KubeObject) -> bool:
    """The Ready condition."""
    condition = pod.condition("Ready")
    return condition is not None and condition.text("status") == "True"


def ready_since(pod: KubeObject) -> datetime | None:
    """Since when the pod has been ready, None where it is not."""
    condition = pod.condition("Ready")
    return condition.time("lastTransitionTime") if condition and condition.text("status") == "True" else None


def available_at(pod: KubeObject, min_ready_s: int) -> datetime | None:
    """From when on the pod counts as available, None while it is not ready."""
    since = ready_since(pod)
    return since + timedelta(seconds=min_ready_s) if since else None


def pod_from_template(template: Tree, owner: KubeObject, *, name: str = "", labels: dict[str, str]) -> JsonObject:
    """A new pod of the owner, with more labels than the template's."""
    given = template.tree("metadata")
    metadata: JsonObject = {
        "labels": {**given.mapping("labels"), **labels},
        "ownerReferences": [owner_reference(owner)],
    }
    if annotations := given.mapping("annotations"):
        metadata["annotations"] = {**annotations}
    if name:
        metadata["name"] = name
    else:
        metadata["generateName"] = f"{owner.name}-"
    spec = template.at("spec")
    copy = copied(spec) if isinstance(spec, dict) else {}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": copy}


def write_status(cluster: Cluster, kind: Kind, item: KubeObject, status: JsonObject) -> None:
    """Writes the status where it differs from what stands."""
    if item.at("status") == status:
        return

    def edit(draft: JsonObject) -> None:
        draft["status"] = status

    cluster.change(kind, item.namespace, item.name, edit, CONTROLLER_STATUS)


def status_draft(item: KubeObject) -> JsonObject:
    """A copy of the status, to be completed."""
    status = item.at("status")
    return copied(status) if isinstance(status, dict) else {}


def template_with_label(template: Tree, key: str, value: str) -> JsonObject:
    """A copy of a pod template with one label more."""
    draft = copied(dict(template.raw))
    section(draft, "metadata", "labels")[key] = value
    return draft


def template_without_label(template: Tree, key: str) -> JsonObject:
    """A copy of a pod template without that label."""
    draft = copied(dict(template.raw))
    section(draft, "metadata", "labels").pop(key, None)
    return draft


def fnv32(raw: bytes) -> int:
    """The 32-bit FNV-1a hash."""
    value = 2166136261
    for byte in raw:
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def safe_hash(raw: bytes) -> str:
    """A hash in the letters that generated names are made of."""
    letters = "bcdfghjklmnpqrstvwxz2456789"
    return "".join(letters[ord(digit) % len(letters)] for digit in str(fnv32(raw)))


def share(value: Json, total: int, *, round_up: bool) -> int:
    """A count or a percentage of the total as a count."""
    if isinstance(value, int):
        return value
    percent = int(value[:-1]) if isinstance(value, str) and value.endswith("%") and value[:-1].isdigit() else 0
    return -(-percent * total // 100) if round_up else percent * total // 100
