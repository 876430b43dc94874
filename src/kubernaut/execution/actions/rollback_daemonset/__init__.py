"""Returns a DaemonSet's pod template to a revision that was good."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.execution.catalogue import Action, Prepared, Risk, Rule, Situation
from kubernaut.execution.revisions import RevisionParameters, replaced_by_hand, rolled_back
from kubernaut.execution.targets import workload_rules


async def prepare(on: Situation[RevisionParameters]) -> Prepared | Refused:
    """The template of that ControllerRevision, whole, in place of the present one."""
    return await rolled_back(on, replaced_by_hand)


ACTION = Action[RevisionParameters](
    id=ActionId("rollback_daemonset"),
    summary="returns a DaemonSet's template to a good revision",
    targets=("DaemonSet",),
    parameters=RevisionParameters,
    when="the template changed, pods of the new one fail, and an older one was available",
    never="with OnDelete (pods would stay as they are), or when Helm, GitOps or an operator owns it",
    before="same uid and template as diagnosed; the revision exists and differs; its ConfigMaps exist",
    risk=Risk.HIGH,
    undo="template back to the snapshot, to the byte",
    reads=(
        *workload_rules("get", "DaemonSet"),
        Rule("apps", "controllerrevisions", ("list",)),
        Rule("", "configmaps", ("get",)),
    ),
    writes=workload_rules("patch", "DaemonSet"),
    prepare=prepare,
)
