"""Alerts where no Prometheus tells of the fault: the symptom is looked at, and told as Alertmanager would."""

from __future__ import annotations

import hashlib
from datetime import datetime

from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef, Tree
from kubernaut.domain.workloads import is_ready
from kubernaut.gameday.fault import Problem
from kubernaut.gameday.seeing import View

_TWICE = 2
_NO_END = "0001-01-01T00:00:00Z"
_LABELS = {"Deployment": "deployment", "StatefulSet": "statefulset", "DaemonSet": "daemonset", "Service": "service"}


def alert_body(problem: Problem, *, began: datetime, ended: datetime | None) -> JsonObject:
    """The webhook message, version 4, with the one alert that the fault would raise."""
    labels = _labels(problem)
    status = "resolved" if ended else "firing"
    alert: JsonObject = {
        "status": status,
        "labels": labels,
        "annotations": {"summary": f"{problem.fault.alert} on {problem.subject}"},
        "startsAt": began.isoformat(),
        "endsAt": ended.isoformat() if ended else _NO_END,
        "generatorURL": "",
        "fingerprint": hashlib.sha256(repr(sorted(labels.items())).encode()).hexdigest()[:16],
    }
    return {
        "version": "4",
        "groupKey": f'{{}}:{{namespace="{problem.shop.namespace}"}}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "kubernaut",
        "groupLabels": {"namespace": problem.shop.namespace},
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "",
        "alerts": [alert],
    }


def _labels(problem: Problem) -> JsonObject:
    subject: ObjectRef = problem.subject
    label = "job_name" if problem.fault.name == "task-fails" else _LABELS[subject.kind]
    return {
        "alertname": problem.fault.alert,
        "severity": "warning",
        "namespace": subject.namespace,
        label: subject.name,
    }


def shows(alert: str, view: View) -> bool:
    """Whether the rule of that alert would hold by what is seen: a probe that ends a container takes its time."""
    pods = view.of_kind("Pod")
    match alert:
        case "KubePodCrashLooping":
            return any(_loops(container) for pod in pods for container in _containers(pod))
        case "KubernetesContainerOomKiller":
            return any(_ran_out(container) for pod in pods for container in _containers(pod))
        case "KubePodNotReady":
            return not all(is_ready(pod) for pod in pods)
        case _:
            return True


def _containers(pod: KubeObject) -> list[Tree]:
    return [*pod.trees("status", "initContainerStatuses"), *pod.trees("status", "containerStatuses")]


def _loops(container: Tree) -> bool:
    waiting = container.text("state", "waiting", "reason") == "CrashLoopBackOff"
    return waiting or container.integer("restartCount") >= _TWICE


def _ran_out(container: Tree) -> bool:
    return any(container.text(state, "terminated", "reason") == "OOMKilled" for state in ("state", "lastState"))
