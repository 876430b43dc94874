"""ConfigMaps and Secrets that a pod refers to: which are missing, which were edited and when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.objects import KubeObject
from kubernaut.domain.provenance import last_applied, last_writer
from kubernaut.domain.references import Reference, references
from kubernaut.investigation import facts
from kubernaut.investigation.containers import Container, is_ready
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.scene import Scene
from kubernaut.investigation.subjects import Workload

_AS_MADE = timedelta(seconds=2)
_MISSING = re.compile(
    r"(?i)\b(?:configmap|secret)s? \"[^\"]+\" not found|couldn't find key \S+ in (?:configmap|secret)"
    r"|references non-existent (?:config|secret) key"
)


@dataclass(frozen=True, slots=True)
class Edit:
    """A referenced ConfigMap or Secret that was written after it was made."""

    source: KubeObject
    at: datetime | None
    fact: Fact


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
        return False if scene.covers(reference.kind, namespace, reference.name) else None
    return not reference.key or reference.key in keys_of(found)


def is_missing_reference(container: Container) -> bool:
    """Whether the kubelet says that the container waits for a ConfigMap, a Secret or a key of one."""
    return container.waiting == "CreateContainerConfigError" and _MISSING.search(container.message) is not None


def recorded(item: KubeObject, key: str = "") -> bool:
    """Whether `kubectl apply` recorded other content of the ConfigMap than it has now, or of that key of it.

    Of a Secret nothing is looked at.
    """
    applied = last_applied(item) if item.kind == "ConfigMap" else None
    if applied is None:
        return False
    then, now = applied.mapping("data"), item.mapping("data")
    return key in then and then[key] != now.get(key) if key else then != now


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
    if is_ready(pod) or pod.text("status", "phase") != "Pending":
        return False
    waits = {
        status.text("state", "waiting", "reason")
        for part in ("initContainerStatuses", "containerStatuses")
        for status in pod.trees("status", part)
    }
    if "CreateContainerConfigError" in waits:
        # Only the kubelet of its node says so, also where it is not seen which one that is.
        return True
    is_placed = pod.has("spec", "nodeName")
    return is_placed and (not waits or bool(waits & {"ContainerCreating", "PodInitializing"}))


def _is_making(item: KubeObject, at: datetime) -> bool:
    """Whether that write made the object: a busy API server dates the two apart by a moment."""
    return item.created_at is not None and abs(at - item.created_at) <= _AS_MADE


def edits(workload: Workload) -> list[Edit]:
    """The referenced ConfigMaps and Secrets that were edited after they were made, latest first."""
    scene, place = workload.scene, workload.object.namespace
    found = []
    for kind, name in sorted({(entry.kind, entry.name) for entry in references(workload.template)}):
        item = scene.get(kind, place, name)
        author = last_writer(item, "data") if item else None
        if item is None or author is None or author.at is None or _is_making(item, author.at):
            continue
        fact = facts.change(item, "metadata.managedFields", f"{kind} {name} was edited {author}", author.at)
        found.append(Edit(item, author.at, fact))
    return sorted(found, key=lambda edit: str(edit.at), reverse=True)
