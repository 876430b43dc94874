"""`kubectl describe` of one object, by its kind. What it does not print stays absent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from kubernaut.adapters.snapshot import described_others as others
from kubernaut.adapters.snapshot.ages import Age, parse_age, parse_described_time, parse_spelled_time, stamp
from kubernaut.adapters.snapshot.commands import find_kind
from kubernaut.adapters.snapshot.described_workloads import (
    autoscaler,
    budget,
    conditions,
    cron_job,
    daemon_set,
    deployment,
    ingress,
    job,
    made_sets,
    replica_set,
    stateful_set,
)
from kubernaut.adapters.snapshot.outline import Outline
from kubernaut.adapters.snapshot.sightings import (
    Fullness,
    Sighting,
    Step,
    labels_of,
    owner_reference,
    without_nothing,
)
from kubernaut.adapters.snapshot.templates import container_status, pod_spec
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
    JOB,
    LEASE,
    LIMIT_RANGE,
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

_START: Final = re.compile(r"Name:\s+\S")
_TERMINATING: Final = re.compile(r"Terminating \(lasts (\S+)\)")
_DATA: Final = re.compile(
    r"(\S[^\n]*?):\n----\n(.*?)(?=\n\n?\S[^\n]*:\n----\n|\n\nBinaryData\n|\nEvents:|\Z)", re.DOTALL
)
_SECRET: Final = re.compile(r"^(\S+):\s+\d+ bytes$", re.MULTILINE)
_ADDRESS: Final = re.compile(r"^([0-9a-fA-F.:\[\]]+):(\d{1,5})$")
Ages = dict[tuple[Step, ...], Age]


def documents(lines: Sequence[str]) -> Iterator[list[str]]:
    """The lines of each object: one begins with its name, after a blank line or at the top."""
    part: list[str] = []
    for index, line in enumerate(lines):
        if _START.match(line) and (index == 0 or not lines[index - 1].strip() or not part):
            if part:
                yield part
            part = [line]
        elif part:
            part.append(line)
    if part:
        yield part


def described(lines: list[str], resource: Resource) -> list[Sighting]:
    """What the description says: of the object, and of others that it shows."""
    outline = Outline(lines)
    name = outline.text("Name")
    if not name:
        return []
    place = outline.text("Namespace") or None if resource.namespaced else ""
    ages: Ages = {}
    raw: JsonObject = {"metadata": _metadata(outline)}
    teller = _TELLERS.get(resource.plural)
    told = _pod(outline, ages) if resource == POD else teller(outline) if teller else {}
    for key, value in told.items():
        known = raw.get(key)
        raw[key] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    if resource in (CONFIG_MAP, SECRET):
        raw |= _contents("\n".join(lines), resource)
    if resource == ENDPOINTS:
        resource, raw["metadata"] = ENDPOINT_SLICE, {"labels": {"kubernetes.io/service-name": name}}
    found = [Sighting(resource, place, name, Fullness.DESCRIBED, raw, ages)]
    if resource == SERVICE:
        found += _reached(outline, name, place)
    if resource == NODE:
        found += _lease(outline, name)
    if resource == DEPLOYMENT:
        found += made_sets(outline, name, place, raw)
    return found


def _metadata(outline: Outline) -> JsonObject:
    metadata: JsonObject = {}
    if outline.has("Labels"):
        metadata["labels"] = outline.get("Labels").pairs
    if outline.has("Annotations"):
        metadata["annotations"] = outline.get("Annotations").notes
    made = parse_described_time(outline.text("CreationTimestamp")) or parse_spelled_time(outline.text("Created on"))
    if made is not None:
        metadata["creationTimestamp"] = stamp(made)
    kind, _, name = outline.text("Controlled By").partition("/")
    owner = find_kind(kind) if name else None
    if name:
        metadata["ownerReferences"] = owner_reference(kind, owner.api_version if owner else "", name)
    return metadata


def _pod(outline: Outline, ages: Ages) -> JsonObject:
    status: JsonObject = {"podIP": outline.text("IP"), "reason": outline.text("Reason")}
    status |= {"message": outline.text("Message"), "qosClass": outline.text("QoS Class")}
    phase = outline.text("Status")
    leaving = _TERMINATING.fullmatch(phase)
    age = parse_age(leaving[1]) if leaving else None
    if leaving:
        ages[("metadata", "deletionTimestamp")] = age or Age(0, 1)
    else:
        status["phase"] = phase
    metadata: JsonObject = {}
    started = parse_described_time(outline.text("Start Time"))
    if started is not None:
        status["startTime"] = stamp(started)
        # A pod is made before it starts, by no more than it waited for a node.
        metadata["creationTimestamp"] = stamp(started)
    status["conditions"] = conditions(outline.get("Conditions"))
    for listed, key in (("initContainerStatuses", "Init Containers"), ("containerStatuses", "Containers")):
        states = [container_status(entry) for entry in outline.get(key).inside]
        status[listed] = [state for state in states if state.keys() - {"name", "image"}]
    spec = pod_spec(outline)
    node = outline.text("Node").partition("/")[0]
    return {
        "metadata": metadata,
        "spec": {**spec, **without_nothing({"nodeName": node})},
        "status": without_nothing(status),
    }


def _node(outline: Outline) -> JsonObject:
    taints: list[Json] = []
    for line in outline.get("Taints").values:
        pair, _, effect = line.rpartition(":")
        key, _, value = pair.partition("=")
        taints.append(without_nothing({"key": key, "value": value, "effect": effect}))
    spec: JsonObject = {"taints": taints} if outline.has("Taints") else {}
    if outline.has("Unschedulable"):
        spec["unschedulable"] = outline.text("Unschedulable") == "true"
    status: JsonObject = {
        "conditions": conditions(outline.get("Conditions")),
        "capacity": outline.get("Capacity").amounts,
        "allocatable": outline.get("Allocatable").amounts,
        "nodeInfo": {"kubeletVersion": outline.get("System Info").inside.text("Kubelet Version")},
    }
    return {"spec": spec, "status": without_nothing(status)}


def _lease(outline: Outline, name: str) -> list[Sighting]:
    inside = outline.get("Lease").inside
    renewed = parse_described_time(inside.text("RenewTime"))
    if renewed is None:
        return []
    spec: JsonObject = {"holderIdentity": inside.text("HolderIdentity"), "renewTime": stamp(renewed)}
    return [Sighting(LEASE, "kube-node-lease", name, Fullness.DESCRIBED, {"spec": spec})]


def _service(outline: Outline) -> JsonObject:
    ports: list[Json] = []
    port: JsonObject = {}
    for entry in outline:
        if entry.key == "Port":
            name, number, protocol = _port_of(entry.value)
            port = {**without_nothing({"name": name, "protocol": protocol}), "port": number}
            ports.append(port)
        elif entry.key == "TargetPort":
            text = entry.value.partition("/")[0]
            port["targetPort"] = int(text) if text.isdecimal() and len(text) <= 5 else text  # noqa: PLR2004  # 65535
    selector = labels_of(outline.text("Selector"))
    spec: JsonObject = {"type": outline.text("Type"), "clusterIP": outline.text("IP"), "ports": ports}
    spec["externalName"] = outline.text("External Name")
    spec["internalTrafficPolicy"] = outline.text("Internal Traffic Policy")
    spec["externalTrafficPolicy"] = outline.text("External Traffic Policy")
    return {"spec": {**without_nothing(spec), **({"selector": selector} if outline.has("Selector") else {})}}


def _port_of(text: str) -> tuple[str, int, str]:
    words = text.split()
    number, _, protocol = (words[-1] if words else "").partition("/")
    name = words[0] if len(words) > 1 and words[0] != "<unset>" else ""
    return name, int(number) if number.isdecimal() and len(number) <= 5 else 0, protocol  # noqa: PLR2004  # 65535


def _reached(outline: Outline, name: str, place: str | None) -> list[Sighting]:
    """The addresses that take traffic, as the slice that they come from."""
    if not outline.has("Endpoints"):
        return []
    hosts: dict[str, None] = {}
    numbers: dict[int, None] = {}
    for entry in outline:
        for part in entry.value.split(",") if entry.key == "Endpoints" else ():
            match = _ADDRESS.fullmatch(part.strip().partition(" ")[0])
            if match:
                hosts[match[1]] = None
                numbers[int(match[2])] = None
    raw: JsonObject = {
        "metadata": {"labels": {"kubernetes.io/service-name": name}},
        "endpoints": [{"addresses": [host], "conditions": {"ready": True}} for host in hosts],
        "ports": [{"port": number} for number in numbers],
    }
    return [Sighting(ENDPOINT_SLICE, place, name, Fullness.NAMED, raw)]


def _endpoint_slice(outline: Outline) -> JsonObject:
    endpoints: list[Json] = []
    body = [
        line.replace("- ", "  ", 1) if line.lstrip().startswith("- ") else line
        for line in outline.get("Endpoints").body
    ]
    endpoint: JsonObject = {}
    for entry in Outline(body):
        if entry.key == "Addresses":
            endpoint = {"addresses": [part.strip() for part in entry.value.split(",")]}
            endpoints.append(endpoint)
        elif entry.key == "Conditions":
            endpoint["conditions"] = {"ready": entry.inside.text("Ready") == "true"}
        elif entry.key == "TargetRef":
            kind, _, name = entry.value.partition("/")
            endpoint["targetRef"] = {"kind": kind, "name": name}
    ports: list[Json] = [
        {"name": cells[0].replace("<unset>", ""), "port": int(cells[1][:5])}
        for cells in outline.get("Ports").rows
        if len(cells) > 1 and cells[1].isdecimal()
    ]
    return {"addressType": outline.text("AddressType"), "endpoints": endpoints, "ports": ports}


def _contents(text: str, resource: Resource) -> JsonObject:
    """The keys, and of a ConfigMap the values."""
    body = text.partition("\nData\n====\n")[2]
    if not body:
        return {}
    if resource == SECRET:
        return {"data": dict.fromkeys(_SECRET.findall(body), "")}
    found: JsonObject = {
        key: value.strip("\n") for key, value in _DATA.findall(body.partition("\nBinaryData\n====")[0])
    }
    return {"data": found}


def _namespace(outline: Outline) -> JsonObject:
    """A namespace that is being deleted has had its first condition since then."""
    told = conditions(outline.get("Conditions"))
    status: JsonObject = {"phase": outline.text("Status"), "conditions": told}
    since = [moment for one in told if isinstance(one, dict) and (moment := one.get("lastTransitionTime"))]
    is_going = outline.text("Status") == "Terminating" and since
    metadata: JsonObject = {"deletionTimestamp": min(map(str, since))} if is_going else {}
    return {"metadata": metadata, "status": without_nothing(status)}


_TELLERS: Final[Mapping[str, Callable[[Outline], JsonObject]]] = MappingProxyType(
    {
        DEPLOYMENT.plural: deployment,
        REPLICA_SET.plural: replica_set,
        STATEFUL_SET.plural: stateful_set,
        DAEMON_SET.plural: daemon_set,
        JOB.plural: job,
        NODE.plural: _node,
        SERVICE.plural: _service,
        ENDPOINT_SLICE.plural: _endpoint_slice,
        RESOURCE_QUOTA.plural: others.quota,
        VOLUME_CLAIM.plural: others.claim,
        NAMESPACE.plural: _namespace,
        AUTOSCALER.plural: autoscaler,
        CRON_JOB.plural: cron_job,
        DISRUPTION_BUDGET.plural: budget,
        INGRESS.plural: ingress,
        VOLUME.plural: others.volume,
        STORAGE_CLASS.plural: others.storage_class,
        LIMIT_RANGE.plural: others.limit_range,
        NETWORK_POLICY.plural: others.network_policy,
        ENDPOINTS.plural: others.endpoints,
    }
)
