"""What a row of `kubectl get` says of volumes, storage classes, quotas and disruption budgets."""

from __future__ import annotations

import re
from typing import Final

from kubernaut.adapters.snapshot.described_others import DEFAULT_CLASS, access_modes
from kubernaut.adapters.snapshot.sightings import without_nothing
from kubernaut.adapters.snapshot.tables import Row
from kubernaut.domain.objects import JsonObject

_AMOUNT: Final = re.compile(r"([a-z][\w./-]{0,99}): ([\w.]{1,30})/([\w.]{1,30})")
_IS_DEFAULT: Final = " (default)"


def volume(row: Row) -> JsonObject:
    """What it offers, and for which claim it is kept."""
    place, _, name = row["CLAIM"].partition("/")
    spec: JsonObject = {
        "storageClassName": row["STORAGECLASS"],
        "persistentVolumeReclaimPolicy": row["RECLAIM POLICY"],
        "accessModes": access_modes(row["ACCESS MODES"]),
        "capacity": without_nothing({"storage": row["CAPACITY"]}),
        "claimRef": {"namespace": place, "name": name} if name else {},
    }
    return {"spec": without_nothing(spec), "status": without_nothing({"phase": row["STATUS"]})}


def storage_class(row: Row) -> JsonObject:
    """Who makes its volumes, when, and whether it is the default."""
    told: JsonObject = {"provisioner": row["PROVISIONER"], "reclaimPolicy": row["RECLAIMPOLICY"]}
    told["volumeBindingMode"] = row["VOLUMEBINDINGMODE"]
    is_default = row["NAME"].endswith(_IS_DEFAULT)
    return {**without_nothing(told), **({"metadata": {"annotations": {DEFAULT_CLASS: "true"}}} if is_default else {})}


def name_of(row: Row) -> str:
    """The name, without what stands beside that of the default class."""
    return row["NAME"].removesuffix(_IS_DEFAULT)


def quota(row: Row) -> JsonObject:
    """What is used of how much."""
    found = _AMOUNT.findall(f"{row['REQUEST']}, {row['LIMIT']}")
    hard: JsonObject = {name: limit for name, _, limit in found}
    used: JsonObject = {name: amount for name, amount, _ in found}
    return {"spec": {"hard": hard}, "status": {"hard": hard, "used": used}} if found else {}


def budget(row: Row) -> JsonObject:
    """How many pods it keeps, and how many it lets go at present."""
    spec: JsonObject = {}
    for field, heading in (("minAvailable", "MIN AVAILABLE"), ("maxUnavailable", "MAX UNAVAILABLE")):
        if row[heading] not in ("", "N/A"):
            number = row.number(heading)
            spec[field] = row[heading] if number is None else number
    allowed = row.number("ALLOWED DISRUPTIONS")
    return {"spec": spec, "status": {} if allowed is None else {"disruptionsAllowed": allowed}}
