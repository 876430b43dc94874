"""Containers hold a value of a Secret that was replaced after they started."""

from __future__ import annotations

from datetime import datetime

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.references import references
from kubernaut.investigation import facts
from kubernaut.investigation.causes.credentials_refused import FORM
from kubernaut.investigation.complaints import Complaint, complaints
from kubernaut.investigation.configuration import Edit, edits
from kubernaut.investigation.containers import Container
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.subjects import Workload

_RESTARTABLE = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


def examine(workload: Workload) -> Finding | None:
    """The finding when a running container is refused, and read a Secret as a variable before it was changed."""
    if workload.object.kind not in _RESTARTABLE:
        return None
    running = [entry for entry in workload.containers if entry.is_running and not entry.is_ready]
    # Secrets are listed only where one can be the matter.
    for edit in edits(workload) if running else ():
        if edit.source.kind != "Secret" or not _is_variable(workload, edit):
            continue
        older = [entry for entry in running if _is_older(entry.running_since, edit.at)]
        said = next(complaints(workload, FORM, older), None)
        if said is not None:
            return _finding(workload, edit, said)
    return None


def _finding(workload: Workload, edit: Edit, said: Complaint) -> Finding:
    container, name = said.container, edit.source.name
    text = f"{container.label} runs since before Secret {name} was changed, and read it at its start"
    path = f"status.containerStatuses[{container.name}].state.running"
    return Finding(
        target=workload.ref,
        summary=(
            f"{workload.title}: {container.label} is refused with the value that Secret {name} had before it was "
            "changed. A restart makes it read the new one."
        ),
        verdict=Verdict.ACT,
        supporting=(edit.fact, said.fact, facts.field(container.pod, path, text, container.running_since)),
        contradicting=tuple(_younger_fail(workload, edit)),
        remedies=(call("restart_workload", workload.ref), escalate(workload.ref)),
        places={"pod": container.pod.name, "container": container.name, "object": f"secret/{name}"},
    )


def _is_variable(workload: Workload, edit: Edit) -> bool:
    """Whether the Secret comes in as variables; the files of a volume are renewed by the kubelet."""
    named = [
        entry for entry in references(workload.template) if (entry.kind, entry.name) == ("Secret", edit.source.name)
    ]
    return any(".env" in entry.path for entry in named)


def _is_older(since: datetime | None, edited: datetime | None) -> bool:
    return since is not None and edited is not None and since < edited


def _younger_fail(workload: Workload, edit: Edit) -> list[Fact]:
    """A container that started with the new value and is refused as well: then the value itself is wrong."""
    younger: list[Container] = [
        entry
        for entry in workload.containers
        if entry.running_since and edit.at and entry.running_since > edit.at and not entry.is_ready
    ]
    said = next(complaints(workload, FORM, younger), None)
    return [said.fact] if said else []


CAUSE = Cause(
    id=CauseId("stale_secret"),
    title="Containers hold the former value of a Secret that was changed",
    faults=(97,),
    needs=("Pod", "ReplicaSet", "Secret"),
    look_alikes={
        "credentials_refused": "the container started after the last change of the Secret",
        "configuration_edited": "the containers started with the new value, and fail with it",
    },
    know="Variables from a Secret are read once, at the start of a container; files are renewed while it runs.",
    by_hand=(
        "kubectl -n {namespace} get {object} -o jsonpath='{{.metadata.managedFields[*].time}}'",
        "kubectl -n {namespace} rollout restart {kind}/{name}",
    ),
    narrows=("credentials_refused",),
    workload=examine,
)
