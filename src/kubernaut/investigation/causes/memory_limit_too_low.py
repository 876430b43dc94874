"""A container is killed because its own memory limit is below what it needs."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from kubernaut.domain.diagnosis import ActionCall, CauseId, Verdict
from kubernaut.domain.measures import MEMORY_USED
from kubernaut.domain.quantities import parse_quantity
from kubernaut.investigation import facts
from kubernaut.investigation.containers import EPHEMERAL, RECENT, Container
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate, roll_back
from kubernaut.investigation.revisions import GoodRevision, spell
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import Difference

FACTOR = 2.0
_CURRENT = timedelta(hours=1)
_LEAK = timedelta(hours=1)
# Of an hour of memory: enough values to tell a slope from a step, and what counts as rising in a quarter of them.
_MEASURED = 20
_RISE = 1.05
_RAISABLE = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


def examine(workload: Workload) -> Finding | None:
    """The finding when the kernel killed a container at its own limit within the last hour, running again or not."""
    killed = [container for container in workload.containers if _is_current(workload, container)]
    if not killed:
        return None
    worst = max(killed, key=lambda container: (container.restarts, container.pod.name))
    limit = worst.spec.at("resources", "limits", "memory")
    size = parse_quantity(limit)
    if size is None:
        return None if worst.is_spec_read else _unread(workload, worst, killed)
    lowered = _lowered(workload, worst, size)
    against = _against(workload, worst, size)
    remedies = _remedies(workload, worst, lowered)
    verdict = Verdict.ACT if remedies[0].action != "escalate" else Verdict.ESCALATE
    told = (workload.change_fact(lambda part: part.touches("resources")),) if lowered else ()
    words = f" Revision {lowered.revision.number} had a higher limit and worked." if lowered else ""
    return Finding(
        target=workload.ref,
        summary=(
            f"{workload.title}: {worst.label} is killed at its own memory limit of {limit}, "
            f"{worst.restarts} restarts.{words}"
        ),
        verdict=verdict,
        supporting=(*_support(workload, worst, killed), *(fact for fact in told if fact), *_proof(lowered)),
        contradicting=tuple(against),
        remedies=remedies,
        places={"pod": worst.pod.name, "container": worst.name},
    )


def _unread(workload: Workload, worst: Container, killed: list[Container]) -> Finding:
    """What is said where a ticket shows the end of a container and not what it may use."""
    fact = _ended(workload, worst, killed)
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: {worst.label} is killed for its memory{worst.restarted}. Its limit is not shown.",
        verdict=Verdict.ESCALATE,
        supporting=(fact, *(facts.event(entry) for entry in workload.scene.events_of(worst.pod, "OOMKilling")[:1])),
        remedies=(escalate(workload.ref),),
        places={"pod": worst.pod.name, "container": worst.name},
    )


def _is_current(workload: Workload, container: Container) -> bool:
    if container.role == EPHEMERAL or not container.is_out_of_memory or container.ended is None:
        return False
    if container.waiting or not container.is_running:
        return True
    finished = container.ended.time("finishedAt")
    return finished is not None and workload.scene.now - finished <= _CURRENT


def _ended(workload: Workload, worst: Container, killed: list[Container]) -> Fact:
    ended = worst.ended
    finished = ended.time("finishedAt") if ended else None
    pods = len({container.pod.name for container in killed})
    text = f"{worst.label}: OOMKilled, exit code {worst.exit_code}{worst.restarted}"
    text += f", {pods} of {len(workload.pods)} pods"
    return facts.field(worst.pod, worst.ended_path, text, finished)


def _support(workload: Workload, worst: Container, killed: list[Container]) -> list[Fact]:
    limit = worst.spec.at("resources", "limits", "memory")
    # Of a workload that only a name tells of, the pod shows it.
    holder = worst.pod if workload.ref in workload.scene.partial else workload.object
    found = [
        _ended(workload, worst, killed),
        facts.field(holder, f"spec.containers[{worst.name}].resources.limits.memory", f"limit {limit}"),
    ]
    found += [facts.event(entry) for entry in workload.scene.events_of(worst.pod, "BackOff", "OOMKilling")[:1]]
    return found


def _lowered(workload: Workload, worst: Container, size: Decimal) -> GoodRevision | None:
    """The revision before, where the last change did nothing but lower this limit."""
    change = workload.change
    if change is None or not change.real:
        return None
    if not all(part.is_in(worst.name) and part.touches("resources") for part in change.real):
        return None

    def lowers(part: Difference) -> bool:
        return part.is_in(worst.name) and part.touches("memory", "limits", "resources")

    good = workload.good_revision(lowers)
    if good is None:
        return None
    former = next(
        (entry for entry in good.revision.template.trees("spec", "containers") if entry.text("name") == worst.name),
        None,
    )
    before = former.at("resources", "limits", "memory") if former else None
    higher = parse_quantity(before)
    return good if former is not None and (before is None or (higher is not None and higher > size)) else None


def _proof(good: GoodRevision | None) -> tuple[Fact, ...]:
    return (good.proof,) if good else ()


def _remedies(workload: Workload, worst: Container, lowered: GoodRevision | None) -> tuple[ActionCall, ...]:
    if workload.object.kind not in _RAISABLE:
        return (escalate(workload.ref),)
    raised = call("increase_memory_limit", workload.ref, container=worst.name, factor=FACTOR)
    if lowered is None:
        return (raised,)
    return (roll_back(workload, lowered.revision.number), raised)


def _against(workload: Workload, worst: Container, size: Decimal) -> list[Fact]:
    return [
        *_node_pressure(workload, worst),
        *_leak(worst),
        *grows(workload, worst),
        *_recovery(workload, worst),
        *_rewritten(workload, worst),
        *_no_room(workload, size),
    ]


def _node_pressure(workload: Workload, worst: Container) -> list[Fact]:
    """That the node itself is short of memory: then the limit may not be what killed it."""
    node = workload.scene.get("Node", "", worst.pod.text("spec", "nodeName"))
    state = node.condition("MemoryPressure") if node else None
    if node is None or state is None or state.text("status") != "True":
        return []
    return [facts.field(node, "status.conditions[MemoryPressure]", f"node is short of memory: {state.text('message')}")]


def _leak(worst: Container) -> list[Fact]:
    """That it ran for long before: a leak, which a higher limit only puts off."""
    ended = worst.ended
    started, finished = (ended.time("startedAt"), ended.time("finishedAt")) if ended else (None, None)
    if started is None or finished is None or finished - started < _LEAK:
        return []
    text = f"{worst.label} ran for {spell(finished - started)} before it was killed, as with a leak"
    return [facts.field(worst.pod, f"{worst.ended_path}.startedAt", text, started)]


def grows(workload: Workload, worst: Container) -> list[Fact]:
    """That its memory rose all the time it was measured, instead of standing at what the work needs."""
    asked = MEMORY_USED.of(namespace=workload.object.namespace, pod=worst.pod.name, container=worst.name)
    values = [value for series in workload.scene.measured(asked)[:1] for _, value in series.points]
    quarters = [values[len(values) * part // 4] for part in range(4)] + values[-1:] if len(values) >= _MEASURED else []
    if not quarters or any(after <= before * _RISE for before, after in pairwise(quarters)):
        return []
    first, last = (f"{value / 2**20:.0f} MiB" for value in (quarters[0], quarters[-1]))
    return [
        facts.measured(worst.pod, asked, f"{worst.label} grew from {first} to {last} without a stop, as a leak does")
    ]


def _recovery(workload: Workload, worst: Container) -> list[Fact]:
    """That it happened once and the container has run well since: it may have been a single peak."""
    since = worst.running_since
    if not worst.is_ready or worst.restarts > 1 or since is None or workload.scene.now - since < RECENT:
        return []
    text = f"{worst.label} was restarted once and runs well for {spell(workload.scene.now - since)}"
    return [facts.field(worst.pod, f"status.{worst.status_list}[{worst.name}].state.running", text, since)]


def _rewritten(workload: Workload, worst: Container) -> list[Fact]:
    """That something gave the pod another limit than its template: there the limit cannot be raised."""
    part = "initContainers" if worst.status_list == "initContainerStatuses" else "containers"
    wanted = next((entry for entry in workload.template.trees("spec", part) if entry.text("name") == worst.name), None)
    if wanted is None or workload.object.kind == "Pod":
        return []
    declared, real = wanted.at("resources", "limits", "memory"), worst.spec.at("resources", "limits", "memory")
    if parse_quantity(declared) == parse_quantity(real):
        return []
    text = f"the pod has limit {real}, its template {declared or 'none'}: set by a LimitRange or an admission webhook"
    return [facts.field(worst.pod, f"spec.{part}[{worst.name}].resources.limits.memory", text)]


def _no_room(workload: Workload, size: Decimal) -> list[Fact]:
    """That the quota would not allow twice the limit for every pod."""
    found = []
    more = size * Decimal(FACTOR - 1) * max(workload.desired, 1)
    for quota in workload.scene.all("ResourceQuota", workload.object.namespace):
        hard = parse_quantity(quota.at("status", "hard", "limits.memory"))
        used = parse_quantity(quota.at("status", "used", "limits.memory"))
        if hard is not None and used is not None and used + more > hard:
            left = f"{int(used)} of {int(hard)} bytes used"
            text = f"quota limits.memory: {left}, twice the limit does not fit"
            found.append(facts.field(quota, "status.used[limits.memory]", text))
    return found


CAUSE = Cause(
    id=CauseId("memory_limit_too_low"),
    title="A container is killed at its own memory limit",
    faults=(13, 54, 55),
    needs=("Pod",),
    look_alikes={
        "crash_without_change": "exit code 137 without the reason OOMKilled: killed by a probe, the node or by hand",
        "node_not_ready": "evicted or killed because the node is out of memory: no own limit is reached",
    },
    know="A limit that is reached after hours points to a leak: a higher limit only puts it off.",
    by_hand=(
        "kubectl -n {namespace} top pod {pod} --containers",
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} get {kind}/{name} -o jsonpath='{{.spec.template.spec.containers[*].resources}}'",
    ),
    narrows=("job_failed",),
    workload=examine,
)
