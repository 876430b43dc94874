"""A workload that something depends on was scaled to zero, and nothing says that it should be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.provenance import last_applied, last_writer
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact, event_time
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.hearsay import said_about
from kubernaut.investigation.intent import autoscalers, intended_zero, is_dormant
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.subjects import Service, Workload

_DOWN = re.compile(
    r"Scaled down replica set (\S+) from (\d{1,6}) to 0\b|Scaled down replica set (\S+) to 0(?: from (\d{1,6}))?\b"
)
_DELETED = re.compile(r"delete Pod (\S+)-(\d{1,6}) in StatefulSet")


_SCALED = frozenset({"Deployment", "StatefulSet", "ReplicaSet"})
_TOGETHER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class _Former:
    """How many replicas there were, and what proves it."""

    replicas: int
    proof: Fact


def examine(workload: Workload) -> Finding | None:
    """The finding when replicas are zero without any sign of intent and something needs it or it was just stopped."""
    item = workload.object
    if item.kind not in _SCALED or workload.desired != 0 or intended_zero(workload):
        return None
    former = _former(workload)
    called = _called(workload)
    needed = [*_needed(workload), *called]
    if former is None and not called and (is_dormant(workload.scene, workload) or not needed):
        return None
    scalers = autoscalers(workload)
    number = (
        former.replicas
        if former
        else max((entry.integer("spec", "minReplicas", default=1) for entry in scalers), default=1)
    )
    sure = former is not None and not scalers
    proof = (former.proof,) if former else ()
    owned = tuple(
        facts.field(entry, "spec.scaleTargetRef", f"autoscaler {entry.name} owns its replicas") for entry in scalers
    )
    # Nothing rolls a single ReplicaSet out, and the catalogue has no action for it.
    single = item.kind == "ReplicaSet"
    back = () if single else (call("restore_replicas", item.ref, replicas=max(number, 1)),)
    words = f"It had {number} before." if former else "How many it had is not known."
    return Finding(
        target=item.ref,
        summary=f"{workload.title} has 0 replicas and nothing marks that as intended. {words}",
        verdict=(Verdict.ACT if sure else Verdict.APPROVE) if back else Verdict.ESCALATE,
        supporting=(facts.field(item, "spec.replicas", "replicas: 0"), *proof, *_author(workload), *needed),
        contradicting=owned,
        remedies=(*back, escalate(item.ref)),
        places={"replicas": str(max(number, 1))},
    )


def _former(workload: Workload) -> _Former | None:
    """The last count above zero, by an event about the present revision or by what was applied."""
    ways = {"Deployment": _by_events, "StatefulSet": _by_deletions, "ReplicaSet": _by_removals}
    by_event = ways[workload.object.kind](workload)
    if by_event:
        return by_event
    applied = last_applied(workload.object)
    if applied is None:
        return None
    # Left out of a manifest, it means one, or that somebody else decides: only a written number proves anything.
    number = applied.integer("spec", "replicas")
    path = "metadata.annotations[last-applied]"
    return (
        _Former(number, facts.field(workload.object, path, f"applied with replicas: {number}")) if number > 0 else None
    )


def _by_events(workload: Workload) -> _Former | None:
    """`Scaled down replica set x to 0 from 3`, of the newest ReplicaSet: every rollout says it of the older ones."""
    newest = workload.revisions[0].source.name if workload.revisions else ""
    for entry in workload.scene.events_of(workload.object, "ScalingReplicaSet"):
        match = _DOWN.search(entry.text("message"))
        if not match or newest not in ("", match.group(1), match.group(3)):
            continue
        count = int(match.group(2) or match.group(4) or 0)
        if count > 0:
            return _Former(count, facts.event(entry))
    return None


def _by_deletions(workload: Workload) -> _Former | None:
    found = []
    for entry in workload.scene.events_of(workload.object, "SuccessfulDelete"):
        match = _DELETED.search(entry.text("message"))
        if match and match.group(1) == workload.object.name:
            found.append((int(match.group(2)), str(event_time(entry)), entry))
    if not found:
        return None
    ordinal, _, entry = max(found, key=lambda item: item[:2])
    return _Former(ordinal + 1, facts.event(entry))


def _by_removals(workload: Workload) -> _Former | None:
    """A ReplicaSet says of each pod that it removed; those of the last time it did so are counted."""
    removed = [entry for entry in workload.scene.events_of(workload.object, "SuccessfulDelete") if event_time(entry)]
    latest = max((at for entry in removed if (at := event_time(entry))), default=None)
    together = [entry for entry in removed if (at := event_time(entry)) and latest and latest - at <= _TOGETHER]
    return _Former(len(together), facts.event(together[0])) if together else None


def _author(workload: Workload) -> list[Fact]:
    author = last_writer(workload.object, "spec", "replicas")
    text = f"replicas were written {author}"
    return [facts.change(workload.object, "metadata.managedFields", text, author.at)] if author else []


def _needed(workload: Workload) -> list[Fact]:
    """The Services that have nobody left to send to."""
    labels = workload.template.mapping("metadata", "labels")
    found = []
    for item in workload.scene.all("Service", workload.object.namespace):
        service = Service(workload.scene, item)
        if service.selector and service.selector.items() <= labels.items() and not service.selected:
            found.append(facts.field(item, "spec.selector", f"Service {item.name} selects its pods and has none"))
    return found[:2]


def _called(workload: Workload) -> list[Fact]:
    """What its callers are quoted with, by the Services that it stands behind."""
    scene, place = workload.scene, workload.object.namespace
    services = [Service(scene, item) for item in scene.all("Service", place)] if scene.heard else []
    behind = [each.object for each in services if workload.object in each.workloads]
    return [facts.log(line) for item in behind for line in said_about(scene, item.name, place)][:2]


CAUSE = Cause(
    id=CauseId("scaled_to_zero"),
    title="Scaled to zero without a sign of intent",
    faults=(66,),
    needs=("Deployment", "StatefulSet", "ReplicaSet", "Pod", "Service", "HorizontalPodAutoscaler", "Event"),
    look_alikes={
        "intended_state": "an annotation, KEDA, a downscaler, an owner or the applied manifest wants zero",
        "rollout_in_progress": "'Scaled down … to 0' is said of every older ReplicaSet in a rollout",
    },
    know="Who scaled it is in managedFields; kubectl scale leaves the manager kubectl and the subresource scale.",
    by_hand=(
        "kubectl -n {namespace} get {kind}/{name} -o yaml --show-managed-fields",
        "kubectl -n {namespace} scale {kind}/{name} --replicas={replicas}",
    ),
    workload=examine,
)
