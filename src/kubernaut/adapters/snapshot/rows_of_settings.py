"""What a row of `kubectl get` says of Ingresses, their classes, network policies, and what autoscalers see."""

from __future__ import annotations

import re
from typing import Final

from kubernaut.adapters.snapshot.sightings import labels_of, without_nothing
from kubernaut.adapters.snapshot.tables import Row
from kubernaut.domain.objects import Json, JsonObject

_TARGET: Final = re.compile(r"(cpu|memory): (?:(\d{1,6})%|<unknown>)/(\d{1,6})%")


def ingress(row: Row) -> JsonObject:
    """The class that it names; the table shows no paths."""
    name = row["CLASS"]
    return {"spec": {"ingressClassName": name}} if name else {}


def ingress_class(row: Row) -> JsonObject:
    """Which controller serves the class."""
    return {"spec": without_nothing({"controller": row["CONTROLLER"]})}


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
