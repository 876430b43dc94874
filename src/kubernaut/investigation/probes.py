"""Readiness probes: where they point, what they get, and whether the pod was ever ready."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.investigation.containers import Container
from kubernaut.investigation.facts import event_time
from kubernaut.investigation.scene import Scene

_SLACK = timedelta(seconds=10)
# A condition that turned within this of the start is the beginning itself, and no change of it.
_FIRST_MOMENTS = timedelta(seconds=90)


class Answer(StrEnum):
    """What the probe got."""

    NOT_FOUND = "the application has no such path"
    REFUSED = "nothing listens there"
    WRONG_PROTOCOL = "another protocol is spoken there"
    NOT_READY = "the application says that it is not ready"
    SILENT = "no answer in time"
    OTHER = "the probe failed"


_ANSWERS = (
    (Answer.NOT_FOUND, re.compile(r"statuscode: (?:404|405|410)\b")),
    # After the line above, so that what is left of status codes is an application that answers and declines.
    (Answer.NOT_READY, re.compile(r"statuscode: \d{3}|NOT_SERVING")),
    (Answer.REFUSED, re.compile(r"connection refused|connect: connection reset|failed to connect service")),
    (
        Answer.WRONG_PROTOCOL,
        re.compile(r"malformed HTTP|HTTP response to HTTPS|tls: first record|transport connection broken"),
    ),
    (Answer.SILENT, re.compile(r"deadline exceeded|Client\.Timeout|timed out|i/o timeout")),
)


@dataclass(frozen=True, slots=True)
class FailedProbe:
    """The newest failure of a readiness probe."""

    container: Container
    probe: Tree
    answer: Answer
    event: KubeObject | None


def port_of(probe: Tree) -> str:
    """The port that the probe asks, as it is written: a number or a name."""
    for kind in ("httpGet", "tcpSocket", "grpc"):
        value = probe.at(kind, "port")
        if isinstance(value, str | int) and not isinstance(value, bool):
            return str(value)
    return ""


def target_of(probe: Tree) -> str:
    """`GET :8080/healthz`, `TCP :5432`, `gRPC :50051` or the command."""
    if probe.has("httpGet"):
        return f"GET :{port_of(probe)}{probe.text('httpGet', 'path') or '/'}"
    if probe.has("tcpSocket"):
        return f"TCP :{port_of(probe)}"
    if probe.has("grpc"):
        return f"gRPC :{port_of(probe)}"
    return " ".join(probe.texts("exec", "command"))


def declares(container: Container, port: str) -> bool | None:
    """Whether the container declares the port, by number or name; None where it declares none at all."""
    ports = container.spec.trees("ports")
    if not ports:
        return None
    return any(port in (str(entry.integer("containerPort")), entry.text("name")) for entry in ports)


def failed_probe(scene: Scene, container: Container) -> FailedProbe | None:
    """The readiness probe of a running container that has failed for longer than it is given to start."""
    probe = container.spec.tree("readinessProbe")
    # Until a startup probe has passed (`started`) the kubelet asks no readiness probe, so it cannot have failed.
    if not probe.raw or container.is_ready or not container.is_running or container.status.at("started") is False:
        return None
    since = container.running_since
    if since is not None and scene.now - since < patience(probe):
        return None
    for entry in scene.events_of(container.pod, "Unhealthy"):
        if _is_of_run(entry, container, since):
            return FailedProbe(container, probe, answer_of(entry.text("message")), entry)
    return FailedProbe(container, probe, Answer.OTHER, None)


def _is_of_run(event: KubeObject, container: Container, since: datetime | None) -> bool:
    """Whether it tells of this container's readiness probe, and not of a run before the present one."""
    at, path = event_time(event), event.text("involvedObject", "fieldPath")
    if at and since and at < since:
        return False
    # Where the event names no field, the pod's containers cannot be told apart.
    ours = not path or path == f"spec.containers{{{container.name}}}"
    return ours and event.text("message").startswith("Readiness probe")


def answer_of(message: str) -> Answer:
    """What a probe got, by the kubelet's words."""
    return next((kind for kind, form in _ANSWERS if form.search(message)), Answer.OTHER)


def patience(probe: Tree) -> timedelta:
    """How long a container may take before the probe's failing means something."""
    rounds = probe.integer("failureThreshold", default=3) * probe.integer("periodSeconds", default=10)
    seconds = probe.integer("initialDelaySeconds") + rounds
    return timedelta(seconds=min(max(seconds, 0), 86_400)) + _SLACK


def probe_kill(scene: Scene, container: Container) -> str:
    """`liveness` or `startup` where the kubelet killed the container for that probe."""
    for entry in scene.events_of(container.pod, "Killing"):
        message = entry.text("message")
        if container.name in message:
            for probe in ("liveness", "startup"):
                if f"failed {probe} probe" in message:
                    return probe
    return ""


def is_ended_again(scene: Scene, container: Container, *, times: int = 2) -> bool:
    """Whether a probe ended it that often, and it has not run for longer since than before, or than the probe takes.

    In between it may be ready, and a program that obeys ends with code 0: neither says that it is well.
    """
    ended, since = container.ended, container.running_since
    if container.restarts < times or ended is None or since is None:
        return False
    name = probe_kill(scene, container)
    probe = container.spec.tree(f"{name}Probe") if name else Tree({})
    if not probe.raw:
        return False
    started, finished = ended.time("startedAt"), ended.time("finishedAt")
    # A program that hangs after an hour may well run for an hour again: only longer than that it is out of danger.
    before = finished - started + _SLACK if started and finished else timedelta()
    return scene.now - since <= max(patience(probe), before)


def was_ready(pod: KubeObject) -> bool:
    """Whether the pod has been ready before: its condition changed later than its containers started."""
    state = pod.condition("Ready")
    turned = state.time("lastTransitionTime") if state else None
    starts = [
        moment
        for status in pod.trees("status", "containerStatuses")
        if (moment := status.time("state", "running", "startedAt"))
    ]
    begun: datetime | None = max(starts) if starts else pod.time("status", "startTime")
    return turned is not None and begun is not None and turned - begun > _FIRST_MOMENTS
