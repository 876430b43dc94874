"""The pods name a PersistentVolumeClaim that does not exist."""

from __future__ import annotations

import re
from dataclasses import replace

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.quantities import parse_quantity
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import Treatment, of_pod
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.things import CLAIM
from kubernaut.investigation.unplaced import placed_nowhere, unplaced

_FORM = re.compile(r'persistentvolumeclaim "([^"]+)" not found')
_TREATMENT = Treatment(
    relevant=of_pod("persistentVolumeClaim", "claimName", "volumes"),
    words="a claim that they mount does not exist",
    otherwise="The template named it before: the claim was deleted, or never made.",
)


def examine(workload: Workload) -> Finding | None:
    """The finding while the claim is not there; a claim that came meanwhile is waited for."""
    found, said = placed_nowhere(workload, _FORM, _TREATMENT), unplaced(workload)
    match = _FORM.search(said.message) if said else None
    if found is None or match is None:
        return None
    scene, place, name = workload.scene, workload.object.namespace, match.group(1)
    there = scene.get(CLAIM, place, name)
    if there is not None:
        text = f"PersistentVolumeClaim {name} is there by now"
        return replace(found, contradicting=(facts.field(there, "metadata.creationTimestamp", text, there.created_at),))
    if scene.covers(CLAIM, place, name):
        text = f"there is no PersistentVolumeClaim {name} in {place}"
        gone = facts.absence(workload.object, f"persistentvolumeclaim/{name}", text)
        full = _full(workload)
        found = replace(found, supporting=(*found.supporting, gone, *full))
        if full and found.verdict is Verdict.ACT:
            # It was meant to be made and was refused: whether to give room or to go back is the owner's word.
            found = replace(found, verdict=Verdict.APPROVE)
    return replace(found, places={**found.places, "claim": name})


def _full(workload: Workload) -> list[Fact]:
    """That the quota has no room for another claim: then making it is what failed."""
    found = []
    for quota in workload.scene.all("ResourceQuota", workload.object.namespace):
        for name in quota.mapping("status", "hard"):
            if not name.endswith(("persistentvolumeclaims", "requests.storage")):
                continue
            hard, used = (
                parse_quantity(quota.at("status", "hard", name)),
                parse_quantity(quota.at("status", "used", name)),
            )
            if hard is not None and used is not None and used >= hard:
                text = f"quota {quota.name}: {name} is used up"
                found.append(facts.field(quota, f"status.used[{name}]", text))
    return found[:1]


CAUSE = Cause(
    id=CauseId("claim_missing"),
    title="The pods mount a PersistentVolumeClaim that does not exist",
    faults=(6, 27),
    needs=("Pod", "ReplicaSet", CLAIM),
    look_alikes={
        "claim_unbound": "the claim is there and gets no volume",
        "missing_configmap": "the pods have a node, and a ConfigMap or Secret is missing",
    },
    know="A claim that is made anew is empty: find out first whether the name is wrong or the claim was deleted.",
    by_hand=(
        "kubectl -n {namespace} get persistentvolumeclaims",
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    workload=examine,
)
