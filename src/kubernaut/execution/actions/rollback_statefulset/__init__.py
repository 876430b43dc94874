"""Returns a StatefulSet's pod template to a revision that was good, and clears the pods that hold the rollout up."""

from __future__ import annotations

from dataclasses import replace

from kubernaut.domain.changes import ObjectDeletion
from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.workloads import is_ready
from kubernaut.execution.catalogue import Action, Part, Prepared, Risk, Rule, Situation
from kubernaut.execution.revisions import RevisionParameters, replaced_by_hand, rolled_back
from kubernaut.execution.targets import workload_rules
from kubernaut.resources import POD

_HASH = "controller-revision-hash"


async def prepare(on: Situation[RevisionParameters]) -> Prepared | Refused:
    """The template of that ControllerRevision; pods of the bad one that never became ready are deleted.

    With ordered pods the controller waits for a broken pod for ever, also when the template is mended: it has to be
    deleted by somebody (documented as "forced rollback").
    """
    prepared = await rolled_back(on, replaced_by_hand)
    if isinstance(prepared, Refused) or prepared.before is None:
        return prepared
    workload = prepared.before
    pods = (await on.reader.list(POD, workload.namespace)).items
    stuck = [pod for pod in pods if pod.controller == workload.ref and _is_stuck(pod, workload)]
    parts = tuple(Part(pod, ObjectDeletion(pod.ref, pod.uid)) for pod in stuck)
    reach = prepared.reach + (f"; {len(stuck)} stuck pods deleted first" if stuck else "")
    return replace(prepared, further=parts, reach=reach, together=False)


def _is_stuck(pod: KubeObject, workload: KubeObject) -> bool:
    newest = workload.text("status", "updateRevision")
    return not is_ready(pod) and pod.labels.get(_HASH) == newest and not pod.has("metadata", "deletionTimestamp")


ACTION = Action[RevisionParameters](
    id=ActionId("rollback_statefulset"),
    summary="returns a StatefulSet's template to a good revision and deletes its pods that are stuck on the bad one",
    targets=("StatefulSet",),
    parameters=RevisionParameters,
    when="the template changed, pods of the new one fail, and an older one was available",
    never="with a partition or OnDelete, when Helm, GitOps or an operator owns it, or when the data has moved on",
    before="same uid and template as diagnosed; the revision exists and differs; no partition; its ConfigMaps exist",
    risk=Risk.HIGH,
    undo="template back to the snapshot; deleted pods are made again by their controller",
    reads=(
        *workload_rules("get", "StatefulSet"),
        Rule("apps", "controllerrevisions", ("list",)),
        Rule("", "configmaps", ("get",)),
        Rule("", "pods", ("get", "list")),
    ),
    writes=(*workload_rules("patch", "StatefulSet"), Rule("", "pods", ("delete",))),
    prepare=prepare,
)
