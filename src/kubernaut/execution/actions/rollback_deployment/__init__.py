"""Returns a Deployment's pod template to a revision that was good."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.execution.catalogue import Action, Prepared, Risk, Rule, Situation
from kubernaut.execution.revisions import RevisionParameters, paused, rolled_back
from kubernaut.execution.targets import workload_rules


async def prepare(on: Situation[RevisionParameters]) -> Prepared | Refused:
    """The template of that revision's ReplicaSet, whole, in place of the present one."""
    return await rolled_back(on, paused)


ACTION = Action[RevisionParameters](
    id=ActionId("rollback_deployment"),
    summary="returns a Deployment's template to a good revision",
    targets=("Deployment",),
    parameters=RevisionParameters,
    when="the template changed, the new one fails, and an older one was available",
    never="when Helm or GitOps owns it, while it is paused, or when the fault is in a ConfigMap",
    before="same uid and template as diagnosed; the revision still exists and differs; its ConfigMaps exist",
    risk=Risk.MEDIUM,
    undo="template back to the snapshot, to the byte",
    reads=(
        *workload_rules("get", "Deployment"),
        Rule("apps", "replicasets", ("list",)),
        Rule("", "configmaps", ("get",)),
    ),
    writes=workload_rules("patch", "Deployment"),
    prepare=prepare,
)
