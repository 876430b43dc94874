"""A service mesh refuses a call: by a policy, or because one side is not part of it."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation.complaints import Reading, complained
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.subjects import Workload

_READING = Reading(
    form=re.compile(
        r"RBAC: access denied|upstream connect error or disconnect/reset before headers|no healthy upstream"
        r"|rbac_access_denied_matched_policy"
    ),
    words="{0} is refused by the service mesh ({1})",
    otherwise="The template did not change: an authorization or mTLS policy did, or the namespace left the mesh.",
    verdict=Verdict.APPROVE,
)


def examine(workload: Workload) -> Finding | None:
    """The finding when a failing container gets a mesh proxy's answer; policies are security, so people decide."""
    return complained(workload, _READING)


CAUSE = Cause(
    id=CauseId("mesh_denies"),
    title="A service mesh refuses a call",
    faults=(91,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "network_policy_blocks": "the call is dropped and times out, nobody answers",
        "api_forbidden": "the Kubernetes API refuses, not a proxy",
    },
    know="'access denied' is an AuthorizationPolicy; a reset before headers most often is mTLS on one side only.",
    by_hand=(
        "kubectl -n {namespace} get authorizationpolicies,peerauthentications",
        "kubectl get namespace {namespace} --show-labels",
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
    ),
    narrows=("crash_after_change", "crash_without_change", "init_container_fails"),
    is_symptom=True,
    workload=examine,
)
