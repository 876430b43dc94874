"""The status of a pod as the kubelet reports it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kubernaut.domain.objects import JsonObject, KubeObject
from kubernaut.sandbox.kubelet.containers import Container
from kubernaut.sandbox.shapes import set_condition, stamp


def phase_of(containers: Sequence[Container], inits: Sequence[Container]) -> str:
    """Pending, Running, Succeeded or Failed."""
    if any(_is_final(item) and not item.state.succeeded for item in inits):
        return "Failed"
    if not all(_is_initialised(item) for item in inits):
        return "Pending"
    if is_done(containers):
        return "Succeeded" if all(item.state.succeeded for item in containers) else "Failed"
    begun = all(item.serial or item.state.last for item in containers)
    return "Running" if begun else "Pending"


def is_done(containers: Sequence[Container]) -> bool:
    """Whether all of them have ended for good."""
    return all(_is_final(item) for item in containers)


def _is_initialised(item: Container) -> bool:
    """Whether what comes after the init container may begin, or has begun."""
    return bool(item.launched or item.restarts or item.state.terminated) if item.companion else item.state.succeeded


def _is_final(item: Container) -> bool:
    return item.state.terminated is not None and item.due is None


def render_status(
    pod: KubeObject, containers: Sequence[Container], inits: Sequence[Container], address: str, now: datetime
) -> JsonObject:
    """The whole status; conditions keep their times where they did not change."""
    status: JsonObject = {
        "phase": phase_of(containers, inits),
        "observedGeneration": pod.generation,
        "conditions": [dict(item.raw) for item in pod.conditions()],
        "hostIP": "",
        "qosClass": pod.text("status", "qosClass"),
        "startTime": pod.text("status", "startTime") or stamp(now),
    }
    for key, value in _addresses(pod, address).items():
        status[key] = value
    if inits:
        status["initContainerStatuses"] = [_container_status(item) for item in inits]
    status["containerStatuses"] = [_container_status(item) for item in containers]
    _conditions(status, containers, inits, now)
    return status


def _addresses(pod: KubeObject, address: str) -> JsonObject:
    node = pod.text("spec", "nodeName")
    host = node_address(node)
    found: JsonObject = {"hostIP": host, "hostIPs": [{"ip": host}]}
    if address:
        found |= {"podIP": address, "podIPs": [{"ip": address}]}
    return found


def node_address(name: str) -> str:
    """The internal address of a node, from the number its name ends in."""
    digits = "".join(letter for letter in name if letter.isdigit())
    return f"10.0.0.{10 + int(digits[-2:] or 0)}"


def _conditions(status: JsonObject, containers: Sequence[Container], inits: Sequence[Container], now: datetime) -> None:
    done = status["phase"] == "Succeeded"
    unready = [item.name for item in [*inits, *containers] if not item.init and not item.ready]
    waiting = [item.name for item in inits if not _is_initialised(item)]
    begun = bool(status.get("podIP"))
    _set(status, "PodReadyToStartContainers", begun, "", "", now)
    _set(status, "Initialized", not waiting, "ContainersNotInitialized", _names("incomplete", waiting), now)
    reason = "PodCompleted" if done else "ContainersNotReady"
    text = "" if done else _names("unready", unready)
    for kind in ("Ready", "ContainersReady"):
        _set(status, kind, not unready and not waiting and not done, reason, text, now)


def _names(word: str, names: list[str]) -> str:
    return f"containers with {word} status: [{' '.join(names)}]"


def _set(status: JsonObject, kind: str, holds: bool, reason: str, text: str, now: datetime) -> None:  # noqa: FBT001
    condition: JsonObject = {
        "type": kind,
        "status": "True" if holds else "False",
        "lastProbeTime": None,
        "lastTransitionTime": stamp(now),
    }
    if not holds and reason:
        condition["reason"] = reason
        if text:
            condition["message"] = text
    set_condition(status, condition)


def _container_status(item: Container) -> JsonObject:
    image = item.spec.text("image")
    status: JsonObject = {
        "name": item.name,
        "image": image,
        "imageID": f"{image.rsplit(':', 1)[0]}@sha256:{_digest(image)}" if item.serial else "",
        "ready": item.ready,
        "restartCount": item.restarts,
        "started": item.launched,
        "state": item.state.as_json(),
        "lastState": {"terminated": item.state.last} if item.state.last else {},
    }
    if item.serial:
        status["containerID"] = item.container_id
    return status


def _digest(image: str) -> str:
    return f"{sum((index + 1) * ord(letter) for index, letter in enumerate(image)) * 0x9E3779B97F4A7C15:064x}"[-64:]
