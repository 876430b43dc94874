"""`kubectl describe` of one object, by its kind. What it does not print stays absent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from kubernaut.adapters.snapshot.ages import Age, parse_age, parse_described_time, stamp
from kubernaut.adapters.snapshot.commands import find_kind
from kubernaut.adapters.snapshot.outline import Entry, Outline
from kubernaut.adapters.snapshot.sightings import (
    Fullness,
    Sighting,
    Step,
    labels_of,
    owner_reference,
    without_nothing,
)
from kubernaut.adapters.snapshot.templates import container_status, pod_spec, pod_template
from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.ports import Resource
from kubernaut.resources import (
    AUTOSCALER,
    CONFIG_MAP,
    DAEMON_SET,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    JOB,
    LEASE,
    NAMESPACE,
    NODE,
    POD,
    REPLICA_SET,
    RESOURCE_QUOTA,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    VOLUME_CLAIM,
)

REVISION: Final = "deployment.kubernetes.io/revision"
_START: Final = re.compile(r"Name:\s+\S")
_COUNTS: Final = re.compile(r"(\d{1,9}) (\w+)")
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
    for key, value in (teller(outline, ages) if teller else {}).items():
        known = raw.get(key)
        raw[key] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    if resource in (CONFIG_MAP, SECRET):
        raw |= _contents("\n".join(lines), resource)
    found = [Sighting(resource, place, name, Fullness.DESCRIBED, raw, ages)]
    if resource == SERVICE:
        found += _reached(outline, name, place)
    if resource == NODE:
        found += _lease(outline, name)
    if resource == DEPLOYMENT:
        found += _made_sets(outline, name, place, raw)
    return found


def _metadata(outline: Outline) -> JsonObject:
    metadata: JsonObject = {}
    if outline.has("Labels"):
        metadata["labels"] = outline.get("Labels").pairs
    if outline.has("Annotations"):
        metadata["annotations"] = outline.get("Annotations").notes
    made = parse_described_time(outline.text("CreationTimestamp"))
    if made is not None:
        metadata["creationTimestamp"] = stamp(made)
    kind, _, name = outline.text("Controlled By").partition("/")
    owner = find_kind(kind) if name else None
    if name:
        metadata["ownerReferences"] = owner_reference(kind, owner.api_version if owner else "", name)
    return metadata


def _counts(text: str) -> dict[str, int]:
    return {word: int(number) for number, word in _COUNTS.findall(text)}


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
    status["conditions"] = _conditions(outline.get("Conditions"))
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


def _conditions(entry: Entry) -> list[Json]:
    """The table of conditions: two columns for a pod, three for a workload, six for a node."""
    found: list[Json] = []
    for cells in entry.rows:
        if len(cells) < 2 or not cells[0].isidentifier():  # noqa: PLR2004  # type and status
            continue
        condition: JsonObject = {"type": cells[0], "status": cells[1]}
        if len(cells) == 3:  # noqa: PLR2004  # with a reason
            condition["reason"] = cells[2]
        elif len(cells) > 4:  # noqa: PLR2004  # with times, reason and message
            for name, text in (("lastHeartbeatTime", cells[2]), ("lastTransitionTime", cells[3])):
                moment = parse_described_time(text)
                if moment is not None:
                    condition[name] = stamp(moment)
            condition |= {"reason": cells[4], "message": " ".join(cells[5:])}
        found.append(condition)
    return found


def _workload(outline: Outline) -> JsonObject:
    selector = labels_of(outline.text("Selector"))
    template = pod_template(outline.get("Pod Template").inside)
    return without_nothing({"selector": {"matchLabels": selector} if selector else {}, "template": template})


def _deployment(outline: Outline, _: Ages) -> JsonObject:
    counts = _counts(outline.text("Replicas"))
    spec, status = _workload(outline), _picked(counts, {"updated": "updatedReplicas", "total": "replicas"})
    status |= _picked(counts, {"available": "availableReplicas", "unavailable": "unavailableReplicas"})
    if "available" in counts and outline.text("MinReadySeconds") in ("", "0"):
        # Without a time to wait, what is ready is available.
        status["readyReplicas"] = counts["available"]
    status["conditions"] = _conditions(outline.get("Conditions"))
    return {"spec": {**spec, **_picked(counts, {"desired": "replicas"})}, "status": status}


def _made_sets(outline: Outline, name: str, place: str | None, raw: JsonObject) -> list[Sighting]:
    """The ReplicaSets that a Deployment names: the new one is made of the Deployment's own template."""
    deployment = Tree(raw)
    owner: JsonObject = {"ownerReferences": owner_reference("Deployment", DEPLOYMENT.api_version, name)}
    found = [
        Sighting(REPLICA_SET, place, old, Fullness.NAMED, {"metadata": owner})
        for old in re.findall(r"(\S+) \(\d+/\d+ replicas created\)", outline.text("OldReplicaSets"))
    ]
    new = re.match(r"(\S+) \(", outline.text("NewReplicaSet"))
    if new is not None:
        template = deployment.tree("spec", "template")
        stamped: JsonObject = {"pod-template-hash": new[1].removeprefix(f"{name}-")}
        labels: JsonObject = {**template.mapping("metadata", "labels"), **stamped}
        metadata: JsonObject = {**template.tree("metadata").raw, "labels": labels}
        notes = deployment.mapping("metadata", "annotations")
        revision: JsonObject = {"annotations": {REVISION: notes[REVISION]}} if REVISION in notes else {}
        spec: JsonObject = {"template": {"metadata": metadata, "spec": dict(template.tree("spec").raw)}}
        told: JsonObject = {"metadata": {**owner, **revision, "labels": labels}, "spec": spec}
        found.append(Sighting(REPLICA_SET, place, new[1], Fullness.NAMED, told))
    return found


def _replica_set(outline: Outline, _: Ages) -> JsonObject:
    counts = _counts(outline.text("Replicas"))
    status: JsonObject = {
        **_picked(counts, {"current": "replicas"}),
        "conditions": _conditions(outline.get("Conditions")),
    }
    return {
        "spec": {**_workload(outline), **_picked(counts, {"desired": "replicas"})},
        "status": without_nothing(status),
    }


def _stateful_set(outline: Outline, _: Ages) -> JsonObject:
    counts = _counts(outline.text("Replicas"))
    return {
        "spec": {**_workload(outline), **_picked(counts, {"desired": "replicas"})},
        "status": _picked(counts, {"total": "replicas"}),
    }


def _daemon_set(outline: Outline, _: Ages) -> JsonObject:
    named = {
        "desiredNumberScheduled": "Desired Number of Nodes Scheduled",
        "currentNumberScheduled": "Current Number of Nodes Scheduled",
        "updatedNumberScheduled": "Number of Nodes Scheduled with Up-to-date Pods",
        "numberAvailable": "Number of Nodes Scheduled with Available Pods",
        "numberMisscheduled": "Number of Nodes Misscheduled",
    }
    status: JsonObject = {
        field: int(text[:9]) for field, key in named.items() if (text := outline.text(key)).isdecimal()
    }
    if "numberAvailable" in status:
        status["numberReady"] = status["numberAvailable"]
    return {"spec": _workload(outline), "status": status}


def _job(outline: Outline, _: Ages) -> JsonObject:
    named = {"parallelism": "Parallelism", "completions": "Completions", "backoffLimit": "Backoff Limit"}
    spec: JsonObject = {field: int(text[:9]) for field, key in named.items() if (text := outline.text(key)).isdecimal()}
    counts = _counts(outline.text("Pods Statuses"))
    status = _picked(counts, {"Active": "active", "Succeeded": "succeeded", "Failed": "failed"})
    for field, key in (("startTime", "Start Time"), ("completionTime", "Completed At")):
        moment = parse_described_time(outline.text(key))
        if moment is not None:
            status[field] = stamp(moment)
    if "completionTime" in status:
        status["conditions"] = [{"type": "Complete", "status": "True"}]
    return {"spec": {**_workload(outline), **spec}, "status": status}


def _picked(counts: Mapping[str, int], names: Mapping[str, str]) -> JsonObject:
    return {field: counts[word] for word, field in names.items() if word in counts}


def _node(outline: Outline, _: Ages) -> JsonObject:
    taints: list[Json] = []
    for line in outline.get("Taints").values:
        pair, _, effect = line.rpartition(":")
        key, _, value = pair.partition("=")
        taints.append(without_nothing({"key": key, "value": value, "effect": effect}))
    spec: JsonObject = {"taints": taints, "unschedulable": outline.text("Unschedulable") == "true"}
    status: JsonObject = {
        "conditions": _conditions(outline.get("Conditions")),
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


def _service(outline: Outline, _: Ages) -> JsonObject:
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
    return {"spec": {**without_nothing(spec), "selector": selector}}


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


def _endpoint_slice(outline: Outline, _: Ages) -> JsonObject:
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
    ports: list[Json] = []
    for cells in outline.get("Ports").rows:
        if len(cells) > 1 and cells[1].isdecimal():
            ports.append({"name": cells[0].replace("<unset>", ""), "port": int(cells[1][:5])})
    return {"addressType": outline.text("AddressType"), "endpoints": endpoints, "ports": ports}


def _quota(outline: Outline, _: Ages) -> JsonObject:
    rows = [line.split() for line in outline.get("Resource         Used   Hard").body]
    lines = [entry.key.split() for entry in outline if ":" not in entry.key]
    amounts = [cells for cells in [*rows, *lines] if len(cells) == 3 and cells[1][:1].isdigit()]  # noqa: PLR2004  # columns
    hard: JsonObject = {cells[0]: cells[2] for cells in amounts}
    used: JsonObject = {cells[0]: cells[1] for cells in amounts}
    return {"spec": {"hard": hard}, "status": {"hard": hard, "used": used}}


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


def _claim(outline: Outline, _: Ages) -> JsonObject:
    spec: JsonObject = {"storageClassName": outline.text("StorageClass"), "volumeName": outline.text("Volume")}
    return {"spec": without_nothing(spec), "status": without_nothing({"phase": outline.text("Status")})}


def _namespace(outline: Outline, _: Ages) -> JsonObject:
    return {"status": without_nothing({"phase": outline.text("Status")})}


def _autoscaler(outline: Outline, _: Ages) -> JsonObject:
    kind, _, name = outline.text("Reference").partition("/")
    named = {"minReplicas": "Min replicas", "maxReplicas": "Max replicas"}
    spec: JsonObject = {field: int(text[:9]) for field, key in named.items() if (text := outline.text(key)).isdecimal()}
    return {"spec": {**spec, "scaleTargetRef": {"kind": kind, "name": name}}}


_TELLERS: Final[Mapping[str, Callable[[Outline, Ages], JsonObject]]] = MappingProxyType(
    {
        POD.plural: _pod,
        DEPLOYMENT.plural: _deployment,
        REPLICA_SET.plural: _replica_set,
        STATEFUL_SET.plural: _stateful_set,
        DAEMON_SET.plural: _daemon_set,
        JOB.plural: _job,
        NODE.plural: _node,
        SERVICE.plural: _service,
        ENDPOINT_SLICE.plural: _endpoint_slice,
        RESOURCE_QUOTA.plural: _quota,
        VOLUME_CLAIM.plural: _claim,
        NAMESPACE.plural: _namespace,
        AUTOSCALER.plural: _autoscaler,
    }
)
