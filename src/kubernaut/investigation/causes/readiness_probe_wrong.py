"""The application runs, and its readiness probe asks the wrong thing."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.containers import containers_of, is_ready
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.probes import Answer, FailedProbe, declares, failed_probe, port_of, target_of, was_ready
from kubernaut.investigation.remedies import escalate, way_back
from kubernaut.investigation.starting import has_time, slow_start
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import Difference
from kubernaut.investigation.untold import as_far_as_known

_WRONG = frozenset({Answer.NOT_FOUND, Answer.REFUSED, Answer.WRONG_PROTOCOL})
# The application says itself that it is not ready: while it has time, a probe that is new may be right.
_HONEST = frozenset({Answer.NOT_READY, Answer.SILENT})


def examine(workload: Workload) -> Finding | None:
    """The finding when a running, never ready container is asked at a port, path or protocol it does not serve.

    A pod that was ready before, one that answers 503, and one that is only slow have another cause.
    """
    failed = _failed(workload)
    if failed is None:
        return None
    name, proofs = failed.container.name, _proofs(failed)
    has_room = has_time(workload) or slow_start(workload) is not None
    # Some servers answer 404 until what they serve was loaded: a new image is to blame only once its time is over.
    fields = ("readinessProbe", "ports", *(("image",) if proofs and not has_room else ()))

    def of_the_probe(part: Difference) -> bool:
        return part.is_in(name) and part.touches(*fields)

    change = workload.change
    brought = change is not None and any(of_the_probe(part) for part in change.real)
    if not proofs and (not brought or (has_room and failed.answer in _HONEST)):
        return None
    back = way_back(workload, of_the_probe) if brought else None
    told = workload.change_fact(of_the_probe) if brought else None
    words = back.words if back else as_far_as_known(workload, "The probe did not change with the last revision.")
    return Finding(
        target=workload.ref,
        summary=(
            f"{workload.title}: {failed.container.label} runs, but its readiness probe "
            f"{target_of(failed.probe)} fails: {failed.answer}. {words}"
        ),
        verdict=back.verdict if back else Verdict.ESCALATE,
        supporting=(*_support(failed), *proofs, *((told,) if told else ()), *(back.facts if back else ())),
        contradicting=tuple(_against(workload, failed)),
        remedies=back.remedies if back else (escalate(workload.ref),),
        places={"pod": failed.container.pod.name, "container": name},
    )


def _failed(workload: Workload) -> FailedProbe | None:
    """The failing probe that stands for the workload; none where another pod of the revision passes it."""
    if any(is_ready(pod) for pod in workload.pods) or workload.crashing or workload.failing_pulls:
        return None
    for pod in workload.pods:
        if was_ready(pod):
            continue
        for container in containers_of(pod):
            failed = failed_probe(workload.scene, container)
            if failed:
                return failed
    return None


def _proofs(failed: FailedProbe) -> list[Fact]:
    """That the probe itself is wrong, whatever the application does."""
    container, port = failed.container, port_of(failed.probe)
    path = f"spec.containers[{container.name}].readinessProbe"
    known = declares(container, port) if port else None
    if failed.answer in _WRONG and known is False:
        declared = ", ".join(str(entry.integer("containerPort")) for entry in container.spec.trees("ports"))
        text = f"the probe asks port {port}; the container declares {declared}"
        return [facts.field(container.pod, path, text)]
    if failed.answer is Answer.NOT_FOUND:
        return [facts.field(container.pod, path, f"the probe asks {target_of(failed.probe)}, which answers 404")]
    if failed.answer is Answer.WRONG_PROTOCOL:
        return [facts.field(container.pod, path, f"the probe asks {target_of(failed.probe)}, where {failed.answer}")]
    return []


def _support(failed: FailedProbe) -> list[Fact]:
    container = failed.container
    text = f"{container.label} runs, {container.restarts} restarts, and was never ready"
    found = [facts.field(container.pod, f"status.containerStatuses[{container.name}]", text, container.running_since)]
    return found + ([facts.event(failed.event)] if failed.event else [])


def _against(workload: Workload, failed: FailedProbe) -> list[Fact]:
    """What points at the application instead: it answers, and says that it is not ready."""
    if failed.answer not in (Answer.NOT_READY, Answer.SILENT) or failed.event is None:
        return []
    lines = workload.scene.log_of(failed.container.pod, failed.container.name)
    said = facts.field(failed.container.pod, "answer to the probe", str(failed.answer))
    return [said, *(facts.log(line) for line in lines[:1])]


CAUSE = Cause(
    id=CauseId("readiness_probe_wrong"),
    title="The readiness probe asks the wrong port, path or protocol",
    faults=(61, 62),
    needs=("Pod", "ReplicaSet", "Event"),
    look_alikes={
        "unknown": "the application answers 503, waits for a dependency, or was ready before: the probe is right",
        "rollout_in_progress": "the application is still starting",
        "crash_after_change": "the container ends or is restarted",
    },
    know="Restore the probe; do not delete it: without one, traffic reaches pods that cannot serve.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{{.spec.containers[*].readinessProbe}}'",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    workload=examine,
)
