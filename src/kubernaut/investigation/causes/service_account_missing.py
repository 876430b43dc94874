"""The pods name a ServiceAccount that does not exist."""

from __future__ import annotations

import re
from dataclasses import replace

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import Treatment, of_pod
from kubernaut.investigation.refusals import refusal, refused
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.subjects import Workload

_FORM = re.compile(r'error looking up service account (?:[\w.-]+/)?([\w.-]+): serviceaccount "[^"]*" not found')
_TREATMENT = Treatment(
    relevant=of_pod("serviceAccountName", "serviceAccount"),
    words="their ServiceAccount does not exist",
    otherwise="The template named it before: it was deleted, and comes back from where it is declared.",
)


def examine(workload: Workload) -> Finding | None:
    """The finding while pods are refused for it; an account that came later than its workload heals by itself."""
    found = refused(workload, _FORM, _TREATMENT)
    said = refusal(workload)
    match = _FORM.search(said.message) if said else None
    if found is None or match is None:
        return None
    scene, place, name = workload.scene, workload.object.namespace, match.group(1)
    there = scene.get("ServiceAccount", place, name)
    if there is not None:
        text = f"ServiceAccount {name} is there by now"
        late = facts.field(there, "metadata.creationTimestamp", text, there.created_at)
        hand = (escalate(workload.ref),)
        return replace(found, verdict=Verdict.ESCALATE, remedies=hand, contradicting=(late,), places={"account": name})
    if scene.covers("ServiceAccount", place, name):
        gone = facts.absence(workload.object, f"serviceaccount/{name}", f"there is no ServiceAccount {name} in {place}")
        found = replace(found, supporting=(*found.supporting, gone))
    return replace(found, places={"account": name})


CAUSE = Cause(
    id=CauseId("service_account_missing"),
    title="The pods' ServiceAccount does not exist",
    faults=(8,),
    needs=("Pod", "ReplicaSet", "Event"),
    look_alikes={
        "self_healed": "the account was made after the workload, and the pods are there by now",
        "image_pull_unauthorized": "the account is there, but names no pull secret",
    },
    know="A ServiceAccount that is made again has another identity: role bindings by name go on, issued tokens do not.",
    by_hand=(
        "kubectl -n {namespace} get serviceaccount {account}",
        "kubectl -n {namespace} get {kind}/{name} -o jsonpath='{{.spec.template.spec.serviceAccountName}}'",
    ),
    workload=examine,
)
