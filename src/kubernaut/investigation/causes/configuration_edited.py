"""Containers fail since a ConfigMap that they read was edited."""

from __future__ import annotations

from datetime import timedelta

from kubernaut.domain.diagnosis import ActionCall, CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.configuration import Edit, edits, recorded
from kubernaut.investigation.containers import is_ready
from kubernaut.investigation.crashes import Crash, Link, crash_of, link
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.subjects import Workload

_SLACK = timedelta(seconds=90)
_SOON = timedelta(minutes=20)
_LATER = timedelta(hours=6)


def examine(workload: Workload) -> Finding | None:
    """The finding when the crashes began after such an edit and not with a change of the template."""
    crash = crash_of(workload)
    if crash is None or crash.since is None or link(workload, crash.since) is Link.FOLLOWS:
        return None
    edit = next((entry for entry in edits(workload) if _precedes(entry, crash)), None)
    if edit is None:
        return None
    former = _recorded(edit)
    return Finding(
        target=workload.ref,
        summary=(
            f"{workload.title}: {crash.words} since {edit.source.kind} {edit.source.name} was edited. "
            f"What it held before is {'what was last applied' if former else 'in no revision'}: take it from "
            f"{'there' if former else 'where it is declared'}."
        ),
        verdict=Verdict.APPROVE if former else Verdict.ESCALATE,
        supporting=(edit.fact, *crash.facts),
        contradicting=tuple(_against(workload, edit, crash)),
        remedies=(*former, escalate(workload.ref)),
        places={
            "pod": crash.container.pod.name,
            "container": crash.container.name,
            "object": f"{edit.source.kind.lower()}/{edit.source.name}",
        },
    )


def _recorded(edit: Edit) -> tuple[ActionCall, ...]:
    """The return to the content that `kubectl apply` recorded; of a Secret none may be looked at."""
    return (call("restore_configmap", edit.source.ref),) if recorded(edit.source) else ()


def _precedes(edit: Edit, crash: Crash) -> bool:
    if edit.at is None or crash.since is None:
        return False
    return -_SLACK <= crash.since - edit.at <= _LATER


def _against(workload: Workload, edit: Edit, crash: Crash) -> list[Fact]:
    """A pod that started after the edit and is well, and a long time between the edit and the first crash."""
    found = []
    if edit.at is not None and crash.since is not None and crash.since - edit.at > _SOON:
        text = "the crashes began long after the edit"
        found.append(facts.change(workload.object, "first crash", text, crash.since))
    for pod in workload.pods:
        begun = pod.time("status", "startTime") or pod.created_at
        if is_ready(pod) and edit.at and begun and begun > edit.at:
            text = f"pod {pod.name} started after the edit and is ready"
            found.append(facts.field(pod, "status.conditions[Ready]", text))
            break
    return found


CAUSE = Cause(
    id=CauseId("configuration_edited"),
    title="Containers fail since a ConfigMap or Secret was edited",
    faults=(44, 96),
    needs=("Pod", "ReplicaSet", "ConfigMap", "Secret"),
    look_alikes={
        "crash_after_change": "the template changed at the same time",
        "missing_config_key": "the kubelet itself misses a key, and the container never starts",
        "stale_secret": "the containers still hold the former value",
    },
    know="Variables are read when a container starts, files within about a minute: an edit can break pods days later.",
    by_hand=(
        "kubectl -n {namespace} get {object} -o yaml --show-managed-fields",
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
    ),
    narrows=("crash_without_change",),
    workload=examine,
)
