"""What makes two alerts one incident: the same cluster, the same owner, the same family of causes."""

from __future__ import annotations

import hashlib

from kubernaut.domain.alerts import handling_of
from kubernaut.domain.incidents import Fingerprint
from kubernaut.domain.objects import ObjectRef

AVAILABILITY = "availability"
_WORKLOADS = frozenset({"Pod", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"})
# Alerts of a workload that tell of its load or its limits rather than of pods that do not run.
_PRESSURE = ("cputhrottling", "hpamaxedout", "latency", "errorrate", "overcommit")
_QUOTA = ("quota",)
_STORAGE = ("persistentvolume", "volume")


def family_of(alert: str, target: ObjectRef) -> str:
    """The family of causes that an alert can have, before anything is investigated.

    Pods that crash, are not ready or not there are one family, whatever the alert is called: one fault fires several
    of them. Saturation, quota and storage of the same object are others, so that they are not swallowed.
    """
    name = alert.lower().replace("_", "").replace(" ", "")
    for family, words in (("pressure", _PRESSURE), ("quota", _QUOTA), ("storage", _STORAGE)):
        if any(word in name for word in words):
            return family
    if target.kind == "Namespace" and handling_of(alert).is_unseen:
        return name  # about the platform: two such alerts are two matters
    return AVAILABILITY if target.kind in _WORKLOADS else target.kind.lower()


def fingerprint(cluster: str, target: ObjectRef, family: str) -> Fingerprint:
    """128 bits of a hash over length-prefixed parts, so that no two different triples share a text."""
    # The group alone: an object is the same in whichever version it is read.
    parts = (cluster, target.api_version.split("/", maxsplit=1)[0], target.kind, target.namespace, target.name, family)
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return Fingerprint(hashlib.sha256(joined.encode()).hexdigest()[:32])
