"""Alerts where no Prometheus tells of the fault: the symptom is looked at, and told as Alertmanager would."""

from __future__ import annotations

import hashlib
from datetime import datetime

from kubernaut.domain.objects import JsonObject, ObjectRef
from kubernaut.gameday.fault import Problem

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
