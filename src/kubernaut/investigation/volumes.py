"""The claims of a waiting pod: which are missing, which are not bound, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kubernaut.domain.objects import KubeObject
from kubernaut.domain.quantities import parse_quantity
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.scene import Scene
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.things import CLAIM, claim_names

_UNBOUND = re.compile(
    r"unbound immediate PersistentVolumeClaims|didn't find available persistent volumes to bind"
    r"|no available persistent volumes|did not have enough free storage|not bound|binding volumes: "
)
NO_CLASS = re.compile(r'storageclass(?:\.storage\.k8s\.io)? "([^"]+)" not found', re.IGNORECASE)
NO_VOLUME = re.compile(r"no persistent volumes available for this claim")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A claim that is not bound, and what the volume controller or the provisioner says of it."""

    claim: KubeObject
    message: str
    facts: tuple[Fact, ...]


def waiting_claims(workload: Workload) -> list[Waiting]:
    """The unbound claims of the workload's pods that wait for a node because of them."""
    found: dict[str, Waiting] = {}
    for pod in workload.pending:
        state = pod.condition("PodScheduled")
        if state is None or not _UNBOUND.search(state.text("message")):
            continue
        for name in claim_names(pod):
            claim = workload.scene.get(CLAIM, pod.namespace, name)
            waits = waiting(workload.scene, claim) if claim else None
            if waits:
                found.setdefault(name, waits)
    return list(found.values())


def waiting(scene: Scene, claim: KubeObject) -> Waiting | None:
    """Why a claim is not bound; None for one that is."""
    if claim.text("status", "phase") != "Pending":
        return None
    told = [facts.field(claim, "status.phase", f"PersistentVolumeClaim {claim.name} is Pending")]
    events = scene.events_of(claim, "ProvisioningFailed", "FailedBinding", "FailedProvisioning")
    message = events[0].text("message") if events else ""
    return Waiting(claim, message, (*told, *(facts.event(entry) for entry in events[:1])))


def class_of(claim: KubeObject) -> str:
    """The StorageClass that the claim asks for; empty for none."""
    return claim.text("spec", "storageClassName")


def misfits(scene: Scene, claim: KubeObject) -> list[Fact]:
    """For each volume of the claim's class: the first demand that it does not meet."""
    found = []
    for volume in scene.all("PersistentVolume"):
        if volume.text("spec", "storageClassName") == class_of(claim):
            why = _misfit(claim, volume)
            if why:
                found.append(facts.field(volume, "spec", f"PersistentVolume {volume.name}: {why}"))
    return found


def _misfit(claim: KubeObject, volume: KubeObject) -> str:
    taken = volume.tree("spec", "claimRef")
    if taken.raw and (taken.text("namespace"), taken.text("name")) != (claim.namespace, claim.name):
        return f"{volume.text('status', 'phase') or 'bound'}, kept for {taken.text('namespace')}/{taken.text('name')}"
    if taken.text("uid") not in ("", claim.uid):
        return "kept for a former claim of this name"
    missing = sorted(set(claim.texts("spec", "accessModes")) - set(volume.texts("spec", "accessModes")))
    if missing:
        return f"offers {', '.join(volume.texts('spec', 'accessModes'))}, not {', '.join(missing)}"
    asked, has = claim.at("spec", "resources", "requests", "storage"), volume.at("spec", "capacity", "storage")
    need, room = parse_quantity(asked), parse_quantity(has)
    if need is not None and room is not None and need > room:
        return f"has {has}, {asked} is asked for"
    wanted = claim.mapping("spec", "selector", "matchLabels")
    lacking = sorted(f"{key}={value}" for key, value in wanted.items() if volume.labels.get(key) != value)
    return f"lacks the label {lacking[0]}" if lacking else ""
