"""What a row of `kubectl get` says of its object. What a column does not tell stays absent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from kubernaut.adapters.snapshot import rows_others
from kubernaut.adapters.snapshot.ages import Age, parse_age
from kubernaut.adapters.snapshot.rows_of_settings import ingress, ingress_class, metrics_of, network_policy
from kubernaut.adapters.snapshot.sightings import Fullness, Sighting, Step, labels_of, merged, without_nothing
from kubernaut.adapters.snapshot.tables import Row
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.ports import Resource
from kubernaut.resources import (
    AUTOSCALER,
    CONFIG_MAP,
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    ENDPOINT_SLICE,
    ENDPOINTS,
    INGRESS,
    INGRESS_CLASS,
    JOB,
    NAMESPACE,
    NETWORK_POLICY,
    NODE,
    POD,
    REPLICA_SET,
    RESOURCE_QUOTA,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    STORAGE_CLASS,
    VOLUME,
    VOLUME_CLAIM,
)

Ages = dict[tuple[Step, ...], Age]
_ENDS: Final[Mapping[str, JsonObject]] = MappingProxyType(
    {"Error": {}, "ContainerCannotRun": {}, "OOMKilled": {"exitCode": 137}, "Completed": {"exitCode": 0}}
)
_WAITS: Final = frozenset({"PodInitializing", "ContainerCreating"})
_UNSTARTED: Final = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
    | {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
)
_PHASES: Final = frozenset({"Pending", "Running", "Succeeded", "Failed", "Unknown"})
_RESTARTED: Final = re.compile(r"\((\S{1,20}) ago\)")
# A line that was cut off, or `...`, names nothing.
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[\w.:-]{0,251}\w)?")
_PORT: Final = re.compile(r"(\d{1,5})(?::(\d{1,5}))?/(TCP|UDP|SCTP)")
# What the STATUS column shows for the reason of a pod, not of one of its containers.
_POD_REASONS: Final = frozenset({"Evicted", "NodeLost", "NodeAffinity", "Shutdown", "UnexpectedAdmissionError"})


def sighting_of(row: Row, resource: Resource, namespace: str | None) -> Sighting | None:
    """What the row says, None where it names nothing or was cut off."""
    name = rows_others.name_of(row)
    if not _NAME.fullmatch(name) or (resource == POD and not row["STATUS"]):
        return None
    labels: JsonObject = {"labels": labels_of(row["LABELS"])} if "LABELS" in row.cells else {}
    raw: JsonObject = {"metadata": labels}
    setting = _SETTINGS.get(resource.plural)
    if setting is not None:
        raw = merged([raw, setting(row)])
    ages: Ages = {}
    age = parse_age(row["AGE"])
    if age is not None:
        ages[("metadata", "creationTimestamp")] = age
    tell = _TELLERS.get(resource.plural)
    for key, value in (tell(row, ages) if tell is not None else {}).items():
        known = raw.get(key)
        raw[key] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    if resource == ENDPOINTS:
        resource = ENDPOINT_SLICE
    place = (row["NAMESPACE"] or namespace) if resource.namespaced else ""
    return Sighting(resource, place, name, Fullness.TABLE, raw, ages)


def _pod(row: Row, ages: Ages) -> JsonObject:
    status = row["STATUS"]
    shown, total = row.fraction("READY") or (0, 0)
    raw: JsonObject = {"spec": without_nothing({"nodeName": row["NODE"]})}
    told: JsonObject = {"podIP": row["IP"]}
    if status in _PHASES:
        told["phase"] = status
    elif status == "Completed":
        told["phase"] = "Succeeded"
    elif status in _POD_REASONS:
        told |= {"phase": "Failed", "reason": status}
    elif status == "Terminating":
        ages[("metadata", "deletionTimestamp")] = Age(0, 1)
    elif (
        status.startswith("Init:")
        or status in _WAITS
        or (status in _UNSTARTED and total == 1 and not row.number("RESTARTS"))
    ):
        told["phase"] = "Pending"
    if total:
        told["conditions"] = [{"type": "Ready", "status": "True" if shown == total else "False"}]
    raw["status"] = without_nothing(told)
    reason = status.removeprefix("Init:")
    is_failing = reason not in _PHASES | _POD_REASONS | {"Terminating", "Completed", ""} and reason.isalpha()
    listed = "initContainer" if status.startswith("Init:") else "container"
    # What no node has taken has no status of a container.
    is_unplaced = status == "Pending" and not row["NODE"]
    if is_failing or (total == 1 and listed == "container" and not is_unplaced):
        # The name of the container is not in the table: it stays empty until another output tells it.
        raw["spec"] = {**_part(raw, "spec"), f"{listed}s": [{"name": ""}]}
        told = _container(row, reason, ready=total == 1 and shown == 1)
        raw["status"] = {**_part(raw, "status"), f"{listed}Statuses": [told]}
        if (since := _RESTARTED.search(row["RESTARTS"])) and (ended := parse_age(since[1])) and total == 1:
            ages[("status", f"{listed}Statuses", 0, "lastState", "terminated", "finishedAt")] = ended
    return raw


def _container(row: Row, status: str, *, ready: bool) -> JsonObject:
    told: JsonObject = {"name": "", "ready": ready, "restartCount": row.number("RESTARTS") or 0}
    if status == "Running":
        told["state"] = {"running": {}}
    elif status in _ENDS:
        # Any code but 0 is an Error: which one it was, the table does not say.
        told["state"] = {"terminated": {"reason": status, **_ENDS[status]}}
    elif status.isalpha() and status not in _PHASES | _POD_REASONS | {"Terminating"}:
        told["state"] = {"waiting": {"reason": status}}
    return told


def _part(raw: JsonObject, key: str) -> JsonObject:
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def _template(row: Row) -> JsonObject:
    """What the wide columns tell of the pod template."""
    names, images = row["CONTAINERS"].split(","), row["IMAGES"].split(",")
    if not row["CONTAINERS"] or len(names) != len(images) or "..." in row["IMAGES"]:
        return {}
    containers: list[Json] = [{"name": name, "image": image} for name, image in zip(names, images, strict=True)]
    return {"template": {"spec": {"containers": containers}}}


def _selector(row: Row) -> JsonObject:
    return {"selector": {"matchLabels": labels_of(row["SELECTOR"])}} if row["SELECTOR"] else {}


def _deployment(row: Row, _: Ages) -> JsonObject:
    ready, wanted = row.fraction("READY") or (None, row.number("DESIRED"))
    updated, available = row.number("UP-TO-DATE"), row.number("AVAILABLE")
    status: JsonObject = {"readyReplicas": ready, "updatedReplicas": updated, "availableReplicas": available}
    return {"spec": {**_number("replicas", wanted), **_template(row), **_selector(row)}, "status": _numbers(status)}


def _stateful_set(row: Row, _: Ages) -> JsonObject:
    ready, wanted = row.fraction("READY") or (None, None)
    return {"spec": {**_number("replicas", wanted), **_template(row)}, "status": _number("readyReplicas", ready)}


def _replica_set(row: Row, _: Ages) -> JsonObject:
    ready = row.number("READY")
    status: JsonObject = {"replicas": row.number("CURRENT"), "readyReplicas": ready, "availableReplicas": ready}
    spec: JsonObject = {**_number("replicas", row.number("DESIRED")), **_template(row), **_selector(row)}
    return {"spec": spec, "status": _numbers(status)}


def _daemon_set(row: Row, _: Ages) -> JsonObject:
    status: JsonObject = {
        "desiredNumberScheduled": row.number("DESIRED"),
        "currentNumberScheduled": row.number("CURRENT"),
        "numberReady": row.number("READY"),
        "updatedNumberScheduled": row.number("UP-TO-DATE"),
        "numberAvailable": row.number("AVAILABLE"),
    }
    return {"spec": _template(row), "status": _numbers(status)}


def _job(row: Row, _: Ages) -> JsonObject:
    done, wanted = row.fraction("COMPLETIONS") or (None, None)
    conditions: list[Json] = []
    if row["STATUS"] in {"Complete", "Failed"}:
        conditions = [{"type": row["STATUS"], "status": "True"}]
    elif done is not None and done == wanted:
        conditions = [{"type": "Complete", "status": "True"}]
    status: JsonObject = {**_number("succeeded", done), **({"conditions": conditions} if conditions else {})}
    return {"spec": _number("completions", wanted), "status": status}


def _cron_job(row: Row, _: Ages) -> JsonObject:
    return {"spec": without_nothing({"schedule": row["SCHEDULE"], "suspend": row["SUSPEND"] == "True"})}


def _service(row: Row, _: Ages) -> JsonObject:
    ports: list[Json] = [
        {"port": int(match[1]), "protocol": match[3], **({"nodePort": int(match[2])} if match[2] else {})}
        for match in _PORT.finditer(row["PORT(S)"])
    ]
    spec: JsonObject = {"type": row["TYPE"], "clusterIP": row["CLUSTER-IP"], "ports": ports}
    if "SELECTOR" in row.cells:
        spec["selector"] = labels_of(row["SELECTOR"])
    return {"spec": {key: value for key, value in spec.items() if value not in ("", [])}}


def _endpoints(row: Row, _: Ages) -> JsonObject:
    """The addresses that take traffic, as the slice that a Service of that name has; others are not in the table."""
    hosts = dict.fromkeys(part.rpartition(":")[0] for part in row["ENDPOINTS"].split(" ")[0].split(",") if ":" in part)
    return {
        "metadata": {"labels": {"kubernetes.io/service-name": row["NAME"]}},
        "endpoints": [{"addresses": [host], "conditions": {"ready": True}} for host in hosts],
    }


def _config_map(row: Row, _: Ages) -> JsonObject:
    """How many keys it has says nothing of which, unless it has none."""
    return {"data": {}} if row["DATA"] == "0" else {}


def _node(row: Row, _: Ages) -> JsonObject:
    words = row["STATUS"].split(",")
    ready = {"Ready": "True", "NotReady": "False", "Unknown": "Unknown"}.get(words[0])
    conditions: list[Json] = [{"type": "Ready", "status": ready}] if ready else []
    spec: JsonObject = {"unschedulable": True} if "SchedulingDisabled" in words else {}
    return {"spec": spec, "status": {"conditions": conditions, "nodeInfo": {"kubeletVersion": row["VERSION"]}}}


def _namespace(row: Row, _: Ages) -> JsonObject:
    return {"status": {"phase": row["STATUS"]}}


def _claim(row: Row, _: Ages) -> JsonObject:
    spec: JsonObject = {"volumeName": row["VOLUME"], "storageClassName": row["STORAGECLASS"]}
    return {"spec": without_nothing(spec), "status": without_nothing({"phase": row["STATUS"]})}


def _autoscaler(row: Row, _: Ages) -> JsonObject:
    kind, name = row["REFERENCE"].partition("/")[::2]
    spec: JsonObject = {
        "scaleTargetRef": {"kind": kind, "name": name},
        **_number("minReplicas", row.number("MINPODS")),
        **_number("maxReplicas", row.number("MAXPODS")),
    }
    wanted, seen = metrics_of(row["TARGETS"])
    spec |= {"metrics": wanted} if wanted else {}
    status = _number("currentReplicas", row.number("REPLICAS")) | ({"currentMetrics": seen} if seen else {})
    return {"spec": spec, "status": status}


def _number(name: str, value: int | None) -> JsonObject:
    return {} if value is None else {name: value}


def _numbers(fields: JsonObject) -> JsonObject:
    return {key: value for key, value in fields.items() if value is not None}


_TELLERS: Final[Mapping[str, Callable[[Row, Ages], JsonObject]]] = MappingProxyType(
    {
        POD.plural: _pod,
        DEPLOYMENT.plural: _deployment,
        STATEFUL_SET.plural: _stateful_set,
        REPLICA_SET.plural: _replica_set,
        DAEMON_SET.plural: _daemon_set,
        JOB.plural: _job,
        CRON_JOB.plural: _cron_job,
        SERVICE.plural: _service,
        ENDPOINTS.plural: _endpoints,
        CONFIG_MAP.plural: _config_map,
        SECRET.plural: _config_map,
        NODE.plural: _node,
        NAMESPACE.plural: _namespace,
        VOLUME_CLAIM.plural: _claim,
        VOLUME.plural: lambda row, _: rows_others.volume(row),
        STORAGE_CLASS.plural: lambda row, _: rows_others.storage_class(row),
        RESOURCE_QUOTA.plural: lambda row, _: rows_others.quota(row),
        DISRUPTION_BUDGET.plural: lambda row, _: rows_others.budget(row),
        AUTOSCALER.plural: _autoscaler,
    }
)
_SETTINGS: Final[Mapping[str, Callable[[Row], JsonObject]]] = MappingProxyType(
    {
        INGRESS.plural: ingress,
        INGRESS_CLASS.plural: ingress_class,
        NETWORK_POLICY.plural: network_policy,
    }
)
