"""The Kubernetes API refuses the ServiceAccount of a container."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation.complaints import Reading, complained
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.subjects import Workload

_READING = Reading(
    form=re.compile(
        r'is forbidden: User \\?"system:serviceaccount:[\w-]+:[\w.-]+\\?" cannot \w+ '
        r"|(?i:cannot (?:list|get|watch|create|update|patch|delete) resource)"
    ),
    words="{0} is refused by the Kubernetes API ({1})",
    otherwise=(
        "The template did not change: a Role, a ClusterRole or a binding did. Give "
        "back the one verb and resource it names."
    ),
    verdict=Verdict.APPROVE,
)


def examine(workload: Workload) -> Finding | None:
    """The finding when a failing container lacks a right in the API; rights are granted by people."""
    return complained(workload, _READING)


CAUSE = Cause(
    id=CauseId("api_forbidden"),
    title="The Kubernetes API refuses the ServiceAccount of a container",
    faults=(14,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "credentials_refused": "another server refuses",
        "service_account_missing": "the account does not exist, so no pod is made",
    },
    know="Grant the verb and resource that the message names, in the namespace it names, and nothing more.",
    by_hand=(
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
        "kubectl get rolebindings,clusterrolebindings -A -o wide",
        "kubectl auth can-i --list --as=system:serviceaccount:{namespace}:ACCOUNT",
    ),
    narrows=("crash_after_change", "crash_without_change", "init_container_fails"),
    workload=examine,
)
