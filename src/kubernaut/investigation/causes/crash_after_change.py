"""Containers fail since the pod template was changed."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.blame import doubts
from kubernaut.investigation.crashes import Link, crash_of, link
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import way_back
from kubernaut.investigation.subjects import TemplateChange, Workload
from kubernaut.investigation.templates import UNSEEN


def examine(workload: Workload) -> Finding | None:
    """The finding when the crashes began with the last real change of the template."""
    crash = crash_of(workload)
    linked = link(workload, crash.since) if crash else Link.NONE
    change = workload.change
    if crash is None or change is None or linked is Link.NONE:
        return None
    told = workload.change_fact(lambda difference: difference.is_in(crash.container.name))
    back = way_back(workload, lambda _: True)
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: {crash.words}. It began with {change.title}, {_what(change)}. {back.words}",
        verdict=back.verdict,
        supporting=(*((told,) if told else ()), *crash.facts, *back.facts),
        contradicting=doubts(workload, crash, linked),
        remedies=back.remedies,
        places={"pod": crash.container.pod.name, "container": crash.container.name},
    )


def _what(change: TemplateChange) -> str:
    first = change.real[0]
    return "of which is not shown what it changed" if first == UNSEEN else f"which changed {first}"


CAUSE = Cause(
    id=CauseId("crash_after_change"),
    title="Containers fail since the template was changed",
    faults=(45, 46, 47, 49, 52, 58, 59, 60, 63, 64, 65),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "crash_without_change": "the template is as old as the time it worked, or only a restart was stamped into it",
        "memory_limit_too_low": "the last run ended with the reason OOMKilled",
        "missing_configmap": "the container was never started: CreateContainerConfigError",
    },
    know="A rollback returns the template alone: what a ConfigMap or Secret held before is not in the revision.",
    by_hand=(
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
        "kubectl -n {namespace} rollout history {kind}/{name}",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    workload=examine,
)
