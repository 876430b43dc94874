"""Pods must stand beside, or away from, pods that leave no node for them."""

from __future__ import annotations

import re
from dataclasses import replace

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.provenance import last_writer
from kubernaut.investigation import facts
from kubernaut.investigation.containers import is_ready
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.intent import autoscalers
from kubernaut.investigation.origin import Treatment, is_young, of_pod
from kubernaut.investigation.remedies import call, way_back
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.unplaced import placed_nowhere

_FORM = re.compile(r"didn't (?:match pod|satisfy existing pods) (?:anti-)?affinity")
_SCALABLE = frozenset({"Deployment", "StatefulSet"})
_TREATMENT = Treatment(
    relevant=of_pod("podAntiAffinity", "podAffinity", "affinity"),
    words="their required pod affinity leaves none",
    otherwise="The rule is as old as the pods that run: there are more replicas than places, or a place was lost.",
)


def examine(workload: Workload) -> Finding | None:
    """The finding when required pod affinity or anti-affinity decides."""
    found = placed_nowhere(workload, _FORM, _TREATMENT)
    apart = found is not None and "anti-affinity" in found.summary
    handed_over = found is not None and found.verdict is Verdict.ESCALATE and not is_young(workload)
    if found is not None and apart and handed_over and _is_held_by_former(workload):
        return _back_to_former(workload, found)
    scaled = _scaled(workload) if found else None
    if found is None or scaled is None:
        return found
    placed = len(workload.live) - len(workload.pending)
    return replace(
        found,
        summary=f"{found.summary} {placed} have a place, and it was scaled to {workload.desired} afterwards.",
        verdict=Verdict.ACT,
        supporting=(*found.supporting, scaled),
        remedies=(call("scale_workload", workload.ref, replicas=placed), *found.remedies),
    )


def _is_held_by_former(workload: Workload) -> bool:
    """Whether the pods of the revision before have all the places, and an update must not remove one of them first."""
    former = sum(revision.available for revision in workload.revisions[1:])
    waiting = bool(workload.pods) and len(workload.pending) == len(workload.pods)
    return workload.object.kind == "Deployment" and waiting and former >= workload.desired > 0


def _back_to_former(workload: Workload, found: Finding) -> Finding:
    """What serves is kept: the release waits until its strategy lets a former pod go first."""
    back = way_back(workload, lambda _: True, verdict=Verdict.APPROVE)
    words = "The pods of the former revision hold all the places, and the strategy removes none of them first."
    return replace(
        found,
        summary=f"{found.summary} {words} {back.words}",
        verdict=back.verdict,
        supporting=(*found.supporting, *back.facts),
        remedies=back.remedies,
    )


def _scaled(workload: Workload) -> Fact | None:
    """That it was given more replicas than there are places after all else was well: then fewer are the way back."""
    item, change = workload.object, workload.change
    author = last_writer(item, "spec", "replicas")
    placed = [pod for pod in workload.live if pod not in workload.pending]
    if item.kind not in _SCALABLE or autoscalers(workload) or author is None or author.at is None:
        return None
    later = author.at > (change.at if change and change.at else item.created_at or author.at)
    if not later or not placed or not all(is_ready(pod) and pod in workload.pods for pod in placed):
        return None
    return facts.change(item, "spec.replicas", f"replicas were written {author}, after the template", author.at)


CAUSE = Cause(
    id=CauseId("unschedulable_pod_affinity"),
    title="Pods must stand beside, or away from, pods that leave no node for them",
    faults=(23,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "unschedulable_node_selector": "the rule is about the labels of nodes, not about other pods",
        "topology_spread_blocks": "the rule is about an even spread",
        "insufficient_resources": "there are places, without room",
    },
    know="Required anti-affinity on host names allows one replica a node: more need the preferred form.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} get pods -o wide",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    workload=examine,
)
