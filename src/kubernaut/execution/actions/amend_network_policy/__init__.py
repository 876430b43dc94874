"""Takes away or narrows a network policy that was newly added and blocks what worked before."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta

from kubernaut.domain.changes import ObjectDeletion
from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.marks import marked_as_intended
from kubernaut.execution.selection import selects
from kubernaut.execution.targets import again, creation, find
from kubernaut.resources import POD

# A namespace that began with its policies never had the traffic that they forbid.
_BEGAN_WITH_IT = timedelta(minutes=10)


class PolicyParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """What of it goes, and how new it has to be."""

    drop: Annotated[Literal["all", "Ingress", "Egress"], Meta(description="the whole policy, or one direction")]
    added_within_h: Annotated[int, Meta(ge=1, le=168, description="hours in which it was added")] = 24


async def prepare(on: Situation[PolicyParameters]) -> Prepared | Refused:
    """One direction less, or the policy deleted; its content is kept for the way back."""
    policy = await find(on, _intended)
    if isinstance(policy, Refused):
        return policy
    refusal = await _not_new(on, policy)
    if refusal:
        return refusal
    pods = (await on.reader.list(POD, policy.namespace)).items
    covered = sum(selects(policy.tree("spec", "podSelector"), pod.labels) for pod in pods)
    if covered == 0:
        return Refused("no_effect", f"{policy.ref} covers no pod")
    reach = f"{covered} of {len(pods)} pods of namespace {policy.namespace}"
    types, drop = policy.texts("spec", "policyTypes") or ["Ingress"], on.parameters.drop
    if drop == "all" or types == [drop]:
        back = creation(policy.ref, again(policy), on.now, f"undo-{policy.uid}")
        return Prepared(policy, ObjectDeletion(policy.ref, policy.uid), f"{reach} are not covered any more", back=back)
    if drop not in types:
        return Refused("no_effect", f"{policy.ref} does not restrict {drop}")
    kept = [kind for kind in types if kind != drop]
    return Prepared(policy, edit(policy, setting(policy, [*kept], "spec", "policyTypes")), f"{drop} of {reach}")


async def _not_new(on: Situation[PolicyParameters], policy: KubeObject) -> Refused | None:
    made = policy.created_at
    if made is None or on.now - made > timedelta(hours=on.parameters.added_within_h):
        return Refused("not_new", f"{policy.ref} was not added within the last {on.parameters.added_within_h} h")
    namespace = await on.reader.get(ObjectRef("v1", "Namespace", "", policy.namespace))
    began = namespace.created_at if namespace else None
    if began is None or made - began < _BEGAN_WITH_IT:
        return Refused("never_open", f"namespace {policy.namespace} began with {policy.ref}: it had no traffic before")
    return None


def _intended(policy: KubeObject) -> Refused | None:
    mark = marked_as_intended(policy)
    return Refused("intended", f"{policy.ref} is meant: it has {mark}") if mark else None


ACTION = Action[PolicyParameters](
    id=ActionId("amend_network_policy"),
    summary="takes away a network policy that was newly added and blocks, or one direction of it",
    targets=("NetworkPolicy",),
    parameters=PolicyParameters,
    when="traffic that worked fails since a policy was added, and the policy covers the pods",
    never="an old policy, one that is meant, or in a namespace that began with it; always with approval",
    before="same uid; newly added, to a namespace that was there before; it covers pods; owner free",
    risk=Risk.HIGH,
    undo="policy back to the snapshot, or made again as it was",
    approval=True,
    reads=(
        Rule("networking.k8s.io", "networkpolicies", ("get",)),
        Rule("", "namespaces", ("get",)),
        Rule("", "pods", ("list",)),
    ),
    writes=(Rule("networking.k8s.io", "networkpolicies", ("patch", "delete", "create")),),
    prepare=prepare,
)
