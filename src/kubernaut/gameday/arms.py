"""What is done about a problem: Kubernaut, or one of the three ways that need no diagnosis."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef, Tree
from kubernaut.gameday.hand import Change, Hand
from kubernaut.gameday.steps import section
from kubernaut.ports import ClusterReader
from kubernaut.resources import CONTROLLER_REVISION, DAEMON_SET, DEPLOYMENT, REPLICA_SET, STATEFUL_SET

_WORKLOADS = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET)
_REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"
_RESTARTED = "kubectl.kubernetes.io/restartedAt"
_TWO = 2


class Arm(StrEnum):
    """The ways that are compared."""

    KUBERNAUT = "kubernaut"
    NOTHING = "nothing"
    RESTART = "restart"
    ROLLBACK = "rollback"


async def restart_everything(hand: Hand, namespace: str, *, at: datetime) -> int:
    """`kubectl rollout restart` of every workload; how many there were."""
    count = 0
    for ref, _ in await _workloads(hand.reader, namespace):
        await hand.edit(ref, _restarts(at), "kubectl-rollout")
        count += 1
    return count


def _restarts(at: datetime) -> Change:
    def change(draft: JsonObject) -> None:
        section(draft, "spec", "template", "metadata", "annotations")[_RESTARTED] = at.strftime("%Y-%m-%dT%H:%M:%SZ")

    return change


async def roll_back_everything(hand: Hand, namespace: str) -> int:
    """`kubectl rollout undo` of every workload that has an earlier revision; how many had one."""
    count = 0
    for ref, item in await _workloads(hand.reader, namespace):
        template = await _previous_template(hand.reader, item, ref)
        if template is not None:
            await hand.edit(ref, _takes(template), "kubectl-rollout")
            count += 1
    return count


def _takes(template: JsonObject) -> Change:
    def change(draft: JsonObject) -> None:
        section(draft, "spec")["template"] = template

    return change


async def _workloads(reader: ClusterReader, namespace: str) -> list[tuple[ObjectRef, KubeObject]]:
    found: list[tuple[ObjectRef, KubeObject]] = []
    for resource in _WORKLOADS:
        for item in (await reader.list(resource, namespace)).items:
            ref = ObjectRef(resource.api_version, resource.kind, namespace, item.name)
            if not item.has("metadata", "deletionTimestamp"):
                found.append((ref, item))
    return found


async def _previous_template(reader: ClusterReader, item: KubeObject, ref: ObjectRef) -> JsonObject | None:
    resource = REPLICA_SET if ref.kind == "Deployment" else CONTROLLER_REVISION
    listed = (await reader.list(resource, ref.namespace)).items
    own = sorted((each for each in listed if each.owner and each.owner.uid == item.uid), key=_number)
    if len(own) < _TWO:
        return None
    if ref.kind != "Deployment":
        return {key: part for key, part in own[-2].tree("data", "spec", "template").raw.items() if key != "$patch"}
    template: JsonObject = dict(own[-2].tree("spec", "template").raw)
    metadata = Tree(template).tree("metadata").raw
    labels = {key: text for key, text in Tree(template).mapping("metadata", "labels").items() if key != _HASH}
    return {**template, "metadata": {**metadata, "labels": {**labels}}}


def _number(revision: KubeObject) -> int:
    text = revision.annotations.get(_REVISION, "")
    return int(text) if text.isdigit() else revision.integer("revision")
