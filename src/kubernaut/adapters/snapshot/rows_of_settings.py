"""What a row of `kubectl get` says of the objects that run nothing: classes, routes, policies, budgets."""

from __future__ import annotations

import re
from typing import Final

from kubernaut.adapters.snapshot.sightings import labels_of, without_nothing
from kubernaut.adapters.snapshot.tables import Row
from kubernaut.domain.objects import Json, JsonObject

DEFAULT_MARK: Final = " (default)"
_DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"
_TARGET: Final = re.compile(r"(cpu|memory): (?:(\d{1,6})%|<unknown>)/(\d{1,6})%")
_SHARE: Final = re.compile(r"\d{1,9}%?")


def storage_class(row: Row) -> JsonObject:
    """The provisioner, when it binds, and whether it is the default one: kubectl writes that behind the name."""
    notes: JsonObject = {"annotations": {_DEFAULT_CLASS: "true"}} if row["NAME"].endswith(DEFAULT_MARK) else {}
    told: JsonObject = {"provisioner": row["PROVISIONER"], "reclaimPolicy": row["RECLAIMPOLICY"]}
    told["volumeBindingMode"] = row["VOLUMEBINDINGMODE"]
    if row["ALLOWVOLUMEEXPANSION"] in ("true", "false"):
        told["allowVolumeExpansion"] = row["ALLOWVOLUMEEXPANSION"] == "true"
    return {**without_nothing(told), "metadata": notes}


def ingress(row: Row) -> JsonObject:
    """The class that it names; the table shows no paths."""
    name = row["CLASS"]
    return {"spec": {"ingressClassName": name}} if name else {}


def ingress_class(row: Row) -> JsonObject:
    """Which controller serves the class."""
    return {"spec": without_nothing({"controller": row["CONTROLLER"]})}


def budget(row: Row) -> JsonObject:
    """How many pods it keeps, and how many it lets go now."""
    spec: JsonObject = {}
    for field, heading in (("minAvailable", "MIN AVAILABLE"), ("maxUnavailable", "MAX UNAVAILABLE")):
        text = row[heading]
        if _SHARE.fullmatch(text):
            spec[field] = int(text) if text.isdecimal() else text
    allowed = row.number("ALLOWED DISRUPTIONS")
    return {"spec": spec, "status": {} if allowed is None else {"disruptionsAllowed": allowed}}


def metrics_of(targets: str) -> tuple[list[Json], list[Json]]:
    """What an autoscaler aims at and what it sees, of `cpu: 93%/60%`; older tables do not say of what."""
    wanted: list[Json] = []
    seen: list[Json] = []
    for name, now, aim in _TARGET.findall(targets):
        goal: JsonObject = {"type": "Utilization", "averageUtilization": int(aim)}
        wanted.append({"type": "Resource", "resource": {"name": name, "target": goal}})
        if now.isdecimal():
            seen.append({"type": "Resource", "resource": {"name": name, "current": {"averageUtilization": int(now)}}})
    return wanted, seen


def network_policy(row: Row) -> JsonObject:
    """Which pods it is about: what it allows is not in the table."""
    selector = labels_of(row["POD-SELECTOR"])
    chosen: Json = {"matchLabels": selector} if selector else {}
    return {"spec": {"podSelector": chosen}}
