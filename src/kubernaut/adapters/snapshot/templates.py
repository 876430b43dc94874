"""Containers, probes, variables and volumes as `describe` prints them, back in the form of a pod's spec."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from kubernaut.adapters.snapshot.ages import parse_described_time, stamp
from kubernaut.adapters.snapshot.outline import Entry, Outline, texts
from kubernaut.adapters.snapshot.sightings import without_nothing
from kubernaut.domain.objects import Json, JsonObject

_PORT: Final = re.compile(r"(\d{1,5})/(TCP|UDP|SCTP)(?: \(([\w-]+)\))?")
_HTTP: Final = re.compile(r"http-get (https?)://([^:/\s]*):([^/\s]*)(/\S*)? ")
_TCP: Final = re.compile(r"tcp-socket ([^:\s]*):(\S+) ")
_GRPC: Final = re.compile(r"grpc <pod>:(\d{1,5})")
_EXEC: Final = re.compile(r"exec \[(.*)\] delay=")
_TIMES: Final = re.compile(
    r"delay=(\d{1,7})s timeout=(\d{1,7})s period=(\d{1,7})s #success=(\d{1,7}) #failure=(\d{1,7})"
)
_KEY: Final = re.compile(r"<set to the key '([^']*)' (in secret|of config map) '([^']*)'>(?:\s+Optional: (\w+))?")
_FIELD: Final = re.compile(r" ?\(v1:([^)]*)\)")
_SOURCE: Final = re.compile(r"(\S+)\s+(ConfigMap|Secret)(?: with prefix '[^']*')?(?:\s+Optional: (\w+))?")
_TOLERATION: Final = re.compile(
    r"(?P<key>[^=:\s]*)(?:=(?P<value>[^:\s]*))?(?::(?P<effect>\w+))?(?: op=(?P<op>\w+))?(?: for (?P<time>\d{1,9})s)?"
)


def pod_template(outline: Outline) -> JsonObject:
    """The template below `Pod Template:`."""
    metadata: JsonObject = {"labels": outline.get("Labels").pairs, "annotations": outline.get("Annotations").notes}
    return {"metadata": without_nothing(metadata), "spec": pod_spec(outline)}


def pod_spec(outline: Outline) -> JsonObject:
    """What a pod, or its template, asks for."""
    spec: JsonObject = {
        "serviceAccountName": outline.text("Service Account"),
        "priorityClassName": outline.text("Priority Class Name"),
        "nodeSelector": outline.get("Node-Selectors").pairs,
        "initContainers": [_container(entry) for entry in outline.get("Init Containers").inside],
        "containers": [_container(entry) for entry in outline.get("Containers").inside],
        "ephemeralContainers": [_container(entry) for entry in outline.get("Ephemeral Containers").inside],
        "volumes": list(_volumes(outline.get("Volumes"))),
        "tolerations": list(_tolerations(outline.get("Tolerations").values)),
    }
    return without_nothing(spec)


def _container(entry: Entry) -> JsonObject:
    inside = entry.inside
    resources: JsonObject = {"limits": inside.get("Limits").amounts, "requests": inside.get("Requests").amounts}
    container: JsonObject = {
        "name": entry.key,
        "image": inside.text("Image"),
        "ports": _ports(inside.text("Port", "Ports")),
        "command": texts(inside.get("Command").values),
        "args": texts(inside.get("Args").values),
        "resources": without_nothing(resources),
        "livenessProbe": probe(inside.text("Liveness")),
        "readinessProbe": probe(inside.text("Readiness")),
        "startupProbe": probe(inside.text("Startup")),
        "envFrom": list(_sources(inside.get("Environment Variables from").values)),
        "env": [_variable(line) for line in inside.get("Environment").inside],
    }
    return without_nothing(container)


def container_status(entry: Entry) -> JsonObject:
    """What the kubelet says of a container."""
    inside = entry.inside
    status: JsonObject = {
        "name": entry.key,
        "image": inside.text("Image"),
        "imageID": inside.text("Image ID"),
        "containerID": inside.text("Container ID"),
        "state": _state(inside.get("State")),
        "lastState": _state(inside.get("Last State")),
    }
    status = without_nothing(status)
    if inside.has("Ready"):
        status["ready"] = inside.text("Ready") == "True"
    count = inside.text("Restart Count")
    if count.isdecimal():
        status["restartCount"] = int(count[:9])
    return status


def _state(entry: Entry) -> JsonObject:
    inside, kind = entry.inside, entry.value.lower()
    if kind not in {"running", "waiting", "terminated"}:
        return {}
    times = (("startedAt", inside.text("Started")), ("finishedAt", inside.text("Finished")))
    told: JsonObject = {name: stamp(moment) for name, text in times if (moment := parse_described_time(text))}
    told |= without_nothing({"reason": inside.text("Reason"), "message": inside.text("Message")})
    for name, key in (("exitCode", "Exit Code"), ("signal", "Signal")):
        number = inside.text(key)
        if re.fullmatch(r"-?\d{1,6}", number):
            told[name] = int(number)
    return {kind: told}


def _ports(text: str) -> list[Json]:
    found: list[Json] = []
    for match in _PORT.finditer(text):
        port: JsonObject = {"containerPort": int(match[1]), "protocol": match[2]}
        found.append({**port, "name": match[3]} if match[3] else port)
    return found


def probe(text: str) -> JsonObject:
    """The probe of a line such as `tcp-socket :80 delay=0s timeout=1s period=5s #success=1 #failure=3`."""
    times = _TIMES.search(text)
    if times is None:
        return {}
    found: JsonObject = {}
    if match := _HTTP.match(text):
        get: JsonObject = {"scheme": match[1].upper(), "host": match[2], "path": match[4] or "/"}
        found["httpGet"] = {**without_nothing(get), "port": _port(match[3])}
    elif match := _TCP.match(text):
        found["tcpSocket"] = {**without_nothing({"host": match[1]}), "port": _port(match[2])}
    elif match := _GRPC.match(text):
        found["grpc"] = {"port": int(match[1])}
    elif match := _EXEC.match(text):
        found["exec"] = {"command": texts(match[1].split(" "))}
    names = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
    numbers = {name: int(number) for name, number in zip(names, times.groups(), strict=True)}
    return {**found, **{name: number for name, number in numbers.items() if number or name != "initialDelaySeconds"}}


def _port(text: str) -> Json:
    return int(text) if text.isdecimal() and len(text) <= 5 else text  # noqa: PLR2004  # 65535


def _variable(entry: Entry) -> JsonObject:
    text = entry.value
    if match := _KEY.fullmatch(text):
        kind = "secretKeyRef" if match[2] == "in secret" else "configMapKeyRef"
        reference: JsonObject = {"name": match[3], "key": match[1]}
        if match[4] == "true":
            reference["optional"] = True
        return {"name": entry.key, "valueFrom": {kind: reference}}
    if match := _FIELD.fullmatch(text):
        return {"name": entry.key, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": match[1]}}}
    return {"name": entry.key, "value": text}


def _sources(lines: list[str]) -> Iterator[Json]:
    for line in lines:
        match = _SOURCE.fullmatch(line)
        if match is not None:
            reference: JsonObject = {"name": match[1], **({"optional": True} if match[3] == "true" else {})}
            yield {"configMapRef" if match[2] == "ConfigMap" else "secretRef": reference}


def _volumes(entry: Entry) -> Iterator[Json]:
    for volume in entry.inside:
        inside = volume.inside
        kind = inside.text("Type").partition(" ")[0]
        optional: JsonObject = {"optional": True} if inside.text("Optional") == "true" else {}
        named: dict[str, JsonObject] = {
            "ConfigMap": {"configMap": {"name": inside.text("Name"), **optional}},
            "Secret": {"secret": {"secretName": inside.text("SecretName"), **optional}},
            "PersistentVolumeClaim": {"persistentVolumeClaim": {"claimName": inside.text("ClaimName")}},
            "EmptyDir": {"emptyDir": {}},
            "HostPath": {"hostPath": {"path": inside.text("Path")}},
            "Projected": {"projected": {"sources": list(_projected(inside))}},
        }
        if kind in named:
            yield {"name": volume.key, **named[kind]}


def _projected(inside: Outline) -> Iterator[Json]:
    for entry in inside:
        if entry.key == "ConfigMapName":
            yield {"configMap": {"name": entry.value}}
        elif entry.key == "SecretName":
            yield {"secret": {"name": entry.value}}


def _tolerations(lines: list[str]) -> Iterator[Json]:
    for line in lines:
        match = _TOLERATION.fullmatch(line)
        if match is None:
            continue
        operator = match["op"] or ("Equal" if match["value"] else "Exists")
        told: JsonObject = {"key": match["key"], "value": match["value"], "effect": match["effect"]}
        seconds: JsonObject = {"tolerationSeconds": int(match["time"])} if match["time"] else {}
        yield {**without_nothing(told), "operator": operator, **seconds}
