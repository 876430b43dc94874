"""A NetworkPolicy cuts the pods of a failing workload off."""

from __future__ import annotations

import re
from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.ownership import keeper_of
from kubernaut.domain.provenance import last_writer
from kubernaut.investigation import facts
from kubernaut.investigation.complaints import Complaint, complaints, unready
from kubernaut.investigation.condition import is_under_way
from kubernaut.investigation.crashes import crashed
from kubernaut.investigation.dependencies import called
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.hearsay import SILENT, said_about
from kubernaut.investigation.intent import marked_pause
from kubernaut.investigation.networking import admits, policies_on
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.revisions import spell
from kubernaut.investigation.subjects import Service, Workload

_FORM = re.compile(
    r"(?i)i/o timeout|timed? ?out|deadline exceeded|ETIMEDOUT|no route to host|temporary failure in name resolution"
    r"|EAI_AGAIN|connection refused"
)
_NEW = timedelta(hours=24)
_BEGAN_WITH_IT = timedelta(minutes=10)


def examine(workload: Workload) -> Finding | None:
    """The finding when a young policy selects the pods and allows nothing in a direction, and their calls time out."""
    labels = workload.template.mapping("metadata", "labels")
    failing = [*crashed(workload), *unready(workload)]
    said = next(complaints(workload, _FORM, failing), None)
    if said is None:
        return _overheard(workload)
    if is_under_way(workload):
        return None
    for policy in workload.scene.all("NetworkPolicy", workload.object.namespace):
        closed = _closed(policy)
        if not closed or not _selects(policy, labels) or not _is_new(workload, policy):
            continue
        author, made = last_writer(policy, "spec"), policy.created_at
        by = f", written {author}" if author else ""
        amended = (call("amend_network_policy", policy.ref, drop=_part(closed)),) if _opened(workload, policy) else ()
        age = f" It was made {spell(workload.scene.now - made)} ago{by}." if made and workload.scene.now > made else ""
        text = f"NetworkPolicy {policy.name} selects these pods and allows no {' and no '.join(closed)}"
        return Finding(
            target=workload.ref,
            summary=f"{workload.title}: {text}, and {said.container.label} cannot reach what it calls.{age}",
            verdict=Verdict.APPROVE if amended else Verdict.ESCALATE,
            supporting=(
                facts.field(policy, "spec", text),
                said.fact,
                facts.change(policy, "metadata.creationTimestamp", f"NetworkPolicy {policy.name} is new{by}", made),
            ),
            remedies=(*amended, escalate(workload.ref)),
            places={"policy": policy.name, "pod": said.container.pod.name, "container": said.container.name},
        )
    return _shut_out(workload, said)


def _shut_out(workload: Workload, said: Complaint) -> Finding | None:
    """The finding when pods that it calls are selected by a young policy, and no policy on them lets it in."""
    own = workload.template.mapping("metadata", "labels")
    home = workload.scene.get("Namespace", "", workload.object.namespace)
    for other in called(workload):
        labels, place = other.template.mapping("metadata", "labels"), other.object.namespace
        policies = policies_on(workload.scene, place, labels, "Ingress")
        new = [policy for policy in policies if _is_new(other, policy) and _is_new(workload, policy)]
        if not new or any(admits(policy, own, home) for policy in policies):
            continue
        policy, author = new[0], last_writer(new[0], "spec")
        by = f", written {author}" if author else ""
        text = f"NetworkPolicy {policy.name} selects the pods of {other.title} and lets none of these in"
        age = f" It was made {spell(workload.scene.now - policy.created_at)} ago{by}." if policy.created_at else ""
        new_one = f"NetworkPolicy {policy.name} is new{by}"
        return Finding(
            target=workload.ref,
            summary=f"{workload.title}: {text}, and {said.container.label} cannot reach what it calls.{age}",
            verdict=Verdict.ESCALATE,
            supporting=(
                facts.field(policy, "spec.ingress", text),
                said.fact,
                facts.change(policy, "metadata.creationTimestamp", new_one, policy.created_at),
            ),
            remedies=(escalate(workload.ref),),
            places={"policy": policy.name, "pod": said.container.pod.name, "container": said.container.name},
        )
    return None


def _overheard(workload: Workload) -> Finding | None:
    """The finding for pods that are well, of which others are quoted to get no answer, and a policy lets none in."""
    scene, place = workload.scene, workload.object.namespace
    if not scene.heard:
        return None
    services = [Service(scene, item) for item in scene.all("Service", place)]
    names = {workload.object.name, *(each.object.name for each in services if workload.object in each.workloads)}
    said = next((line for name in sorted(names) for line in said_about(scene, name, place, SILENT)), None)
    labels = workload.template.mapping("metadata", "labels")
    for policy in scene.all("NetworkPolicy", place) if said else ():
        if said is None or "ingress" not in _closed(policy) or not _selects(policy, labels):
            continue
        made = policy.created_at
        age = f" It was made {spell(scene.now - made)} ago." if made and scene.now > made else ""
        text = f"NetworkPolicy {policy.name} selects these pods and allows no {' and no '.join(_closed(policy))}"
        caller = f"{said.pod.kind} {said.pod.name} in {said.pod.namespace}"
        return Finding(
            target=workload.ref,
            summary=f"{workload.title}: {text}, and {caller} gets no answer from it.{age}",
            verdict=Verdict.ESCALATE,
            supporting=(facts.field(policy, "spec", text), facts.log(said)),
            remedies=(escalate(workload.ref),),
            places={"policy": policy.name, "pod": "POD", "container": ""},
        )
    return None


def _opened(workload: Workload, policy: KubeObject) -> bool:
    """Whether the namespace had traffic before the policy: one that began with it was never open.

    A policy that somebody keeps or means is not taken away.
    """
    namespace = workload.scene.get("Namespace", "", policy.namespace)
    began, made = (namespace.created_at if namespace else None), policy.created_at
    if keeper_of(policy) or policy.controller or marked_pause(policy):
        return False
    return began is not None and made is not None and made - began >= _BEGAN_WITH_IT


def _part(closed: list[str]) -> str:
    """The direction that is closed, or all of the policy where both are."""
    return closed[0].capitalize() if len(closed) == 1 else "all"


def _closed(policy: KubeObject) -> list[str]:
    """The directions in which the policy allows nothing at all."""
    kinds = policy.texts("spec", "policyTypes") or ["Ingress", *(["Egress"] if policy.has("spec", "egress") else [])]
    return [kind.lower() for kind in kinds if not policy.at("spec", kind.lower())]


def _selects(policy: KubeObject, labels: dict[str, str]) -> bool:
    wanted = policy.mapping("spec", "podSelector", "matchLabels")
    return not policy.trees("spec", "podSelector", "matchExpressions") and wanted.items() <= labels.items()


def _is_new(workload: Workload, policy: KubeObject) -> bool:
    """Whether it is younger than the workload and than a day: an old one was there when all was well."""
    made, born = policy.created_at, workload.object.created_at
    if made is None or workload.scene.now - made > _NEW:
        return False
    return born is None or made > born


CAUSE = Cause(
    id=CauseId("network_policy_blocks"),
    title="A new NetworkPolicy cuts the pods off",
    faults=(87,),
    needs=("Pod", "NetworkPolicy"),
    look_alikes={
        "dns_fails": "no policy selects the pods, and names are not resolved",
        "crash_without_change": "the policy is older than the trouble, or allows what is called",
    },
    know="Policies only add up what is allowed: another policy may allow it, so look at all that select the pods.",
    by_hand=(
        "kubectl -n {namespace} describe networkpolicy {policy}",
        "kubectl -n {namespace} logs {pod} -c {container} --tail=20",
    ),
    narrows=("crash_without_change", "dns_fails"),
    is_symptom=True,
    workload=examine,
)
