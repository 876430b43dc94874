"""Deletes the pods of a workload that were evicted and will never run again."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kubernaut.domain.changes import ObjectDeletion
from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.execution.catalogue import Action, Parameters, Part, Prepared, Risk, Rule, Situation
from kubernaut.execution.targets import WORKLOADS, find, workload_rules
from kubernaut.resources import POD, REPLICA_SET


class EvictedParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """How many at once."""

    most: Annotated[int, Meta(ge=1, le=200, description="most pods, the oldest first")] = 50


async def prepare(on: Situation[EvictedParameters]) -> Prepared | Refused:
    """One deletion a pod, each for itself: one that cannot be deleted keeps no other."""
    workload = await find(on)
    if isinstance(workload, Refused):
        return workload
    owners = {workload.ref}
    if workload.kind == "Deployment":
        sets = (await on.reader.list(REPLICA_SET, workload.namespace)).items
        owners |= {each.ref for each in sets if each.controller == workload.ref}
    pods = [pod for pod in (await on.reader.list(POD, workload.namespace)).items if _is_evicted(pod, owners)]
    if not pods:
        return Refused("no_effect", f"{workload.ref} has no evicted pods")
    pods.sort(key=lambda pod: (pod.text("metadata", "creationTimestamp"), pod.name))
    chosen = pods[: on.parameters.most]
    whole, *further = [Part(pod, ObjectDeletion(pod.ref, pod.uid)) for pod in chosen]
    reach = f"{len(chosen)} of {len(pods)} evicted pods, none of which runs"
    return Prepared(whole.before, whole.change, reach, tuple(further), together=False)


def _is_evicted(pod: KubeObject, owners: set[ObjectRef]) -> bool:
    ended = (pod.text("status", "phase"), pod.text("status", "reason")) == ("Failed", "Evicted")
    return ended and pod.controller in owners and not pod.has("metadata", "deletionTimestamp")


ACTION = Action[EvictedParameters](
    id=ActionId("delete_evicted_pods"),
    summary="deletes the evicted pods of a workload, which never run again",
    targets=WORKLOADS,
    parameters=EvictedParameters,
    when="evicted pods are left over, hide what runs, or use up the quota for pods",
    never="a pod that runs, waits or failed for another reason, or one without a controller",
    before="same uid; failed, with the reason Evicted, and owned by the workload",
    risk=Risk.LOW,
    undo="none needed: they had ended, and their controller has made others",
    replaced=True,
    reads=(*workload_rules("get"), Rule("apps", "replicasets", ("list",)), Rule("", "pods", ("get", "list"))),
    writes=(Rule("", "pods", ("delete",)),),
    prepare=prepare,
)
