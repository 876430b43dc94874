"""An admission webhook or policy answers, and denies the pods."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import Treatment
from kubernaut.investigation.refusals import refused
from kubernaut.investigation.subjects import Workload

_FORM = re.compile(
    r"admission webhook \"[^\"]*\" denied the request|ValidatingAdmissionPolicy '[^']*'.* denied request"
)
_TREATMENT = Treatment(
    relevant=lambda _: True,
    words="an admission policy denies them",
    otherwise="The template did not change: the policy is new or was changed.",
    verdict=Verdict.APPROVE,
)


def examine(workload: Workload) -> Finding | None:
    """The finding when a webhook or a policy said no; it is somebody's rule, so people decide."""
    return refused(workload, _FORM, _TREATMENT)


CAUSE = Cause(
    id=CauseId("webhook_denies"),
    title="An admission webhook or policy denies the pods",
    faults=(),
    needs=("Pod", "ReplicaSet", "Event"),
    look_alikes={
        "webhook_unavailable": "the webhook gives no answer at all",
        "pod_security_forbids": "the API server's own Pod Security refuses",
    },
    know="The text after 'denied the request' is the policy's own: it names the rule that has to be met.",
    by_hand=(
        "kubectl -n {namespace} get events --field-selector reason=FailedCreate",
        "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations,validatingadmissionpolicies",
    ),
    workload=examine,
)
