"""A claim asks for a StorageClass that does not exist, so nothing makes its volume."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionCall, CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.scene import Scene
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.things import CLAIM, Thing
from kubernaut.investigation.volumes import NO_CLASS, Waiting, class_of, waiting, waiting_claims

_DEFAULT = "storageclass.kubernetes.io/is-default-class"


def examine(workload: Workload) -> Finding | None:
    """The finding for a workload whose pods wait for such a claim."""
    found = next((entry for entry in waiting_claims(workload) if _lacks_class(workload.scene, entry)), None)
    return _finding(workload.scene, found, f"{workload.title} waits") if found else None


def examine_thing(thing: Thing) -> Finding | None:
    """The finding for the claim itself."""
    found = waiting(thing.scene, thing.object) if thing.object.kind == CLAIM else None
    return _finding(thing.scene, found, "its pods wait") if found and _lacks_class(thing.scene, found) else None


def _lacks_class(scene: Scene, found: Waiting) -> bool:
    name = class_of(found.claim)
    if not name or scene.get("StorageClass", "", name) is not None:
        return False
    return NO_CLASS.search(found.message) is not None or scene.covers("StorageClass", "", name)


def _finding(scene: Scene, found: Waiting, whom: str) -> Finding:
    claim, name = found.claim, class_of(found.claim)
    anew = _anew(scene, claim)
    return Finding(
        target=claim.ref,
        summary=(
            f"PersistentVolumeClaim {claim.name} asks for StorageClass {name}, which does not exist; {whom} for it. "
            "The class of a claim cannot be changed: an empty claim has to be made anew."
        ),
        verdict=Verdict.APPROVE if anew else Verdict.ESCALATE,
        supporting=(*found.facts, *_absence(scene, found)),
        remedies=(*anew, escalate(claim.ref)),
        places={"claim": claim.name},
    )


def _anew(scene: Scene, claim: KubeObject) -> tuple[ActionCall, ...]:
    """The claim made again with the cluster's one default class, where nobody else makes it."""
    default = [item for item in scene.all("StorageClass") if item.annotations.get(_DEFAULT) == "true"]
    if len(default) != 1 or claim.controller is not None:
        return ()
    return (call("recreate_pvc", claim.ref, storage_class=default[0].name),)


def _absence(scene: Scene, found: Waiting) -> list[Fact]:
    if not scene.covers("StorageClass", ""):
        return []
    names = ", ".join(item.name for item in scene.all("StorageClass")[:5]) or "none"
    text = f"there is no StorageClass {class_of(found.claim)}; there are {names}"
    return [facts.absence(found.claim, f"storageclass/{class_of(found.claim)}", text)]


CAUSE = Cause(
    id=CauseId("storage_class_missing"),
    title="A claim asks for a StorageClass that does not exist",
    faults=(28, 76),
    needs=("Pod", CLAIM, "Event"),
    look_alikes={
        "claim_unbound": "the class is there, or none is asked for",
        "provisioning_failed": "the class is there, and its provisioner cannot make the volume",
    },
    know="Deleting a bound claim can delete its data; one that was never bound holds none.",
    by_hand=(
        "kubectl -n {namespace} describe persistentvolumeclaim {claim}",
        "kubectl get storageclasses",
    ),
    workload=examine,
    thing=examine_thing,
)
