"""The Kubernetes API refuses the ServiceAccount of a container."""

from __future__ import annotations

import re
from dataclasses import replace

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.investigation import facts
from kubernaut.investigation.complaints import Reading, complained
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call
from kubernaut.investigation.rights import gives
from kubernaut.investigation.subjects import Workload

_REFUSED = re.compile(
    r'User \\?"system:serviceaccount:(?P<place>[\w-]+):(?P<account>[\w.-]+)\\?" cannot (?P<verb>\w+) resource '
    r'\\?"(?P<resource>[\w./-]+)\\?" in API group \\?"(?P<group>[\w.-]*)\\?" in the namespace '
    r'\\?"(?P<inside>[\w-]+)\\?"'
)
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
    found = complained(workload, _READING)
    if found is None or found.verdict is not Verdict.ESCALATE:
        return found
    role = _loose_role(workload, found)
    if role is None:
        return found
    account = workload.template.text("spec", "serviceAccountName")
    text = f"Role {role.name} gives that right, and nothing binds it to anybody"
    # A binding's name is only a name: it is given that of the Role.
    bound = call("restore_role_binding", _account(workload, account), role=role.name, binding=role.name)
    return replace(
        found,
        summary=f"{found.summary} {text}.",
        verdict=Verdict.APPROVE,
        supporting=(*found.supporting, facts.absence(role, "rolebinding", text)),
        remedies=(bound, *found.remedies),
    )


def _loose_role(workload: Workload, found: Finding) -> KubeObject | None:
    """The one narrow Role of the namespace that gives what was refused and that no binding names any more."""
    scene, place = workload.scene, workload.object.namespace
    match = next((match for fact in found.supporting if (match := _REFUSED.search(fact.text))), None)
    account = workload.template.text("spec", "serviceAccountName")
    if (
        match is None
        or (match["place"], match["account"]) != (place, account)
        or not scene.covers("RoleBinding", place)
    ):
        return None
    if match["inside"] != place:
        return None
    bound = {item.text("roleRef", "name") for item in scene.all("RoleBinding", place)}
    fitting = [
        role
        for role in scene.all("Role", place)
        if role.name not in bound and gives(role, match["verb"], match["group"] or "", match["resource"])
    ]
    return fitting[0] if len(fitting) == 1 else None


def _account(workload: Workload, name: str) -> ObjectRef:
    return ObjectRef("v1", "ServiceAccount", workload.object.namespace, name)


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
