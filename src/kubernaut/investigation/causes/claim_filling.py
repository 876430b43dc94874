"""A volume has next to no room left."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.measures import VOLUME_FREE
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.things import CLAIM, Thing
from kubernaut.investigation.volumes import class_of

# The threshold of KubePersistentVolumeFillingUp (critical) in kubernetes-mixin.
_FREE = 0.03
_FACTOR = 1.5


def examine(thing: Thing) -> Finding | None:
    """The finding when the kubelet measures less free room on the claim's volume; what is on it is its owner's."""
    claim = thing.object
    if claim.kind != CLAIM:
        return None
    asked = VOLUME_FREE.of(namespace=claim.namespace)
    told = thing.scene.measured(asked)
    free = next((each.value for each in told if each.labels.get("persistentvolumeclaim") == claim.name), None)
    if free is None or free >= _FREE:
        return None
    size = claim.text("status", "capacity", "storage") or "unknown size"
    kind = thing.scene.get("StorageClass", "", class_of(claim))
    grown = (call("expand_pvc", claim.ref, factor=_FACTOR),) if kind and kind.flag("allowVolumeExpansion") else ()
    users = ", ".join(item.name for item in thing.workloads) or "no pod that was seen"
    return Finding(
        target=claim.ref,
        summary=f"{thing.title}: {free:.1%} of {size} is free; used by {users}.",
        verdict=Verdict.APPROVE if grown else Verdict.ESCALATE,
        supporting=(
            facts.measured(claim, asked, f"{free:.1%} free"),
            facts.field(claim, "status.capacity.storage", f"capacity {size}"),
        ),
        remedies=(*grown, escalate(claim.ref)),
    )


CAUSE = Cause(
    id=CauseId("claim_filling"),
    title="A volume has next to no room left",
    needs=("PersistentVolumeClaim",),
    faults=(108,),
    look_alikes={"disk_full": "a container already says that it cannot write", "claim_unbound": "there is no volume"},
    know="Only the owner knows what may be deleted; growing a claim cannot be taken back.",
    by_hand=(
        "kubectl -n {namespace} get persistentvolumeclaim {name} -o wide",
        "kubectl -n {namespace} describe persistentvolumeclaim {name}",
    ),
    thing=examine,
)
