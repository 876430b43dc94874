"""Returns a Deployment's pod template to a revision that was good."""

from __future__ import annotations

import copy
from typing import Annotated

from msgspec import Meta

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef, Tree
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.preconditions import being_deleted, first, gone, owned_elsewhere, rolling_reach
from kubernaut.ports import ClusterReader
from kubernaut.resources import REPLICA_SET

_REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"


class RollbackParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Which revision."""

    revision: Annotated[int, Meta(ge=1, description="a revision that was available, as in `kubectl rollout history`")]


async def prepare(on: Situation[RollbackParameters]) -> Prepared | Refused:
    """The template of that revision's ReplicaSet, whole, in place of the present one."""
    deployment = await on.reader.get(on.target)
    if deployment is None:
        return gone(on.target)
    refusal = first(being_deleted(deployment), owned_elsewhere(deployment), _paused(deployment))
    if refusal:
        return refusal
    template = await _template_of(on.reader, deployment, on.parameters.revision)
    if template is None:
        return Refused("revision_missing", f"{deployment.ref} has no revision {on.parameters.revision} any more")
    if template == deployment.at("spec", "template"):
        return Refused("no_effect", f"{deployment.ref} has the template of revision {on.parameters.revision} already")
    missing = await _missing_config(on.reader, deployment.namespace, Tree(template))
    if missing:
        return Refused("config_missing", f"revision {on.parameters.revision} needs {missing}, which does not exist")
    change = edit(deployment, setting(deployment, template, "spec", "template"))
    return Prepared(deployment, change, rolling_reach(deployment))


def _paused(deployment: KubeObject) -> Refused | None:
    if not deployment.flag("spec", "paused"):
        return None
    return Refused("paused", f"{deployment.ref} is paused, so a new template would not be rolled out")


async def _template_of(reader: ClusterReader, deployment: KubeObject, revision: int) -> JsonObject | None:
    listing = await reader.list(REPLICA_SET, deployment.namespace)
    for replica_set in listing.items:
        owners = [owner.text("uid") for owner in replica_set.trees("metadata", "ownerReferences")]
        if deployment.uid in owners and replica_set.annotations.get(_REVISION) == str(revision):
            return _without_hash(replica_set.at("spec", "template"))
    return None


def _without_hash(template: Json) -> JsonObject | None:
    """The template as its author wrote it: the hash label belongs to the ReplicaSet."""
    if not isinstance(template, dict):
        return None
    result = copy.deepcopy(template)
    metadata = result.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    if isinstance(labels, dict):
        labels.pop(_HASH, None)
    return result


async def _missing_config(reader: ClusterReader, namespace: str, template: Tree) -> ObjectRef | None:
    """The first ConfigMap that the template cannot do without and that is gone: its content is in no revision."""
    for name in sorted(_config_maps(template)):
        ref = ObjectRef("v1", "ConfigMap", namespace, name)
        if await reader.get(ref) is None:
            return ref
    return None


def _config_maps(template: Tree) -> set[str]:
    containers = [*template.trees("spec", "initContainers"), *template.trees("spec", "containers")]
    references = [entry.tree("configMapRef") for each in containers for entry in each.trees("envFrom")]
    references += [entry.tree("valueFrom", "configMapKeyRef") for each in containers for entry in each.trees("env")]
    references += [volume.tree("configMap") for volume in template.trees("spec", "volumes")]
    return {entry.text("name") for entry in references if entry.text("name") and not entry.flag("optional")}


ACTION = Action[RollbackParameters](
    id=ActionId("rollback_deployment"),
    summary="returns a Deployment's template to a good revision",
    targets=("Deployment",),
    parameters=RollbackParameters,
    when="the template changed, the new one fails, and an older one was available",
    never="when Helm or GitOps owns it, while it is paused, or when the fault is in a ConfigMap",
    before="same uid and template as diagnosed; the revision still exists and differs; its ConfigMaps exist",
    risk=Risk.MEDIUM,
    undo="template back to the snapshot, to the byte",
    reads=(
        Rule("apps", "deployments", ("get",)),
        Rule("apps", "replicasets", ("list",)),
        Rule("", "configmaps", ("get",)),
    ),
    writes=(Rule("apps", "deployments", ("patch",)),),
    prepare=prepare,
)
