"""The Deployment controller: revisions, rolling updates and their status."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from kubernaut.domain.objects import JsonObject, KubeObject, Tree
from kubernaut.sandbox.cluster import Cluster
from kubernaut.sandbox.controllers import pods, revisions
from kubernaut.sandbox.controllers.rollout_status import condition, is_complete, limits, next_status, put_condition
from kubernaut.sandbox.failures import Failure
from kubernaut.sandbox.kinds import DEPLOYMENT, POD, REPLICA_SET
from kubernaut.sandbox.recorder import Recorder, normal
from kubernaut.sandbox.shapes import section
from kubernaut.sandbox.simulation import Key
from kubernaut.sandbox.storage import Change


class Deployments:
    """Keeps each Deployment's ReplicaSets as its strategy wants them."""

    watches = frozenset({DEPLOYMENT.key, REPLICA_SET.key, POD.key})

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._recorder = Recorder(cluster, "deployment-controller")

    def affected(self, change: Change) -> Iterable[Key]:
        """The Deployment itself, or the one that owns the ReplicaSet, also that of a pod that went.

        With the strategy Recreate nothing is made before the last pod of the former revision is gone.
        """
        if change.kind is DEPLOYMENT:
            return [pods.key_of(change.stored.view)]
        return self._of_gone_pod(change) if change.kind is POD else pods.owner_keys(change, DEPLOYMENT)

    def _of_gone_pod(self, change: Change) -> Iterable[Key]:
        if change.type != "DELETED":
            return
        for namespace, name in pods.owner_keys(change, REPLICA_SET):
            owner = self._cluster.find(REPLICA_SET, namespace, name)
            if owner is not None and owner.controller and owner.controller.kind == DEPLOYMENT.name:
                yield namespace, owner.controller.name

    def reconcile(self, key: Key, now: datetime) -> datetime | None:
        """One step of the rollout, then the status."""
        item = self._cluster.find(DEPLOYMENT, *key)
        if item is None or pods.is_terminating(item):
            return None
        sets = pods.owned_by(self._cluster, REPLICA_SET, item)
        new = revisions.find_new_set(item, sets)
        if item.flag("spec", "paused"):
            self._mark_paused(item, now)
            self._scale_paused(item, sets, new, now)
        else:
            self._mark_resumed(item, now)
            old = [each for each in sets if new is None or each.uid != new.uid]
            new = self._number(item, new, old, now)
            if new is not None:
                self._roll(item, new, [each for each in old if each.integer("spec", "replicas")], now)
        return self._finish(key, now)

    def _finish(self, key: Key, now: datetime) -> datetime | None:
        item = self._cluster.find(DEPLOYMENT, *key)
        if item is None:
            return None
        sets = pods.owned_by(self._cluster, REPLICA_SET, item)
        status, due = next_status(item, sets, revisions.find_new_set(item, sets), now)
        pods.write_status(self._cluster, DEPLOYMENT, item, status)
        if is_complete(item, Tree(status)):
            self._forget_old(item, sets)
        return due

    def _number(
        self, item: KubeObject, new: KubeObject | None, old: list[KubeObject], now: datetime
    ) -> KubeObject | None:
        """The ReplicaSet of the present template with the highest revision, made where there is none."""
        revision = max((revisions.revision_of(each) for each in old), default=0) + 1
        if new is None:
            new = self._make_new(item, old, revision, now)
            if new is None:
                return None
        elif revisions.revision_of(new) < revision or not self._annotated(item, new):
            revision = max(revision, revisions.revision_of(new))
            new = self._edit_set(new, lambda draft: self._annotate(draft, item, revision))
        if item.annotations.get(revisions.REVISION) != new.annotations.get(revisions.REVISION):
            number = new.annotations[revisions.REVISION]

            def edit(draft: JsonObject) -> None:
                section(draft, "metadata", "annotations")[revisions.REVISION] = number

            self._cluster.change(DEPLOYMENT, item.namespace, item.name, edit, pods.CONTROLLER)
        return new

    def _annotated(self, item: KubeObject, new: KubeObject) -> bool:
        return revisions.copied_annotations(item).items() <= new.annotations.items()

    def _annotate(self, draft: JsonObject, item: KubeObject, revision: int) -> None:
        revisions.raise_revision(draft, revision)
        section(draft, "metadata", "annotations").update(revisions.copied_annotations(item))

    def _make_new(self, item: KubeObject, old: list[KubeObject], revision: int, now: datetime) -> KubeObject | None:
        wanted = item.integer("spec", "replicas")
        surge, _ = limits(item)
        rolling = item.text("spec", "strategy", "type") != "Recreate"
        present = sum(each.integer("spec", "replicas") for each in old)
        replicas = max(0, min(wanted, wanted + surge - present)) if rolling else 0 if present else wanted
        draft = revisions.new_set(
            item, revision=revision, replicas=replicas, maximum=wanted + (surge if rolling else 0)
        )
        try:
            made = self._cluster.create(REPLICA_SET, item.namespace, draft, pods.CONTROLLER)
        except Failure as refused:
            self._progress(item, "False", "ReplicaSetCreateError", f"Failed to create new replica set: {refused}", now)
            return None
        new = KubeObject(made)
        if replicas:
            text = f"Scaled up replica set {new.name} from 0 to {replicas}"
            self._recorder.record(item, normal("ScalingReplicaSet", text), now)
        self._progress(item, "True", "NewReplicaSetCreated", f'Created new replica set "{new.name}"', now)
        return new

    def _progress(self, item: KubeObject, value: str, reason: str, text: str, now: datetime) -> None:
        current = self._cluster.find(DEPLOYMENT, item.namespace, item.name) or item
        status = pods.status_draft(current)
        put_condition(status, condition("Progressing", value, reason, text, now))
        pods.write_status(self._cluster, DEPLOYMENT, current, status)

    def _mark_paused(self, item: KubeObject, now: datetime) -> None:
        known = item.condition("Progressing")
        if known is None or known.text("reason") != "DeploymentPaused":
            self._progress(item, "Unknown", "DeploymentPaused", "Deployment is paused", now)

    def _mark_resumed(self, item: KubeObject, now: datetime) -> None:
        known = item.condition("Progressing")
        if known is not None and known.text("reason") == "DeploymentPaused":
            self._progress(item, "Unknown", "DeploymentResumed", "Deployment is resumed", now)

    def _scale_paused(self, item: KubeObject, sets: list[KubeObject], new: KubeObject | None, now: datetime) -> None:
        active = [each for each in sets if each.integer("spec", "replicas")]
        latest = max(sets, key=revisions.revision_of, default=None)
        only = active[0] if len(active) == 1 else new if not active else None
        if (only := only or (latest if not active else None)) is not None:
            self._scale(item, only, item.integer("spec", "replicas"), now)

    def _roll(self, item: KubeObject, new: KubeObject, old: list[KubeObject], now: datetime) -> None:
        wanted = item.integer("spec", "replicas")
        if item.text("spec", "strategy", "type") == "Recreate":
            for each in old:
                self._scale(item, each, 0, now)
            if not any(pods.owned_by(self._cluster, POD, each) for each in self._others(item, new)):
                self._scale(item, new, wanted, now)
            return
        surge, unavailable = limits(item)
        present = new.integer("spec", "replicas")
        total = present + sum(each.integer("spec", "replicas") for each in old)
        if present > wanted:
            new = self._scale(item, new, wanted, now)
        elif present < wanted:
            new = self._scale(item, new, min(wanted, present + max(0, wanted + surge - total)), now)
        else:
            new = self._scale(item, new, present, now)
        self._scale_down_old(item, new, old, wanted - unavailable, now)

    def _others(self, item: KubeObject, new: KubeObject) -> list[KubeObject]:
        return [each for each in pods.owned_by(self._cluster, REPLICA_SET, item) if each.uid != new.uid]

    def _scale_down_old(
        self, item: KubeObject, new: KubeObject, old: list[KubeObject], least: int, now: datetime
    ) -> None:
        total = new.integer("spec", "replicas") + sum(each.integer("spec", "replicas") for each in old)
        waiting = new.integer("spec", "replicas") - new.integer("status", "availableReplicas")
        room = total - least - max(0, waiting)
        for each in old:
            # Pods that are not available cost nothing to lose, so they go first.
            broken = each.integer("spec", "replicas") - each.integer("status", "availableReplicas")
            drop = min(room, max(0, broken))
            if drop > 0:
                self._scale(item, each, each.integer("spec", "replicas") - drop, now)
                room -= drop
        current = [self._cluster.find(REPLICA_SET, each.namespace, each.name) or each for each in old]
        available = sum(each.integer("status", "availableReplicas") for each in [new, *current])
        spare = min(room, available - least)
        for each in current:
            drop = min(spare, each.integer("spec", "replicas"), each.integer("status", "availableReplicas"))
            if drop > 0:
                self._scale(item, each, each.integer("spec", "replicas") - drop, now)
                spare -= drop

    def _scale(self, item: KubeObject, target: KubeObject, replicas: int, now: datetime) -> KubeObject:
        """Sets the size of a ReplicaSet and the annotations that note what its Deployment wants."""
        wanted = item.integer("spec", "replicas")
        rolling = item.text("spec", "strategy", "type") != "Recreate"
        notes = {
            revisions.DESIRED: str(wanted),
            revisions.MAXIMUM: str(wanted + (limits(item)[0] if rolling else 0)),
        }
        before = target.integer("spec", "replicas")
        if before == replicas and notes.items() <= target.annotations.items():
            return target

        def edit(draft: JsonObject) -> None:
            section(draft, "spec")["replicas"] = replicas
            section(draft, "metadata", "annotations").update(notes)

        scaled = self._edit_set(target, edit)
        if before != replicas:
            way = "up" if replicas > before else "down"
            text = f"Scaled {way} replica set {target.name} from {before} to {replicas}"
            self._recorder.record(item, normal("ScalingReplicaSet", text), now)
        return scaled

    def _edit_set(self, target: KubeObject, edit: pods.Edit) -> KubeObject:
        return KubeObject(self._cluster.change(REPLICA_SET, target.namespace, target.name, edit, pods.CONTROLLER))

    def _forget_old(self, item: KubeObject, sets: list[KubeObject]) -> None:
        new = revisions.find_new_set(item, sets)
        idle = [
            each
            for each in sets
            if each.integer("spec", "replicas") == each.integer("status", "replicas") == 0
            and (new is None or each.uid != new.uid)
            and not pods.is_terminating(each)
        ]
        idle.sort(key=revisions.revision_of)
        keep = item.integer("spec", "revisionHistoryLimit", default=10)
        for each in idle[: max(0, len(idle) - keep)]:
            self._cluster.delete(REPLICA_SET, each.namespace, each.name, pods.CONTROLLER)
