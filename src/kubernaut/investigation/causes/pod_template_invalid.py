"""The API server calls the pods invalid: the template, or what writes it, holds a value that cannot be."""

from __future__ import annotations

import re
from dataclasses import replace

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import Treatment
from kubernaut.investigation.refusals import refused
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.subjects import Workload

_FORM = re.compile(r'Pod "[^"]*" is invalid: |(?:statefulset|pods?) "[^"]*" is invalid: ', re.IGNORECASE)
_TREATMENT = Treatment(
    relevant=lambda _: True,
    words="the API server calls them invalid",
    otherwise="The template did not change: a webhook or the owner writes what is invalid.",
    verdict=Verdict.APPROVE,
)


def examine(workload: Workload) -> Finding | None:
    """The finding when pods are invalid; where an operator's object owns the workload, that one has to be mended."""
    found = refused(workload, _FORM, _TREATMENT)
    owner = workload.object.controller
    if found is None or owner is None:
        return found
    told = facts.field(workload.object, "metadata.ownerReferences", f"{owner.kind} {owner.name} writes the template")
    return replace(
        found,
        summary=f"{found.summary} Mend {owner.kind} {owner.name}: it writes this template again.",
        verdict=Verdict.ESCALATE,
        supporting=(*found.supporting, told),
        remedies=(escalate(workload.ref),),
    )


CAUSE = Cause(
    id=CauseId("pod_template_invalid"),
    title="The API server calls the pods invalid",
    faults=(51, 76),
    needs=("Pod", "ReplicaSet", "Event"),
    look_alikes={
        "webhook_denies": "a policy denies a pod that is valid",
        "pod_security_forbids": "the values are possible, and not allowed here",
    },
    know="A Deployment's template is checked when it is written; an operator's object often is not.",
    by_hand=(
        "kubectl -n {namespace} get events --field-selector reason=FailedCreate",
        "kubectl -n {namespace} get {kind}/{name} -o yaml",
    ),
    workload=examine,
)
