"""A liveness or startup probe asks the wrong port, path or protocol, and the kubelet ends a good container for it."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation import facts
from kubernaut.investigation.blame import Story, told
from kubernaut.investigation.crashes import crash_in
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import Relevant
from kubernaut.investigation.probes import Answer, declares, port_of
from kubernaut.investigation.restarts import Restarted, restarted
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import Difference

# What a probe asks, without how often and how patiently.
_ASKED = ("httpGet", "tcpSocket", "grpc", "exec")
_WRONG = frozenset({Answer.NOT_FOUND, Answer.WRONG_PROTOCOL})


def examine(workload: Workload) -> Finding | None:
    """The finding when the probe never passed, and asks what the application does not serve."""
    found = restarted(workload)
    if found is None or not found.never_passed:
        return None
    relevant = _of_what_is_asked(found)
    change = workload.change
    brought = change is not None and any(relevant(part) for part in change.real)
    proofs = _proofs(found)
    if not proofs and not (brought and found.answer is not Answer.NOT_READY):
        return None
    story = Story(
        words=f"{found.container.label} is restarted by its {found.asked}, which is wrong: {found.answer}",
        otherwise="Neither the probe nor the image changed with the last revision.",
        proofs=(*found.facts, *proofs),
        relevant=relevant,
    )
    return told(workload, crash_in(workload, found.container), story)


def _of_what_is_asked(found: Restarted) -> Relevant:
    """Whether a difference changes what is asked, or brings the probe itself or a program that answers otherwise."""

    def relevant(part: Difference) -> bool:
        if not part.is_in(found.container.name):
            return False
        asks = part.path.endswith(f"{found.name}Probe") or part.touches(*_ASKED)
        return (part.touches(f"{found.name}Probe") and asks) or (found.answer in _WRONG and part.touches("image"))

    return relevant


def _proofs(found: Restarted) -> list[Fact]:
    """That the probe itself is wrong, whatever the application does."""
    container, port = found.container, port_of(found.probe)
    path = f"spec.containers[{container.name}].{found.name}Probe"
    if found.answer in _WRONG:
        return [facts.field(container.pod, path, f"the {found.asked}: {found.answer}")]
    if found.answer is not Answer.REFUSED or not port:
        return []
    if declares(container, port) is False:
        declared = ", ".join(str(entry.integer("containerPort")) for entry in container.spec.trees("ports"))
        return [facts.field(container.pod, path, f"the probe asks port {port}; the container declares {declared}")]
    other = port_of(container.spec.tree("readinessProbe"))
    if container.is_ready and other not in ("", port):
        return [facts.field(container.pod, path, f"the readiness probe succeeds on port {other}, not on {port}")]
    return []


CAUSE = Cause(
    id=CauseId("liveness_probe_wrong"),
    title="A liveness or startup probe asks the wrong port, path or protocol",
    faults=(58, 59),
    needs=("Pod", "ReplicaSet", "Event"),
    look_alikes={
        "liveness_probe_too_strict": "the probe asks the right thing, and too early or too impatiently",
        "application_hangs": "the probe passed for a time before it failed",
        "readiness_probe_wrong": "the container is not restarted, it only gets no traffic",
    },
    know="Restore the probe; do not delete it: it is what restarts an application that really hangs.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{{.spec.containers[*].livenessProbe}}'",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    narrows=("crash_after_change", "crash_without_change", "process_ends"),
    workload=examine,
)
