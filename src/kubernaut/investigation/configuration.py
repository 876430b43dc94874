"""ConfigMaps and Secrets that a pod refers to: which are missing, which were edited and when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.investigation import facts
from kubernaut.investigation.containers import Container, is_ready
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.provenance import last_writer
from kubernaut.investigation.scene import Scene
from kubernaut.investigation.subjects import Workload

# The controller manager makes this one in every namespace by itself.
_ALWAYS_THERE = frozenset({"kube-root-ca.crt", "openshift-service-ca.crt"})
_MISSING = re.compile(
    r"(?i)\b(?:configmap|secret)s? \"[^\"]+\" not found|couldn't find key \S+ in (?:configmap|secret)"
    r"|references non-existent (?:config|secret) key"
)


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """A ConfigMap or Secret that a pod cannot start without; `key` is empty where any content will do."""

    kind: str
    name: str
    key: str
    path: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A referenced ConfigMap or Secret that was written after it was made."""

    source: KubeObject
    at: datetime | None
    fact: Fact


def references(template: Tree) -> list[Reference]:
    """What the pod template needs; optional references are left out."""
    spec = template.tree("spec")
    found = []
    for part in ("initContainers", "containers"):
        for container in spec.trees(part):
            found += list(_of_environment(container, f"{part}[{container.text('name')}]"))
    for volume in spec.trees("volumes"):
        found += list(_of_volume(volume, f"volumes[{volume.text('name')}]"))
    return [entry for entry in found if entry.name and entry.name not in _ALWAYS_THERE]


def _of_environment(container: Tree, path: str) -> Iterator[Reference]:
    for variable in container.trees("env"):
        for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            source = variable.tree("valueFrom", field)
            if source.raw and not source.flag("optional"):
                where = f"{path}.env[{variable.text('name')}]"
                yield Reference(kind, source.text("name"), source.text("key"), where)
    for entry in container.trees("envFrom"):
        for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            source = entry.tree(field)
            if source.raw and not source.flag("optional"):
                yield Reference(kind, source.text("name"), "", f"{path}.envFrom")


def _of_volume(volume: Tree, path: str) -> Iterator[Reference]:
    yield from _of_source(volume.tree("configMap"), "ConfigMap", "name", path)
    yield from _of_source(volume.tree("secret"), "Secret", "secretName", path)
    for source in volume.trees("projected", "sources"):
        yield from _of_source(source.tree("configMap"), "ConfigMap", "name", path)
        yield from _of_source(source.tree("secret"), "Secret", "name", path)


def _of_source(source: Tree, kind: str, name: str, path: str) -> Iterator[Reference]:
    if not source.raw or source.flag("optional"):
        return
    yield Reference(kind, source.text(name), "", path)
    for item in source.trees("items"):
        yield Reference(kind, source.text(name), item.text("key"), path)


def keys_of(item: KubeObject) -> set[str]:
    """The keys of a ConfigMap or Secret; their values are not needed."""
    found: set[str] = set()
    for part in ("data", "binaryData", "stringData"):
        value = item.at(part)
        if isinstance(value, dict):
            found |= set(value)
    return found


def resolves(scene: Scene, reference: Reference, namespace: str) -> bool | None:
    """Whether the object and its key are there; None where the list was not read to its end."""
    found = scene.get(reference.kind, namespace, reference.name)
    if found is None:
        return False if scene.covers(reference.kind, namespace) else None
    return not reference.key or reference.key in keys_of(found)


def is_missing_reference(container: Container) -> bool:
    """Whether the kubelet says that the container waits for a ConfigMap, a Secret or a key of one."""
    return container.waiting == "CreateContainerConfigError" and _MISSING.search(container.message) is not None


def complaint(scene: Scene, pod: KubeObject, reference: Reference) -> list[Fact]:
    """What the kubelet says about that reference of a pod that does not start."""
    found = []
    lists = ("initContainerStatuses", "containerStatuses")
    for part in lists:
        for status in pod.trees("status", part):
            message = status.text("state", "waiting", "message")
            if _is_about(message, reference):
                where = f"status.{part}[{status.text('name')}].state.waiting"
                found.append(facts.field(pod, where, f"{status.text('state', 'waiting', 'reason')}: {message}"))
    told = [
        entry for entry in scene.events_of(pod, "FailedMount", "Failed") if _is_about(entry.text("message"), reference)
    ]
    return [*found[:1], *(facts.event(entry) for entry in told[:1])]


def _is_about(message: str, reference: Reference) -> bool:
    if _MISSING.search(message) is None:
        return False
    if reference.key:
        return re.search(rf"(?:key|key:)\s+{re.escape(reference.key)}(?![\w.-])", message) is not None
    named = f'{reference.kind.lower()} "{reference.name}" not found'
    return named in message.lower()


def waits_for_configuration(pod: KubeObject) -> bool:
    """Whether a pod that has a node does not start: only then can a reference be what it lacks."""
    if is_ready(pod) or not pod.has("spec", "nodeName") or pod.text("status", "phase") != "Pending":
        return False
    waits = {
        status.text("state", "waiting", "reason")
        for part in ("initContainerStatuses", "containerStatuses")
        for status in pod.trees("status", part)
    }
    return not waits or bool(waits & {"ContainerCreating", "CreateContainerConfigError", "PodInitializing"})


def edits(workload: Workload) -> list[Edit]:
    """The referenced ConfigMaps and Secrets that were edited after they were made, latest first."""
    scene, place = workload.scene, workload.object.namespace
    found = []
    for kind, name in sorted({(entry.kind, entry.name) for entry in references(workload.template)}):
        item = scene.get(kind, place, name)
        author = last_writer(item, "data") if item else None
        if item is None or author is None or author.at is None or author.at == item.created_at:
            continue
        fact = facts.change(item, "metadata.managedFields", f"{kind} {name} was edited {author}", author.at)
        found.append(Edit(item, author.at, fact))
    return sorted(found, key=lambda edit: str(edit.at), reverse=True)
