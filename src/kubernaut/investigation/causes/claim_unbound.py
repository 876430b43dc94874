"""No volume fits a claim, and nothing makes one."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.scene import Scene
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.things import CLAIM, Thing, claim_names
from kubernaut.investigation.unplaced import unplaced
from kubernaut.investigation.volumes import NO_VOLUME, Waiting, class_of, misfits, waiting, waiting_claims

_IMMEDIATE = re.compile(r"unbound immediate PersistentVolumeClaims")


def examine(workload: Workload) -> Finding | None:
    """The finding for a workload whose pods wait for such a claim."""
    found = next((entry for entry in waiting_claims(workload) if _is_stuck(workload.scene, entry)), None)
    return _finding(workload.scene, found, workload.title) if found else _unseen(workload)


def _unseen(workload: Workload) -> Finding | None:
    """What the scheduler alone says, where none of the claims was read: which it is and why stays open."""
    said = unplaced(workload)
    if said is None or not _IMMEDIATE.search(said.message):
        return None
    place = workload.object.namespace
    names = [name for pod in workload.pending for name in claim_names(pod)]
    claims = [workload.scene.get(CLAIM, place, name) for name in names]
    told = [waiting(workload.scene, claim) for claim in claims if claim]
    if workload.scene.covers(CLAIM, place) or any(one is None or one.message for one in told):
        return None
    named = f" ({', '.join(dict.fromkeys(names))})" if names else ""
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: its pods wait for a claim that has no volume{named}. The claims are not shown.",
        verdict=Verdict.ESCALATE,
        supporting=said.facts,
        remedies=(escalate(workload.ref),),
        places={"claim": names[0] if names else "CLAIM"},
    )


def examine_thing(thing: Thing) -> Finding | None:
    """The finding for the claim itself."""
    found = waiting(thing.scene, thing.object) if thing.object.kind == CLAIM else None
    return _finding(thing.scene, found, "its pods") if found and _is_stuck(thing.scene, found) else None


def _is_stuck(scene: Scene, found: Waiting) -> bool:
    """Whether the controller looked for a volume and found none. One that waits for its first pod is not stuck."""
    if NO_VOLUME.search(found.message):
        return True
    made_by_hand = scene.get("StorageClass", "", class_of(found.claim))
    static = made_by_hand is not None and made_by_hand.text("provisioner") == "kubernetes.io/no-provisioner"
    return static and bool(misfits(scene, found.claim))


def _finding(scene: Scene, found: Waiting, whom: str) -> Finding:
    claim = found.claim
    wrong = misfits(scene, claim)
    why = wrong[0].text if wrong else "no volume is left for it"
    return Finding(
        target=claim.ref,
        summary=f"PersistentVolumeClaim {claim.name} finds no volume, {whom} waits for it: {why}.",
        verdict=Verdict.ESCALATE,
        supporting=(*found.facts, *wrong[:3], *_no_class(scene, found)),
        remedies=(escalate(claim.ref),),
        places={"claim": claim.name},
    )


def _no_class(scene: Scene, found: Waiting) -> list[Fact]:
    """That the claim names no class and none is the default: nothing would ever make its volume."""
    if class_of(found.claim) or not scene.covers("StorageClass", ""):
        return []
    key = "storageclass.kubernetes.io/is-default-class"
    if any(item.annotations.get(key) == "true" for item in scene.all("StorageClass")):
        return []
    text = f"PersistentVolumeClaim {found.claim.name} names no StorageClass, and none is the default"
    return [facts.absence(found.claim, "storageclass", text)]


CAUSE = Cause(
    id=CauseId("claim_unbound"),
    title="No volume fits a claim",
    faults=(29, 30, 31, 32, 35),
    needs=("Pod", CLAIM, "Event"),
    look_alikes={
        "storage_class_missing": "the claim's class does not exist",
        "volume_on_other_node": "the claim is bound, and its volume is elsewhere",
    },
    know="A Released volume keeps the data of its former claim: only its owner says whether it may be used again.",
    by_hand=(
        "kubectl -n {namespace} describe persistentvolumeclaim {claim}",
        "kubectl get persistentvolumes",
    ),
    workload=examine,
    thing=examine_thing,
)
