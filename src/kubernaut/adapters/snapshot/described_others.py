"""`kubectl describe` of volumes, storage classes, limit ranges, network policies and endpoints."""

from __future__ import annotations

import re
from typing import Final

from kubernaut.adapters.snapshot.outline import Outline
from kubernaut.adapters.snapshot.sightings import labels_of, without_nothing
from kubernaut.domain.objects import Json, JsonObject

_MODES: Final = {"RWO": "ReadWriteOnce", "ROX": "ReadOnlyMany", "RWX": "ReadWriteMany", "RWOP": "ReadWriteOncePod"}
_TERM: Final = re.compile(r"(\S+) in \[([^\]]{0,400})\]")
DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"
# Of a limit range: type, resource, and the five bounds in the order of the columns.
_BOUNDS: Final = ("min", "max", "defaultRequest", "default", "maxLimitRequestRatio")
_DIRECTIONS: Final = (("ingress", "Ingress"), ("egress", "Egress"))


def access_modes(text: str) -> list[Json]:
    """`RWO,ROX` as the API names them."""
    return [_MODES.get(mode.strip(), mode.strip()) for mode in text.split(",") if mode.strip()]


def volume(outline: Outline) -> JsonObject:
    """What a volume offers, and for which claim it is kept."""
    place, _, name = outline.text("Claim").partition("/")
    terms: list[Json] = [
        {"matchExpressions": [{"key": match[1], "operator": "In", "values": [*match[2].split(", ")]}]}
        for line in outline.get("Node Affinity").body
        if (match := _TERM.search(line))
    ]
    spec: JsonObject = {
        "storageClassName": outline.text("StorageClass"),
        "persistentVolumeReclaimPolicy": outline.text("Reclaim Policy"),
        "accessModes": access_modes(outline.text("Access Modes")),
        "capacity": without_nothing({"storage": outline.text("Capacity")}),
        "claimRef": {"namespace": place, "name": name} if name else {},
        "nodeAffinity": {"required": {"nodeSelectorTerms": terms}} if terms else {},
    }
    return {"spec": without_nothing(spec), "status": without_nothing({"phase": outline.text("Status")})}


def storage_class(outline: Outline) -> JsonObject:
    """Who makes its volumes, when, and whether it is the default."""
    told: JsonObject = {"provisioner": outline.text("Provisioner"), "reclaimPolicy": outline.text("ReclaimPolicy")}
    told["volumeBindingMode"] = outline.text("VolumeBindingMode")
    is_default = outline.text("IsDefaultClass") == "Yes"
    return {**without_nothing(told), "metadata": {"annotations": {DEFAULT_CLASS: "true"}} if is_default else {}}


def limit_range(outline: Outline) -> JsonObject:
    """The bounds, one line each; kubectl prints them as a table without an entry of its own."""
    limits: dict[str, JsonObject] = {}
    for line in outline.lines:
        cells = line.split()
        if len(cells) != 2 + len(_BOUNDS) or cells[0] not in ("Container", "Pod", "PersistentVolumeClaim"):
            continue
        limit = limits.setdefault(cells[0], {"type": cells[0]})
        for bound, amount in zip(_BOUNDS, cells[2:], strict=True):
            known = limit.setdefault(bound, {})
            if amount != "-" and isinstance(known, dict):
                known[cells[1]] = amount
    return {"spec": {"limits": [without_nothing(limit) for limit in limits.values()]}} if limits else {}


def network_policy(outline: Outline) -> JsonObject:
    """Which pods it isolates; nothing where it lets some traffic through, of which the outline does not tell enough."""
    spec = outline.get("Spec").inside
    types: list[Json] = [word.strip() for word in spec.text("Policy Types").split(",") if word.strip()]
    told: JsonObject = {"podSelector": _selector(spec.text("PodSelector")), "policyTypes": types}
    for field, word in _DIRECTIONS:
        rules = spec.get(f"Allowing {field} traffic").body
        if word in types and not any("<none> (Selected pods are isolated" in line for line in rules):
            return {}
        if word in types:
            told[field] = []
    return {"spec": told} if types else {}


def _selector(text: str) -> JsonObject:
    return {"matchLabels": labels_of("" if text.startswith("<none>") else text)}


def endpoints(outline: Outline) -> JsonObject:
    """The addresses that take traffic and those that do not, as the slice of the Service of that name."""
    subsets = outline.get("Subsets").inside
    found: list[Json] = [
        {"addresses": [address.strip()], "conditions": {"ready": key == "Addresses"}}
        for key in ("Addresses", "NotReadyAddresses")
        for address in subsets.text(key).split(",")
        if address.strip()
    ]
    return {"endpoints": found}


def quota(outline: Outline) -> JsonObject:
    """What is used of how much."""
    rows = [line.split() for line in outline.get("Resource         Used   Hard").body]
    lines = [entry.key.split() for entry in outline if ":" not in entry.key]
    amounts = [cells for cells in [*rows, *lines] if len(cells) == 3 and cells[1][:1].isdigit()]  # noqa: PLR2004  # columns
    hard: JsonObject = {cells[0]: cells[2] for cells in amounts}
    used: JsonObject = {cells[0]: cells[1] for cells in amounts}
    return {"spec": {"hard": hard}, "status": {"hard": hard, "used": used}}


def claim(outline: Outline) -> JsonObject:
    """What a claim asks for, and whether it has it."""
    spec: JsonObject = {"storageClassName": outline.text("StorageClass"), "volumeName": outline.text("Volume")}
    spec["accessModes"] = access_modes(outline.text("Access Modes"))
    return {"spec": without_nothing(spec), "status": without_nothing({"phase": outline.text("Status")})}
