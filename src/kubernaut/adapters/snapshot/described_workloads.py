"""`kubectl describe` of what makes pods: Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, autoscalers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from kubernaut.adapters.snapshot.ages import parse_described_time, stamp
from kubernaut.adapters.snapshot.outline import Entry, Outline
from kubernaut.adapters.snapshot.sightings import Fullness, Sighting, labels_of, owner_reference, without_nothing
from kubernaut.adapters.snapshot.templates import pod_template
from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.resources import DEPLOYMENT, REPLICA_SET

REVISION: Final = "deployment.kubernetes.io/revision"
# `  /api   web:80 (10.244.1.4:8080)`: a path, the Service and its port, and what was found behind it.
_BACKEND: Final = re.compile(
    r"(?:^|\s)(/\S{0,400})?\s+([a-z0-9.-]{1,253}):([a-z0-9-]{1,63}) \((?:[^()]|\([^()]*\))*\)\s*$"
)
_COUNTS: Final = re.compile(r"(\d{1,9}) (\w+)")


def deployment(outline: Outline) -> JsonObject:
    """The spec and the status of a Deployment."""
    counts = _counts(outline.text("Replicas"))
    spec, status = _workload(outline), _picked(counts, {"updated": "updatedReplicas", "total": "replicas"})
    status |= _picked(counts, {"available": "availableReplicas", "unavailable": "unavailableReplicas"})
    if "available" in counts and outline.text("MinReadySeconds") in ("", "0"):
        # Without a time to wait, what is ready is available.
        status["readyReplicas"] = counts["available"]
    status["conditions"] = told = conditions(outline.get("Conditions"))
    if any(isinstance(one, dict) and one.get("reason") == "DeploymentPaused" for one in told):
        spec["paused"] = True
    return {"spec": {**spec, **_picked(counts, {"desired": "replicas"})}, "status": status}


def made_sets(outline: Outline, name: str, place: str | None, raw: JsonObject) -> list[Sighting]:
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


def replica_set(outline: Outline) -> JsonObject:
    """The spec and the status of a ReplicaSet."""
    counts = _counts(outline.text("Replicas"))
    status: JsonObject = {
        **_picked(counts, {"current": "replicas"}),
        "conditions": conditions(outline.get("Conditions")),
    }
    return {
        "spec": {**_workload(outline), **_picked(counts, {"desired": "replicas"})},
        "status": without_nothing(status),
    }


def stateful_set(outline: Outline) -> JsonObject:
    """The spec and the status of a StatefulSet."""
    counts = _counts(outline.text("Replicas"))
    return {
        "spec": {**_workload(outline), **_picked(counts, {"desired": "replicas"})},
        "status": _picked(counts, {"total": "replicas"}),
    }


def daemon_set(outline: Outline) -> JsonObject:
    """The spec and the status of a DaemonSet."""
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


def job(outline: Outline) -> JsonObject:
    """The spec and the status of a Job."""
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


def autoscaler(outline: Outline) -> JsonObject:
    """What an autoscaler scales, and within which bounds."""
    kind, _, name = outline.text("Reference").partition("/")
    named = {"minReplicas": "Min replicas", "maxReplicas": "Max replicas"}
    spec: JsonObject = {field: int(text[:9]) for field, key in named.items() if (text := outline.text(key)).isdecimal()}
    counts = re.match(r"(\d{1,9}) current / (\d{1,9}) desired", outline.text(f"{kind} pods"))
    status: JsonObject = {"conditions": conditions(outline.get("Conditions"))}
    if counts:
        status |= {"currentReplicas": int(counts[1]), "desiredReplicas": int(counts[2])}
    return {"spec": {**spec, "scaleTargetRef": {"kind": kind, "name": name}}, "status": without_nothing(status)}


def budget(outline: Outline) -> JsonObject:
    """How many pods a disruption budget keeps, and how many it lets go at present."""
    spec: JsonObject = {"selector": {"matchLabels": labels_of(outline.text("Selector"))}}
    for field, key in (("minAvailable", "Min available"), ("maxUnavailable", "Max unavailable")):
        text = outline.text(key)
        spec[field] = int(text) if text.isdecimal() and len(text) < 10 else text  # noqa: PLR2004  # a billion pods
    inside = outline.get("Status").inside
    named = {
        "disruptionsAllowed": "Allowed disruptions", "currentHealthy": "Current", "desiredHealthy": "Desired",
        "expectedPods": "Total",
    }  # fmt: skip
    status: JsonObject = {
        field: int(text[:9]) for field, key in named.items() if (text := inside.text(key)).isdecimal()
    }
    return {"spec": without_nothing(spec), "status": status}


def cron_job(outline: Outline) -> JsonObject:
    """The schedule, whether it is suspended, and when it last ran."""
    spec: JsonObject = {"schedule": outline.text("Schedule")}
    if outline.has("Suspend"):
        spec["suspend"] = outline.text("Suspend") == "True"
    spec["concurrencyPolicy"] = outline.text("Concurrency Policy")
    last = parse_described_time(outline.text("Last Schedule Time"))
    return {"spec": without_nothing(spec), "status": {"lastScheduleTime": stamp(last)} if last else {}}


def ingress(outline: Outline) -> JsonObject:
    """The class, and where each host and path leads."""
    rules: list[Json] = []
    paths: list[Json] = []
    for line in outline.get("Rules").body:
        match = _BACKEND.search(line)
        if match is None:
            host = line.strip()
            if host and not host.startswith(("Host ", "----")):
                paths = []
                rules.append({"host": host.removeprefix("*"), "http": {"paths": paths}})
            continue
        if not rules:
            rules.append({"http": {"paths": paths}})
        port: Json = {"number": int(match[3])} if match[3].isdecimal() else {"name": match[3]}
        service: JsonObject = {"name": match[2], "port": port}
        paths.append({"path": match[1] or "/", "backend": {"service": service}})
    named: JsonObject = {"ingressClassName": outline.text("Ingress Class"), "rules": rules}
    return {"spec": without_nothing(named)}


def conditions(entry: Entry) -> list[Json]:
    """The table of conditions: two columns for a pod, three for a workload, six for a node."""
    found: list[Json] = []
    for cells in entry.rows:
        if len(cells) < 2 or not cells[0].isidentifier():  # noqa: PLR2004  # type and status
            continue
        condition: JsonObject = {"type": cells[0], "status": cells[1]}
        if len(cells) in (3, 4):  # with a reason, and of an autoscaler with a message
            condition |= dict(zip(("reason", "message"), cells[2:], strict=False))
        elif len(cells) == 5:  # noqa: PLR2004  # of a namespace: one time, a reason and a message
            moment = parse_described_time(cells[2])
            condition |= {"lastTransitionTime": stamp(moment)} if moment else {}
            condition |= {"reason": cells[3], "message": cells[4]}
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


def _counts(text: str) -> dict[str, int]:
    return {word: int(number) for number, word in _COUNTS.findall(text)}


def _picked(counts: Mapping[str, int], names: Mapping[str, str]) -> JsonObject:
    return {field: counts[word] for word, field in names.items() if word in counts}
