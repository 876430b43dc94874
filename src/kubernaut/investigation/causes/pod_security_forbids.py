"""The namespace's security level forbids the pods."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import Treatment, of_pod
from kubernaut.investigation.refusals import refused
from kubernaut.investigation.subjects import Workload

_FORM = re.compile(r'violates PodSecurity "|unable to validate against any security context constraint')
_TREATMENT = Treatment(
    relevant=of_pod(
        "securityContext", "capabilities", "hostNetwork", "hostPID", "hostIPC", "hostPath", "hostPort", "volumes"
    ),
    words="the namespace's Pod Security level forbids them",
    otherwise="The template did not change: the namespace's level is stricter than when the running pods were made.",
    verdict=Verdict.APPROVE,
)


def examine(workload: Workload) -> Finding | None:
    """The finding when Pod Security refuses; the level is a decision of the namespace's owner."""
    return refused(workload, _FORM, _TREATMENT)


CAUSE = Cause(
    id=CauseId("pod_security_forbids"),
    title="The namespace's Pod Security level forbids the pods",
    faults=(9,),
    needs=("Pod", "ReplicaSet", "Event"),
    look_alikes={
        "webhook_denies": "a policy engine's webhook refuses, not the API server itself",
        "limit_range_violated": "the size is refused, not a privilege",
    },
    know="The level is checked when a pod is made: pods that run already go on until one of them is replaced.",
    by_hand=(
        "kubectl get namespace {namespace} --show-labels",
        "kubectl -n {namespace} get events --field-selector reason=FailedCreate",
        "kubectl -n {namespace} get {kind}/{name} -o jsonpath='{{.spec.template.spec}}'",
    ),
    workload=examine,
)
