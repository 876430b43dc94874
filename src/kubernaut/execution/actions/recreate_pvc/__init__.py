"""Makes a volume claim that never got a volume anew, with a storage class that exists."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from kubernaut.domain.changes import ObjectDeletion
from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Gone, Refused
from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef
from kubernaut.execution.catalogue import Action, Parameters, Part, Prepared, Risk, Rule, Situation
from kubernaut.execution.targets import again, creation, find
from kubernaut.resources import POD, STATEFUL_SET

_EVER_BOUND = ("pv.kubernetes.io/bind-completed", "volume.kubernetes.io/selected-node")


class ClaimParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """The class that it asks for from now on."""

    storage_class: Annotated[str, Meta(min_length=1, max_length=253, description="a storage class that exists")]


async def prepare(on: Situation[ClaimParameters]) -> Prepared | Refused:
    """The claim deleted, and made again with the class alone changed. A claim that ever had a volume is data."""
    claim = await find(on, _is_data)
    if isinstance(claim, Refused):
        return claim
    name = on.parameters.storage_class
    if claim.text("spec", "storageClassName") == name:
        return Refused("no_effect", f"{claim.ref} asks for storage class {name} already")
    if await on.reader.get(ObjectRef("storage.k8s.io/v1", "StorageClass", "", name)) is None:
        return Refused("class_missing", f"there is no storage class {name}")
    maker = await _maker(on, claim)
    if maker is not None:
        text = f"{maker.ref} makes {claim.ref} from its template as soon as it is gone, with the class that it has now"
        return Refused("made_by_owner", text)
    pods = [pod for pod in (await on.reader.list(POD, claim.namespace)).items if _uses(pod, claim.name)]
    if any(pod.text("spec", "nodeName") for pod in pods):
        # The claim would stay behind its protection finalizer for as long as the pod lives.
        return Refused("in_use", f"a pod that uses {claim.ref} is placed on a node already")
    body = again(claim)
    spec = body.get("spec")
    wanted: JsonObject = {**body, "spec": {**(spec if isinstance(spec, dict) else {}), "storageClassName": name}}
    back = creation(claim.ref, body, on.now, f"undo-{claim.uid}")
    made = Part(None, creation(claim.ref, wanted, on.now, claim.uid), after=Gone(claim.ref, claim.uid))
    reach = f"1 claim that holds nothing, {len(pods)} pods wait for it"
    deletion = ObjectDeletion(claim.ref, claim.uid)
    return Prepared(claim, deletion, reach, (made,), back=back, patience=timedelta(minutes=1))


async def _maker(on: Situation[ClaimParameters], claim: KubeObject) -> KubeObject | None:
    """The StatefulSet whose controller makes the claim, by the names that it gives: `template-set-0`."""
    for each in (await on.reader.list(STATEFUL_SET, claim.namespace)).items:
        for template in each.trees("spec", "volumeClaimTemplates"):
            stem, _, number = claim.name.rpartition("-")
            if number.isdecimal() and stem == f"{template.text('metadata', 'name')}-{each.name}":
                return each
    return None


def _is_data(claim: KubeObject) -> Refused | None:
    bound = claim.text("status", "phase") != "Pending" or claim.has("spec", "volumeName")
    mark = next((key for key in _EVER_BOUND if key in claim.annotations), None)
    if bound or mark:
        return Refused("is_data", f"{claim.ref} has or had a volume: it is data, and never deleted")
    return None


def _uses(pod: KubeObject, claim: str) -> bool:
    names = [volume.text("persistentVolumeClaim", "claimName") for volume in pod.trees("spec", "volumes")]
    return claim in names and not pod.has("metadata", "deletionTimestamp")


ACTION = Action[ClaimParameters](
    id=ActionId("recreate_pvc"),
    summary="makes a claim that never got a volume anew, with a storage class that exists",
    targets=("PersistentVolumeClaim",),
    parameters=ClaimParameters,
    when="a claim waits because its storage class does not exist, and nothing was ever stored",
    never="a claim that was ever bound, which is data, or one that a StatefulSet makes from its template",
    before="same uid; pending, never bound, no volume; no StatefulSet's; used by no pod on a node; the class exists",
    risk=Risk.HIGH,
    undo="the new claim is deleted and the former one made again, as long as the new one is as we made it",
    approval=True,
    reads=(
        Rule("", "persistentvolumeclaims", ("get",)),
        Rule("storage.k8s.io", "storageclasses", ("get",)),
        Rule("", "pods", ("list",)),
        Rule("apps", "statefulsets", ("list",)),
    ),
    writes=(Rule("", "persistentvolumeclaims", ("create", "delete")),),
    prepare=prepare,
)
