"""A container is held back by its own CPU limit."""

from __future__ import annotations

from collections.abc import Iterable

from kubernaut.domain.diagnosis import ActionCall, CauseId, Verdict
from kubernaut.domain.measures import CPU_THROTTLED, CPU_USED, Asked
from kubernaut.domain.quantities import parse_quantity
from kubernaut.investigation import facts
from kubernaut.investigation.containers import Container
from kubernaut.investigation.finding import Cause, Finding, Role
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.subjects import Workload

# The threshold of CPUThrottlingHigh in kubernetes-mixin.
_THROTTLED = 0.25
# Throttled without coming near the limit is a burst shorter than the 5 minutes, or a limit that is not the problem.
_NEAR = 0.7
_FACTOR = 1.5
_RAISABLE = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


def examine(workload: Workload) -> Finding | None:
    """The finding when Prometheus shows a container that is throttled and uses most of its limit."""
    limited = [entry for entry in workload.containers if _limit(entry) is not None]
    if not limited:
        return None
    throttled, used = (measure.of(namespace=workload.object.namespace) for measure in (CPU_THROTTLED, CPU_USED))
    shares, cores = _by_container(workload, throttled), _by_container(workload, used)
    held = [entry for entry in limited if shares.get(_key(entry), 0.0) > _THROTTLED]
    near = [entry for entry in held if cores.get(_key(entry), 0.0) >= _NEAR * (_limit(entry) or 0.0)]
    if not near:
        return None
    worst = max(near, key=lambda entry: shares[_key(entry)])
    limit = worst.spec.at("resources", "limits", "cpu")
    share, busy = shares[_key(worst)], cores[_key(worst)]
    return Finding(
        target=workload.ref,
        summary=(
            f"{workload.title}: {worst.label} is throttled in {share:.0%} of its CPU periods; "
            f"it uses {busy:.2f} cores of its limit of {limit}."
        ),
        verdict=Verdict.APPROVE,
        supporting=(
            facts.measured(worst.pod, throttled, f"{worst.label}: throttled in {share:.0%} of its periods"),
            facts.measured(worst.pod, used, f"{worst.label}: uses {busy:.2f} cores"),
            facts.field(workload.object, f"spec.containers[{worst.name}].resources.limits.cpu", f"limit {limit}"),
        ),
        remedies=_remedies(workload, worst),
        places={"pod": worst.pod.name, "container": worst.name},
    )


def _remedies(workload: Workload, worst: Container) -> tuple[ActionCall, ...]:
    if workload.object.kind not in _RAISABLE:
        return (escalate(workload.ref),)
    return (call("increase_cpu_limit", workload.ref, container=worst.name, factor=_FACTOR), escalate(workload.ref))


def _limit(entry: Container) -> float | None:
    limit = parse_quantity(entry.spec.at("resources", "limits", "cpu"))
    return float(limit) if limit else None


def _key(entry: Container) -> tuple[str, str]:
    return entry.pod.name, entry.name


def _by_container(workload: Workload, asked: Asked) -> dict[tuple[str, str], float]:
    told: Iterable[tuple[tuple[str, str], float]] = (
        ((series.labels.get("pod", ""), series.labels.get("container", "")), series.value)
        for series in workload.scene.measured(asked)
    )
    return dict(told)


CAUSE = Cause(
    id=CauseId("cpu_limit_too_low"),
    title="A container is held back by its own CPU limit",
    faults=(57,),
    needs=("Pod",),
    look_alikes={
        "application_hangs": "it does not answer and uses no CPU either",
        "server_exhausted": "it waits for another server, and its own CPU is idle",
    },
    know="Throttling alone is no fault: a higher limit is worth asking for where latency or probes suffer from it.",
    by_hand=(
        "kubectl -n {namespace} top pod {pod} --containers",
        "kubectl -n {namespace} get {kind}/{name} -o jsonpath='{{.spec.template.spec.containers[*].resources}}'",
    ),
    role=Role.OUTLINE,
    workload=examine,
)
