"""Takes a pod out of its Services and its workload, denies its traffic, and keeps it for a look inside."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef
from kubernaut.domain.workloads import is_ready
from kubernaut.execution.catalogue import Action, NoParameters, Part, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.reaching import share_of_services
from kubernaut.execution.targets import creation, find
from kubernaut.resources import POD, REPLICA_SET, SERVICE

LABEL = "kubernaut.ai/quarantine"


async def prepare(on: Situation[NoParameters]) -> Prepared | Refused:
    """One policy for one pod, and the pod without the labels that its Services and its ReplicaSet select by."""
    pod = await find(on, _cannot_leave)
    if isinstance(pod, Refused):
        return pod
    if LABEL in pod.labels:
        return Refused("no_effect", f"{pod.ref} is in quarantine already")
    services = (await on.reader.list(SERVICE, pod.namespace)).items
    selecting = [each.mapping("spec", "selector") for each in services if _selects(each, pod)]
    sets = (await on.reader.list(REPLICA_SET, pod.namespace)).items
    selecting += [each.mapping("spec", "selector", "matchLabels") for each in sets if each.ref == pod.controller]
    pods = (await on.reader.list(POD, pod.namespace)).items
    if is_ready(pod) and any(not _others(selector, pod, pods) for selector in selecting):
        return Refused("last_ready", f"{pod.ref} is the last ready pod of a Service or of its workload")
    # Every label that anybody selects by goes: the controller lets the pod go and makes another in its place.
    taken = {key for selector in selecting for key in selector}
    kept = {key: value for key, value in pod.labels.items() if key not in taken}
    # A uid is a valid label value, and no other pod has it.
    labels: Json = {**kept, LABEL: pod.uid}
    relabelled = Part(pod, edit(pod, setting(pod, labels, "metadata", "labels")))
    policy = creation(_policy_ref(pod), _denial(pod), on.now, pod.uid)
    reach = f"1 pod; {share_of_services(pod, services, pods)}"
    return Prepared(None, policy, reach, (relabelled,))


def _policy_ref(pod: KubeObject) -> ObjectRef:
    return ObjectRef("networking.k8s.io/v1", "NetworkPolicy", pod.namespace, f"kubernaut-quarantine-{pod.uid}")


def _denial(pod: KubeObject) -> JsonObject:
    selected: JsonObject = {"matchLabels": {LABEL: pod.uid}}
    return {"metadata": {}, "spec": {"podSelector": selected, "policyTypes": ["Ingress", "Egress"]}}


def _cannot_leave(pod: KubeObject) -> Refused | None:
    owner = pod.controller
    if owner is not None and owner.kind != "ReplicaSet":
        text = f"{pod.ref} belongs to a {owner.kind}, which cannot go on without this very pod"
        return Refused("unsupported", text)
    return None


def _selects(service: KubeObject, pod: KubeObject) -> bool:
    selector = service.mapping("spec", "selector")
    return bool(selector) and selector.items() <= pod.labels.items()


def _others(selector: dict[str, str], pod: KubeObject, pods: tuple[KubeObject, ...]) -> bool:
    return any(each.uid != pod.uid and selector.items() <= each.labels.items() and is_ready(each) for each in pods)


ACTION = Action[NoParameters](
    id=ActionId("quarantine_pod"),
    summary="takes a pod out of its Services, denies its traffic, and keeps it for a look inside",
    targets=("Pod",),
    parameters=NoParameters,
    when="one pod behaves so oddly that it must serve nobody, and somebody has to look into it",
    never="the last ready pod of a Service, or a pod of a StatefulSet or DaemonSet",
    before="same uid; of a ReplicaSet or of none; another ready pod in each of its Services",
    risk=Risk.MEDIUM,
    undo="labels back to the snapshot, and the policy deleted; the workload then has a pod too many and ends one",
    reads=(
        Rule("", "pods", ("get", "list")),
        Rule("", "services", ("list",)),
        Rule("apps", "replicasets", ("list",)),
        Rule("networking.k8s.io", "networkpolicies", ("get",)),
    ),
    writes=(Rule("", "pods", ("patch",)), Rule("networking.k8s.io", "networkpolicies", ("create", "delete"))),
    prepare=prepare,
)
