"""Makes a volume claim larger. There is no way back: a volume never shrinks."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.domain.quantities import parse_quantity
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.preconditions import over_quota
from kubernaut.execution.targets import find

_STILL_GROWING = ("Resizing", "FileSystemResizePending")
_GIBIBYTE = 2**30


class GrowthParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """By how much."""

    factor: Annotated[float, Meta(ge=1.1, le=2.0, description="new size divided by the present one")]


async def prepare(on: Situation[GrowthParameters]) -> Prepared | Refused:
    """The larger request, in whole Gi, where the class allows it and the quota has room."""
    claim = await find(on, _busy)
    if isinstance(claim, Refused):
        return claim
    present = parse_quantity(claim.at("spec", "resources", "requests", "storage"))
    if present is None:
        return Refused("no_size", f"{claim.ref} asks for no size")
    # Whole Gi: providers round up to them anyway, and some refuse anything else.
    wanted = math.ceil(present * Decimal(str(on.parameters.factor)) / _GIBIBYTE) * _GIBIBYTE
    name = claim.text("spec", "storageClassName")
    kind = await on.reader.get(ObjectRef("storage.k8s.io/v1", "StorageClass", "", name)) if name else None
    if kind is None or not kind.flag("allowVolumeExpansion"):
        return Refused("not_expandable", f"storage class {name or 'of none'} does not let {claim.ref} grow")
    demand = {"requests.storage": Decimal(wanted) - present}
    demand[f"{name}.storageclass.storage.k8s.io/requests.storage"] = demand["requests.storage"]
    refusal = await over_quota(on.reader, claim.namespace, demand)
    if refusal:
        return refusal
    size = f"{wanted // _GIBIBYTE}Gi"
    change = edit(claim, setting(claim, size, "spec", "resources", "requests", "storage"))
    old = claim.text("spec", "resources", "requests", "storage")
    return Prepared(claim, change, f"1 volume, {old} become {size}, for good")


def _busy(claim: KubeObject) -> Refused | None:
    if claim.text("status", "phase") != "Bound":
        return Refused("not_bound", f"{claim.ref} is not bound to a volume")
    growing = next((kind for kind in _STILL_GROWING if claim.condition(kind) is not None), None)
    # Many providers take one resize at a time, and some only one in hours.
    return Refused("still_growing", f"{claim.ref} is growing already ({growing})") if growing else None


ACTION = Action[GrowthParameters](
    id=ActionId("expand_pvc"),
    summary="makes a bound volume claim larger",
    targets=("PersistentVolumeClaim",),
    parameters=GrowthParameters,
    when="a volume fills up steadily, and what is in it has to stay",
    never="where the storage class does not allow it, or for a volume that a runaway writer fills",
    before="same uid; bound; a class with allowVolumeExpansion; not growing already; room in the quota",
    risk=Risk.HIGH,
    undo="irreversible: a volume does not shrink",
    reversible=False,
    reads=(
        Rule("", "persistentvolumeclaims", ("get",)),
        Rule("storage.k8s.io", "storageclasses", ("get",)),
        Rule("", "resourcequotas", ("list",)),
    ),
    writes=(Rule("", "persistentvolumeclaims", ("patch",)),),
    prepare=prepare,
)
